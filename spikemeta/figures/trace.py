"""One synapse's state over presentations, with the spikes, gradients and boundaries that it went through."""

import numpy as np

from spikemeta.figures.style import PALETTE, canvas, placed


@placed
def figure(trace):
    """Gradients of the spikes above, the weight and each state variable beneath.

    Parameters
    ----------
    trace : spikemeta.backends.trace.Trace

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [name for name, values in trace.state.items() if not np.array_equal(values, trace.weight)]
    shown = {"weight": trace.weight} | {name: trace.state[name] for name in names}
    made = canvas(8.2, 1.4 + 1.25 * (1 + len(shown)))
    made.suptitle(f"One synapse under {trace.rule.title}\n", fontsize=12, x=0.012, ha="left", linespacing=1.5)
    beneath = "lines: brought up to date; dots: as stored right after an event; grey: boundaries"
    made.text(0.012, 0.985 - 0.26 / made.get_figheight(), beneath, va="top", fontsize=8.5, color="0.35")
    top, *panels = made.subplots(1 + len(shown), squeeze=False, sharex=True).flat
    spikes = [e for e in trace.events if e["event"] == "spike"]
    at, gradients = [e["presentation"] for e in spikes], [e["gradient"] for e in spikes]
    top.vlines(at, 0, gradients, color="0.3", lw=1)
    top.plot(at, gradients, ".", color="0.3", ms=4)
    top.axhline(0, color="0.8", lw=0.8, zorder=0)
    top.set_ylabel("gradient", fontsize=9)
    for k, (panel, (name, values)) in enumerate(zip(panels, shown.items(), strict=True)):
        colour = PALETTE[k % len(PALETTE)]
        panel.plot(trace.age, values, color=colour, lw=1.4)
        panel.plot([e["presentation"] for e in trace.events], [e[name] for e in trace.events], "o", color=colour, ms=2.5)
        panel.set_ylabel(name, fontsize=9)
    for panel in (top, *panels):
        for event in trace.events:
            if event["event"] == "boundary":
                panel.axvline(event["presentation"], color="0.7", lw=0.9, zorder=0)
    panels[-1].set_xlabel("presentations")
    panels[-1].set_xlim(0, trace.age[-1])
    return made
