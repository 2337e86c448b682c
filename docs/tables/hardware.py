"""Rules on chips and on devices: accuracies, losses, writes and energy."""

from tables.cells import markdown, share
from tables.recorded import names, summary


def _on_chips(name):
    rows = [row for row in summary(name)["rows"] if row["part"] == "chips" and row["metrics"]]
    cells = {(row["rule"], row["hardware"]): row for row in rows}
    return list(dict.fromkeys(r for r, _ in cells)), list(dict.fromkeys(c for _, c in cells)), cells


def chips(name):
    """A Markdown table of a recorded run of the study ``hardware``: final accuracy, in brackets where a rule does not fit."""
    rules, hardware, cells = _on_chips(name)
    body = []
    for rule in rules:
        texts = []
        for chip in hardware:
            row = cells.get((rule, chip))
            text = share(row["metrics"]["final_accuracy"]) if row else "failed"
            texts.append(text if row is None or row["fits"] else f"({text})")
        body.append([rule, *texts])
    return markdown(["rule", *(f"{c} (%)" for c in hardware)], body)


def losses(name):
    """A Markdown table: by chip, the rule that loses least from ideal, among all and among those that fit; in points."""
    rules, hardware, cells = _on_chips(name)
    body = []
    for chip in [c for c in hardware if c != "ideal"]:
        found = []
        for rule in rules:
            pair = [cells.get((rule, c)) for c in ("ideal", chip)]
            if all(pair):
                ideal, there = (100 * row["metrics"]["final_accuracy"]["mean"] for row in pair)
                found.append((ideal - there, rule, pair[1]["fits"]))
        fitting = [entry for entry in found if entry[2]]
        texts = [f"{e[1]} ({-e[0]:+.1f})" if e else "none" for e in (min(found), min(fitting, default=None), max(found))]
        body.append([chip, *texts])
    return markdown(["chip", "loses least", "of those that fit", "loses most"], body)


def own_constants(name, others="hardware/mnist-full"):
    """A Markdown table of rules on chips under constants that were looked for there, beside constants found without a chip.

    Parameters
    ----------
    name : str
        Of any of these runs, all of which begin alike: ``forgetting/chip-``.
    others : str
        The run of the study ``hardware`` to compare with.
    """
    _, _, cells = _on_chips(others)
    body = []
    for run in names():
        if run.startswith(name.partition("chip-")[0] + "chip-"):
            (row,) = summary(run)["rows"]
            alone, there = cells[row["rule"], "ideal"], cells[row["rule"], row["hardware"]]
            own = [share(row["metrics"][metric]) for metric in ("final_accuracy", "just_learned_accuracy")]
            body.append([row["rule"], row["hardware"], *(share(r["metrics"]["final_accuracy"]) for r in (alone, there)), *own])
    head = ["without a chip (%)", "there, the same constants (%)", "there, its own (%)", "just learned (%)"]
    return markdown(["rule", "chip", *head], body)


def visits(name):
    """A Markdown table: what a visit of a synapse does, from every rule's text; with its runs on ideal, per presentation."""
    from spikemeta.hardware.fitting import needs
    from spikemeta.hardware.visits import of_visit
    from spikemeta.language import registry

    _, _, cells = _on_chips(name)
    body = []
    for rule in registry.names("rules"):
        visit, row = of_visit(registry.get_rule(rule)), cells.get((rule, "ideal"))
        counts = visit.sums, visit.products, visit.divisions, visit.functions, visit.draws
        ran = ["", ""]
        if row:
            done = row["metrics"]["weight_writes"]["mean"] * visit.operations
            ran = [f"{done / 1000:,.0f}", share(row["metrics"]["final_accuracy"])]
        own = needs(registry.get_rule(rule)).count
        body.append([rule, *map(str, (own, visit.words_written, *counts, visit.operations)), *ran])
    head = ["rule", "words", "written", "sums", "products", "divisions", "functions", "random numbers", "operations"]
    return markdown([*head, "thousands a presentation", "final accuracy (%)"], body)


def chip_costs(name):
    """A Markdown table: what a learning presentation does and costs, by rule, for every chip with a price or with devices."""
    rules, hardware, cells = _on_chips(name)
    counts = ("synaptic_operations", "weight_writes", "weight_changes", "most_changes")
    body = []
    for chip in [c for c in hardware if c != "ideal"]:
        for rule in rules:
            row = cells.get((rule, chip))
            if row is None:
                continue
            m = {key: value["mean"] for key, value in row["metrics"].items() if not isinstance(value["mean"], list)}
            paid = m.get("energy_per_presentation_pj")
            terms = ", ".join(f"{k.replace('_', ' ')} {100 * v:.0f} %" for k, v in row.get("energy_terms", {}).items())
            energies = ["", ""] if paid is None else [f"{paid * 1e-6:.2f}", f"{m['energy_per_task_pj'] * 1e-9:.2f}"]
            without = ", ".join(text.replace("_", " ") for text in row["energy_leaves_out"])
            body.append([chip, rule, *(f"{m[key]:,.0f}" for key in counts), *energies, terms, without])
    head = ["chip", "rule", "synaptic operations", "weight writes", "changed", "most changes", "energy (µJ)"]
    return markdown([*head, "energy per task (mJ)", "terms", "left out"], body)


def chip_curves(name):
    """A Markdown table: final accuracy by bits of the weight, by programming noise and by bits of hidden state, in %."""
    rows = [row for row in summary(name)["rows"] if row["part"] != "chips" and row["metrics"]]
    points = sorted({(row["part"], row["x"]) for row in rows})
    cells = {(row["rule"], row["part"], row["x"]): share(row["metrics"]["final_accuracy"]) for row in rows}
    rules = dict.fromkeys(row["rule"] for row in rows)
    body = [[rule, *(cells.get((rule, *point), "failed") for point in points)] for rule in rules]
    return markdown(["rule", *(f"{part} {x:g}" for part, x in points)], body)


def devices(name):
    """A Markdown table of a recorded run of the study ``memristor``: the published accuracies and ours, in %."""
    body = []
    for row in summary(name)["rows"]:
        m, theirs = row["metrics"], "{:.1f} ± {:.1f}".format(*row["published"]) if row.get("published") else "not shipped"
        pulses = f"{m['most_changes']['mean']:,.0f}"
        body.append([row["rule"], theirs, share(m["final_accuracy"]), share(m["just_learned_accuracy"]), pulses])
    return markdown(["setting", "published (%)", "ours (%)", "just learned (%)", "most pulses per device"], body)
