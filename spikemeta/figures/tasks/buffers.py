"""What stored images repair, by how many there are: where rows of a comparison differ in that."""

import re

import numpy as np

from spikemeta.figures.style import INTERVAL, blank, chance_line, curve, interval_of, is_told, legend, placed

#: Points of accuracy below all tasks at once within which a sequence of tasks counts as repaired.
NEAR = 5
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
    """Final accuracy against the number of stored images, a line per rule with its band over seeds; beside all tasks at once.

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
    figure = blank(8.2, 4.4, results, "Accuracy at the end, by the number of stored images", INTERVAL)
    panel = figure.add_subplot()
    sizes = sorted({size for rows in stored.values() for size in rows})
    for k, (rule, rows) in enumerate(stored.items()):
        values = np.stack([results.final_accuracy.sel(rule=label).values for label in rows.values()], axis=1)
        told = is_told(results, next(iter(rows.values())))
        name = f"{rule} (told of boundaries)" if told else rule
        curve(panel, [sizes.index(size) for size in rows], values, k, name, told)
    if joint:
        _, (mean,), _ = interval_of([results.final_accuracy.sel(rule=joint).values])
        panel.axhline(mean, color="0.2", lw=1, label="all tasks at once")
        panel.axhspan(mean - NEAR, mean, color="0.9", zorder=0, label=f"within {NEAR} points of that")
    chance_line(panel, results.chance)
    panel.set_xticks(range(len(sizes)), [str(size) if size else "none" for size in sizes])
    panel.set(xlabel="stored images", ylabel="final accuracy (%)", ylim=(0, 101))
    panel.grid(axis="y", color="0.92")
    legend(figure)
    return figure
