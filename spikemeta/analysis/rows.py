"""From finished runs to the rows of ``summary.json``: what a run is, its metrics over seeds, and tests between rows."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from spikemeta.analysis import statistics

SEPARATOR = ": "  # between a rule and its condition in the label of a row


@dataclass(frozen=True)
class FinishedRun:
    """One row of a study under one seed.

    Attributes
    ----------
    label : str
        Row of the study: a rule's title, or a rule with its constants.
    seed : int
    fingerprint : str
        Digest of everything that decides the outcome; a stored run counts only if it is unchanged.
    arrays : dict of str to ndarray
        ``accuracy_matrix`` (n_tasks, n_tasks), fraction; and for the test phases, each (n_tests,):
        ``test_task``, ``test_after`` (tasks trained), ``test_presentations`` (training presentations so far),
        ``test_accuracy`` (fraction), ``test_hidden_rate`` (Hz).
    info : dict
        ``constants`` and ``seconds``, ``compile_seconds``.
    """

    label: str
    seed: int
    fingerprint: str
    arrays: dict
    info: dict


def short(value):
    """A value of a grid, as labels of rows have it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def over_seeds(values, interval=False):
    """One metric of a row.

    Parameters
    ----------
    values : list of float or of ndarray
        One per seed. Arrays are of one shape.
    interval : bool
        Whether numbers have the ends of their 95 % t-interval too; arrays never have.

    Returns
    -------
    dict
        ``mean``, ``std`` (nan for a single seed), with `interval` ``low`` and ``high``, and ``values``.
    """
    if len(values) and np.ndim(values[0]):
        std = np.std(values, axis=0, ddof=1) if len(values) > 1 else np.full(np.shape(values[0]), np.nan)
        return {"mean": np.mean(values, axis=0), "std": std, "values": values}
    summary = statistics.summarise(values)
    shown = ("mean", "std", "low", "high") if interval else ("mean", "std")
    return {name: getattr(summary, name) for name in shown} | {"values": [float(value) for value in values]}


def table_of(measured, interval=False):
    """All metrics of a row; numbers that are finite under no seed (transfer with one task) are left out.

    Parameters
    ----------
    measured : list of dict
        Metrics of each run, numbers or arrays, by the same names.
    interval : bool
        As in `over_seeds`.

    Returns
    -------
    dict of str to dict
    """
    table = {}
    for name in measured[0] if measured else ():
        values = [one[name] for one in measured]
        if np.ndim(values[0]) or np.isfinite(values).any():
            table[name] = over_seeds(values, interval)
    return table


def against(row, base, names):
    """Tests of a row against another one, paired by the seeds that both have.

    Parameters
    ----------
    row, base : dict
        With ``seeds`` and ``metrics``.
    names : iterable of str
        Metrics; those that one of the rows lacks are left out.

    Returns
    -------
    dict
        ``rule``, the label of `base`, and by metric a `spikemeta.analysis.statistics.Test` as a dict.
    """
    seeds = [seed for seed in row["seeds"] if seed in base["seeds"]]
    tests = {"rule": base["rule"]}
    for name in names:
        if name in row["metrics"] and name in base["metrics"]:
            pair = [[r["metrics"][name]["values"][r["seeds"].index(s)] for s in seeds] for r in (row, base)]
            tests[name] = asdict(statistics.paired(*pair))
    return tests


@dataclass(frozen=True)
class Analysis:
    """What a study measures of a run, and what it tests over seeds; its heirs also make a data set of all runs.

    Attributes
    ----------
    measure : callable
        ``measure(run, chance)`` gives a dict of metrics, numbers or arrays; recall and accuracy are fractions.
    positive : tuple of str
        Metrics that are tested against zero, one-sided (`spikemeta.analysis.statistics.above`).
    compared : tuple of str
        Metrics that are compared with those of the first rule under the same condition
        (`spikemeta.analysis.statistics.paired`).
    """

    measure: Callable
    positive: tuple[str, ...] = ()
    compared: tuple[str, ...] = ("final_accuracy", "memorized_items")

    def metrics_of(self, runs, chance):
        """Metrics of one row: ``{name: {"mean", "std", "low", "high", "values"}}``; see `over_seeds`."""
        return table_of([self.measure(run, chance) for run in runs], interval=True)

    def add_tests(self, rows):
        """Give each row its ``tests``: against zero by metric, and ``against`` the first rule."""
        first = {}
        for row in rows:
            own = row["metrics"]
            row["tests"] = {name: asdict(statistics.above(own[name]["values"])) for name in self.positive if name in own}
            base = first.setdefault(row.get("condition", ""), row)
            if base is not row and own and base["metrics"]:
                row["tests"]["against"] = against(row, base, self.compared)
