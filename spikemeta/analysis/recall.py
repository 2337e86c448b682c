"""What became of each item in a run: recall, memorized items, serial positions, attacks.

A run of the curriculum of items (`spikemeta.data.items`) is tested at several times; at each, every item has a recall, the
fraction of its test images that got its answer. Seeds are the unit of replication throughout: a test compares
one number per seed.
"""

from dataclasses import dataclass

import numpy as np

from spikemeta.analysis import metrics, statistics

LEVEL = 0.05  # below it, an item is memorized


@dataclass(frozen=True)
class Recall:
    """The tests of one run.

    Attributes
    ----------
    after : (n_tests,) int
        Presentations of items before each test.
    recall : (n_tests, n_items), fraction
    answers : (n_tests, n_items, n_items + 1) int
        How often the test images of each item were answered as each item; last, how often not at all.
    shown : (n_tests, n_items) bool
        Whether the item had been presented by then.
    sequence, attacked : (n_steps,) int and bool
        The item of each presentation, and whether it was taught under another label.
    false_items : (n_items,) int
        The item whose label an attack gives, -1 without one.
    repeated : (n_items,) bool
        Whether the item is no filler.
    """

    after: np.ndarray
    recall: np.ndarray
    answers: np.ndarray
    shown: np.ndarray
    sequence: np.ndarray
    attacked: np.ndarray
    false_items: np.ndarray
    repeated: np.ndarray

    @property
    def last_clean(self):
        """Index of the last test before an attack; without one, the last test."""
        clean = np.argmax(self.attacked) if self.attacked.any() else len(self.sequence)
        return int(np.flatnonzero(self.after <= clean)[-1])


def recall_of(run):
    """The tests of a run.

    Parameters
    ----------
    run : spikemeta.analysis.rows.FinishedRun

    Returns
    -------
    Recall
    """
    arrays = run.arrays
    n_items = len(arrays["classes"])
    columns = np.append(arrays["answers"], n_items)
    after = arrays["test_after"].reshape(-1, n_items)[:, 0]
    shown = np.array([np.isin(np.arange(n_items), arrays["sequence"][:k]) for k in after])
    return Recall(
        after,
        arrays["test_accuracy"].reshape(-1, n_items),
        arrays["test_answers"].reshape(-1, n_items, n_items + 1)[:, :, columns],
        shown,
        *(arrays[name] for name in ("sequence", "attacked", "false_items", "repeated")),
    )


def memorized(found, seed):
    """Items that were shown and are memorized, at each test.

    Parameters
    ----------
    found : Recall
    seed : int
        Seed of the shuffles.

    Returns
    -------
    corrected, published : (n_tests,) int
        By the two criteria of `spikemeta.analysis.statistics.shuffled_labels`.
    """
    rng = np.random.default_rng([seed, 3])
    n_items = found.recall.shape[1]
    tests = [statistics.shuffled_labels(answers, np.arange(n_items), rng) for answers in found.answers]
    return tuple(np.array([np.sum((t[k] < LEVEL) & s) for t, s in zip(tests, found.shown, strict=True)]) for k in (0, 1))


def ends(n_items):
    """The first, middle and last positions: two at each end, one with fewer than five items.

    Returns
    -------
    first, middle, last : slice
    """
    edge = 2 if n_items >= 5 else 1
    return slice(edge), slice(edge, n_items - edge), slice(n_items - edge, n_items)


def overall(run, chance):
    """Metrics that every study of items reports.

    Parameters
    ----------
    run : spikemeta.analysis.rows.FinishedRun
    chance : float
        Recall by guessing, fraction.

    Returns
    -------
    dict of str to float
        ``final_accuracy``, mean recall at the end; ``minimum_recall``, of the worst item; ``memorized_items`` and
        ``memorized_items_published``, at the end.
    """
    found = recall_of(run)
    corrected, published = memorized(found, run.seed)
    return {
        "final_accuracy": float(found.recall[-1].mean()),
        "minimum_recall": float(found.recall[-1].min()),
        "memorized_items": int(corrected[-1]),
        "memorized_items_published": int(published[-1]),
    }


def of_serial_position(run, chance):
    """Metrics of one pass, tested after each item: primacy, recency, transfer, and how many items are kept.

    Primacy (recency) is the mean recall of the first (last) two items minus that of the middle ones.
    """
    found = recall_of(run)
    at_end, (first, middle, last) = found.recall[-1], ends(found.recall.shape[1])
    matrix = metrics.of_matrix(found.recall, chance)
    corrected, published = memorized(found, run.seed)
    return (
        overall(run, chance)
        | {name: matrix[name] for name in ("just_learned_accuracy", "forgetting", "backward_transfer", "forward_transfer")}
        | {
            "primacy": at_end[first].mean() - at_end[middle].mean(),
            "recency": at_end[last].mean() - at_end[middle].mean(),
            "first_above_chance": at_end[first].mean() - chance,
            "last_above_chance": at_end[last].mean() - chance,
            "recall_by_position": at_end,
            "items_kept": corrected,
            "items_kept_published": published,
            "average_accuracy": metrics.average_accuracy(found.recall),
            "accuracy_matrix": found.recall,
        }
    )


