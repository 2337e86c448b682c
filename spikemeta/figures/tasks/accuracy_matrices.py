"""Accuracy on each task after each task."""

import numpy as np

from spikemeta.figures.style import BRIGHT, blank, grid, placed, rule_label, shape_of, wrapped


@placed
def figure(results):
    """Heat maps of the accuracy matrix, a panel per rule, mean over seeds.

    Parameters
    ----------
    results : xarray.Dataset
        As from `spikemeta.analysis.tasks.Analysis.to_dataset`.

    Returns
    -------
    matplotlib.figure.Figure or None
        None for a single task.
    """
    if results.sizes["task"] == 1:
        return None
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
                panel.text(j, i, f"{value:.0f}", color="black" if value > BRIGHT["cividis"] else "white", **style)
        panel.set_title(wrapped(rule_label(results, rule), round(10 * side)), fontsize=9)
        ticks = np.arange(n_tasks)
        panel.set_xticks(ticks, ticks + 1)
        panel.set_yticks(ticks, ticks + 1)
        panel.set_xlabel("tested task", fontsize=8)
        panel.set_ylabel("after task", fontsize=8)
    figure.colorbar(image, ax=panels, label="accuracy (%)", shrink=0.8)
    return figure
