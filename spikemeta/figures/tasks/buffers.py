"""What stored images repair, by how many there are: where rows of a comparison differ in that."""

import re

import numpy as np

from spikemeta.figures.style import (
    INTERVAL,
    blank,
    chance_line,
    curve,
    grid,
    interval_of,
    is_told,
    legend,
    placed,
    shape_of,
    wrapped,
)

#: Points of accuracy below all tasks at once within which a sequence of tasks counts as repaired.
NEAR = 5
#: Rules that share a panel; more have one each.
MOST = 6
_NAME = re.compile(r"(?:(?P<joint>joint)|replay (?P<stored>\d+)) \((?P<rule>.+)\)")


def buffers_of(labels):
    """The rows of a comparison by rule and number of stored images.

    Parameters
    ----------
    labels : iterable of str
        As `spikemeta.runs.references` names rows: ``"laplace"``, ``"replay 100 (laplace)"``, ``"joint (sgd)"``.

    Returns
    -------
    stored : dict of str to dict of int to str
        By rule, the label for each number of images, 0 for the rule alone; rules that have no row with images are left out.
    joint : str or None
        The label of the first row that learns all tasks at once.
    """
    alone, stored, joint = {}, {}, None
    for label in map(str, labels):
        found = _NAME.fullmatch(label)
        if not found:
            alone[label] = label
        elif found["joint"]:
            joint = joint or label
        else:
            stored.setdefault(found["rule"], {})[int(found["stored"])] = label
    with_none = {rule: ({0: alone[rule]} if rule in alone else {}) | rows for rule, rows in stored.items()}
    return {rule: dict(sorted(rows.items())) for rule, rows in with_none.items()}, joint


@placed
def figure(results):
    """Final accuracy against the number of stored images, beside all tasks at once: a line per rule with its band over seeds.

    More than `MOST` rules have a panel each.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no rule has rows with two numbers of stored images.
    """
    stored, joint = buffers_of(results.rule.values)
    stored = {rule: rows for rule, rows in stored.items() if len(set(rows) - {0}) > 1}
    if not stored:
        return None
    apart = len(stored) > MOST
    rows, columns = shape_of(len(stored), 4) if apart else (1, 1)
    width, height = (2.3 * columns + 1.9, 2.1 * rows + 0.9) if apart else (8.2, 4.4)
    figure = blank(width, height, results, "Accuracy at the end, by the number of stored images", INTERVAL)
    panels = grid(figure, len(stored), columns, sharex=True, sharey=True) if apart else [figure.add_subplot()]
    sizes = sorted({size for own in stored.values() for size in own})
    for k, (rule, own) in enumerate(stored.items()):
        told, panel = is_told(results, next(iter(own.values()))), panels[k if apart else 0]
        name = f"{rule} (told of boundaries)" if told else rule
        values = np.stack([results.final_accuracy.sel(rule=label).values for label in own.values()], axis=1)
        shown = ("the rule", 0) if apart else (name, k)
        curve(panel, [sizes.index(size) for size in own], values, shown[1], shown[0], told)
        if apart:
            panel.set_title(wrapped(name, 24), fontsize=9)
    for panel in panels:
        _beside(panel, results, joint)
        panel.set_xticks(range(len(sizes)), [str(size) if size else "none" for size in sizes], rotation=90 if apart else 0)
        panel.set(ylim=(0, 101))
        panel.grid(axis="y", color="0.92")
    if apart:
        figure.supxlabel("stored images", fontsize=10)
        figure.supylabel("final accuracy (%)", fontsize=10)
    else:
        panels[0].set(xlabel="stored images", ylabel="final accuracy (%)")
    legend(figure, panels[0])
    return figure


def _beside(panel, results, joint):
    """What the lines are compared with: all tasks at once, where there is such a row, and guessing."""
    if joint:
        _, (mean,), _ = interval_of([results.final_accuracy.sel(rule=joint).values])
        panel.axhline(mean, color="0.2", lw=1, label="all tasks at once")
        panel.axhspan(mean - NEAR, mean, color="0.9", zorder=0, label=f"within {NEAR} points of that")
    chance_line(panel, results.chance)
