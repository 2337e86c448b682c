"""The figure of the study ``search``, from its ``results.nc`` data."""

import numpy as np

from spikemeta.figures.style import PALETTE, blank, placed, wrapped


@placed
def settings(results, most=30):
    """Final accuracy of the best settings of a search, best on top.

    Parameters
    ----------
    results : xarray.Dataset
        One ``rule`` entry per setting.
    most : int
        Settings shown.

    Returns
    -------
    matplotlib.figure.Figure
    """
    mean = results.final_accuracy.mean("seed").values
    order = [k for k in np.argsort(-mean, kind="stable") if np.isfinite(mean[k])][:most]
    names = [wrapped(name, 60) for name in results.rule.values[order]]
    lines = max((name.count("\n") + 1 for name in names), default=1)
    height = max(0.28, 0.15 * lines + 0.08) * len(order) + 1.6
    figure = blank(9.0, height, results, "Accuracy on validation data, after the last task", "mean, dots: seeds")
    panel = figure.add_subplot()
    for y, k in enumerate(order):
        seeds = 100 * results.final_accuracy.values[k]
        panel.plot(seeds, np.full(results.sizes["seed"], y), "o", ms=4, mfc="white", mec=PALETTE[0])
        panel.plot(100 * mean[k], y, "|", ms=14, mew=2, color=PALETTE[1])
    panel.set_yticks(range(len(order)), names, fontsize=8)
    panel.invert_yaxis()
    panel.set(xlabel="validation accuracy (%); dots: seeds, bar: mean")
    panel.grid(axis="x", color="0.9")
    return figure
