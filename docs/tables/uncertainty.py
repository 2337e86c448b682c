"""What synapses know of their own ignorance: areas of epistemic uncertainty, by the way in which weights are drawn."""

from tables.cells import markdown, share
from tables.recorded import summary

_AREA = "auroc_epistemic_"


def _kinds(row):
    return [m.removeprefix(_AREA) for m in row["metrics"] if m.startswith(_AREA)]


def _widths(row):
    return ", ".join(f"{w:g}" for w in sorted(set(row["metrics"]["width"]["values"])))


def uncertain(name):
    """A Markdown table of the study ``uncertainty``: ways of drawing weights, areas of epistemic uncertainty, silence, in %."""
    rows = summary(name)["rows"]
    kinds = _kinds(rows[0])
    columns = {"accuracy": "accuracy", "calibration_error": "calibration error"}
    columns |= {f"{_AREA}{kind}": f"{kind}: area" for kind in kinds} | {"auroc_predictive": "predictive: mean area"}
    columns |= {f"silent_{kinds[0]}": f"{kinds[0]}: silent"}
    body = [[row["rule"], _widths(row), *(share(row["metrics"].get(m)) for m in columns)] for row in rows]
    return markdown(["weights", "widths", *(f"{c} (%)" for c in columns.values())], body)


def against_uniform(name):
    """A Markdown table of ``uncertainty``: areas of posteriors above those of uniform noise of the same variance, %."""
    rows = [row for row in summary(name)["rows"] if row["rule"].endswith(": posterior")]
    kinds = _kinds(rows[0])
    body = []
    for row in rows:
        tests = [row["tests"]["against"][f"{_AREA}{kind}"] for kind in kinds]
        cells = [f"{100 * t['mean']:+.1f} ({t['p']:.1g})" for t in tests]
        body.append([row["rule"].removesuffix(": posterior"), *cells])
    return markdown(["rule", *(f"{kind} (p)" for kind in kinds)], body)


def areas(name):
    """A Markdown table of a sweep of ``uncertainty``: the posterior at its chosen width at each point of the grid, in %.

    Epistemic areas, and what they are above those under uniform noise of the same variance.
    """
    kinds = ("permuted", "rotated", "noise")
    body = []
    for row in summary(name)["rows"]:
        if row["condition"] == "posterior":
            own, against = row["metrics"], row["tests"]["against"]
            cells = [_widths(row), share(own["accuracy"]), *(share(own[f"{_AREA}{kind}"]) for kind in kinds)]
            cells += [f"{100 * against[f'{_AREA}{kind}']['mean']:+.1f}" for kind in kinds]
            body.append([row["rule"].removesuffix(": posterior"), *cells])
    return markdown(["setting", "widths", "accuracy", *kinds, *(f"{kind}, over uniform" for kind in kinds)], body)
