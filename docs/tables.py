"""Tables of recorded results, for the pages: the numbers come from the studies' own summary.json."""

import json
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"
COUNTS = ("memorized_items", "memorized_items_published", "items_after_attack")


def _cell(metric, scale=100):
    if not metric or metric.get("mean") is None:
        return ""
    spread = f" ± {scale * metric['std']:.1f}" if metric.get("std") is not None else ""
    return f"{scale * metric['mean']:.1f}{spread}"


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
