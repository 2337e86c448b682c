"""The figure of a study's memory."""

from spikemeta.figures.style import PALETTE, canvas, legend, placed
from spikemeta.system.memory import SETTLED


@placed
def memory(trace):
    """Resident memory over time, of a trace from `spikemeta.system.memory.read`; None if it is shorter than two minutes."""
    if trace is None or trace["seconds"][-1] < 120:
        return None
    figure = canvas(7, 3.4)
    panel = figure.subplots()
    lines = {"total": "all but compilers", "own": "the study", "workers": "workers", "programs": "compiled networks"}
    for k, (name, label) in enumerate(lines.items()):
        panel.plot(trace["seconds"] / 60, trace[name], color=PALETTE[k], label=label, lw=2 if name == "total" else 1)
    panel.set(xlabel="time (min)", ylabel="resident memory (MiB)", ylim=(0, None))
    if trace["seconds"][-1] > SETTLED:
        panel.axvline(SETTLED / 60, color="0.5", ls=":", lw=1)
        panel.set_xlabel("time (min); dotted: the first ten minutes")
    panel.set_title("Memory of all processes of the study", fontsize=11)
    legend(figure)
    return figure
