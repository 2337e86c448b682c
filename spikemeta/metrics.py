"""Numbers that summarise an accuracy matrix, and their mean over seeds.

An accuracy matrix has shape (n_tasks, n_tasks) and holds fractions of correct answers, 0 to 1. Row ``i`` was
measured after training on task ``i``, column ``j`` on the test data of task ``j``; nan where nothing was
measured. Metrics that compare tasks are nan when there is only one task.

References
----------
- Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017 (backward and
   forward transfer).
- Chaudhry, Dokania, Ajanthan and Torr, "Riemannian Walk for Incremental Learning: Understanding
   Forgetting and Intransigence", ECCV 2018 (forgetting).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Mean of one metric over seeds.

    Attributes
    ----------
    mean, std : float
        Mean and sample standard deviation (n - 1 in the denominator; nan for a single seed).
    low, high : float
        Ends of the two-sided t-interval around the mean (nan for a single seed).
    n : int
        Number of finite values.
    """

    mean: float
    std: float
    low: float
    high: float
    n: int


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


def summarise(values, level=0.95):
    """Mean and t-interval over seeds; values that are not finite are left out.

    Parameters
    ----------
    values : array_like, (n_seeds,)
    level : float
        Coverage of the interval, 0 to 1.

    Returns
    -------
    Summary
    """
    from scipy.stats import t  # slow to import, so not at module level

    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    n, nan = len(values), float("nan")
    if n < 2:
        return Summary(float(values[0]) if n else nan, nan, nan, nan, n)
    mean, std = float(values.mean()), float(values.std(ddof=1))
    half = float(t.ppf(0.5 + level / 2, n - 1)) * std / np.sqrt(n)
    return Summary(mean, std, mean - half, mean + half, n)
