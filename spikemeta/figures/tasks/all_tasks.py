"""Accuracy of each task while all are learned."""

import numpy as np

from spikemeta.figures.style import (
    INTERVAL,
    MARKERS,
    band,
    blank,
    chance_line,
    error_bars,
    grid,
    interval_of,
    legend,
    placed,
    rule_label,
    shape_of,
    wrapped,
)


@placed
def figure(results):
    """Accuracy of every task over training, a panel per rule, a line per task with its band over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure or None
        None for a single task.
    """
    if results.sizes["task"] == 1:
        return None
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
        panel.set_title(wrapped(rule_label(results, rule), 34), fontsize=9)
        panel.set(ylim=(0, 101), xlim=(0, None))
        if number + columns >= len(rules):
            panel.tick_params(labelbottom=True)
    figure.supxlabel("training presentations", fontsize=10)
    figure.supylabel("test accuracy (%)", fontsize=10)
    legend(figure, panels[0])
    return figure
