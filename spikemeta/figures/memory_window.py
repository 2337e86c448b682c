"""Figures of the study ``memory_window``, from its ``results.nc`` data."""

from spikemeta.analysis.memory_window import LINES, RECENT
from spikemeta.figures.style import INTERVAL, blank, chance_line, curve, grid, legend, placed, shape_of


def _panels(data, title, scale):
    """A panel per rule and width: (figure, [(panel, rows, x)]); an endless window stands one step beyond the longest."""
    groups = {}
    for label in map(str, data.rule.values):
        groups.setdefault(label.rpartition(", N =")[0], []).append(label)
    rows, columns = shape_of(len(groups), 2)
    made = blank(max(7.5, 3.4 * columns + 2), 2.5 * rows + 1.0, data, title, INTERVAL)
    panels = grid(made, len(groups), columns, sharey=True, sharex=True)
    windows = sorted(set(data.window.values.tolist()))
    found = []
    for number, (panel, (name, labels)) in enumerate(zip(panels, groups.items(), strict=True)):
        panel.set_title(name, fontsize=9)
        panel.set_xticks(range(len(windows)), [f"{window:g}".replace("inf", "∞") for window in windows])
        if number + columns >= len(groups):
            panel.set_xlabel("memory window N (tasks)")
            panel.tick_params(labelbottom=True)
        if number % columns == 0:
            panel.set_ylabel(scale)
        found.append((panel, labels, [windows.index(float(data.window.sel(rule=label))) for label in labels]))
    return made, found


@placed
def accuracy(data):
    """Accuracy against the window: a line per measure, a panel per rule and width."""
    made, panels = _panels(data, "Accuracy by memory window", "test accuracy (%)")
    for panel, labels, x in panels:
        for k, (name, text) in enumerate(LINES.items()):
            if name == "recent_accuracy" and data.sizes["task"] <= RECENT:
                continue  # the same as all
            curve(panel, x, data[name].sel(rule=labels).values.T, k, text)
        chance_line(panel, data.chance)
        panel.set_ylim(0, 101)
    legend(made, panels[0][0])
    return made


@placed
def rigidity(data):
    """Slope of just-learned accuracy over tasks against the window, a panel per rule and width."""
    made, panels = _panels(data, "Rigidity by memory window", "slope of just-learned\naccuracy (% per task)")
    for panel, labels, x in panels:
        values = 100 * data.rigidity_slope.sel(rule=labels).values
        curve(panel, x, values.T, 0, "mean over seeds", scale=1)
        panel.plot(x, values, ".", color="0.5", ms=3)
        panel.axhline(0, color="0.5", ls=":", lw=1, label="the last is learned like the first")
    legend(made, panels[0][0])
    return made
