"""Metrics, tests and the data set of the study ``published``."""

from dataclasses import asdict

import numpy as np

from spikemeta.analysis import recall, statistics
from spikemeta.analysis.rows import over_seeds


def metrics_of(runs, recent):
    """Metrics of one setting, as in ``summary.json``; ``accuracy`` is over the tasks that the paper scores."""
    table = {}
    for name, get in {
        "accuracy": lambda m: m[-1, -recent:].mean(),
        "final_accuracy": lambda m: m[-1].mean(),
        "just_learned_accuracy": lambda m: np.diag(m).mean(),
        "last_just_learned_accuracy": lambda m: m[-1, -1],
    }.items():
        table[name] = over_seeds([get(run.arrays["accuracy_matrix"]) for run in runs])
    table["accuracy_matrix"] = {"values": [run.arrays["accuracy_matrix"] for run in runs]}
    return table


def tests_of(runs):
    """Primacy and recency of items at the end, tested over seeds.

    Mean recall of the first (last) two items minus that of the middle ones, above zero: one-sided t-test, one value a seed.

    Returns
    -------
    dict
        ``recall_by_position`` (mean), and ``primacy`` and ``recency``, each a `spikemeta.analysis.statistics.Test` as a dict.
    """
    at_end = np.array([run.arrays["accuracy_matrix"][-1] for run in runs])
    first, middle, last = recall.ends(at_end.shape[1])
    gains = {"primacy": first, "recency": last}
    gains = {name: at_end[:, own].mean(1) - at_end[:, middle].mean(1) for name, own in gains.items()}
    tests = {name: asdict(statistics.above(values)) | {"mean": float(values.mean())} for name, values in gains.items()}
    return {"recall_by_position": at_end.mean(0)} | tests


def to_dataset(settings, runs, attributes):
    """All accuracy matrices as an xarray.Dataset: ``accuracy`` (setting, seed, after, task), fraction; NaN without a run."""
    import xarray

    n, seeds = max(s.tasks for s in settings), sorted({seed for _, seed in runs})
    cells = np.full((len(settings), len(seeds), n, n), np.nan)
    for (label, seed), run in runs.items():
        k = [s.label for s in settings].index(label)
        cells[k, seeds.index(seed), : settings[k].tasks, : settings[k].tasks] = run.arrays["accuracy_matrix"]
    coordinates = {"setting": [s.label for s in settings], "seed": np.array(seeds, np.int32)}
    coordinates |= {"after": np.arange(1, n + 1, dtype=np.int32), "task": np.arange(1, n + 1, dtype=np.int32)}
    dims = ("setting", "seed", "after", "task")
    return xarray.Dataset({"accuracy": (dims, cells, {"units": "1"})}, coordinates, attributes)
