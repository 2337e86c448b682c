"""The answer of neurons that no label taught: each is given the class to which it responds most, on training images alone.

When a training phase is over, the last presentations of each class are shown again, of every task so far, without learning,
and what neurons do there decides their classes until the next is over (Diehl & Cook 2015, Front. Comput. Neurosci. 9, 99).
"""

from dataclasses import replace

import numpy as np

#: Kind of a phase that shows them.
KIND = "responses"


def shown_again(phases, recent):
    """The last presentations of each answer of each task, as phases that show them.

    Parameters
    ----------
    phases : sequence of Phase
        Of a run, up to a training phase.
    recent : int
        Presentations of an answer; fewer where fewer were trained.

    Returns
    -------
    list of Phase
        One for each training phase from which some are, the oldest first, in the order in which they were trained.
    """
    left, out = {}, []
    for phase in reversed([phase for phase in phases if phase.kind == "train"]):
        places = []
        for label in np.unique(phase.labels[phase.labels >= 0]).tolist():
            wanted = left.setdefault((phase.task, label), recent)
            found = np.flatnonzero(phase.labels == label)[-wanted:] if wanted else []
            left[phase.task, label] -= len(found)
            places.extend(found)
        if places:
            places = np.sort(places)
            orders = None if phase.order_of is None else phase.order_of[places]
            own = {"indices": phase.indices[places], "labels": phase.labels[places], "order_of": orders}
            out.append(replace(phase, kind=KIND, name=f"responses, {phase.name}", boundary=False, **own))
    return out[::-1]


class Responses:
    """What neurons of a layer do in presentations of each class.

    Parameters
    ----------
    layer : str
    n : int
        Its neurons.
    n_classes : int
    recent : int
        Presentations of a class, and task, that are shown again.
    """

    def __init__(self, layer, n, n_classes, recent):
        self.n, self.n_classes, self.recent = n, n_classes, recent
        self.mean = f"responses {layer}.mean"

    def begin(self):
        """State before the first presentation: mean spikes in presentations of each class, (n_classes, n), 0."""
        return {self.mean: np.zeros((self.n_classes, self.n))}

    def after(self, counts, labels):
        """The state when presentations of each class were shown again.

        Parameters
        ----------
        counts : ndarray, (n_presentations, n)
            Spikes.
        labels : ndarray of int, (n_presentations,)

        Returns
        -------
        dict of str to ndarray
        """
        member = labels == np.arange(self.n_classes)[:, None]
        return {self.mean: member @ counts / np.maximum(member.sum(1, keepdims=True), 1)}

    def answers(self, state, counts):
        """Mean spikes of the neurons of each class.

        Parameters
        ----------
        state : dict of str to ndarray
        counts : ndarray, (n_presentations, n)

        Returns
        -------
        ndarray of float64, (n_presentations, n_classes)
            0 for a class that has no neurons. A neuron that did not fire has no class; of classes to which it responded
            equally, it has the first.
        """
        mean = state[self.mean]
        member = (mean.argmax(0) == np.arange(self.n_classes)[:, None]) & (mean.max(0) > 0)
        return counts @ (member / np.maximum(member.sum(1, keepdims=True), 1)).T
