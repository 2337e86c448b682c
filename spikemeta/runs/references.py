"""Rows beside those of the rules, for scale: all tasks at once, and stored images that are shown again between new ones."""

from dataclasses import replace

from spikemeta.data import rehearsal
from spikemeta.errors import UserError, suggest
from spikemeta.language import registry
from spikemeta.runs import planning, pool

KINDS = ("joint", "replay")


def parse(text):
    """``"joint,laplace+replay=200"`` as ``[("sgd", "joint", 0), ("laplace", "replay", 200)]``.

    Raises
    ------
    UserError
        With every word that is no reference.
    """
    found, problems = [], []
    for word in [word.strip() for word in text.split(",") if word.strip()]:
        rule, plus, kind = word.rpartition("+")
        kind, equals, stored = kind.partition("=")
        if kind not in KINDS:
            problems.append(suggest("reference in --references,", kind, KINDS))
        elif kind == "joint" and equals:
            problems.append(f"--references {word}: joint stores no images; write joint")
        elif kind == "replay" and not (stored.isdecimal() and int(stored)):
            problems.append(f"--references {word}: say how many images are stored, as in replay=200")
        elif (made := (rule if plus else "sgd", kind, int(stored or 0))) in found:
            problems.append(f"--references names {word} twice")
        else:
            found.append(made)
    if problems:
        raise UserError("\n".join(problems))
    return found


def entries_of(options):
    """A row for each rule that the options name, and one for each reference.

    Parameters
    ----------
    options : spikemeta.runs.study.TaskOptions

    Returns
    -------
    list of spikemeta.runs.planning.Entry
        With references, the summary says of a row how many images it stores, ``stored_images``, and how many bytes these take,
        ``stored_bytes``; what the state of its synapses takes is among its metrics.

    Raises
    ------
    UserError
        For unknown rules or references, or where there are no tasks to refer to.
    """
    wanted = parse(options.references)
    if wanted and options.task in ("items", "joint"):
        raise UserError(f"--references are of sequences of tasks, not of --task {options.task}: leave them out")
    rows = planning.entries_of(options)
    for spec, kind, stored in wanted:
        rule = registry.get_rule(spec)
        label = f"{kind} ({rule.title})" if kind == "joint" else f"{kind} {stored} ({rule.title})"
        order = {"mixed": True} if kind == "joint" else {"replay": stored}
        more = {"reference": kind, "stored_images": stored}
        chip = rows[0].hardware if rows else None
        rows.append(planning.Entry(label, spec, rule, curriculum=order, hardware=chip, more=more))
    if not wanted:
        return rows
    data = pool.dataset(options.dataset)

    def kept(row):
        stored = row.more.get("stored_images", 0)
        return row.more | {"stored_images": stored, "stored_bytes": rehearsal.stored_bytes(data, stored)}

    return [replace(row, more=kept(row)) for row in rows]


def describe(rows):
    """A line on each row that stores images, for people.

    Parameters
    ----------
    rows : list of dict
        As in ``summary.json``.

    Returns
    -------
    list of str
    """
    lines = []
    for row in rows:
        stored, metrics = row.get("stored_images"), row["metrics"]
        if stored and "footprint" in metrics:
            pixels = row["stored_bytes"] // stored - rehearsal.LABEL
            state = metrics["footprint"]["mean"] - stored * pixels  # which counts a byte for each of them
            size = f"images {row['stored_bytes'] / 1000:,.0f} kB, state of its synapses {state / 1000:,.0f} kB"
            lines.append(f"{row['rule']}: {size}")
    return lines
