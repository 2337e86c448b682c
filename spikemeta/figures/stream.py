"""The figure of the study ``stream``: how long what was learned lasts."""

import numpy as np

from spikemeta.analysis.stream import RECENT
from spikemeta.figures.style import band, canvas, chance_line, interval_of, legend, look, placed


@placed
def stream(rows, described, chance):
    """Accuracy along the stream, on the last tasks and on the one just learned; and at the end on each task.

    Parameters
    ----------
    rows : list of dict
        As in ``summary.json``.
    described : str
    chance : float

    Returns
    -------
    matplotlib.figure.Figure
    """
    made = canvas(10.5, 6.6)
    made.suptitle(f"A stream of permuted tasks: {described}", fontsize=12)
    panels = dict(zip(("recent_along", "just_learned_along", "at_end"), made.subplots(3, 1, sharex=True), strict=True))
    titles = {
        "recent_along": f"after each task, mean of the last {RECENT}",
        "just_learned_along": "right after learning each task",
        "at_end": "at the end, on each task",
    }
    for name, panel in panels.items():
        for k, row in enumerate(row for row in rows if row["metrics"]):
            values = 100 * np.array(row["metrics"][name]["values"])
            x = np.arange(1, values.shape[1] + 1)
            label = row["rule"] + " (told of boundaries)" * row["needs_boundary"]
            every = max(1, values.shape[1] // 12)
            panel.plot(x, values.mean(0), lw=1.2, ms=4, label=label, markevery=every, **look(k))
            if len(values) > 1:
                low, _, high = interval_of(values.T, scale=1)
                band(panel, x, low, high, look(k)["color"])
        chance_line(panel, chance)
        panel.set(ylim=(0, 101), title=titles[name])
        panel.title.set_fontsize(9)
        panel.set_ylabel("accuracy (%)", fontsize=9)
    panel.set_xlabel("task")
    legend(made, panel)
    return made
