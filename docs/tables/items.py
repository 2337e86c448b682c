"""Items learned one after another: what a network keeps of them, by position, repetition, frequency and under attack."""

from dataclasses import asdict

import numpy as np

from spikemeta.analysis.recall import breaking_fraction
from spikemeta.analysis.statistics import above, summarise
from tables.cells import markdown, scaled, share, test
from tables.recorded import summary


def positions(name):
    """A Markdown table of the settings of items: recall by position, and the tests of primacy and recency."""
    rows = [row for row in summary(name)["rows"] if "tests" in row]
    n = len(rows[0]["tests"]["recall_by_position"])
    body = []
    for row in rows:
        cells = [f"{100 * x:.0f}" for x in row["tests"]["recall_by_position"]]
        for gain in ("primacy", "recency"):
            found = row["tests"][gain]
            cells.append(f"{100 * found['mean']:+.0f} ({found['p']:.1g})")
        body.append([row["rule"], *cells])
    return markdown(["setting", *map(str, range(1, n + 1)), "primacy (p)", "recency (p)"], body)


def ends(name):
    """A Markdown table of ``serial_position``: one-sided tests over seeds, and items kept against the first rule, p-values."""
    tests = ("primacy", "recency", "first_above_chance", "last_above_chance")
    body = []
    for row in summary(name)["rows"]:
        found = row["tests"]
        other = found.get("against", {}).get("memorized_items")
        cells = ["" if found[t]["p"] is None else f"{found[t]['p']:.1g}" for t in tests]
        cells.append(f"{other['mean']:+.1f} ({other['p']:.1g})" if other and other["p"] is not None else "")
        body.append([row["rule"], *cells])
    return markdown(["rule", *(t.replace("_", " ") for t in tests), "items against the first rule"], body)


def repeated(name):
    """A Markdown table of ``repetition``: recall after passes in order, of all and of the worst item, and gains, %."""
    rows = [row for row in summary(name)["rows"] if row["condition"] == "in order"]
    passes = [k for k in (1, 3, 6, 9) if k <= len(rows[0]["metrics"]["recall_after_pass"]["mean"])]
    columns = {"recall_after_pass": (100, "recall"), "minimum_after_pass": (100, "worst"), "items_after_pass": (1, "items")}
    head = [f"{what} after {k}" + " (%)" * (scale > 1) for scale, what in columns.values() for k in passes]
    body = []
    for row in rows:
        cells = []
        for metric, (scale, _) in columns.items():
            found = row["metrics"][metric]
            cells += [share({key: found[key][k - 1] for key in ("mean", "std")}, scale) for k in passes]
        cells += [test(row["tests"][gain]) for gain in ("repetition_gain", "minimum_gain")]
        body.append([row["rule"].removesuffix(": in order"), *cells])
    return markdown(["rule", *head, "gain (p)", "gain of the worst (p)"], body)


def hidden_list(name):
    """A Markdown table of ``repetition``: a list that comes back among fillers, in %."""
    body = []
    for row in summary(name)["rows"]:
        if row["condition"] == "hidden list":
            recall = row["metrics"]["recall_after_pass"]
            cells = [share({key: recall[key][-1] for key in ("mean", "std")})]
            cells += [test(row["tests"][gain]) for gain in ("hidden_advantage", "repetition_gain", "minimum_gain")]
            body.append([row["rule"].removesuffix(": hidden list"), *cells])
    head = ["rule", "hidden list (%)", "over the fillers (p)", "list gains (p)", "worst of the list gains (p)"]
    return markdown(head, body)


def spaced(name):
    """A Markdown table of ``repetition --spacing``: recall of a list whose repetitions are spaced, and massed, in %."""
    body = []
    for rule, conditions in _by_condition(name).items():
        rows = {row["condition"]: row for row in summary(name)["rows"] if row["rule"].startswith(f"{rule}: ")}
        cells = [share(conditions[way]["repeated_recall"]) for way in ("spaced", "massed")]
        body.append([rule, *cells, test(rows["spaced"]["tests"]["spacing_effect"])])
    return markdown(["rule", "list, spaced (%)", "list, massed (%)", "spaced less massed (p)"], body)


def frequent(name):
    """A Markdown table of ``frequency``: rank correlations of recall with frequency and recency, and p-values of both."""
    body = []
    for row in summary(name)["rows"]:
        metrics, cells = row["metrics"], []
        for kind in ("frequency_correlation", "recency_correlation"):
            found = metrics.get(kind)
            cells.append(f"{found['mean']:.2f} ± {found['std']:.2f} ({row['tests'][kind]['p']:.1g})" if found else "")
        own = [scaled(metrics, "final_accuracy"), scaled(metrics, "memorized_items"), *cells, str(len(row["seeds"]))]
        body.append([row["rule"], *own])
    return markdown(["rule", "recall (%)", "items", "with frequency (p)", "with recency (p)", "seeds"], body)


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
    body = []
    for rule, conditions in _by_condition(name).items():
        fewer = None
        for condition, own in conditions.items():
            if condition.endswith("clean, deranged"):
                kept = np.array(own["retained"]["values"], float)
                more = "" if fewer is None else test(asdict(above(kept - fewer)))
                body.append([rule, condition.split()[0], *(scaled(own, m) for m in columns), more])
                fewer = kept
    return markdown(["rule", "clean passes", *columns.values(), "retains more than with fewer passes (p)"], body)


def mixed(name):
    """A Markdown table of ``poisoning``: final recall by fraction of wrong labels, and which fraction breaks a rule."""
    rules = _by_condition(name)
    fractions = [c for c in next(iter(rules.values())) if c.endswith("wrong")]
    body = []
    for rule, conditions in rules.items():
        recalls = np.transpose([conditions[f]["final_accuracy"]["values"] for f in fractions])
        broken = breaking_fraction([float(f.split("%")[0]) / 100 for f in fractions], recalls)
        found, n = summarise(broken), len(broken)
        cells = [share(conditions[f]["final_accuracy"]) for f in fractions]
        spread = {"mean": found.mean if found.n else None, "std": found.std if found.n > 1 else None}
        body.append([rule, *cells, share(spread), f"{found.n} of {n}"])
    return markdown(["rule", *(f"{f} (%)" for f in fractions), "breaks at (%)", "seeds that break"], body)


def targeted(name):
    """A Markdown table of ``poisoning``: one item taught as another, and networks that nobody attacks, in %."""
    columns = {
        "victims_before_attack": "victim before (%)",
        "victims_after_attack": "victim after (%)",
        "attack_success": "answered as attacked (%)",
        "accuracy_after_attack": "all items after (%)",
    }
    body = []
    for rule, conditions in _by_condition(name).items():
        own, free = (next(m for c, m in conditions.items() if c.endswith(end)) for end in ("targeted", "not attacked"))
        cells = [share(own.get(m)) for m in columns]
        body.append([rule, *cells, scaled(free, "final_accuracy"), scaled(free, "memorized_items")])
    return markdown(["rule", *columns.values(), "not attacked: recall (%)", "not attacked: items"], body)
