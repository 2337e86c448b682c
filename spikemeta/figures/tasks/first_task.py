"""How well the first task is still known while the others are learned."""

import numpy as np

from spikemeta.figures.style import (
    INTERVAL,
    blank,
    chance_line,
    error_bars,
    interval_of,
    is_told,
    legend,
    look,
    placed,
    rule_label,
)


@placed
def figure(results):
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
