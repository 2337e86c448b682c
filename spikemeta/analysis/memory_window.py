"""What the memory window of a rule does on a sequence of tasks: the metrics, tests and data set of the study of that name."""

import numpy as np

from spikemeta.analysis import metrics, tasks
from spikemeta.analysis.rows import SEPARATOR, against, table_of

RECENT = 5  # tasks
LINES = {
    "recent_accuracy": "last five tasks",
    "final_accuracy": "all tasks",
    "just_learned_accuracy": "right after learning each",
}


def slope(values):
    """Slope of values over their index by least squares; nan for fewer than two.

    Parameters
    ----------
    values : (n,)

    Returns
    -------
    float
        Per index.
    """
    values = np.asarray(values, float)
    away = np.arange(len(values)) - (len(values) - 1) / 2
    return float(away @ values / (away @ away)) if len(values) > 1 else float("nan")


def of_matrix(matrix, chance):
    """Metrics of an accuracy matrix: those of `spikemeta.analysis.metrics.of_matrix`, and two more.

    Parameters
    ----------
    matrix : (n_tasks, n_tasks), fraction
    chance : float

    Returns
    -------
    dict of str to float
        Also ``recent_accuracy``, at the end, mean over the last `RECENT` tasks, and ``rigidity_slope``, slope of just-learned
        accuracy over tasks: fraction per task.
    """
    return metrics.of_matrix(matrix, chance) | {
        "recent_accuracy": float(np.mean(matrix[-1][-RECENT:])),
        "rigidity_slope": slope(np.diag(matrix)),
    }


class Analysis(tasks.Analysis):
    """Metrics of accuracy matrices by rule, width and window; see `spikemeta.analysis.tasks.Analysis`."""

    def metrics_of(self, runs, chance):
        """Metrics of one row, with 95 % t-intervals over seeds, and its accuracy matrices."""
        matrices = [run.arrays["accuracy_matrix"] for run in runs]
        table = table_of([{"accuracy_matrix": matrix} for matrix in matrices])
        return table | table_of([of_matrix(matrix, chance) for matrix in matrices], interval=True)

    def add_tests(self, rows):
        """Compare each row with the longest window of its rule and width: paired by seed."""
        longest = {row["rule"].rpartition("=")[0]: row for row in rows}
        for row in rows:
            base = longest[row["rule"].rpartition("=")[0]]
            if base is not row and row["metrics"] and base["metrics"]:
                row["tests"] = {"against": against(row, base, (*LINES, "rigidity_slope"))}

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """As in `spikemeta.analysis.tasks.Analysis`, with the two metrics, and by rule ``window`` (tasks) and ``hidden``."""
        data = super().to_dataset(entries, seeds, runs, chance, **attributes)
        labels = [label for label, _ in entries]
        for name in ("recent_accuracy", "rigidity_slope"):
            values = np.full((len(labels), len(seeds)), np.nan)
            for (label, seed), run in runs.items():
                values[labels.index(label), seeds.index(seed)] = of_matrix(run.arrays["accuracy_matrix"], chance)[name]
            data[name] = (("rule", "seed"), values, {"units": "1" if name == "recent_accuracy" else "1/task"})
        data["window"] = ("rule", [float(label.rpartition("= ")[2]) for label in labels], {"units": "task"})
        widths = [int(label.rpartition(SEPARATOR)[2].split()[0]) for label in labels]
        data["hidden"] = ("rule", np.array(widths, np.int32))
        data.attrs["hidden"] = " or ".join(str(width) for width in dict.fromkeys(widths))
        return data
