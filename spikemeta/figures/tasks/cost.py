"""What was kept at the end, and what it cost: memory, and updates of synapses."""

import numpy as np

from spikemeta.figures.style import (
    HATCH,
    INTERVAL,
    PALETTE,
    blank,
    chance_line,
    error_bars,
    interval_of,
    is_told,
    placed,
    wrapped,
)

_COSTS = {"footprint": "memory of synapses\nand stored images (MB)", "plastic_events": "updates of synapses\n(millions)"}


@placed
def figure(results):
    """Final accuracy, footprint and plastic events of each rule, beside each other; a row for each, the best first.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the runs hold no costs.
    """
    if any(name not in results for name in _COSTS):
        return None
    order = np.argsort(-results.final_accuracy.mean("seed").fillna(-1).values, kind="stable")
    results = results.isel(rule=order)
    told = [is_told(results, rule) for rule in results.rule.values]
    labels = [wrapped(rule, 24) + "\n(told of boundaries)" * one for rule, one in zip(results.rule.values, told, strict=True)]
    rows = np.arange(len(labels))
    lines = sum(max(2, 1 + label.count("\n")) for label in labels)
    figure = blank(9.0, 0.13 * lines + 1.7, results, "Accuracy at the end, and what it cost", INTERVAL)
    accuracy, *panels = figure.subplots(1, 1 + len(_COSTS), sharey=True, width_ratios=(1.4, 1, 1))
    low, mean, high = interval_of(results.final_accuracy.values)
    accuracy.errorbar(mean, rows, xerr=error_bars(low, mean, high), fmt="o", color=PALETTE[0], ms=4, elinewidth=0.9, capsize=2)
    chance_line(accuracy, results.chance, lying=True)
    accuracy.set_yticks(rows, labels, fontsize=8)
    accuracy.set(xlabel="final test accuracy (%)\ndotted: chance", xlim=(0, 101), ylim=(len(rows) - 0.5, -0.5))
    accuracy.grid(axis="y", color="0.9", lw=0.6)
    accuracy.set_axisbelow(True)
    for panel, (name, text) in zip(panels, _COSTS.items(), strict=True):
        costs = results[name].mean("seed").values / 1e6
        bars = panel.barh(rows, costs, 0.7, color=PALETTE[5], edgecolor="white", lw=0, hatch=[HATCH * one for one in told])
        panel.bar_label(bars, [f"{cost:.3g}" if np.isfinite(cost) else "" for cost in costs], fontsize=7, padding=2)
        panel.set(xlabel=text, xlim=(0, 1.2 * np.nanmax(costs) or 1))
        panel.tick_params(left=False)
    for panel in figure.axes:
        panel.xaxis.label.set_size(9)
        panel.tick_params(axis="x", labelsize=8)
    return figure
