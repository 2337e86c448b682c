"""Figures of the study ``published``: accuracies beside the papers', recall of items, and streams, task by task."""

import numpy as np

from spikemeta.analysis import metrics, statistics
from spikemeta.data import datasets
from spikemeta.figures.style import BRIGHT, PALETTE, band, canvas, chance_line, interval_of, legend, look, placed

LONG = 20  # tasks from which a stream's course is worth a figure
WRITTEN = 12  # tasks up to which each cell of a triangle has its number


@placed
def published(rows, head):
    """Published accuracies and ours, a line per setting; None where no accuracy was published."""
    rows = [row for row in rows if not isinstance(row["published"], str)]
    if not rows:
        return None

    figure = canvas(8.6, 0.5 * len(rows) + 1.7)
    figure.suptitle(f"Published settings: {datasets.label(head['dataset'])} ({head['scale']})", fontsize=12)
    panel = figure.add_subplot()
    for y, row in enumerate(rows):
        values = 100 * np.asarray(row["metrics"].get("accuracy", {}).get("values", []), float)
        beside(panel, y, row["published"], values, "published", "ours, a dot per seed")
    panel.set_yticks(range(len(rows)), [row["rule"] for row in rows])
    panel.invert_yaxis()
    panel.set(xlabel="test accuracy (%), mean over the tasks scored")
    panel.grid(axis="x", color="0.9")
    legend(figure)
    return figure


def beside(panel, y, published, values, theirs, ours):
    """A published accuracy and ours in one line of a panel.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
    y : int
        The line; the first has the labels.
    published : (float, float or None) or None
        Mean and spread, %; None where nothing was published.
    values : (n_seeds,)
        Ours, %.
    theirs, ours : str
        Labels.
    """
    if published is not None:
        mean, spread = published
        style = {"fmt": "D", "ms": 6, "capsize": 3, "color": PALETTE[1], "label": theirs * (not y)}
        panel.errorbar(mean, y - 0.12, xerr=spread, **style)
    panel.plot(values, np.full(len(values), y + 0.12), "o", mfc="white", mec=PALETTE[0], label=ours * (not y))
    if len(values):
        panel.plot(values.mean(), y + 0.12, "|", ms=14, mew=2, color=PALETTE[0], label="ours, mean" * (not y))


@placed
def items(rows, head):
    """Recall of each item at the end, a panel per population; None without such rows."""
    rows = [row for row in rows if "tests" in row]
    if not rows:
        return None
    figure = canvas(3.3 * len(rows), 3.4)
    n = len(rows[0]["seeds"])
    figure.suptitle(
        f"Recall of items after the last: {datasets.label(head['dataset'])} ({head['scale']}), {n} trials, 95 % interval",
        fontsize=11,
    )
    for k, (panel, row) in enumerate(zip(figure.subplots(1, len(rows), sharey=True, squeeze=False)[0], rows, strict=True)):
        values = np.array([matrix[-1] for matrix in row["metrics"]["accuracy_matrix"]["values"]])
        low, mean, high = interval_of(values.T)
        place = np.arange(1, len(mean) + 1)
        panel.plot(place, mean, label="mean", **look(k))
        band(panel, place, low, high, look(k)["color"], alpha=0.2)
        chance_line(panel, 1 / len(mean), None)
        p = {name: row["tests"][name]["p"] for name in ("primacy", "recency")}
        panel.set_title(f"{row['rule']}\n" + ", ".join(f"{name} p = {v:.2g}" for name, v in p.items()), fontsize=9)
        panel.set(xlabel="item, in order of learning", ylim=(0, 101))
    figure.axes[0].set_ylabel("recall (%); dotted: chance")
    return figure


@placed
def course(rows, head):
    """Accuracy on the last few tasks and on the newest one, after each task of a long stream; None without one."""
    rows = [row for row in rows if row.get("recent") and row["tasks"] >= LONG and row["metrics"]]
    if not rows:
        return None
    figure = canvas(8.6, 2.9 * len(rows) + 0.9)
    figure.suptitle(f"After each task: {datasets.label(head['dataset'])} ({head['scale']}), a line per seed", fontsize=11)
    for panel, row in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        for n, matrix in enumerate(row["metrics"]["accuracy_matrix"]["values"]):
            found = 100 * np.array(matrix, float)
            place = np.arange(1, len(found) + 1)
            recent = metrics.recent_along(found, row["recent"])
            label = f"last {row['recent']} tasks" * (not n)
            panel.plot(place, np.diag(found), color=PALETTE[1], lw=1, label="task just learned" * (not n))
            panel.plot(place, recent, color=PALETTE[0], lw=1.5, label=label)
        panel.axhline(row["published"][0], color="0.3", ls="--", lw=1, label="published, at the end")
        panel.set(xlabel="tasks seen", ylabel="test accuracy (%)", title=row["rule"])
        panel.grid(axis="y", color="0.92")
    legend(figure, panel)
    return figure


@placed
def triangle(rows, head):
    """Accuracy on every task after every task of a stream, mean over seeds; None without one.

    The cells have their numbers, with the standard deviation over seeds, up to `WRITTEN` tasks; colours alone beyond.
    """
    rows = [row for row in rows if row.get("recent") and row["metrics"]]
    if not rows:
        return None
    size = max(5.0, min(9.0, 0.95 * rows[0]["tasks"]))
    figure = canvas(size + 1.2, size * len(rows))
    figure.suptitle(f"Every task after every task: {datasets.label(head['dataset'])} ({head['scale']})", fontsize=11)
    for panel, row in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        values = 100 * np.array(row["metrics"]["accuracy_matrix"]["values"], float)
        mean, n = values.mean(0), values.shape[1]
        edges = np.arange(n + 1) + 0.5
        shown = panel.pcolormesh(edges, edges, np.ma.masked_invalid(mean), cmap="viridis", vmin=0, vmax=100)
        for after, task in zip(*np.nonzero(np.isfinite(mean)), strict=True) if n <= WRITTEN else ():
            spread = statistics.summarise(values[:, after, task]).std
            text = f"{mean[after, task]:.1f}" + (f"\n±{spread:.1f}" if len(values) > 1 else "")
            colour = "black" if mean[after, task] > BRIGHT["viridis"] else "white"
            panel.text(task + 1, after + 1, text, ha="center", va="center", color=colour, fontsize=8)
        seeds = f"{len(values)} seed" + "s" * (len(values) > 1)
        panel.set(xlabel="tested on task", ylabel="tasks seen", title=f"{row['rule']}, {seeds}", aspect="equal")
        panel.invert_yaxis()
        if n <= WRITTEN:
            panel.set(xticks=range(1, n + 1), yticks=range(1, n + 1))
        figure.colorbar(shown, ax=panel, label="test accuracy (%)", shrink=0.8)
    return figure
