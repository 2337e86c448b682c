"""The answer of neurons that no label taught: each is given the class to which it responded most while it learned.

What is kept, among the state of a run, is each neuron's mean number of spikes in training presentations of each class, of
which those before the last ``recent`` of that class fade: each moves the mean by 1/min(k, recent), the k-th of its class.
"""

import numpy as np


class Responses:
    """What neurons of a layer do in presentations of each class.

    Parameters
    ----------
    layer : str
    n : int
        Its neurons.
    n_classes : int
    recent : float
        Presentations of a class.
    """

    def __init__(self, layer, n, n_classes, recent):
        self.n, self.n_classes, self.recent = n, n_classes, recent
        self.mean, self.shown = f"responses {layer}.mean", f"responses {layer}.shown"

    def begin(self):
        """State before the first presentation: mean spikes (n_classes, n), and presentations of each class (n_classes,)."""
        return {self.mean: np.zeros((self.n_classes, self.n)), self.shown: np.zeros(self.n_classes)}

    def after(self, state, counts, labels):
        """The state after a training phase.

        Parameters
        ----------
        state : dict of str to ndarray
            With what `begin` has; not changed.
        counts : ndarray, (n_presentations, n)
            Spikes.
        labels : ndarray of int, (n_presentations,)
            Those without a label, -1, count for nothing.

        Returns
        -------
        dict of str to ndarray
        """
        mean, shown = state[self.mean].copy(), state[self.shown].copy()
        for label, found in zip(labels.tolist(), counts, strict=True):
            if label >= 0:
                shown[label] += 1
                mean[label] += (found - mean[label]) / min(shown[label], self.recent)
        return {self.mean: mean, self.shown: shown}

    def answers(self, state, counts):
        """Mean spikes of the neurons of each class.

        Parameters
        ----------
        state : dict of str to ndarray
        counts : ndarray, (n_presentations, n)

        Returns
        -------
        ndarray of float64, (n_presentations, n_classes)
            0 for a class that has no neurons. A neuron that never fired has no class; of classes to which it responded
            equally, it has the first.
        """
        mean = state[self.mean]
        member = (mean.argmax(0) == np.arange(self.n_classes)[:, None]) & (mean.max(0) > 0)
        return counts @ (member / np.maximum(member.sum(1, keepdims=True), 1)).T
