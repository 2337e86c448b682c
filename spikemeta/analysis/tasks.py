"""Accuracy on a sequence of tasks: the rows and the data set of a study that compares rules on them."""

import numpy as np

from spikemeta.analysis import cost, metrics
from spikemeta.analysis.rows import table_of


def _measured(arrays, chance):
    """Every metric of one run."""
    matrix = arrays["accuracy_matrix"]
    found = metrics.of_matrix(matrix, chance) | {"accuracy_matrix": matrix}
    if "prequential_accuracy" in arrays:
        found["prequential_accuracy"] = float(arrays["prequential_accuracy"])
    return found | cost.metrics_of_arrays(arrays)


class Analysis:
    """Metrics of accuracy matrices, see `spikemeta.analysis.metrics.of_matrix`: what a study measures if it does not say."""

    def metrics_of(self, runs, chance):
        """Metrics of one row: ``{name: {"mean", "std", "values"}}``, values in the order of `runs`; and ``accuracy_matrix``.

        ``prequential_accuracy`` is that of the training images, each before it is learned; costs are those of
        `spikemeta.analysis.cost`.
        """
        return table_of([_measured(run.arrays, chance) for run in runs])

    def add_tests(self, rows):
        """No tests."""

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """All runs of a study as one xarray.Dataset.

        Parameters
        ----------
        entries : list of (str, bool)
            Label of each row and whether its rule is told of task boundaries.
        seeds : list of int
        runs : dict of (str, int) to spikemeta.analysis.rows.FinishedRun
            By label and seed; missing ones become nan.
        chance : float
            Accuracy of guessing, fraction.
        **attributes
            Strings and numbers to keep with the data.

        Returns
        -------
        xarray.Dataset
            ``accuracy`` (rule, seed, after, task), fraction; ``test_accuracy`` and ``test_hidden_rate``
            (rule, seed, test), fraction and Hz; every metric and cost (rule, seed).
        """
        import xarray

        labels, first = [label for label, _ in entries], next(iter(runs.values())).arrays
        data = {}

        def stack(dims, get, units):
            empty = np.full_like(np.asarray(get(first), float), np.nan)
            cells = [[get(runs[r, s].arrays) if (r, s) in runs else empty for s in seeds] for r in labels]
            return ("rule", "seed", *dims), np.array(cells, float), {"units": units}

        data["accuracy"] = stack(("after", "task"), lambda a: a["accuracy_matrix"], "1")
        if "prequential_accuracy" in first:
            data["prequential_accuracy"] = stack((), lambda a: a["prequential_accuracy"], "1")
        for name, unit in cost.NAMES.items():
            if f"cost_{name}" in first:
                data[name] = stack((), lambda a, n=name: a[f"cost_{n}"], unit)
        data["test_accuracy"] = stack(("test",), lambda a: a["test_accuracy"], "1")
        data["test_hidden_rate"] = stack(("test",), lambda a: a["test_hidden_rate"], "Hz")
        for name in metrics.of_matrix(first["accuracy_matrix"], chance):
            data[name] = stack((), lambda a, n=name: metrics.of_matrix(a["accuracy_matrix"], chance)[n], "1")
        n_tasks = len(first["accuracy_matrix"])
        coords = {
            "rule": labels,
            "seed": np.array(seeds, np.int32),
            "after": np.arange(1, n_tasks + 1, dtype=np.int32),
            "task": np.arange(1, n_tasks + 1, dtype=np.int32),
            "needs_boundary": ("rule", np.array([told for _, told in entries], np.int8)),
            "test_task": ("test", np.asarray(first["test_task"], np.int32) + np.int32(1)),
            "test_after": ("test", np.asarray(first["test_after"], np.int32)),
            "test_presentations": ("test", np.asarray(first["test_presentations"], np.int32)),
        }
        return xarray.Dataset(data, coords, {"chance": chance} | attributes)
