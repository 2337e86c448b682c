"""Numbers that summarise an accuracy matrix.

An accuracy matrix has shape (n_tasks, n_tasks) and holds fractions of correct answers, 0 to 1. Row ``i`` was
measured after training on task ``i``, column ``j`` on the test data of task ``j``; nan where nothing was
measured. Metrics that compare tasks are nan when there is only one task.

References
----------
- Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017 (backward and
   forward transfer).
- Gama, Sebastiao and Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90, 317, 2013 (prequential).
- Chaudhry, Dokania, Ajanthan and Torr, "Riemannian Walk for Incremental Learning: Understanding
   Forgetting and Intransigence", ECCV 2018 (average accuracy, forgetting, intransigence).
"""

import numpy as np


def _square(matrix):
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"an accuracy matrix must be square and not empty, this one has shape {matrix.shape}")
    return matrix


def final_accuracy(matrix):
    """Mean over all tasks after the last one was trained.

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    float
        Fraction; nan if a task was not tested at the end.
    """
    return float(_square(matrix)[-1].mean())


def just_learned_accuracy(matrix):
    """Mean over tasks of the accuracy right after training each: what the rule can still learn.

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    float
        Mean of the diagonal, fraction.
    """
    return float(np.diag(_square(matrix)).mean())


def forgetting(matrix):
    """Best accuracy since a task was learned minus its final accuracy, averaged over all but the last task.

    Chaudhry et al. (2018) with one restriction: the best is sought among the rows ``j .. n_tasks - 2``
    of column ``j``, from the moment the task is learned, so that the value does not depend on whether tasks
    were also tested before they were learned. Negative if tasks improved later on.

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    float
        Fraction; nan for a single task.
    """
    matrix = _square(matrix)
    lost = [np.max(matrix[task:-1, task]) - matrix[-1, task] for task in range(len(matrix) - 1)]
    return float(np.mean(lost)) if lost else float("nan")


def backward_transfer(matrix):
    """Final minus just-learned accuracy, averaged over all but the last task (Lopez-Paz and Ranzato 2017).

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    float
        Fraction, negative where learning one task harms earlier ones; nan for a single task.
    """
    matrix = _square(matrix)
    change = matrix[-1, :-1] - np.diag(matrix)[:-1]
    return float(change.mean()) if change.size else float("nan")


def forward_transfer(matrix, baseline):
    """Accuracy just before learning a task minus `baseline`, averaged over all but the first task.

    Forward transfer as in Lopez-Paz and Ranzato (2017).

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction
    baseline : float or array_like, (n_tasks,), fraction
        Accuracy without any training. The source measures a network at its random start; the studies here use
        chance, one over the number of classes.

    Returns
    -------
    float
        Fraction; nan for a single task or where unseen tasks were not tested.
    """
    matrix = _square(matrix)
    before = np.diag(matrix, k=1) - np.broadcast_to(baseline, len(matrix))[1:]
    return float(before.mean()) if before.size else float("nan")


def average_accuracy(matrix):
    """After each task, the mean accuracy over the tasks learned so far (Chaudhry et al. 2018).

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    ndarray, (n_tasks,), fraction
        The last is `final_accuracy`.
    """
    matrix = _square(matrix)
    return np.array([row[: k + 1].mean() for k, row in enumerate(matrix)])


def average_incremental_accuracy(matrix):
    """Mean over tasks of the accuracy on the tasks learned so far (Rebuffi et al., iCaRL, CVPR 2017; tasks of equal size).

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction

    Returns
    -------
    float
        Fraction: the mean of `average_accuracy`.
    """
    return float(average_accuracy(matrix).mean())


def average_anytime_accuracy(accuracy, after):
    """Mean over all moments of testing of the accuracy on the tasks begun so far (Caccia et al., NeurIPS 2020).

    Parameters
    ----------
    accuracy : array_like, (n_tests, n_tasks), fraction
        At each moment, within tasks too, on every task.
    after : array_like, (n_tests,) int
        Tasks begun at that moment, at least 1.

    Returns
    -------
    float
        Fraction; `average_incremental_accuracy` if each task is tested once, at its end.
    """
    return float(np.mean([np.mean(row[:n]) for row, n in zip(np.asarray(accuracy, float), after, strict=True)]))


def prequential_accuracy(right):
    """Fraction of images that were answered rightly just before they were learned (Gama, Sebastiao and Rodrigues 2013).

    Every image of a stream is tested first and learned then, so that a stream without tasks needs no test images.

    Parameters
    ----------
    right : array_like, (n,) bool
        In the order of presentation.

    Returns
    -------
    float
        Fraction; nan for an empty stream.
    """
    right = np.asarray(right, float)
    return float(right.mean()) if right.size else float("nan")


def prequential_along(right, window):
    """`prequential_accuracy` of the last images, along a stream.

    Parameters
    ----------
    right : array_like, (n,) bool
    window : int
        Images that count; fewer at the beginning.

    Returns
    -------
    ndarray, (n,), fraction
    """
    total = np.concatenate([[0.0], np.cumsum(np.asarray(right, float))])
    end = np.arange(1, len(total))
    start = np.maximum(0, end - window)
    return (total[end] - total[start]) / (end - start)


def per_class_accuracy(answers, labels, n_classes):
    """Fraction of the images of each class that were answered rightly.

    Parameters
    ----------
    answers : array_like, (n,) int
        -1 for silence, which is wrong.
    labels : array_like, (n,) int
    n_classes : int

    Returns
    -------
    ndarray, (n_classes,), fraction
        nan for a class without images.
    """
    answers, labels = np.asarray(answers), np.asarray(labels)
    shown = np.bincount(labels, minlength=n_classes)
    right = np.bincount(labels[answers == labels], minlength=n_classes)
    return np.divide(right, shown, out=np.full(n_classes, np.nan), where=shown > 0)


def recent_along(matrix, recent):
    """Mean accuracy on the newest tasks after each task of a stream.

    Parameters
    ----------
    matrix : array_like, shape (tasks, tasks)
        Row k, column j: accuracy on task j after task k, tested for the newest ``recent`` tasks at least.
    recent : int
        How many tasks count; fewer at the beginning.

    Returns
    -------
    ndarray, shape (tasks,)
    """
    return np.array([np.mean(row[max(0, k + 1 - recent) : k + 1]) for k, row in enumerate(np.asarray(matrix, float))])


def intransigence(matrix, upper):
    """What could be learned minus what was learned, right after training, averaged over tasks (Chaudhry et al. 2018).

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction
    upper : float or array_like, (n_tasks,), fraction
        Accuracy on each task of a network that is free to learn it: in the source, one trained on all tasks so far.

    Returns
    -------
    float
        Fraction; negative where earlier tasks help to learn later ones.
    """
    matrix = _square(matrix)
    return float((np.broadcast_to(upper, len(matrix)) - np.diag(matrix)).mean())


def of_matrix(matrix, chance):
    """Every metric of one accuracy matrix, by the names used in ``summary.json``.

    Parameters
    ----------
    matrix : array_like, (n_tasks, n_tasks), fraction
    chance : float
        Accuracy of guessing, fraction.

    Returns
    -------
    dict of str to float
    """
    return {
        "final_accuracy": final_accuracy(matrix),
        "just_learned_accuracy": just_learned_accuracy(matrix),
        "forgetting": forgetting(matrix),
        "backward_transfer": backward_transfer(matrix),
        "forward_transfer": forward_transfer(matrix, chance),
    }
