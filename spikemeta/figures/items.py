"""Figures of the studies of items, from their ``results.nc`` data."""

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.analysis.rows import SEPARATOR
from spikemeta.figures.style import (
    INTERVAL,
    PALETTE,
    blank,
    chance_line,
    curve,
    grid,
    is_told,
    legend,
    placed,
    rule_label,
    shape_of,
)


def panels_of(results, title, shown=INTERVAL, columns=3, ylabel="recall (%)", xlabel="", names=None):
    """A panel for each rule, or for each name.

    Returns
    -------
    figure, dict of str to matplotlib.axes.Axes
    """
    from matplotlib.ticker import MaxNLocator

    names = [str(rule) for rule in results.rule.values] if names is None else names
    rows, columns = shape_of(len(names), columns)
    made = blank(max(3.1 * columns + 1.2, 6.5), 2.4 * rows + 0.9, results, title, shown)
    by_name = dict(zip(names, grid(made, len(names), columns, sharey=True, sharex=True), strict=True))
    for number, (name, axis) in enumerate(by_name.items()):
        axis.set_title(name, fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if number % columns == 0:
            axis.set_ylabel(ylabel)
        if number + columns >= len(names):
            axis.set_xlabel(xlabel)
            axis.tick_params(labelbottom=True)
    return made, by_name


def by_condition(results):
    """Labels of the rows: ``{condition: {rule: label}}``, in their order."""
    found = {}
    for label in map(str, results.rule.values):
        rule, _, condition = label.rpartition(SEPARATOR)
        found.setdefault(condition, {})[rule] = label
    return found


@placed
def serial_position(results):
    """Recall by position after the last item, a panel per rule: all seeds, mean and interval."""
    made, panels = panels_of(
        results, "Recall after the last item", INTERVAL + ", thin: seeds", xlabel="position in the sequence"
    )
    for rule, panel in panels.items():
        at_end = results.recall_by_position.sel(rule=rule).values
        panel.plot(results.item.values, 100 * at_end.T, color="0.75", lw=0.6)
        curve(panel, results.item.values, at_end, 0, "mean over seeds")
        chance_line(panel, results.chance)
        panel.set_title(rule_label(results, rule), fontsize=9)
        panel.set_ylim(0, 101)
    legend(made, panel)
    return made


@placed
def items_kept(results):
    """Memorized items after each item, a line per rule."""
    made = blank(8.2, 4.6, results, "Items kept, of those learned so far", INTERVAL)
    panel = made.add_subplot()
    x = results.item.values
    panel.plot(x, x, ":", color="0.5", lw=1, label="all")
    for k, rule in enumerate(results.rule.values):
        told = is_told(results, rule)
        curve(panel, x, results.items_kept.sel(rule=rule).values, k, rule_label(results, rule), told, scale=1)
    panel.set(
        xlabel="items learned", ylabel="items memorized (p < .05 against shuffled labels)", ylim=(0, None), xlim=(1, None)
    )
    legend(made, panel)
    return made


@placed
def repetition(results, condition, passes):
    """Recall by position after some of the passes, a panel per rule.

    Parameters
    ----------
    results : xarray.Dataset
    condition : str
    passes : list of int
        Counted from 1.
    """
    labels = by_condition(results)[condition]
    made, panels = panels_of(results, f"Recall after each of some passes, {condition}", xlabel="position", names=list(labels))
    for rule, panel in panels.items():
        for k, number in enumerate(passes):
            recall = results.recall.sel(rule=labels[rule]).values[:, number - 1]
            curve(panel, results.item.values, recall, k, f"pass {number}")
        chance_line(panel, results.chance)
        panel.set_ylim(0, 101)
    legend(made, panel)
    return made


@placed
def over_passes(results, name, title, ylabel):
    """A metric after each pass, a panel per condition and a line per rule."""
    conditions = by_condition(results)
    made, panels = panels_of(results, title, xlabel="pass", ylabel=ylabel, names=list(conditions), columns=2)
    for condition, panel in panels.items():
        for k, (rule, label) in enumerate(conditions[condition].items()):
            values = results[name].sel(rule=label).values
            curve(panel, np.arange(1, values.shape[1] + 1), values, k, rule, is_told(results, label))
        chance_line(panel, results.chance)
        panel.set_ylim(0, 101)
    legend(made, panel)
    return made


@placed
def before_and_after(results, names, title, conditions):
    """Metrics before and after an attack by clean passes, a panel per rule.

    Parameters
    ----------
    results : xarray.Dataset
    names : dict of str to str
        Metrics and what they are.
    title : str
    conditions : dict of int to str
        Conditions by number of clean passes.
    """
    labels = by_condition(results)
    rules = list(labels[next(iter(conditions.values()))])
    made, panels = panels_of(results, title, xlabel="clean passes before the attack", names=rules)
    for rule, panel in panels.items():
        for k, (name, text) in enumerate(names.items()):
            values = np.stack([results[name].sel(rule=labels[c][rule]).values for c in conditions.values()], axis=1)
            curve(panel, list(conditions), values, k, text)
        chance_line(panel, results.chance)
        panel.set_xticks(list(conditions))
        panel.set_ylim(0, 101)
    legend(made, panel)
    return made


@placed
def wrong_labels(results, conditions):
    """Final recall by fraction of wrong labels, a line per rule; `conditions` by fraction."""
    labels = by_condition(results)
    made = blank(8.2, 4.6, results, "Recall after a stream with wrong labels", INTERVAL)
    panel = made.add_subplot()
    for k, rule in enumerate(labels[next(iter(conditions.values()))]):
        values = np.stack([results.final_accuracy.sel(rule=labels[c][rule]).values for c in conditions.values()], axis=1)
        told = is_told(results, labels[conditions[0.0]][rule])
        curve(panel, 100 * np.array(list(conditions)), values, k, rule, told)
    chance_line(panel, results.chance)
    panel.set(xlabel="target images with a wrong label (%)", ylabel="mean recall at the end (%)", ylim=(0, 101))
    legend(made, panel)
    return made


@placed
def frequency(results):
    """Final recall by how often and by how late an item was shown, a panel per rule."""
    made, panels = panels_of(results, "Recall by frequency and by recency", xlabel="times shown; rank of the last showing")
    for rule, panel in panels.items():
        for k, (name, text) in enumerate({"recall_by_frequency": "frequency", "recall_by_recency": "recency"}.items()):
            curve(panel, results.item.values, results[name].sel(rule=rule).values, k, f"by {text}")
        chance_line(panel, results.chance)
        panel.set_ylim(0, 101)
    legend(made, panel)
    return made


@placed
def bars(results, name, title, ylabel, scale=100, names=None):
    """A metric of every row, with intervals and a dot per seed.

    Parameters
    ----------
    results : xarray.Dataset
    name : str
        Metric of the data.
    title, ylabel : str
    scale : float
        100 shows fractions in per cent.
    names : list of str or None
        Rows shown; all by default.
    """
    names = [str(rule) for rule in results.rule.values] if names is None else names
    made = blank(7.5, 0.3 * len(names) + 1.7, results, title, INTERVAL + ", dots: seeds")
    panel = made.add_subplot()
    for y, rule in enumerate(names):
        values = results[name].sel(rule=rule).values
        found = statistics.summarise(values)
        panel.barh(y, scale * found.mean, 0.75, color=PALETTE[0], alpha=0.6, lw=0)
        if found.n > 1:
            panel.errorbar(scale * found.mean, y, xerr=scale * (found.high - found.mean), color="black", capsize=2, lw=1)
        panel.plot(scale * values, np.full(len(values), y), "o", ms=3, mfc="white", mec="black", mew=0.6, zorder=3)
    panel.set_yticks(range(len(names)), [name.rpartition(SEPARATOR)[0] or name for name in names], fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel(ylabel)
    return made
