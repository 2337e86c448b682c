"""Engines and speed: both engines side by side, weights carried between networks, what a presentation and an update cost."""

from tables.cells import markdown, share, told
from tables.recorded import summary


def both_engines(name):
    """A Markdown table of ``engines``: the headline number of every row under both engines, in %, and how the rows rank."""
    found = summary(name)
    body = []
    for row in found["rows"]:
        cells = [share(row["metrics"][engine]) for engine in ("brian2", "torch")]
        body.append([row["study"], row["metric"].replace("_", " "), row["rule"], *cells])
    ranks = []
    for study, own in found["agreement"].items():
        rank = "" if own["rank_correlation"] is None else f"{own['rank_correlation']:.2f}"
        ranks.append([study, str(own["rows"]), rank, f"{100 * own['difference']:+.1f}"])
    return "\n\n".join(
        [
            markdown(["study", "number", "row", "event-driven (%)", "surrogate gradients (%)"], body),
            markdown(["study", "rows", "rank correlation", "surrogate less event-driven, mean (points)"], ranks),
        ]
    )


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
    body = [[row["rule"], *(share(row["metrics"][p]) for p in places)] for row in rows]
    return markdown(["trained in", *(f"tested in {p} (%)" for p in places)], body)


def _quartiles(found):
    if not found:
        return ""
    if found["mean"] < 0.01:
        return f"1/{1 / found['mean']:.0f} (1/{1 / found['low']:.0f} to 1/{1 / found['high']:.0f})"
    return f"{found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def speed(name):
    """A Markdown table of a recorded run of the study ``speed``: medians of ms, and ratios with quartiles over turns."""
    head = ("", "ms", "float32, ms", "Brian2 by hand, ms", "rule at every spike, ms", "C++ by hand, ms", "short phase, ms")
    costs = ("ms_per_presentation", "ms_float32", "ms_brian2", "ms_brian2_immediate", "ms_floor", "ms_phase")
    ratios = {"ratio_to_brian2": "ratio to Brian2", "ratio_to_floor": "ratio to C++"}
    ratios |= {"float32_ratio_to_floor": "float32 to C++"}
    rows, body = summary(name)["rows"], []
    if any("ms_surrogate" in row["metrics"] for row in rows):
        head, costs = [*head, "exact gradient, ms", "float32, ms"], [*costs, "ms_surrogate", "ms_surrogate_float32"]
        ratios |= {"surrogate_to_ours": "exact to local", "surrogate_to_it": "exact to the other"}
    for row in rows:
        found = row["metrics"]
        cells = [f"{found[m]['mean']:.3g}" if m in found else "" for m in costs]
        body.append([row["rule"], *cells, *(_quartiles(found.get(ratio)) for ratio in ratios)])
    return markdown([*head, *ratios.values()], body)


def shapes(name):
    """A Markdown table of ``speed``: cost against Brian2 by hand in networks of other shapes, medians and quartiles."""
    found = summary(name)["curves"]["shapes"]
    head = [f"{n} hidden" + f", {d:.0%}" * (d < 1) for n, d in zip(found["hidden"], found["density"], strict=True)]
    body = [[rule, *map(_quartiles, row["ratio_to_brian2"])] for rule, row in found["rules"].items()]
    return markdown(["rule", *head], body)


def stream(name):
    """A Markdown table of a recorded run of the study ``stream``: accuracies in %."""
    body = []
    for row in sorted(summary(name)["rows"], key=lambda r: -r["metrics"]["recent_accuracy"]["mean"]):
        cells = [share(row["metrics"][m]) for m in ("recent_accuracy", "final_accuracy", "just_learned_accuracy")]
        body.append([row["rule"], told(row), *cells])
    return markdown(["rule", "told of boundaries", "last five (%)", "all (%)", "just learned (%)"], body)


def stream_course(name, every=100):
    """A Markdown table of a long ``stream``: means over ``every`` tasks at a time, of each rule and all seeds, in %."""
    found, body = summary(name), []
    kinds = ("recent_along", "just_learned_along", "at_end")
    for row in found["rows"]:
        for first in range(0, found["tasks"], every):
            last = min(first + every, found["tasks"])
            shown = ([v for run in row["metrics"][kind]["values"] for v in run[first:last]] for kind in kinds)
            body.append([row["rule"], f"{first + 1}-{last}", *(f"{100 * sum(values) / len(values):.1f}" for values in shown)])
    return markdown(["rule", "tasks", "last five, then (%)", "just learned (%)", "at the end (%)"], body)


def stream_energy(name):
    """A Markdown table of what a ``stream`` took: events of a training presentation, joules of all of them on priced chips."""
    rows = summary(name)["rows"]
    chips = list(rows[0]["energy"])
    counts = ("spikes", "synaptic_operations", "synapse_visits", "neuron_updates")
    body = []
    for row in rows:
        events = [f"{row['metrics'][count]['mean']:,.0f}" for count in counts]
        body.append([row["rule"], *events, *(f"{row['energy'][chip]['joules']['mean']:,.0f}" for chip in chips)])
    left = [f"{chip}, without {', '.join(rows[0]['energy'][chip]['leaves_out']).replace('_', ' ')} (J)" for chip in chips]
    return markdown(["rule", *(count.replace("_", " ") for count in counts), *left], body)
