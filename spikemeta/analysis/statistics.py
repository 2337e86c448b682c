"""Means over seeds, and tests between them and against chance.

References
----------
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
