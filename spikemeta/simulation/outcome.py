"""What comes of a simulation: of one phase, and of the whole run."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class PhaseResult:
    """What the readout did in one phase.

    Attributes
    ----------
    phase : Phase
    counts : ndarray of int32, shape (n, n_classes)
        Spikes of each readout neuron in each presentation; where neurons are given their classes by what they do, float64,
        the mean of those of each class; in training, by the classes that they had before the phase.
    hidden_rate : float
        Mean rate of the hidden neurons, Hz.
    seconds : float
        Wall-clock time.
    events : dict of str to int
        Spikes and touches of each layer, and steps; see `spikemeta.hardware.counters`. Empty with engine torch.
    """

    phase: object
    counts: np.ndarray
    hidden_rate: float
    seconds: float
    events: dict = field(default_factory=dict)

    @property
    def counted(self):
        """`counts` with those of answers that the phase does not allow at 0."""
        allowed = getattr(self.phase, "allowed", None)
        return self.counts if allowed is None else self.counts * np.isin(np.arange(self.counts.shape[1]), allowed)

    @property
    def accuracy(self):
        """Fraction answered rightly by most spikes; a silent readout counts as wrong, ties go to the lowest index."""
        counts = self.counted
        right = (counts.argmax(axis=1) == self.phase.labels) & (counts.sum(axis=1) > 0)
        return float(right.mean())

    @property
    def answers(self):
        """How often each answer was given; the last is silence. Shape (n_classes + 1,)."""
        counts = self.counted
        spoke = counts.sum(axis=1) > 0
        given = np.bincount(counts[spoke].argmax(axis=1), minlength=counts.shape[1])
        return np.append(given, np.sum(~spoke))

    @property
    def readout_spikes(self):
        """Mean number of spikes of a readout neuron in a presentation."""
        return float(self.counts.mean())

    @property
    def silent(self):
        """Fraction of presentations without a spike of the readout."""
        return float((self.counts.sum(axis=1) == 0).mean())


@dataclass
class Run:
    """A finished curriculum.

    Attributes
    ----------
    phases : list of PhaseResult
    constants : dict
        Of the network, and of the rule by projection.
    compile_seconds : float
    state : dict of str to ndarray
        State of every synapse at the end, by ``projection.variable``, shape (n_pre, n_post).
    weights : dict of str to ndarray
        Mean weights at the end, by projection, the weight noise at zero; (n_pre, n_post), 1. They can start another run.
    recorded : dict of str to ndarray
        What was recorded of synapses and neurons, as `spikemeta.simulation.recording.Recorder.arrays` says; empty without.
    """

    n_tasks: int
    constants: dict
    phases: list = field(default_factory=list)
    compile_seconds: float = 0.0
    state: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    recorded: dict = field(default_factory=dict)

    @property
    def accuracy_matrix(self):
        """Accuracy after each task (rows) on each task (columns); NaN where not tested; shape (n_tasks, n_tasks).

        There are more rows where tasks come again.
        """
        rows = max([self.n_tasks, *[result.phase.after for result in self.phases]])
        out = np.full((rows, self.n_tasks), np.nan)
        for result in self.phases:
            if result.phase.kind == "test":
                out[result.phase.after - 1, result.phase.task] = result.accuracy
        return out
