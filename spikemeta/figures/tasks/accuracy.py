"""Accuracy after the last task, and right after learning each."""

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.figures.style import HATCH, INTERVAL, MANY, PALETTE, blank, chance_line, is_told, legend, placed, wrapped


@placed
def figure(results):
    """Bars of final and just-learned accuracy per rule, with intervals and a dot per seed.

    More rules than `MANY` lie below each other, so that the figure keeps its width.

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
    lying = len(rules) > MANY
    labels = [wrapped(rule, 24) for rule in rules] if lying else rules
    row = 0.14 * max(3, *(str(label).count("\n") + 2 for label in labels))  # inches: its lines of text, and one between
    size = (9.0, row * len(rules) + 1.6) if lying else (max(7.0, 1.3 * len(rules) + 2.6), 4.4)
    figure = blank(*size, results, "Accuracy, mean over tasks", INTERVAL + ", dots: seeds")
    panel = figure.add_subplot()
    width = 0.8 / len(names)
    for b, name in enumerate(names):
        for k, rule in enumerate(rules):
            if name == "just_learned_accuracy" and str(rule).startswith("joint ("):
                continue  # all tasks at once: none of them was just learned
            x, values = k + (b - (len(names) - 1) / 2) * width, results[name].sel(rule=rule).values
            _bar(panel, x, width, values, b, is_told(results, rule), lying)
    chance_line(panel, results.chance, lying=lying)
    if lying:
        panel.set_yticks(range(len(rules)), labels, fontsize=9)
        panel.set(xlabel="test accuracy (%)", xlim=(0, 101), ylim=(len(rules) - 0.5, -0.5))
    else:
        crowded = len(rules) > 4
        panel.set_xticks(range(len(rules)), labels, rotation=20 if crowded else 0, ha="right" if crowded else "center")
        panel.set(ylabel="test accuracy (%)", ylim=(0, 101))
    legend(figure, handles=_handles(panel, names, results.needs_boundary.any()))
    return figure


def _bar(panel, x, width, values, b, told, lying):
    """A bar at x: mean of fractions (n_seeds,), interval, a dot per seed; from left to right where it lies."""
    summary = statistics.summarise(values)
    edge, hatch = ("white", HATCH) if told else (PALETTE[b], "")
    bar = panel.barh if lying else panel.bar
    bar(x, 100 * summary.mean, 0.92 * width, color=PALETTE[b], edgecolor=edge, hatch=hatch, lw=0)
    if summary.n > 1:
        centre = (100 * summary.mean, x) if lying else (x, 100 * summary.mean)
        length = {"xerr" if lying else "yerr": 100 * (summary.high - summary.mean)}
        panel.errorbar(*centre, **length, color="black", capsize=1.5 if lying else 3, lw=1)
    spread = np.linspace(-0.2, 0.2, len(values)) * width if len(values) > 1 else [0.0]
    places = x + np.asarray(spread), 100 * values
    size = 2.5 if lying else 3.5
    panel.plot(*(places[::-1] if lying else places), "o", ms=size, mfc="white", mec="black", mew=0.7, zorder=3)


def _handles(panel, names, any_told):
    """What the legend of the bars shows: a patch per metric, one for hatching, and the lines of the panel."""
    from matplotlib.patches import Patch

    handles = [Patch(color=PALETTE[b], label=text) for b, text in enumerate(names.values())]
    if any_told:
        handles.append(Patch(facecolor="0.6", edgecolor="white", hatch=HATCH, label="rule is told of boundaries"))
    return handles + panel.get_legend_handles_labels()[0]
