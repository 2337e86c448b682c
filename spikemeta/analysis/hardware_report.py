"""Metrics, table and figures of the study ``hardware``."""

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.figures import shared
from spikemeta.hardware import counters
from spikemeta.runs import results

_ENERGY = "energy_per_presentation_pj"


class Analysis:
    """What `spikemeta.runs.experiment` measures of each row: accuracy and forgetting, counts, energy.

    Parameters
    ----------
    entries : list of Entry
    """

    def __init__(self, entries):
        self.chips = {entry.label: entry.hardware for entry in entries}

    def metrics_of(self, runs, chance):
        """Metrics of finished runs, with those of `spikemeta.hardware.counters.metrics_of_run`; unknown ones are left out."""
        table = results.metrics_of(runs, chance)
        if not runs:
            return table
        chip = self.chips[runs[0].label]
        n_tasks = len(runs[0].arrays["accuracy_matrix"])
        found = [counters.metrics_of_run(run.arrays, chip, n_tasks) for run in runs]
        for name in found[0]:
            summary = metrics.summarise([one[name] for one in found])
            if summary.n:
                table[name] = {"mean": summary.mean, "std": summary.std, "values": [one[name] for one in found]}
        return table

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """As `spikemeta.runs.results.to_dataset`."""
        return results.to_dataset(entries, seeds, runs, chance, **attributes)

    def add_tests(self, rows):
        """Name each row by its label, and say which terms its energy consists of."""
        for row in rows:
            chip = self.chips[row.get("label", row["rule"])]
            unpriced = [n for n in counters.PRICES if (p := chip.prices.get(n)) is None or p.value is None]
            row["energy_leaves_out"] = unpriced
            got = row["metrics"]
            priced = {n: p.value * counters.ENERGY[p.unit] for n, p in chip.prices.items() if p.value is not None}
            times = {
                "synaptic_operation": "synaptic_operations",
                "neuron_update": "neuron_updates",
                "weight_update": "weight_writes",
                "spike": "spikes",
            }
            if _ENERGY in got and got[_ENERGY]["mean"]:
                parts = {n: price * got[times[n]]["mean"] / got[_ENERGY]["mean"] for n, price in priced.items()}
                row["energy_terms"] = dict(sorted(parts.items(), key=lambda item: -item[1]))


def of_chips(rows):
    """Rules and chips in order, and the rows of the comparison by (rule, chip)."""
    cells = {(row["rule"], row["hardware"]): row for row in rows if row["part"] == "chips" and row["metrics"]}
    return list(dict.fromkeys(r for r, _ in cells)), list(dict.fromkeys(c for _, c in cells)), cells


def images_of(rows):
    """Images per task of the first row, None where the scale says it."""
    return rows[0].get("images") if rows else None


def loss(cells, rule, chip):
    """Final accuracy lost from ideal to a chip, seed by seed: a `spikemeta.analysis.metrics.Summary` of fractions, or None."""
    if (rule, chip) not in cells or (rule, "ideal") not in cells:
        return None
    ideal, there = cells[rule, "ideal"], cells[rule, chip]
    by_seed = dict(zip(ideal["seeds"], ideal["metrics"]["final_accuracy"]["values"], strict=True))
    values = zip(there["seeds"], there["metrics"]["final_accuracy"]["values"], strict=True)
    return metrics.summarise([by_seed[seed] - value for seed, value in values if seed in by_seed])


def table(rows, data):
    """Final accuracy of every rule on every chip, in %, as a rich table; rules that do not fit in brackets."""
    from rich.table import Table

    rules, chips, cells = of_chips(rows)
    made = Table(
        title=f"Rules on chips: {shared.describe(data, images_of(rows))}",
        caption="final accuracy, %, mean ± sd over seeds; in brackets: the rule does not fit the chip",
    )
    made.add_column("rule", overflow="fold")
    for chip in chips:
        made.add_column(chip, justify="right")
    for rule in rules:
        texts = []
        for chip in chips:
            row = cells.get((rule, chip))
            text = cell(row["metrics"]["final_accuracy"]) if row else "failed"
            texts.append(text if not row or row["fits"] else f"({text})")
        made.add_row(rule, *texts)
    return made


