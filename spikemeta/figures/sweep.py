"""The figures of a sweep: accuracy, and forgetting, over the grid."""

import itertools

import numpy as np

from spikemeta.analysis.rows import short
from spikemeta.figures.style import (
    INTERVAL,
    MANY,
    band,
    canvas,
    chance_line,
    grid,
    interval_of,
    legend_of_all,
    look,
    placed,
    shape_of,
    wrapped,
)

#: Metrics that are drawn, what their axes say, and the least that they can be, in %.
METRICS = {"final_accuracy": ("accuracy after the last task (%)", 0), "forgetting": ("forgetting (%)", -100)}
#: Panels of one figure; a grid with more has none.
MOST = 24


def figures_of(rows, axes, described, chance):
    """The figures of a sweep by their names; None for what was not measured, or has more panels than `MOST`.

    Parameters
    ----------
    rows : list of dict
        As in ``summary.json``, each with ``grid``.
    axes : dict of str to sequence
        Values along each dimension; the first is drawn within a panel, of each combination of the others.
    described : str
        What was run.
    chance : float or None
        Accuracy of guessing, a fraction, where it is the same everywhere.

    Returns
    -------
    dict of str to matplotlib.figure.Figure or None
    """
    found = {}
    for metric in METRICS:
        own = [row for row in rows if metric in row["metrics"]]
        few = np.prod([len(values) for values in list(axes.values())[1:]], initial=1) <= MOST
        at = chance if metric == "final_accuracy" else None
        found[metric] = over_grid(own, axes, metric, described, at) if own and few else None
    return found


@placed
def over_grid(rows, axes, metric, described, chance=None):
    """One metric over the grid: a line per rule against a number; else, or for many rules, a row per rule.

    Parameters
    ----------
    rows, axes, described, chance
        As in `figures_of`.
    metric : str
        Of `METRICS`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    first, *others = axes
    names = {id(row): rule_of(row) for row in rows}
    rules = list(dict.fromkeys(names.values()))
    numbers = all(isinstance(value, int | float) for value in axes[first])
    draw = _lines if numbers and len(rules) <= MANY else _dots
    places = list(itertools.product(*(axes[key] for key in others)))
    tall, wide = shape_of(len(places), 3)
    high = 3.0 if draw is _lines else 0.05 * (3 + len(axes[first])) * len(rules) + 0.8
    figure = canvas(max(7.0, 1.8 + 3.6 * wide), high * tall + 1.0)
    n = max(len(row["metrics"][metric]["values"]) for row in rows)
    spread = f"; {n} seeds: {INTERVAL}" if n > 1 else "; one seed"
    title, least = METRICS[metric]
    figure.suptitle(f"{title.removesuffix(' (%)').capitalize()} by {first}\n{described}{spread}", fontsize=10)
    panels = grid(figure, len(places), 3, sharex=True, sharey=True)
    for panel, place in zip(panels, places, strict=True):
        here = [row for row in rows if all(row["grid"][key] == value for key, value in zip(others, place, strict=True))]
        values = {(names[id(row)], row["grid"][first]): row["metrics"][metric]["values"] for row in here}
        draw(panel, rules, axes[first], values, least)
        panel.set(**{"xlabel": first, "ylabel": title} if draw is _lines else {"xlabel": title})
        panel.label_outer()
        panel.set_title(", ".join(f"{key} = {value}" for key, value in zip(others, place, strict=True)), fontsize=9)
        if chance is not None:
            chance_line(panel, chance, lying=draw is _dots)
    legend_of_all(figure, panels)
    return figure


def rule_of(row):
    """The label of a row without its place in the grid."""
    label = f"{row['rule']} "
    for key, value in row["grid"].items():
        label = label.replace(f" {key}={short(value)} ", " ")
    return label.strip()


def _interval(columns, least):
    """As `interval_of`, within what is possible."""
    low, mean, high = interval_of(np.asarray(values, float) for values in columns)
    return np.clip(low, least, 100), mean, np.clip(high, least, 100)


def _lines(panel, rules, along, values, least):
    for k, rule in enumerate(rules):
        x = [value for value in along if (rule, value) in values]
        low, mean, high = _interval([values[rule, value] for value in x], least)
        panel.plot(x, mean, ms=4, lw=1.4, label=rule, **look(k))
        band(panel, x, low, high, look(k)["color"], cut=False)
    if min(along) > 0 and max(along) >= 10 * min(along):
        panel.set_xscale("log")
    panel.grid(axis="y", color="0.92")


def _dots(panel, rules, along, values, least):
    for b, value in enumerate(along):
        own = [k for k, rule in enumerate(rules) if (rule, value) in values]
        low, mean, high = _interval([values[rules[k], value] for k in own], least)
        bars = np.array([mean - low, high - mean]) if np.isfinite(low).any() else None
        shift = (b - (len(along) - 1) / 2) * 0.7 / len(along)
        style = look(b) | {"ls": "none", "ms": 5, "elinewidth": 0.9}
        panel.errorbar(mean, np.array(own) + shift, xerr=bars, label=value, **style)
    panel.set_yticks(range(len(rules)), [wrapped(rule, 24) for rule in rules], fontsize=8)
    panel.set(ylim=(len(rules) - 0.5, -0.5))
    for k in range(1, len(rules)):
        panel.axhline(k - 0.5, color="0.92", lw=0.8, zorder=0)
