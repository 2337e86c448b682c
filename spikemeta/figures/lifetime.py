"""Figures of the study ``memory_lifetime``: signal over noise against the age of a memory, lifetimes against synapses."""

import numpy as np

from spikemeta.figures.style import canvas, legend_of_all, look, placed


@placed
def curves(results):
    """Signal over noise against age, log-log, a line for each rule, and the slopes of the theories.

    Parameters
    ----------
    results : xarray.Dataset
        ``snr`` (rule, seed, age), of the number of synapses in its attributes.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = canvas(8.5, 5)
    panel = figure.add_subplot()
    ages, highest = results.age.values, 1.0
    marked = [int(age) - 1 for age in np.unique(np.geomspace(1, len(ages), 9).round())]
    for k, rule in enumerate(results.rule.values):
        mean = results.snr.sel(rule=rule).mean("seed").values
        highest = max(highest, float(np.fmax.reduce(mean, initial=0)))  # of a rule that diverged there is nothing to draw
        told = bool(results.needs_boundary.sel(rule=rule))
        panel.plot(
            ages + 1,
            np.where(mean > 0, mean, np.nan),
            "--" if told else "-",
            lw=1.4,
            markevery=marked,
            ms=4,
            **look(k),
            label=str(rule),
        )
    for power, text in ((-0.5, "chain"), (-1.0, "cascade")):
        panel.plot(ages + 1, highest * (ages + 1.0) ** power, ":", color="0.5", lw=1, label=f"age^{power:g} ({text})")
    window = results.attrs["window"]
    panel.plot(ages + 1, highest * np.exp(-ages / window), "-.", color="0.5", lw=1, label=f"exp(-age/{window:g}) (one time)")
    panel.axhline(1, color="0.7", lw=0.8)
    panel.set(xscale="log", yscale="log", ylim=(0.3, 1.5 * highest))
    panel.set(xlabel="age: memories stored since, itself included", ylabel="signal over noise")
    figure.suptitle(
        f"An ideal observer of {results.attrs['largest']:,} synapses (broken lines: told of boundaries)", fontsize=11
    )
    legend_of_all(figure, [panel])
    return figure


@placed
def lifetimes(results):
    """Lifetime by signal over noise, and mean first passage, against the number of synapses.

    Parameters
    ----------
    results : xarray.Dataset
        ``lifetime`` and ``first_passage`` (rule, seed, synapses), in memories.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = canvas(9.5, 4.5)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    numbers, most = results.synapses.values, float(results.age.values[-1]) + 1
    for panel, name in zip(panels, ("lifetime", "first_passage"), strict=True):
        for k, rule in enumerate(results.rule.values):
            values = results[name].sel(rule=rule).values
            mean = np.minimum(np.where(np.isfinite(values), values, most), most).mean(0)
            panel.plot(numbers, np.maximum(mean, 0.5), lw=1.2, ms=4, **look(k), label=str(rule))
        panel.axhline(most, color="0.7", lw=0.8)
        panel.set(xscale="log", yscale="log", xlabel="synapses")
    panels[0].set(ylabel="memories", title="signal over noise above 1")
    panels[1].set(title="first readout below one deviation")
    figure.suptitle("How long a memory lives (grey line: longest age looked at; lower bounds there)", fontsize=11)
    legend_of_all(figure, panels)
    return figure