def cell(metric, scale=100):
    """``mean ± sd`` of a metric as in ``summary.json``."""
    spread = "" if metric["std"] is None else f" ± {scale * metric['std']:.1f}"
    return f"{scale * metric['mean']:.1f}{spread}"


def draw(rows, data, folder):
    """Draw and save the figures; returns their paths."""
    made = {"chips": chips_figure(rows, data), "pareto": pareto(rows, data), "curves": curves(rows, data)}
    return [path for name, figure in made.items() if figure for path in shared.save(figure, folder, name)]


def chips_figure(rows, data):
    """Final accuracy of every rule on every chip, and what it loses from ideal; cells that do not fit are hatched."""
    from matplotlib.patches import Rectangle

    rules, chips, cells = of_chips(rows)
    figure = shared.blank(
        1.35 * len(chips) + 3.2,
        0.52 * len(rules) + 1.7,
        data,
        "Final accuracy of each rule on each chip",
        "mean",
        images=images_of(rows),
    )
    panel = figure.add_subplot()
    values = np.full((len(rules), len(chips)), np.nan)
    for (i, rule), (j, chip) in ((a, b) for a in enumerate(rules) for b in enumerate(chips)):
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
    panel.set_xticks(range(len(chips)), chips, fontsize=9)
    panel.set_yticks(range(len(rules)), rules, fontsize=9)
    panel.set_xlabel("hatched: the rule does not fit the chip; in brackets: change from ideal, points", fontsize=8)
    figure.colorbar(image, ax=panel, label="final accuracy (%)", shrink=0.85)
    return figure


def pareto(rows, data):
    """Final accuracy against the priced energy of a learning presentation; the front of each chip is a line."""
    rules, chips, cells = of_chips(rows)
    shown = [chip for chip in chips if any(_ENERGY in cells[r, chip]["metrics"] for r in rules if (r, chip) in cells)]
    if not shown:
        return None
    title, size = "Final accuracy against energy", (3.5 * len(shown) + 2.2, 4.3)
    figure = shared.blank(*size, data, title, "mean and 95 % interval", images=images_of(rows))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for panel, chip in zip(panels, shown, strict=True):
        points = []
        for k, rule in enumerate(rules):
            row = cells.get((rule, chip))
            if row is None or _ENERGY not in row["metrics"]:
                continue
            x = row["metrics"][_ENERGY]["mean"] * 1e-6
            y = metrics.summarise(row["metrics"]["final_accuracy"]["values"])
            spread = 100 * np.array([[y.mean - y.low], [y.high - y.mean]]) if y.n > 1 else None
            style = {"color": shared.PALETTE[k % 8], "marker": shared.MARKERS[k % 8]}
            panel.errorbar(
                x,
                100 * y.mean,
                yerr=spread,
                ls="",
                ms=7,
                capsize=2,
                lw=1,
                mfc=None if row["fits"] else "white",
                label=rule,
                **style,
            )
            points.append((x, 100 * y.mean))
        front = [p for p in sorted(points) if not any(q[0] <= p[0] and q[1] > p[1] for q in points)]
        panel.plot(*zip(*front, strict=True), color="0.6", lw=1, zorder=0)
        left_out = next(row["energy_leaves_out"] for (_, c), row in cells.items() if c == chip)
        without = ", ".join(n.replace("_", " ") for n in left_out)
        panel.set_title(f"{chip}\nwithout: {without or 'nothing'}", fontsize=8)
        panel.set_xlabel("energy per learning presentation (µJ)", fontsize=8)
        panel.set_xlim(0, 1.2 * max(x for x, _ in points))
        panel.grid(color="0.92")
    panels[0].set_ylabel("final accuracy (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", fontsize=8, frameon=False, title="hollow: does not fit", title_fontsize=8
    )
    return figure


