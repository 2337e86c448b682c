"""Tables of recorded results, for the pages: the numbers come from the studies' own summary.json."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from spikemeta.analysis.metrics import above, summarise
from spikemeta.analysis.recall import breaking_fraction

RECORDED = Path(__file__).parent / "recorded"
COUNTS = ("memorized_items", "memorized_items_published", "items_before_attack", "items_after_attack")


def _cell(metric, scale=100):
    if not metric or metric.get("mean") is None:
        return ""
    spread = f" ± {scale * metric['std']:.1f}" if metric.get("std") is not None else ""
    return f"{scale * metric['mean']:.1f}{spread}"


def _test(found):
    return f"{100 * found['mean']:+.1f} ({found['p']:.1g})" if found and found.get("p") is not None else ""


def summary(name):
    """The recorded ``summary.json`` of a run."""
    return json.loads((RECORDED / name / "summary.json").read_text(encoding="utf-8"))


def table(name, metrics=("final_accuracy", "just_learned_accuracy", "forgetting"), told=True):
    """A Markdown table of a recorded run: a row per rule, mean ± standard deviation over seeds, in % where it is no count.

    Parameters
    ----------
    name : str
        Folder in ``recorded``.
    metrics : tuple of str
    told : bool
        Whether a column says which rules were told of task boundaries.

    Returns
    -------
    str
    """
    found = summary(name)
    rows = sorted((r for r in found["rows"] if r["metrics"]), key=lambda r: -r["metrics"]["final_accuracy"]["mean"])
    head = [
        "rule",
        *(["told of boundaries"] if told else []),
        *(m.replace("_", " ") + " (%)" * (m not in COUNTS) for m in metrics),
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [row["rule"], *(["yes" if row["needs_boundary"] else "no"] if told else [])]
        lines.append(
            "| " + " | ".join([*cells, *(_cell(row["metrics"].get(m), 1 if m in COUNTS else 100) for m in metrics)]) + " |"
        )
    return "\n".join(lines)


def command(name):
    """The command that a recorded run came from, and how long its simulations took."""
    provenance = json.loads((RECORDED / name / "provenance.json").read_text(encoding="utf-8"))
    return provenance["command"]


def published(name):
    """A Markdown table of a recorded run of the study ``published``: the papers' accuracies and ours, in %."""
    lines = ["| setting | tasks | published (%) | ours (%) | just learned (%) | seeds | source |", "|" + "---|" * 7]
    for row in summary(name)["rows"]:
        theirs = row["published"]
        if not isinstance(theirs, str):
            theirs = f"{theirs[0]:.2f}" + (f" ± {theirs[1]:.2f}" if theirs[1] else "")
        ours = [_cell(row["metrics"][metric]) for metric in ("accuracy", "just_learned_accuracy")]
        cells = [row["rule"], str(row["tasks"]), theirs, *ours, str(len(row["seeds"])), row["source"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def positions(name):
    """A Markdown table of the settings of items: recall by position, and the tests of primacy and recency."""
    rows = [row for row in summary(name)["rows"] if "tests" in row]
    n = len(rows[0]["tests"]["recall_by_position"])
    lines = ["| setting | " + " | ".join(map(str, range(1, n + 1))) + " | primacy (p) | recency (p) |", "|" + "---|" * (n + 3)]
    for row in rows:
        cells = [f"{100 * x:.0f}" for x in row["tests"]["recall_by_position"]]
        for gain in ("primacy", "recency"):
            test = row["tests"][gain]
            cells.append(f"{100 * test['mean']:+.0f} ({test['p']:.1g})")
        lines.append("| " + " | ".join([row["rule"], *cells]) + " |")
    return "\n".join(lines)


def _by_condition(name):
    """Rows of a study of conditions: ``{rule: {condition: metrics}}``."""
    found = {}
    for row in summary(name)["rows"]:
        rule = row["rule"].removesuffix(f": {row['condition']}")
        found.setdefault(rule, {})[row["condition"]] = row["metrics"]
    return found


def deranged(name):
    """A Markdown table of ``poisoning``: a pass of deranged labels after so many clean ones, in %, items as counts.

    Last: does a rule retain more the more often the truth was repeated? One-sided t-test, paired by seed.
    """
    columns = {
        "accuracy_before_attack": "recall before (%)",
        "accuracy_after_attack": "recall after (%)",
        "retained": "retained (%)",
        "items_before_attack": "items before",
        "items_after_attack": "items after",
        "attack_success": "answered as attacked (%)",
    }
    head = ["rule", "clean passes", *columns.values(), "retains more than with fewer passes (p)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for rule, conditions in _by_condition(name).items():
        fewer = None
        for condition, own in conditions.items():
            if condition.endswith("clean, deranged"):
                cells = [_cell(own.get(m), 1 if m.startswith("items") else 100) for m in columns]
                kept = np.array(own["retained"]["values"], float)
                more = "" if fewer is None else _test(asdict(above(kept - fewer)))
                lines.append("| " + " | ".join([rule, condition.split()[0], *cells, more]) + " |")
                fewer = kept
    return "\n".join(lines)


def mixed(name):
    """A Markdown table of ``poisoning``: final recall by fraction of wrong labels, and which fraction breaks a rule."""
    rules = _by_condition(name)
    fractions = [c for c in next(iter(rules.values())) if c.endswith("wrong")]
    lines = ["| " + " | ".join(["rule", *(f"{f} (%)" for f in fractions), "breaks at (%)", "seeds that break"]) + " |"]
    lines.append("|" + "---|" * (len(fractions) + 3))
    for rule, conditions in rules.items():
        recalls = np.transpose([conditions[f]["final_accuracy"]["values"] for f in fractions])
        broken = breaking_fraction([float(f.split("%")[0]) / 100 for f in fractions], recalls)
        found, n = summarise(broken), len(broken)
        cells = [_cell(conditions[f]["final_accuracy"]) for f in fractions]
        spread = {"mean": found.mean if found.n else None, "std": found.std if found.n > 1 else None}
        lines.append("| " + " | ".join([rule, *cells, _cell(spread), f"{found.n} of {n}"]) + " |")
    return "\n".join(lines)


def targeted(name):
    """A Markdown table of ``poisoning``: one item taught as another, and networks that nobody attacks, in %."""
    columns = {
        "victims_before_attack": "victim before (%)",
        "victims_after_attack": "victim after (%)",
        "attack_success": "answered as attacked (%)",
        "accuracy_after_attack": "all items after (%)",
    }
    head = ["rule", *columns.values(), "not attacked: recall (%)", "not attacked: items"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for rule, conditions in _by_condition(name).items():
        own, free = (next(m for c, m in conditions.items() if c.endswith(end)) for end in ("targeted", "not attacked"))
        cells = [_cell(own.get(m)) for m in columns] + [_cell(free["final_accuracy"]), _cell(free["memorized_items"], 1)]
        lines.append("| " + " | ".join([rule, *cells]) + " |")
    return "\n".join(lines)


def uncertain(name):
    """A Markdown table of the study ``uncertainty``: ways of drawing weights, areas of epistemic uncertainty, silence, in %."""
    found = summary(name)["rows"]
    kinds = [m.removeprefix("auroc_epistemic_") for m in found[0]["metrics"] if m.startswith("auroc_epistemic_")]
    columns = {"accuracy": "accuracy", "calibration_error": "calibration error"}
    columns |= {f"auroc_epistemic_{kind}": f"{kind}: area" for kind in kinds} | {"auroc_predictive": "predictive: mean area"}
    columns |= {f"silent_{kinds[0]}": f"{kinds[0]}: silent"}
    lines = ["| " + " | ".join(["weights", "widths", *(f"{c} (%)" for c in columns.values())]) + " |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for row in found:
        widths = ", ".join(f"{w:g}" for w in sorted(set(row["metrics"]["width"]["values"])))
        lines.append("| " + " | ".join([row["rule"], widths, *(_cell(row["metrics"].get(m)) for m in columns)]) + " |")
    return "\n".join(lines)


def against_uniform(name):
    """A Markdown table of ``uncertainty``: areas of posteriors above those of uniform noise of the same variance, %."""
    rows = [row for row in summary(name)["rows"] if row["rule"].endswith(": posterior")]
    kinds = [m.removeprefix("auroc_epistemic_") for m in rows[0]["metrics"] if m.startswith("auroc_epistemic_")]
    lines = ["| rule | " + " | ".join(f"{kind} (p)" for kind in kinds) + " |", "|" + "---|" * (len(kinds) + 1)]
    for row in rows:
        tests = [row["tests"]["against"][f"auroc_epistemic_{kind}"] for kind in kinds]
        cells = [f"{100 * t['mean']:+.1f} ({t['p']:.1g})" for t in tests]
        lines.append("| " + " | ".join([row["rule"].removesuffix(": posterior"), *cells]) + " |")
    return "\n".join(lines)


def areas(name):
    """A Markdown table of a sweep of ``uncertainty``: the posterior at its chosen width at each point of the grid, in %.

    Epistemic areas, and what they are above those under uniform noise of the same variance.
    """
    kinds = ("permuted", "rotated", "noise")
    head = ["setting", "widths", "accuracy", *kinds, *(f"{kind}, over uniform" for kind in kinds)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in summary(name)["rows"]:
        if row["condition"] == "posterior":
            own, against = row["metrics"], row["tests"]["against"]
            cells = [", ".join(f"{w:g}" for w in sorted(set(own["width"]["values"]))), _cell(own["accuracy"])]
            cells += [_cell(own[f"auroc_epistemic_{kind}"]) for kind in kinds]
            cells += [f"{100 * against[f'auroc_epistemic_{kind}']['mean']:+.1f}" for kind in kinds]
            lines.append("| " + " | ".join([row["rule"].removesuffix(": posterior"), *cells]) + " |")
    return "\n".join(lines)


def ends(name):
    """A Markdown table of ``serial_position``: one-sided tests over seeds, and items kept against the first rule, p-values."""
    tests = ("primacy", "recency", "first_above_chance", "last_above_chance")
    lines = ["| " + " | ".join(["rule", *(t.replace("_", " ") for t in tests), "items against the first rule"]) + " |"]
    lines.append("|" + "---|" * (len(tests) + 2))
    for row in summary(name)["rows"]:
        found = row["tests"]
        other = found.get("against", {}).get("memorized_items")
        cells = ["" if found[t]["p"] is None else f"{found[t]['p']:.1g}" for t in tests]
        cells.append(f"{other['mean']:+.1f} ({other['p']:.1g})" if other and other["p"] is not None else "")
        lines.append("| " + " | ".join([row["rule"], *cells]) + " |")
    return "\n".join(lines)


def repeated(name):
    """A Markdown table of ``repetition``: recall after passes in order, of all and of the worst item, and gains, %."""
    rows = [row for row in summary(name)["rows"] if row["condition"] == "in order"]
    passes = [k for k in (1, 3, 6, 9) if k <= len(rows[0]["metrics"]["recall_after_pass"]["mean"])]
    columns = {"recall_after_pass": (100, "recall"), "minimum_after_pass": (100, "worst"), "items_after_pass": (1, "items")}
    head = [f"{what} after {k}" + " (%)" * (scale > 1) for scale, what in columns.values() for k in passes]
    lines = ["| " + " | ".join(["rule", *head, "gain (p)", "gain of the worst (p)"]) + " |", "|" + "---|" * (len(head) + 3)]
    for row in rows:
        cells = []
        for metric, (scale, _) in columns.items():
            found = row["metrics"][metric]
            cells += [_cell({key: found[key][k - 1] for key in ("mean", "std")}, scale) for k in passes]
        cells += [_test(row["tests"][gain]) for gain in ("repetition_gain", "minimum_gain")]
        lines.append("| " + " | ".join([row["rule"].removesuffix(": in order"), *cells]) + " |")
    return "\n".join(lines)


def hidden_list(name):
    """A Markdown table of ``repetition``: a list that comes back among fillers, in %."""
    head = ["rule", "hidden list (%)", "over the fillers (p)", "list gains (p)", "worst of the list gains (p)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * 5]
    for row in summary(name)["rows"]:
        if row["condition"] == "hidden list":
            recall = row["metrics"]["recall_after_pass"]
            cells = [_cell({key: recall[key][-1] for key in ("mean", "std")})]
            cells += [_test(row["tests"][gain]) for gain in ("hidden_advantage", "repetition_gain", "minimum_gain")]
            lines.append("| " + " | ".join([row["rule"].removesuffix(": hidden list"), *cells]) + " |")
    return "\n".join(lines)


def windows(name):
    """A Markdown table of ``memory_window``, in %: accuracies, the slope of just-learned ones, tests against the longest."""
    columns = {
        "recent_accuracy": ("last five (%)", 100),
        "final_accuracy": ("all (%)", 100),
        "just_learned_accuracy": ("just learned (%)", 100),
        "rigidity_slope": ("slope (% in ten tasks)", 1000),
    }
    head = ["rule", *(text for text, _ in columns.values()), "all, less the longest window (p)", "slope, same: p"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in summary(name)["rows"]:
        cells = [_cell(row["metrics"].get(metric), scale) for metric, (_, scale) in columns.items()]
        found = row.get("tests", {}).get("against", {})
        slope = found.get("rigidity_slope") or {"p": None}
        cells += [_test(found.get("final_accuracy")), "" if slope["p"] is None else f"{slope['p']:.1g}"]
        lines.append("| " + " | ".join([row["rule"], *cells]) + " |")
    return "\n".join(lines)


def frequent(name):
    """A Markdown table of ``frequency``: rank correlations of recall with frequency and recency, and p-values of both."""
    lines = ["| rule | recall (%) | items | with frequency (p) | with recency (p) | seeds |", "|" + "---|" * 6]
    for row in summary(name)["rows"]:
        metrics, cells = row["metrics"], []
        for kind in ("frequency_correlation", "recency_correlation"):
            found = metrics.get(kind)
            cells.append(f"{found['mean']:.2f} ± {found['std']:.2f} ({row['tests'][kind]['p']:.1g})" if found else "")
        own = [_cell(metrics["final_accuracy"]), _cell(metrics["memorized_items"], 1), *cells, str(len(row["seeds"]))]
        lines.append("| " + " | ".join([row["rule"], *own]) + " |")
    return "\n".join(lines)


def both_engines(name):
    """A Markdown table of ``engines``: the headline number of every row under both engines, in %, and how the rows rank."""
    found = summary(name)
    lines = ["| study | number | row | event-driven (%) | surrogate gradients (%) |", "|" + "---|" * 5]
    for row in found["rows"]:
        cells = [_cell(row["metrics"][engine]) for engine in ("brian2", "torch")]
        lines.append("| " + " | ".join([row["study"], row["metric"].replace("_", " "), row["rule"], *cells]) + " |")
    lines += ["", "| study | rows | rank correlation | surrogate less event-driven, mean (points) |", "|" + "---|" * 4]
    for study, own in found["agreement"].items():
        rank = "" if own["rank_correlation"] is None else f"{own['rank_correlation']:.2f}"
        lines.append(f"| {study} | {own['rows']} | {rank} | {100 * own['difference']:+.1f} |")
    return "\n".join(lines)


def costs(name):
    """A Markdown table of a recorded run of the study ``optimizer_speed``: medians and ratios."""
    lines = ["| | ms (median) | ratio | relative to |", "|---|---|---|---|"]
    for row in summary(name)["rows"]:
        ms, ratio = (row["metrics"][metric]["mean"] for metric in ("milliseconds", "ratio"))
        lines.append(f"| {row['rule']} | {ms:.3f} | {ratio:.2f} | {row['against']} |")
    return "\n".join(lines)


def carried(name):
    """A Markdown table of a recorded run of the study ``carry``, in %."""
    rows = summary(name)["rows"]
    places = list(rows[0]["metrics"])
    lines = ["| trained in | " + " | ".join(f"tested in {p} (%)" for p in places) + " |", "|" + "---|" * (len(places) + 1)]
    lines += ["| " + " | ".join([row["rule"], *(_cell(row["metrics"][p]) for p in places)]) + " |" for row in rows]
    return "\n".join(lines)


def speed(name):
    """A Markdown table of a recorded run of the study ``speed``: medians of ms, and ratios with quartiles over turns."""
    head = ("", "ms", "float32, ms", "Brian2 by hand, ms", "rule at every spike, ms", "C++ by hand, ms", "short phase, ms")
    costs = ("ms_per_presentation", "ms_float32", "ms_brian2", "ms_brian2_immediate", "ms_floor", "ms_phase")
    ratios = {"ratio_to_brian2": "ratio to Brian2", "ratio_to_floor": "ratio to C++"}
    ratios |= {"float32_ratio_to_floor": "float32 to C++"}
    lines = ["| " + " | ".join([*head, *ratios.values()]) + " |", "|" + "---|" * (len(head) + len(ratios))]
    for row in summary(name)["rows"]:
        found = row["metrics"]
        cells = [f"{found[m]['mean']:.3g}" if m in found else "" for m in costs]
        for ratio in ratios:
            q = found.get(ratio)
            cells.append(f"{q['mean']:.2f} ({q['low']:.2f} to {q['high']:.2f})" if q else "")
        lines.append("| " + " | ".join([row["rule"], *cells]) + " |")
    return "\n".join(lines)


def shapes(name):
    """A Markdown table of ``speed``: cost against Brian2 by hand in networks of other shapes, medians and quartiles."""
    found = summary(name)["curves"]["shapes"]
    head = [f"{n} hidden" + f", {d:.0%}" * (d < 1) for n, d in zip(found["hidden"], found["density"], strict=True)]
    lines = ["| rule | " + " | ".join(head) + " |", "|" + "---|" * (len(head) + 1)]
    for rule, row in found["rules"].items():
        cells = [f"{q['mean']:.2f} ({q['low']:.2f} to {q['high']:.2f})" for q in row["ratio_to_brian2"]]
        lines.append("| " + " | ".join([rule, *cells]) + " |")
    return "\n".join(lines)


def stream(name):
    """A Markdown table of a recorded run of the study ``stream``: accuracies in %, ms of a presentation (wall clock)."""
    found = summary(name)
    lines = ["| rule | told of boundaries | last five (%) | all (%) | just learned (%) |", "|" + "---|" * 5]
    for row in sorted(found["rows"], key=lambda r: -r["metrics"]["recent_accuracy"]["mean"]):
        cells = [_cell(row["metrics"][m]) for m in ("recent_accuracy", "final_accuracy", "just_learned_accuracy")]
        lines.append("| " + " | ".join([row["rule"], "yes" if row["needs_boundary"] else "no", *cells]) + " |")
    return "\n".join(lines)


def _on_chips(name):
    rows = [row for row in summary(name)["rows"] if row["part"] == "chips" and row["metrics"]]
    cells = {(row["rule"], row["hardware"]): row for row in rows}
    return list(dict.fromkeys(r for r, _ in cells)), list(dict.fromkeys(c for _, c in cells)), cells


def chips(name):
    """A Markdown table of a recorded run of the study ``hardware``: final accuracy, in brackets where a rule does not fit."""
    rules, hardware, cells = _on_chips(name)
    lines = ["| rule | " + " | ".join(f"{c} (%)" for c in hardware) + " |", "|" + "---|" * (len(hardware) + 1)]
    for rule in rules:
        texts = []
        for chip in hardware:
            row = cells.get((rule, chip))
            text = _cell(row["metrics"]["final_accuracy"]) if row else "failed"
            texts.append(text if row is None or row["fits"] else f"({text})")
        lines.append("| " + " | ".join([rule, *texts]) + " |")
    return "\n".join(lines)


def losses(name):
    """A Markdown table: by chip, the rule that loses least from ideal, among all and among those that fit; in points."""
    rules, hardware, cells = _on_chips(name)
    lines = ["| chip | loses least | of those that fit | loses most |", "|" + "---|" * 4]
    for chip in [c for c in hardware if c != "ideal"]:
        found = []
        for rule in rules:
            pair = [cells.get((rule, c)) for c in ("ideal", chip)]
            if all(pair):
                ideal, there = (100 * row["metrics"]["final_accuracy"]["mean"] for row in pair)
                found.append((ideal - there, rule, pair[1]["fits"]))
        fitting = [entry for entry in found if entry[2]]
        texts = [f"{e[1]} ({-e[0]:+.1f})" if e else "none" for e in (min(found), min(fitting, default=None), max(found))]
        lines.append("| " + " | ".join([chip, *texts]) + " |")
    return "\n".join(lines)


def chip_costs(name):
    """A Markdown table: what a learning presentation does and costs, by rule, for every chip with a price or with devices."""
    rules, hardware, cells = _on_chips(name)
    head = [
        "chip",
        "rule",
        "synaptic operations",
        "weight writes",
        "changed",
        "most changes",
        "energy (µJ)",
        "energy per task (mJ)",
    ]
    lines = ["| " + " | ".join([*head, "terms", "left out"]) + " |", "|" + "---|" * 10]
    for chip in [c for c in hardware if c != "ideal"]:
        for rule in rules:
            row = cells.get((rule, chip))
            if row is None:
                continue
            m = {key: value["mean"] for key, value in row["metrics"].items() if not isinstance(value["mean"], list)}
            paid = m.get("energy_per_presentation_pj")
            terms = ", ".join(f"{k.replace('_', ' ')} {100 * v:.0f} %" for k, v in row.get("energy_terms", {}).items())
            numbers = [f"{m[key]:,.0f}" for key in ("synaptic_operations", "weight_writes", "weight_changes", "most_changes")]
            energies = ["", ""] if paid is None else [f"{paid * 1e-6:.2f}", f"{m['energy_per_task_pj'] * 1e-9:.2f}"]
            without = ", ".join(text.replace("_", " ") for text in row["energy_leaves_out"])
            lines.append("| " + " | ".join([chip, rule, *numbers, *energies, terms, without]) + " |")
    return "\n".join(lines)


def chip_curves(name):
    """A Markdown table: final accuracy by bits of the weight and by programming noise, in %."""
    rows = [row for row in summary(name)["rows"] if row["part"] in ("bits", "noise") and row["metrics"]]
    points = sorted({(row["part"], row["x"]) for row in rows})
    cells = {(row["rule"], row["part"], row["x"]): _cell(row["metrics"]["final_accuracy"]) for row in rows}
    lines = ["| rule | " + " | ".join(f"{part} {x:g}" for part, x in points) + " |", "|" + "---|" * (len(points) + 1)]
    for rule in dict.fromkeys(row["rule"] for row in rows):
        lines.append("| " + " | ".join([rule, *(cells.get((rule, *point), "failed") for point in points)]) + " |")
    return "\n".join(lines)


def devices(name):
    """A Markdown table of a recorded run of the study ``memristor``: the published accuracies and ours, in %."""
    lines = ["| setting | published (%) | ours (%) | just learned (%) | most pulses per device |", "|" + "---|" * 5]
    for row in summary(name)["rows"]:
        m, theirs = row["metrics"], "{:.1f} ± {:.1f}".format(*row["published"])
        pulses = f"{m['most_changes']['mean']:,.0f}"
        ours = [_cell(m["final_accuracy"]), _cell(m["just_learned_accuracy"]), pulses]
        lines.append("| " + " | ".join([row["rule"], theirs, *ours]) + " |")
    return "\n".join(lines)
