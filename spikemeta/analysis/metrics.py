"""Numbers that summarise an accuracy matrix, and their mean over seeds.

An accuracy matrix has shape (n_tasks, n_tasks) and holds fractions of correct answers, 0 to 1. Row ``i`` was
measured after training on task ``i``, column ``j`` on the test data of task ``j``; nan where nothing was
measured. Metrics that compare tasks are nan when there is only one task.

References
----------
- Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017 (backward and
   forward transfer).
- Chaudhry, Dokania, Ajanthan and Torr, "Riemannian Walk for Incremental Learning: Understanding
   Forgetting and Intransigence", ECCV 2018 (average accuracy, forgetting, intransigence).
- Cho, Lee, Baek and Paik, Neural Networks 190, 107762, 2025 (memorized items).
- Phipson and Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 39, 2010.
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


def shuffled_labels(answers, right, rng, n=1000):
    """How often the recall of an item is reached by chance: predictions stay, the labels of all test images are shuffled.

    An item's shuffled recall depends only on how many images got its answer, so the shuffles are drawn from the
    hypergeometric distribution that shuffling gives.

    Parameters
    ----------
    answers : (n_items, n_answers) int
        How often each answer (silence may be one) was given to the test images of each item.
    right : (n_items,) int
        The right answer of each item.
    rng : numpy.random.Generator
    n : int
        Shuffles.

    Returns
    -------
    p : ndarray, (n_items,)
        ``(1 + #{shuffled >= real})/(1 + n)`` (Phipson and Smyth 2010): below .05, an item counts as memorized.
    published : ndarray, (n_items,)
        ``#{shuffled > real}/n``, as Cho et al. (2025) have it: 0, and so "memorized", for an answer that is never given.
    """
    answers = np.asarray(answers)
    images, given = answers.sum(axis=1), answers.sum(axis=0)[right]
    real = answers[np.arange(len(answers)), right]
    shuffled = rng.hypergeometric(given, images.sum() - given, images, (n, len(images)))
    return (1 + (shuffled >= real).sum(axis=0)) / (1 + n), (shuffled > real).mean(axis=0)


@dataclass(frozen=True)
class Test:
    """A t-test over seeds.

    Attributes
    ----------
    mean : float
        Mean difference.
    t, p : float
        nan with fewer than two seeds, or where all differences are equal.
    n : int
        Seeds.
    kind : str
    """

    __test__ = False  # not a test of pytest's

    mean: float
    t: float
    p: float
    n: int
    kind: str


def _t_test(differences, alternative, kind):
    from scipy.stats import ttest_1samp

    differences = np.asarray(differences, float)
    differences = differences[np.isfinite(differences)]
    n = len(differences)
    if n < 2 or np.ptp(differences) < 1e-12 * np.max(np.abs(differences), initial=1.0):
        return Test(float(differences.mean()) if n else float("nan"), float("nan"), float("nan"), n, kind)
    found = ttest_1samp(differences, 0.0, alternative=alternative)
    return Test(float(differences.mean()), float(found.statistic), float(found.pvalue), n, kind)


def above(values, level=0.0):
    """Whether a metric is above a level: one-sided one-sample t-test over seeds.

    For a metric that is itself a difference within each seed, this is the one-sided paired t-test.

    Parameters
    ----------
    values : array_like, (n_seeds,)
    level : float

    Returns
    -------
    Test
    """
    return _t_test(np.asarray(values, float) - level, "greater", "one-sided t-test over seeds")


def paired(values, others):
    """Whether two rules that share seeds differ: two-sided paired t-test over seeds.

    Parameters
    ----------
    values, others : array_like, (n_seeds,)
        In the same order of seeds.

    Returns
    -------
    Test
    """
    return _t_test(np.asarray(values, float) - np.asarray(others, float), "two-sided", "two-sided paired t-test over seeds")


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
