"""Figures of a comparison of rules on tasks, as in the study ``forgetting``, from its ``results.nc`` data."""

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.figures.style import (
    HATCH,
    INTERVAL,
    MARKERS,
    PALETTE,
    band,
    blank,
    chance_line,
    error_bars,
    grid,
    interval_of,
    is_told,
    legend,
    look,
    rule_label,
    shape_of,
)


def accuracy_matrices(results):
    """Heat maps of the accuracy matrix, a panel per rule, mean over seeds.

    Parameters
    ----------
    results : xarray.Dataset
        As from `spikemeta.analysis.tasks.Analysis.to_dataset`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rules, n_tasks = list(results.rule.values), results.sizes["task"]
    rows, columns = shape_of(len(rules), 3)
    side = max(2.3, 0.42 * n_tasks + 0.6)
    figure = blank(columns * side + 1.6, rows * (side + 0.35) + 0.9, results, "Accuracy on each task after each task", "mean")
    panels = grid(figure, len(rules), columns)
    mean = 100 * results.accuracy.mean("seed")
    for panel, rule in zip(panels, rules, strict=True):
        values = mean.sel(rule=rule).values
        image = panel.imshow(values, vmin=0, vmax=100, cmap="cividis")
        style = {"ha": "center", "va": "center", "fontsize": 8 if n_tasks < 8 else 6}
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                panel.text(j, i, f"{value:.0f}", color="black" if value > 60 else "white", **style)
        panel.set_title(rule_label(results, rule), fontsize=9)
        ticks = np.arange(n_tasks)
        panel.set_xticks(ticks, ticks + 1)
        panel.set_yticks(ticks, ticks + 1)
        panel.set_xlabel("tested task", fontsize=8)
        panel.set_ylabel("after task", fontsize=8)
    figure.colorbar(image, ax=panels, label="accuracy (%)", shrink=0.8)
    return figure


def first_task(results):
    """Accuracy of the first task over training, a line per rule with its error bars over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    tests = results.isel(test=np.flatnonzero(results.test_task.values == 1))
    several = results.sizes["task"] > 1
    figure = blank(8.2, 4.4, results, "Accuracy on the first task" if several else "Accuracy over training", INTERVAL)
    panel = figure.add_subplot()
    shown = tests.test_presentations.values
    apart = 0.006 * shown.max()  # bars beside each other, where bands would hide each other
    for k, rule in enumerate(results.rule.values):
        low, mean, high = interval_of(tests.test_accuracy.sel(rule=rule).values.T)
        panel.errorbar(
            shown + apart * (k - (results.sizes["rule"] - 1) / 2),
            mean,
            yerr=error_bars(low, mean, high),
            ls="--" if is_told(results, rule) else "-",
            ms=4,
            elinewidth=0.9,
            capsize=2,
            label=rule_label(results, rule),
            **look(k),
        )
    chance_line(panel, results.chance)
    if several:
        for end in sorted({int(tests.test_presentations[tests.test_after == k].max()) for k in tests.test_after.values})[:-1]:
            panel.axvline(end, color="0.85", lw=0.8, zorder=0)
    panel.set(
        xlabel="training presentations" + (" (vertical lines: the next task begins)" if several else ""),
        ylabel="test accuracy (%)",
        ylim=(0, 101),
        xlim=(0, None),
    )
    legend(figure)
    return figure