def curves(rows, data):
    """Final accuracy against the weight's bits and against programming noise, a line per rule."""
    parts = {"bits": "bits of a stored weight", "noise": "programming noise (sd per pulse, in mean pulses)"}
    rows = [row for row in rows if row["part"] in parts and row["metrics"]]
    if not rows:
        return None
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    n = max(len(row["seeds"]) for row in rows)
    title = "Final accuracy against precision and noise"
    figure = shared.blank(10.2, 4.2, data, title, "mean and 95 % interval", n, images_of(rows))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (part, text) in zip(panels, parts.items(), strict=True):
        ticks = sorted({row["x"] for row in rows if row["part"] == part})
        for k, rule in enumerate(rules):
            own = sorted((row for row in rows if row["rule"] == rule and row["part"] == part), key=lambda row: row["x"])
            x = [ticks.index(row["x"]) + 0.5 * (k / len(rules) - 0.5) for row in own]  # beside each other, to be told apart
            y = [metrics.summarise(row["metrics"]["final_accuracy"]["values"]) for row in own]
            low, mean, high = 100 * np.array([[s.low, s.mean, s.high] for s in y], float).T
            style = {"color": shared.PALETTE[k % 8], "marker": shared.MARKERS[k % 8], "ms": 5, "lw": 1.3, "elinewidth": 0.8}
            panel.errorbar(x, mean, yerr=shared.bars(low, mean, high), label=rule, **style)
        panel.set_xticks(range(len(ticks)), [f"{tick:g}" for tick in ticks])
        panel.set_xlabel(text, fontsize=9)
        panel.grid(axis="y", color="0.92")
        panel.axhline(100 * data.chance, color="0.5", ls=":", lw=1)
    panels[0].set_ylabel("final accuracy (%); dotted: chance", fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize=8, frameon=False)
    return figure


def beside_table(rows, data):
    """Published and our accuracies of the study ``memristor``, as a rich table."""
    from rich.table import Table

    made = Table(
        title=f"Probabilistic metaplasticity on memristors: {shared.describe(data, images_of(rows))}", caption="%, mean ± sd"
    )
    for head in ("setting", "published", "ours", "just learned", "most pulses per device"):
        made.add_column(head, justify="left" if head == "setting" else "right")
    for row in [row for row in rows if row["metrics"]]:
        m = row["metrics"]
        ours = cell(m["final_accuracy"]), cell(m["just_learned_accuracy"]), cell(m["most_changes"], 1)
        made.add_row(row["rule"], "{:.1f} ± {:.1f}".format(*row["published"]), *ours)
    return made


def beside(rows, data):
    """Published final accuracies (mean and sd) beside ours, a dot per seed."""
    rows = [row for row in rows if row["metrics"]]
    figure = shared.blank(
        8.2, 0.6 * len(rows) + 1.9, data, "Probabilistic metaplasticity on memristors", "a dot each", images=images_of(rows)
    )
    panel = figure.add_subplot()
    for y, row in enumerate(rows):
        mean, spread = row["published"]
        style = {"color": shared.PALETTE[1], "capsize": 3, "label": "published, mean and sd of 5" * (not y)}
        panel.errorbar(mean, y - 0.12, xerr=spread, fmt="D", ms=6, **style)
        values = 100 * np.asarray(row["metrics"]["final_accuracy"]["values"], float)
        panel.plot(values, np.full(len(values), y + 0.12), "o", mfc="white", mec=shared.PALETTE[0], label="ours" * (not y))
        panel.plot(values.mean(), y + 0.12, "|", ms=14, mew=2, color=shared.PALETTE[0], label="ours, mean" * (not y))
    panel.set_yticks(range(len(rows)), [row["rule"] for row in rows])
    panel.invert_yaxis()
    panel.axvline(100 * data.chance, color="0.5", ls=":", lw=1)
    panel.set(xlabel="final accuracy, mean over tasks (%); dotted: chance")
    panel.grid(axis="x", color="0.92")
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    return figure
