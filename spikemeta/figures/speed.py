"""Figures of the studies ``speed`` and ``optimizer_speed``: costs side by side, and against size, input and state."""

from functools import partial

import numpy as np

from spikemeta.figures.style import PALETTE, band, canvas, legend, look, placed

LABELS = {
    "ours": "spikemeta",
    "ours, float32": "spikemeta, float32",
    "surrogate": "spikemeta, exact gradient",
    "surrogate, float32": "spikemeta, exact gradient, float32",
    "brian2": "Brian2 by hand",
    "brian2, immediate": "Brian2 by hand, rule at every spike",
    "floor": "C++ by hand, float32",
}


def shape_name(n_hidden, density):
    """A network's shape in words."""
    return f"{n_hidden} hidden" + (f", {density:.0%} of the synapses" if density < 1 else "")


@placed
def comparison(rows, head, metrics):
    """Cost of a presentation by rule and program, on a logarithmic axis, with quartiles.

    Parameters
    ----------
    rows : list of dict
        As in ``summary.json``.
    head : dict
        The rest of it: ``hidden``, ``spikes``.
    metrics : dict of str to str
        The metric of each kind of program in `LABELS`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    made = canvas(9.5, 0.42 * len(rows) + 1.9)
    panel = made.add_subplot()
    for k, (kind, metric) in enumerate(metrics.items()):
        label = LABELS[kind]
        for y, row in enumerate(rows):
            if metric not in row["metrics"] or (row.get("peer") and kind != "ours"):
                continue
            m = row["metrics"][metric]
            style = {"marker": "X", "color": "0.4"} if row.get("peer") else look(k)
            error = [[m["mean"] - m["low"]], [m["high"] - m["mean"]]]
            panel.errorbar(m["mean"], y, xerr=error, ls="", ms=6, capsize=2, **style, label=None if row.get("peer") else label)
            label = label if row.get("peer") else None
    _rows(panel, [row["rule"] for row in rows])
    panel.set(xscale="log", xlabel="processor time of a presentation (ms; median, bars: quartiles)")
    panel.grid(axis="x", color="0.9", which="both", lw=0.5)
    made.suptitle(f"One presentation: 784-{head['hidden']}-10, {head['spikes']:.0f} input spikes, one thread", fontsize=12)
    legend(made, loc="outside lower center", ncols=3)
    return made


def figures_of(curves, rule):
    """A figure for each curve, by name; none without curves.

    Parameters
    ----------
    curves : dict
        As in ``summary.json``.
    rule : str
        The rule of the curves over size and input.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
    """
    if not curves:
        return {}
    draw = {
        "hidden": partial(_cost, x="hidden neurons", title="Cost against the size of the network"),
        "spikes": partial(_cost, x="input spikes in a presentation", title="Cost against the input, 200 hidden neurons"),
        "states": partial(_cost, x="state variables of a synapse", title="Cost against a rule's state, 200 hidden neurons"),
    }
    made = {f"cost_by_{name}": make(curves[name]) for name, make in draw.items()}
    made |= {"cost_per_event": _per_event(curves["hidden"]), "memory": _memory(curves["hidden"], rule)}
    return made | {"ratio_by_shape": _by_shape(curves["shapes"])}


def _rows(panel, names):
    """A line for each name, the first on top."""
    panel.set_yticks(range(len(names)), names, fontsize=8)
    panel.invert_yaxis()


def _frame(ticks, x, y, title):
    """An empty figure with two logarithmic axes, and its panel."""
    made = canvas(7.5, 4.0)
    panel = made.add_subplot()
    panel.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    panel.set_xticks(ticks, [f"{v:g}" for v in ticks])
    panel.minorticks_off()
    panel.grid(color="0.9", lw=0.5)
    made.suptitle(title, fontsize=11)
    return made, panel


def _line(panel, x, y, kind, label=None):
    """The line of a kind of program."""
    panel.plot(x, y, ms=5, label=label or LABELS[kind], **look(list(LABELS).index(kind)))


def _cost(curve, x, title):
    title = f"{title}\n(median of a presentation, band: quartiles)"
    made, panel = _frame(curve["x"], x, "processor time (ms)", title)
    for kind, found in curve["ms"].items():
        low, middle, high = np.array([[p["low"], p["mean"], p["high"]] for p in found]).T
        _line(panel, curve["x"], middle, kind)
        band(panel, curve["x"], low, high, panel.lines[-1].get_color(), cut=False)
    legend(made)
    return made


def _per_event(curve):
    title = "A plastic event: one spike at one synapse of the first layer"
    made, panel = _frame(curve["x"], "hidden neurons", "processor time per plastic event (ns)", title)
    for kind, values in curve["ns_per_event"].items():
        _line(panel, curve["x"], values, kind)
    legend(made)
    return made


def _memory(curve, rule):
    made, panel = _frame(curve["x"], "hidden neurons", "resident memory (MiB)", f"Memory of a program, {rule}")
    for kind, used in curve["resident"].items():
        label = f"{LABELS[kind]}: {curve['bytes_per_synapse'][kind]:.1f} bytes a synapse"
        label += f", {curve['expected'][kind]} expected" if kind in curve["expected"] else ""
        _line(panel, curve["x"], np.array(used) / 2**20, kind, label)
    legend(made, loc="outside lower center")
    return made


def _by_shape(found):
    rules = found["rules"]
    made = canvas(8.5, 0.36 * len(rules) + 1.9)
    panel = made.add_subplot()
    for k, (n, density) in enumerate(zip(found["hidden"], found["density"], strict=True)):
        ratios = [row["ratio_to_brian2"][k] for row in rules.values()]
        low, middle, high = np.array([[ratio[name] for name in ("low", "mean", "high")] for ratio in ratios]).T
        y = np.arange(len(rules)) + 0.12 * (k - (len(found["hidden"]) - 1) / 2)
        style = {"ls": "", "ms": 5, "capsize": 2} | look(k)
        panel.errorbar(middle, y, xerr=[middle - low, high - middle], label=shape_name(n, density), **style)
    panel.axvline(1, color="0.5", ls=":", lw=1)
    _rows(panel, list(rules))
    panel.set(xlim=(0, 1.05), xlabel="cost against Brian2 by hand (median of turns, bars: quartiles)")
    panel.grid(axis="x", color="0.9", lw=0.5)
    made.suptitle("Every rule in networks of other shapes", fontsize=12)
    legend(made, loc="outside lower center", ncols=3)
    return made


@placed
def ratios(rows, title):
    """Times relative to what each row names as ``against``, on a logarithmic axis, with quartiles."""
    figure = canvas(8.6, 0.3 * len(rows) + 1.4)
    panel = figure.add_subplot()
    groups = list(dict.fromkeys(row["against"] for row in rows))
    for y, row in enumerate(rows):
        times, ratio = row["metrics"]["milliseconds"], row["metrics"]["ratio"]["mean"]
        low, high = (abs(times[end] - times["mean"]) / times["mean"] * ratio for end in ("low", "high"))
        colour = PALETTE[groups.index(row["against"])]
        label = f"relative to {row['against']}" if row["rule"] == row["against"] else None
        panel.errorbar(ratio, y, xerr=[[low], [high]], fmt="o", color=colour, capsize=3, label=label)
        panel.annotate(f"{ratio:.2f}", (ratio, y), (8, 4), textcoords="offset points", fontsize=8)
    panel.axvline(1, color="0.6", lw=0.8)
    _rows(panel, [row["rule"] for row in rows])
    panel.set(xscale="log", xlabel="time (ratio of medians; bars: quartiles)")
    figure.suptitle(title, fontsize=12)
    legend(figure, loc="outside lower center")
    return figure
