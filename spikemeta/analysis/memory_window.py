"""What the memory window of a rule does on a sequence of tasks: rows, metrics, and figures of the study of that name."""

from dataclasses import asdict, replace

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.errors import UserError
from spikemeta.figures.item_figures import INTERVAL, curve
from spikemeta.figures.shared import blank
from spikemeta.runs import results
from spikemeta.runs.item_study import SEPARATOR

RECENT = 5  # tasks
#: Training and test images of a task, number of tasks, hidden neurons.
QUICK, FULL = (600, 60, 5, "50,100"), (10_000, 500, 10, "200,500")
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


def _numbers(text, option, least, kind):
    """Numbers of an option, in rising order."""
    try:
        found = sorted({kind(word) for word in text.split(",")})
    except ValueError:
        found = []
    if not found or not found[0] >= least:
        raise UserError(f"{option} must be numbers of at least {least:g}, separated by commas, not {text!r}")
    return found


def entries_of(options):
    """A row for each rule, hidden width and window.

    Parameters
    ----------
    options : spikemeta.studies.memory_window.Options

    Returns
    -------
    list of spikemeta.runs.experiment.Entry

    Raises
    ------
    UserError
        For numbers out of range, or a rule without a window.
    """
    from spikemeta.runs import experiment, pool

    images, test_images, tasks, widths = FULL if options.scale == "full" else QUICK
    windows = _numbers(options.windows, "--windows", 0.01, float)
    widths = _numbers(options.widths or widths, "--widths", 1, int)
    rows = experiment.entries_of(options)
    for row in rows:
        if "window" not in row.rule.parameters:
            raise UserError(f"rule {row.label!r} has no parameter 'window', and nothing to vary here")
    limit = min(options.images or images, len(pool.dataset(options.dataset).train_labels))
    steps = limit * options.passes  # of rule time
    if options.engine == "torch":
        steps = -(-steps // (options.batch or experiment.BATCH))
    curriculum = {"limit": limit, "test_limit": test_images, "n_tasks": options.tasks or tasks, "test_unseen": False}
    return [
        replace(
            row,
            label=f"{row.label}{SEPARATOR}{width} hidden, N = {window:g}",
            parameters={"window": window * steps},
            curriculum=curriculum,
            condition=f"{width} hidden, N = {window:g}",
            hidden=width,
        )
        for row in rows
        for width in widths
        for window in windows
    ]


class Analysis:
    """Metrics of accuracy matrices by rule, width and window; see `spikemeta.analysis.recall.Analysis`."""

    def metrics_of(self, runs, chance):
        """Metrics of one row, with 95 % t-intervals over seeds, and its accuracy matrices."""
        table = {name: v for name, v in results.metrics_of(runs, chance).items() if name == "accuracy_matrix"}
        found = [of_matrix(run.arrays["accuracy_matrix"], chance) for run in runs]
        for name in found[0] if found else ():
            summary = metrics.summarise([one[name] for one in found])
            if summary.n:
                spread = {k: getattr(summary, k) for k in ("mean", "std", "low", "high")}
                table[name] = spread | {"values": [one[name] for one in found]}
        return table

    def add_tests(self, rows):
        """Compare each row with the longest window of its rule and width: paired by seed."""
        longest = {row["rule"].rpartition("=")[0]: row for row in rows}
        for row in rows:
            base = longest[row["rule"].rpartition("=")[0]]
            if base is row or not row["metrics"] or not base["metrics"]:
                continue
            seeds = [seed for seed in row["seeds"] if seed in base["seeds"]]
            row["tests"] = {"against": {"rule": base["rule"]}}
            for name in (*LINES, "rigidity_slope"):
                pair = [[r["metrics"][name]["values"][r["seeds"].index(s)] for s in seeds] for r in (row, base)]
                row["tests"]["against"][name] = asdict(metrics.paired(*pair))

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """As `spikemeta.runs.results.to_dataset`, with the two metrics more, and by rule ``window`` (tasks) and ``hidden``."""
        data = results.to_dataset(entries, seeds, runs, chance, **attributes)
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


def _panels(data, title, scale):
    """A panel per rule and width: (figure, [(panel, rows, x)]); an endless window stands one step beyond the longest."""
    groups = {}
    for label in map(str, data.rule.values):
        groups.setdefault(label.rpartition(", N =")[0], []).append(label)
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    made = blank(max(7.5, 3.4 * columns + 2), 2.5 * rows + 1.0, data, title, INTERVAL)
    axes = made.subplots(rows, columns, squeeze=False, sharey=True, sharex=True)
    windows = sorted(set(data.window.values.tolist()))
    found = []
    for number, (panel, (name, labels)) in enumerate(zip(axes.flat, groups.items(), strict=False)):
        panel.set_title(name, fontsize=9)
        panel.set_xticks(range(len(windows)), [f"{window:g}".replace("inf", "∞") for window in windows])
        if number + columns >= len(groups):
            panel.set_xlabel("memory window N (tasks)")
            panel.tick_params(labelbottom=True)
        found.append((panel, labels, [windows.index(float(data.window.sel(rule=label))) for label in labels]))
    for panel in axes.flat[len(groups) :]:
        panel.remove()
    for panel in axes[:, 0]:
        panel.set_ylabel(scale)
    return made, found


def accuracy(data):
    """Accuracy against the window: a line per measure, a panel per rule and width."""
    made, panels = _panels(data, "Accuracy by memory window", "test accuracy (%)")
    for panel, labels, x in panels:
        for k, (name, text) in enumerate(LINES.items()):
            if name == "recent_accuracy" and data.sizes["task"] <= RECENT:
                continue  # the same as all
            curve(panel, x, data[name].sel(rule=labels).values.T, k, text)
        panel.axhline(100 * data.attrs["chance"], color="0.5", ls=":", lw=1, label="chance")
        panel.set_ylim(0, 101)
    made.legend(*panels[0][0].get_legend_handles_labels(), loc="outside right center", fontsize=8, frameon=False)
    return made


def rigidity(data):
    """Slope of just-learned accuracy over tasks against the window, a panel per rule and width."""
    made, panels = _panels(data, "Rigidity by memory window", "slope of just-learned\naccuracy (% per task)")
    for panel, labels, x in panels:
        values = 100 * data.rigidity_slope.sel(rule=labels).values
        curve(panel, x, values.T, 0, "mean over seeds", scale=1)
        panel.plot(x, values, ".", color="0.5", ms=3)
        panel.axhline(0, color="0.5", ls=":", lw=1, label="the last is learned like the first")
    made.legend(*panels[0][0].get_legend_handles_labels(), loc="outside right center", fontsize=8, frameon=False)
    return made