def all_tasks(results):
    """Accuracy of every task over training, a panel per rule, a line per task with its band over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import colormaps

    rules, n_tasks = list(results.rule.values), results.sizes["task"]
    rows, columns = shape_of(len(rules), 3)
    figure = blank(3.4 * columns + 1.2, 2.5 * rows + 0.9, results, "Accuracy on each task over training", INTERVAL)
    panels = grid(figure, len(rules), columns, sharex=True, sharey=True)
    colours = colormaps["viridis"](np.linspace(0, 0.9, n_tasks))
    for number, (panel, rule) in enumerate(zip(panels, rules, strict=True)):
        for task in range(1, n_tasks + 1):
            learned = (results.test_task.values == task) & (results.test_after.values >= task)
            tests = results.isel(test=np.flatnonzero(learned))
            low, mean, high = interval_of(tests.test_accuracy.sel(rule=rule).values.T)
            shown, colour, marker = tests.test_presentations.values, colours[task - 1], MARKERS[(task - 1) % len(MARKERS)]
            panel.plot(shown, mean, color=colour, marker=marker, ms=3.5, label=f"task {task}")
            if len(shown) > 1:
                band(panel, shown, low, high, colour)
            else:
                panel.errorbar(shown, mean, yerr=error_bars(low, mean, high), color=colour, elinewidth=0.9, capsize=2)
        chance_line(panel, results.chance)
        panel.set_title(rule_label(results, rule), fontsize=9)
        panel.set(ylim=(0, 101), xlim=(0, None))
        if number + columns >= len(rules):
            panel.tick_params(labelbottom=True)
    figure.supxlabel("training presentations", fontsize=10)
    figure.supylabel("test accuracy (%)", fontsize=10)
    legend(figure, panels[0])
    return figure


def accuracy_bars(results):
    """Bars of final and just-learned accuracy per rule, with intervals and a dot per seed.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    rules = list(results.rule.values)
    names = {"final_accuracy": "after the last task", "just_learned_accuracy": "right after learning each"}
    if results.sizes["task"] == 1:
        names = {"final_accuracy": "at the end"}
    size = max(7.0, 1.3 * len(rules) + 2.6), 4.4
    figure = blank(*size, results, "Accuracy, mean over tasks", INTERVAL + ", dots: seeds")
    panel = figure.add_subplot()
    width = 0.8 / len(names)
    for b, name in enumerate(names):
        for k, rule in enumerate(rules):
            x, values = k + (b - (len(names) - 1) / 2) * width, results[name].sel(rule=rule).values
            _bar(panel, x, width, values, b, is_told(results, rule))
    chance_line(panel, results.chance)
    crowded = len(rules) > 4
    panel.set_xticks(range(len(rules)), rules, rotation=20 if crowded else 0, ha="right" if crowded else "center")
    panel.set(ylabel="test accuracy (%)", ylim=(0, 101))
    legend(figure, handles=_handles(panel, names, results.needs_boundary.any()))
    return figure


def _bar(panel, x, width, values, b, told):
    """A bar at x: mean of fractions (n_seeds,), interval, a dot per seed."""
    summary = metrics.summarise(values)
    edge, hatch = ("white", HATCH) if told else (PALETTE[b], "")
    panel.bar(x, 100 * summary.mean, 0.92 * width, color=PALETTE[b], edgecolor=edge, hatch=hatch, lw=0)
    if summary.n > 1:
        panel.errorbar(x, 100 * summary.mean, 100 * (summary.high - summary.mean), color="black", capsize=3, lw=1)
    spread = np.linspace(-0.2, 0.2, len(values)) * width if len(values) > 1 else [0.0]
    panel.plot(x + np.asarray(spread), 100 * values, "o", ms=3.5, mfc="white", mec="black", mew=0.7, zorder=3)


def _handles(panel, names, any_told):
    """What the legend of the bars shows: a patch per metric, one for hatching, and the lines of the panel."""
    from matplotlib.patches import Patch

    handles = [Patch(color=PALETTE[b], label=text) for b, text in enumerate(names.values())]
    if any_told:
        handles.append(Patch(facecolor="0.6", edgecolor="white", hatch=HATCH, label="rule is told of boundaries"))
    return handles + panel.get_legend_handles_labels()[0]


def figures_of(results):
    """Every figure of a comparison of rules, by the name of its file.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
    """
    made = {"first_task": first_task, "accuracy": accuracy_bars}
    if results.sizes["task"] > 1:
        made |= {"all_tasks": all_tasks, "accuracy_matrices": accuracy_matrices}
    return {name: make(results) for name, make in made.items()}