def of_repetition(run, chance):
    """Metrics of a sequence that is shown again and again, tested after each pass.

    ``repeated_recall``, of the repeated items at the end. Fillers are left out, except for the ``hidden_advantage``:
    at the end, mean recall of the repeated items minus that of the fillers, nan where there are none. ``repetition_gain`` is
    mean recall after the last pass minus after the first, ``minimum_gain`` the same of the worst item.
    """
    found = recall_of(run)
    own, fillers = found.recall[:, found.repeated], found.recall[:, ~found.repeated]
    corrected, _ = memorized(found, run.seed)
    return overall(run, chance) | {
        "repeated_recall": own[-1].mean(),
        "repetition_gain": own[-1].mean() - own[0].mean(),
        "minimum_gain": own[-1].min() - own[0].min(),
        "hidden_advantage": own[-1].mean() - fillers[-1].mean() if fillers.size else float("nan"),
        "recall_after_pass": own.mean(axis=1),
        "minimum_after_pass": own.min(axis=1),
        "items_after_pass": corrected,
        "recall_by_position": np.where(found.repeated, found.recall, np.nan),
    }


def of_attack(run, chance):
    """Metrics of wrong labels: before and after they are taught, as fractions, and what they achieved.

    ``accuracy_before_attack`` and ``accuracy_after_attack``: mean recall of all items, scored by true labels;
    ``victims_before_attack`` and ``victims_after_attack``: of the attacked items alone; ``attack_success``: the fraction
    of their test images that are answered as taught by the attack, and ``false_before_attack`` the same before;
    ``retained``: accuracy after the attack over accuracy before. All nan without an attack.
    """
    found, nan = recall_of(run), float("nan")
    corrected, _ = memorized(found, run.seed)
    victims = np.flatnonzero(found.false_items >= 0)
    out = overall(run, chance) | {"recall_after_test": found.recall.mean(axis=1), "items_after_test": corrected}
    names = ("accuracy_before_attack", "accuracy_after_attack", "victims_before_attack", "victims_after_attack")
    names += ("attack_success", "false_before_attack", "retained", "items_before_attack", "items_after_attack")
    if not len(victims):
        return out | dict.fromkeys(names, nan)
    before = found.last_clean
    mean = found.recall.mean(axis=1)
    false = found.answers[:, victims, found.false_items[victims]] / found.answers[:, victims].sum(axis=2)
    values = (mean[before], mean[-1], found.recall[before, victims].mean(), found.recall[-1, victims].mean())
    values += (false[-1].mean(), false[before].mean(), mean[-1] / mean[before] if mean[before] else nan)
    values += (corrected[before], corrected[-1])
    return out | {name: float(value) for name, value in zip(names, values, strict=True)}


def breaking_fraction(fractions, recalls):
    """The fraction of wrong labels at which recall has fallen to half of what it is without any.

    Parameters
    ----------
    fractions : (n,)
        Rising, from 0.
    recalls : (n_seeds, n), fraction
        Recall after learning with so many wrong labels.

    Returns
    -------
    (n_seeds,) float
        By linear interpolation between the two fractions where half is first reached; nan where it never is.
    """
    fractions, found = np.asarray(fractions, float), []
    for own in np.asarray(recalls, float):
        half = own[0] / 2
        below = np.flatnonzero(own[1:] <= half)
        if not len(below):
            found.append(float("nan"))
            continue
        k = below[0]  # the last above half; own[k] > half unless nothing was learned at all
        share = (own[k] - half) / (own[k] - own[k + 1]) if own[k] > own[k + 1] else 0.0
        found.append(float(fractions[k] + share * (fractions[k + 1] - fractions[k])))
    return np.array(found)


def of_frequency(run, chance):
    """Metrics of items shown more or less often: how final recall goes with frequency and with recency.

    Both are Spearman's rank correlation over the items of one run, nan where all recalls are equal: of recall with how
    often an item was shown, and with how late it was shown last.
    """
    from scipy.stats import rankdata

    found = recall_of(run)
    at_end, items = found.recall[-1], np.arange(found.recall.shape[1])
    counts = np.bincount(found.sequence, minlength=len(items))
    last = np.array([np.flatnonzero(found.sequence == k)[-1] for k in items])

    def spearman(values):
        a, b = rankdata(at_end), rankdata(values)
        return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) and np.ptp(b) else float("nan")

    return overall(run, chance) | {
        "frequency_correlation": spearman(counts),
        "recency_correlation": spearman(last),
        "recall_by_frequency": at_end[np.argsort(counts)],
        "recall_by_recency": at_end[np.argsort(last)],
    }
