"""What a network is shown: a sequence of phases, each the training on a task or the test of one."""

from dataclasses import dataclass, field

import numpy as np

from spikemeta.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Phase:
    """One stretch of stimuli: the training on a task, or the test of one.

    Attributes
    ----------
    kind : str
        ``"train"`` or ``"test"``; ``"probe"`` where a simulation shows images under given weights, without labels;
        ``"responses"`` where it shows some of what was trained again, without learning.
    task : int
        Task that the stimuli belong to, from 0.
    name : str
        For people, tasks counted from 1: ``"train task 3"``, ``"test task 1 after task 3"``.
    after : int
        Number of tasks trained when the phase ends (a training phase: ``task + 1``).
    split : str
        ``"train"`` or ``"test"``: the dataset's images that `indices` point into. Validation images are cut
        from the training images, so their phases have the kind ``"test"`` and the split ``"train"``.
    indices : (n,) int32
        Images in the order of presentation.
    labels : (n,) int32
        What the network has to answer, 0..n_classes-1; in the split curriculum 0 or 1.
    permutation : (pixels,) or (orders, pixels) int32 or None
        Pixel order of the task: the stimulus is ``image[permutation]``. None: the image as it is.
    boundary : bool
        Whether this training phase opens a new task.
    allowed : tuple of int or None
        Answers that count when the phase is tested, or that a network learns to tell apart where it is trained; None: all.
    order_of : (n,) int32 or None
        Which of the orders in `permutation` each image is shown in, where a phase mixes tasks.
    """

    kind: str
    task: int
    name: str
    after: int
    split: str
    indices: np.ndarray
    labels: np.ndarray
    permutation: np.ndarray | None
    boundary: bool
    allowed: tuple[int, ...] | None = None
    order_of: np.ndarray | None = None

    def source(self, dataset):
        """What an engine shows.

        Parameters
        ----------
        dataset : Dataset

        Returns
        -------
        images : (m, pixels) uint8, or Trains
        indices : (n,) int32
            Which of them, in the order of presentation.
        permutation : (pixels,) int32 or None
            The order of their pixels.
        """
        images = getattr(dataset, f"{self.split}_images")
        if self.order_of is None:
            return images, self.indices, self.permutation
        shown, orders = images[self.indices], self.permutation[self.order_of]
        shown = shown.reordered(orders) if dataset.spikes else np.take_along_axis(shown, orders, axis=1)
        return shown, np.arange(len(shown), dtype=np.int32), None


@dataclass(frozen=True, eq=False)
class Curriculum:
    """A sequence of phases: each task is trained in turn, and after each all tasks are tested.

    Attributes
    ----------
    name : str
        ``"joint"``, ``"split"`` or ``"permuted"``; ``"items"`` for `spikemeta.data.items`.
    dataset : Dataset
    n_classes : int
        Number of answers the network chooses from.
    n_tasks : int
    phases : tuple of Phase
    notes : dict of str to ndarray
        What else an analysis needs to know; stored with every run.
    scenario : str
        Of split tasks, which answers count.
    """

    name: str
    dataset: Dataset
    n_classes: int
    n_tasks: int
    phases: tuple[Phase, ...]
    notes: dict = field(default_factory=dict)
    scenario: str = "domain"

    @property
    def chance(self):
        """Accuracy of guessing among the answers that count in the last phase, fraction."""
        allowed = self.phases[-1].allowed if self.phases else None
        return 1 / (self.n_classes if allowed is None else len(allowed))

    def images(self, phase):
        """Stimuli of a phase: (n, pixels) uint8, 0..255, in the order of presentation."""
        images, indices, permutation = phase.source(self.dataset)
        return images[indices] if permutation is None else images[indices][:, permutation]
