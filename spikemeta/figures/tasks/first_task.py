"""How well the first task is still known while the others are learned."""

import numpy as np

from spikemeta.figures.style import (
    INTERVAL,
    MANY,
    blank,
    chance_line,
    error_bars,
    grid,
    interval_of,
    is_told,
    legend,
    look,
    placed,
    rule_label,
    shape_of,
    wrapped,
)

#: Panels beside each other, where each rule has one.
COLUMNS = 4


@placed
def figure(results):
    """Accuracy of the first task over training, a line per rule with its error bars over seeds.

    Of more rules than `MANY` each has a panel of its own, with all others in grey behind it.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    tests = results.isel(test=np.flatnonzero(results.test_task.values == 1))
    title = "Accuracy on the first task" if results.sizes["task"] > 1 else "Accuracy over training"
    return (_panel_each if results.sizes["rule"] > MANY else _one_panel)(results, tests, title)


def _one_panel(results, tests, title):
    """All rules in one panel, told apart by colour and marker."""
    figure = blank(8.2, 4.4, results, title, INTERVAL)
    panel = figure.add_subplot()
    shown = tests.test_presentations.values
    apart = 0.006 * shown.max()  # bars beside each other, where bands would hide each other
    for k, rule in enumerate(results.rule.values):
        moved = shown + apart * (k - (results.sizes["rule"] - 1) / 2)
        _line(panel, moved, tests, rule, is_told(results, rule), label=rule_label(results, rule), ms=4, **look(k))
    chance_line(panel, results.chance)
    next_tasks = _next_tasks(panel, results, tests)
    panel.set(xlabel=_x_label(next_tasks), ylabel="test accuracy (%)", ylim=(0, 101), xlim=(0, None))
    legend(figure)
    return figure


def _panel_each(results, tests, title):
    """A panel for each rule, where the means of the others are grey."""
    n_rows, _ = shape_of(results.sizes["rule"], COLUMNS)
    titles = [wrapped(rule_label(results, rule), 22) for rule in results.rule.values]
    lines = max(text.count("\n") for text in titles)  # of a title, beyond its first
    figure = blank(9.0, (1.5 + 0.14 * lines) * n_rows + 1.2, results, title, INTERVAL)
    panels = grid(figure, results.sizes["rule"], COLUMNS, sharex=True, sharey=True)
    shown = tests.test_presentations.values
    means = 100 * tests.test_accuracy.mean("seed")
    for k, (panel, rule) in enumerate(zip(panels, results.rule.values, strict=True)):
        for other in results.rule.values[results.rule.values != rule]:
            panel.plot(shown, means.sel(rule=other).values, color="0.8", lw=0.8, zorder=1)
        _line(panel, shown, tests, rule, is_told(results, rule), ms=3, **look(0))
        chance_line(panel, results.chance)
        next_tasks = _next_tasks(panel, results, tests)
        panel.set_title(titles[k], fontsize=9)
        panel.set(ylim=(0, 101), xlim=(0, None))
        panel.tick_params(labelsize=8, labelbottom=k + COLUMNS >= len(panels))
    figure.supxlabel(_x_label(next_tasks) + "; grey: the other rules; dotted: chance", fontsize=10)
    figure.supylabel("test accuracy (%)", fontsize=10)
    return figure


def _line(panel, shown, tests, rule, told, **drawn):
    """The line of a rule with its error bars, broken where the rule is told of boundaries."""
    low, mean, high = interval_of(tests.test_accuracy.sel(rule=rule).values.T)
    style = "--" if told else "-"
    panel.errorbar(shown, mean, yerr=error_bars(low, mean, high), ls=style, elinewidth=0.9, capsize=2, **drawn)


def _next_tasks(panel, results, tests):
    """Draw a vertical line where each next task begins; whether there is one."""
    if results.sizes["task"] == 1:
        return False
    for end in sorted({int(tests.test_presentations[tests.test_after == k].max()) for k in tests.test_after.values})[:-1]:
        panel.axvline(end, color="0.85", lw=0.8, zorder=0)
    return True


def _x_label(next_tasks):
    """What lies along the x-axis."""
    return "training presentations" + (" (vertical lines: the next task begins)" if next_tasks else "")
