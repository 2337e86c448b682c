"""Rules and compositions side by side: what their texts say, and what recorded runs found; lifetimes of memories."""

from spikemeta.hardware import fitting, profile
from spikemeta.language import registry
from spikemeta.runs import probing
from tables.cells import markdown, share, told
from tables.recorded import names, summary

#: Runs, end of a row's name, metric and heading of what was measured. Runs of the same settings that are recorded later begin
#: alike ("forgetting/200-later"); a rule may stand in several, the first counts.
_MEASURED = (
    (("forgetting/200",), "", "final_accuracy", "split MNIST, all five tasks at the end (%)"),
    (("forgetting/digits",), "", "final_accuracy", "split digits (%)"),
    (("poisoning/mnist", "poisoning/others"), ": 3 clean, deranged", "retained", "recall kept through wrong labels, MNIST (%)"),
    (("poisoning/digits",), ": 1 clean, deranged", "retained", "the same, digits (%)"),
    (("uncertainty/mnist",), ": posterior", "auroc_epistemic", "strangers told by its doubt, MNIST (area, %)"),
    (("uncertainty/digits",), ": posterior", "auroc_epistemic", "the same, digits (area, %)"),
)
#: Of lifetimes, likewise.
_LIVES = ("memory_lifetime/all",)
_NOT = "not measured"


def _title(name):
    """How a row calls a rule or a gate over one."""
    return registry.get_rule(name).title


def _runs(begin):
    """Recorded runs that are called so, or begin so."""
    return [run for first in begin for run in names() if run == first or run.startswith(f"{first}-")]


def _found(runs, end, metric, rule):
    """A metric of a rule's row in the first run that has it."""
    for run in _runs(runs):
        for row in summary(run)["rows"]:
            if row["rule"] == _title(rule) + end and metric in row["metrics"]:
                return share(row["metrics"][metric])
    return _NOT


def _cell(runs, end, metric, rule):
    """A cell of what was measured; a rule that keeps no posterior cannot doubt."""
    if end == ": posterior" and not probing.noises_of(registry.get_rule(rule)):
        return "no posterior"
    return _found(runs, end, metric, rule)


def _life(metrics, n, ages, name="lifetime"):
    """Lifetime of a memory in a population, or an end of its band, or that it is longer than was looked at."""
    if "initial_snr" not in metrics:
        return "diverges"
    found = metrics.get(f"{name}_{n}")
    return f"{found['mean']:,.0f}" if found else f"> {ages:,}"


def _banded(metrics, n, ages):
    """A lifetime with its band of one deviation, where the two differ."""
    first, life, last = (_life(metrics, n, ages, name) for name in ("earliest", "lifetime", "latest"))
    return life if first == last else f"{life} ({first} to {last})"


def _lives(rule):
    for run in _runs(_LIVES):
        found = summary(run)
        for row in found["rows"]:
            if row["rule"] == _title(rule):
                return _life(row["metrics"], 10_000, found["ages"])
    return _NOT


def others():
    """Populations (variants of a rule) and gates over rules that stand in a recorded run, by name."""
    found = {row["rule"].partition(":")[0] for name in names() for row in summary(name)["rows"]}
    gates = {f"{gate}_over_{rule}": f"{gate}({rule})" for gate in registry.names("rules") for rule in registry.names("rules")}
    return sorted(found & {*registry.variants()}) + [gates[name] for name in sorted(found & {*gates})]


def synapses():
    """A Markdown table of every rule, recorded population and gate: memory, boundaries, what was measured, chips that it fits.

    Returns
    -------
    str
        A rule without a recorded result says so.
    """
    chips = [chip for chip in map(profile.get, profile.names()) if chip.limited]
    measured = [column for column in _MEASURED if _runs(column[0])]
    head = ["rule", "numbers per synapse (bytes, float32)", "told of boundaries", *(text for *_, text in measured)]
    head += ["lifetime of a memory in 10,000 synapses", "fits"]
    body = []
    for name in [*registry.names("rules"), *others()]:
        rule = registry.get_rule(name)
        count = fitting.needs(rule).count
        cells = [f"{count} ({4 * count})", "yes" if rule.needs_boundary else "no"]
        cells += [_cell(runs, end, metric, name) for runs, end, metric, _ in measured]
        fits = [chip.name for chip in chips if fitting.fit(rule, chip, alternatives=False).fits]
        body.append([f"`{name}`", *cells, _lives(name), ", ".join(fits) or "none"])
    return markdown(head, body)


def lifetimes(name):
    """A Markdown table of a recorded run of ``memory_lifetime``: lifetimes with bands, and which law a curve follows."""
    found, body = summary(name), []
    for row in sorted(found["rows"], key=lambda row: -row["metrics"].get("initial_snr", {"mean": -1.0})["mean"]):
        m = row["metrics"]
        cells = [_banded(m, n, found["ages"]) for n in found["synapses"]]
        laws = ["", "", ""]
        if "power_slope" in m:
            power, exponential = (m[f"{law}_residual"]["mean"] for law in ("power", "exponential"))
            constant = f"{m['time_constant']['mean']:,.0f}" if "time_constant" in m else ""
            laws = [f"{m['power_slope']['mean']:.2f}", constant, "power" if power < exponential else "exponential"]
        at_once = f"{m['initial_snr']['mean']:.1f}" if "initial_snr" in m else ""
        body.append([f"`{row['rule']}`", told(row), at_once, *cells, *laws])
    head = ["rule", "told", "signal over noise at once", *(f"lifetime, {n:,} synapses" for n in found["synapses"])]
    return markdown([*head, "slope of the power law", "time constant of the exponential", "fits better"], body)
