"""Figures of the studies ``hardware`` and ``memristor``."""

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.analysis.hardware import ENERGY, images_of, loss, of_chips
from spikemeta.figures import published
from spikemeta.figures.style import blank, chance_line, error_bars, interval_of, legend, look, placed


def figures_of(rows, data):
    """Every figure of the study ``hardware``, by the name of its file; None where there is nothing to draw.

    Parameters
    ----------
    rows : list of dict
        As in ``summary.json``.
    data : xarray.Dataset
        Of ``results.nc``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure or None
    """
    drawn = {"chips": chips, "demands": demands, "pareto": pareto, "curves": curves}
    return {name: draw(rows, data) for name, draw in drawn.items()}


@placed
def chips(rows, data):
    """Final accuracy of every rule on every chip, and what it loses from ideal; cells that do not fit are hatched."""
    from matplotlib.patches import Rectangle

    rules, names, cells = of_chips(rows)
    size, title = (1.35 * len(names) + 3.2, 0.52 * len(rules) + 1.7), "Final accuracy of each rule on each chip"
    figure = blank(*size, data, title, "mean", images=images_of(rows))
    panel = figure.add_subplot()
    values = np.full((len(rules), len(names)), np.nan)
    for (i, rule), (j, chip) in ((a, b) for a in enumerate(rules) for b in enumerate(names)):
        row = cells.get((rule, chip))
        if row is None:
            panel.text(j, i, "failed", ha="center", va="center", fontsize=8)
            continue
        values[i, j] = 100 * row["metrics"]["final_accuracy"]["mean"]
        lost = loss(cells, rule, chip)
        text = f"{values[i, j]:.0f}" + (f"\n({-100 * lost.mean:+.0f})" if lost and chip != "ideal" else "")
        panel.text(j, i, text, ha="center", va="center", fontsize=8, color="black" if values[i, j] > 60 else "white")
        if not row["fits"]:
            panel.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="//", ec="0.65", lw=0, alpha=0.55))
    image = panel.imshow(values, vmin=0, vmax=100, cmap="cividis", aspect="auto")
    panel.set_xticks(range(len(names)), names, fontsize=9)
    panel.set_yticks(range(len(rules)), rules, fontsize=9)
    panel.set_xlabel("hatched: the rule does not fit the chip; in brackets: change from ideal, points", fontsize=8)
    figure.colorbar(image, ax=panel, label="final accuracy (%)", shrink=0.85)
    return figure


@placed
def pareto(rows, data):
    """Final accuracy against the priced energy of a learning presentation; the front of each chip is a line."""
    rules, chips, cells = of_chips(rows)
    shown = [chip for chip in chips if any(ENERGY in cells[r, chip]["metrics"] for r in rules if (r, chip) in cells)]
    if not shown:
        return None
    title, size = "Final accuracy against energy", (3.5 * len(shown) + 2.2, 4.3)
    figure = blank(*size, data, title, "mean and 95 % interval", images=images_of(rows))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for panel, chip in zip(panels, shown, strict=True):
        points = [_point(panel, cells.get((rule, chip)), k, rule) for k, rule in enumerate(rules)]
        points = [point for point in points if point]
        front = [p for p in sorted(points) if not any(q[0] <= p[0] and q[1] > p[1] for q in points)]
        panel.plot(*zip(*front, strict=True), color="0.6", lw=1, zorder=0)
        left_out = next(row["energy_leaves_out"] for (_, c), row in cells.items() if c == chip)
        without = ", ".join(n.replace("_", " ") for n in left_out)
        panel.set_title(f"{chip}\nwithout: {without or 'nothing'}", fontsize=8)
        panel.set_xlabel("energy per learning presentation (µJ)", fontsize=8)
        panel.set_xlim(0, 1.2 * max(x for x, _ in points))
        panel.grid(color="0.92")
    panels[0].set_ylabel("final accuracy (%)")
    legend(figure, panels[0], title="hollow: does not fit", title_fontsize=8)
    return figure


def _point(panel, row, k, rule):
    """Draw a rule's energy (µJ) and accuracy (%) on a chip, and return both; None where they are not known."""
    if row is None or ENERGY not in row["metrics"]:
        return None
    x = row["metrics"][ENERGY]["mean"] * 1e-6
    y = statistics.summarise(row["metrics"]["final_accuracy"]["values"])
    spread = 100 * np.array([[y.mean - y.low], [y.high - y.mean]]) if y.n > 1 else None
    panel.errorbar(x, 100 * y.mean, yerr=spread, label=rule, **_marker(k, row["fits"]))
    return x, 100 * y.mean


def _marker(k, fits):
    """Of a rule on a chip; hollow says here that the chip is too small."""
    style = {"ls": "", "ms": 7, "capsize": 2, "lw": 1} | look(k)
    return style | {"markerfacecolor": style["color"] if fits else "white"}


