"""What was kept at the end, against what it cost: memory, and updates of synapses."""

from spikemeta.figures.style import INTERVAL, blank, chance_line, error_bars, interval_of, legend, look, placed, rule_label

_AXES = {"footprint": "memory of all synapses and stored images (MB)", "plastic_events": "updates of synapses (millions)"}


@placed
def figure(results):
    """Final accuracy against footprint and plastic events, a point per rule with its interval over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the runs hold no costs.
    """
    if any(name not in results for name in _AXES):
        return None
    figure = blank(9.6, 4.2, results, "Accuracy at the end, and what it cost", INTERVAL)
    panels = figure.subplots(1, len(_AXES), sharey=True)
    for panel, (name, text) in zip(panels, _AXES.items(), strict=True):
        for k, rule in enumerate(results.rule.values):
            own = results.sel(rule=rule)
            low, mean, high = interval_of(own.final_accuracy.values[None])
            cost = [float(own[name].mean()) / 1e6]
            bars, label = error_bars(low, mean, high), rule_label(results, rule)
            panel.errorbar(cost, mean, yerr=bars, ls="none", ms=6, capsize=2, label=label, **look(k))
        chance_line(panel, results.chance)
        most = float(results[name].max()) / 1e6
        panel.set(xlabel=text, ylim=(0, 101), xlim=(0, 1.06 * most))
    panels[0].set_ylabel("final test accuracy (%)")
    legend(figure, panels[0])
    return figure
