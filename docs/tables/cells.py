"""Cells and lines of Markdown tables."""

#: Metrics that are numbers of items, not shares.
COUNTS = ("memorized_items", "memorized_items_published", "items_before_attack", "items_after_attack")


def share(metric, scale=100):
    """Mean and standard deviation over seeds, in % (or in whole numbers at a `scale` of 1).

    Parameters
    ----------
    metric : dict or None
        With ``mean``, and ``std`` where there are several seeds.
    scale : float

    Returns
    -------
    str
        Empty without a mean.
    """
    if not metric or metric.get("mean") is None:
        return ""
    spread = f" ± {scale * metric['std']:.1f}" if metric.get("std") is not None else ""
    return f"{scale * metric['mean']:.1f}{spread}"


def told(row):
    """Whether the rule of a row was told of task boundaries."""
    return "yes" if row["needs_boundary"] else "no"


def scaled(metrics, name):
    """A metric of a row as it is shown: items as numbers, all else in %."""
    return share(metrics.get(name), 1 if name in COUNTS else 100)


def heading(name):
    """A metric's column: its name and, where it is no count, its unit."""
    return name.replace("_", " ") + " (%)" * (name not in COUNTS)


def test(found):
    """A test's mean in points, and its p-value in brackets; empty where there is none."""
    return f"{100 * found['mean']:+.1f} ({found['p']:.1g})" if found and found.get("p") is not None else ""


def markdown(head, rows):
    """A Markdown table.

    Parameters
    ----------
    head : list of str
    rows : iterable of list of str

    Returns
    -------
    str
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])