@placed
def demands(rows, data):
    """Final accuracy against operations per learning presentation, and bits of state per synapse; a row for each chip."""
    rules, chips, cells = of_chips(rows)
    cells = {key: row for key, row in cells.items() if "operations" in row["metrics"]}
    chips = [chip for chip in chips if any((rule, chip) in cells for rule in rules)]
    if not chips:
        return None
    size, title = (10.0, 2.25 * len(chips) + 1.6), "Final accuracy against what a rule asks for"
    figure = blank(*size, data, title, "mean and 95 % interval", images=images_of(rows))
    panels = figure.subplots(len(chips), 2, sharex="col", sharey=True, squeeze=False)
    for (left, right), chip in zip(panels, chips, strict=True):
        for k, rule in enumerate(rules):
            row = cells.get((rule, chip))
            if row is None:
                continue
            low, mean, high = interval_of([row["metrics"]["final_accuracy"]["values"]])
            spread, style = error_bars(low, mean, high), _marker(k, row["fits"])
            left.errorbar(row["metrics"]["operations"]["mean"] / 1e3, mean, yerr=spread, label=rule, **style)
            if row["state_bits"] is not None:
                right.errorbar(row["state_bits"], mean, yerr=spread, label=rule, **style)
        if not right.containers:
            right.text(0.5, 0.5, "analog devices, no bits", transform=right.transAxes, ha="center", fontsize=9, color="0.35")
        left.set_ylabel(f"{chip}\naccuracy (%)", fontsize=9)
        for panel in (left, right):
            panel.grid(color="0.92")
            chance_line(panel, data.chance, None)
    asked = [row["metrics"]["operations"]["mean"] / 1e3 for row in cells.values()]
    _doubling(panels[-1, 0], asked, "thousand operations per learning presentation")
    _doubling(panels[-1, 1], [row["state_bits"] or np.nan for row in cells.values()], "state per synapse, as stored (bit)")
    legend(figure, panels[0, 0], title="hollow: does not fit\ndotted: chance", title_fontsize=8)
    return figure


def _doubling(panel, values, label):
    """A logarithmic axis that holds these values, with whole numbers at its ticks."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    panel.set_xscale("log", base=2)
    if np.isfinite(values).any():
        panel.set_xlim(np.nanmin(values) / 1.4, np.nanmax(values) * 1.4)
    panel.xaxis.set_major_locator(LogLocator(base=2))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.tick_params(labelsize=8)
    panel.set_xlabel(label, fontsize=9)


@placed
def curves(rows, data):
    """Final accuracy against bits of the weight, programming noise and bits of hidden state, as far as run; a line per rule."""
    parts = {
        "bits": "bits of a stored weight",
        "noise": "programming noise (sd per pulse, in mean pulses)",
        "hidden": "bits of the first hidden word",
    }
    rows = [row for row in rows if row["part"] in parts and row["metrics"]]
    if not rows:
        return None
    parts = {part: text for part, text in parts.items() if any(row["part"] == part for row in rows)}
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    n = max(len(row["seeds"]) for row in rows)
    title = "Final accuracy against precision and noise" if len(parts) > 1 else "Final accuracy against precision"
    figure = blank(1.2 + 4.5 * len(parts), 4.2, data, title, "mean and 95 % interval", n, images_of(rows))
    panels = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for panel, (part, text) in zip(panels, parts.items(), strict=True):
        ticks = sorted({row["x"] for row in rows if row["part"] == part})
        for k, rule in enumerate(rules):
            own = sorted((row for row in rows if row["rule"] == rule and row["part"] == part), key=lambda row: row["x"])
            x = [ticks.index(row["x"]) + 0.5 * ((k + 0.5) / len(rules) - 0.5) for row in own]  # beside each other
            low, mean, high = interval_of(row["metrics"]["final_accuracy"]["values"] for row in own)
            style = {"ms": 5, "lw": 1.3, "elinewidth": 0.8} | look(k)
            panel.errorbar(x, mean, yerr=error_bars(low, mean, high), label=rule, **style)
        panel.set_xticks(range(len(ticks)), [f"{tick:g}" for tick in ticks])
        panel.set_xlabel(text, fontsize=9)
        panel.grid(axis="y", color="0.92")
        chance_line(panel, data.chance, None)
    panels[0].set_ylabel("final accuracy (%); dotted: chance", fontsize=9)
    legend(figure, panels[0])
    return figure


@placed
def beside(rows, data):
    """Published final accuracies (mean and sd), where there are any, beside ours, a dot per seed."""
    rows = [row for row in rows if row["metrics"]]
    size, title = (8.2, 0.6 * len(rows) + 1.9), "Probabilistic metaplasticity on memristors"
    figure = blank(*size, data, title, "a dot each", images=images_of(rows))
    panel = figure.add_subplot()
    for y, row in enumerate(rows):
        values = 100 * np.asarray(row["metrics"]["final_accuracy"]["values"], float)
        published.beside(panel, y, row["published"], values, "published, mean and sd of 5", "ours")
    panel.set_yticks(range(len(rows)), [row["rule"] for row in rows])
    panel.invert_yaxis()
    panel.axvline(100 * data.chance, color="0.5", ls=":", lw=1)
    panel.set(xlabel="final accuracy, mean over tasks (%); dotted: chance")
    panel.grid(axis="x", color="0.92")
    legend(figure)
    return figure
