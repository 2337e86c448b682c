"""``spikemeta trace``."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, Quiet, written
from spikemeta.commands._words import complete_rules
from spikemeta.errors import UserError

EXAMPLES = (
    "spikemeta trace laplace --out laplace",
    "spikemeta trace my_rule.py --events laplace/events.csv --set lr=0.1 --out mine",
)
COLUMNS = ("presentation", "event", "gradient")


def command(
    rule: Annotated[str, typer.Argument(help="A rule, a variant, or a rule file of your own.", autocompletion=complete_rules)],
    out: Annotated[Path, typer.Option(help="Folder for the figure, trace.png and .pdf, and the table, events.csv.")],
    events: Annotated[
        Path | None, typer.Option(help="A table of events, presentation,event,gradient: a spike or a boundary. Default: drawn.")
    ] = None,
    presentations: Annotated[
        int | None, typer.Option(help="How many. Default: 120, or up to the last event of --events.", min=1)
    ] = None,
    rate: Annotated[float, typer.Option(help="Drawn: probability of a spike in a presentation.")] = 0.5,
    gradient: Annotated[float, typer.Option(help="Drawn: mean of a spike's gradient; a boundary changes its sign.")] = 1.0,
    noise: Annotated[float, typer.Option(help="Drawn: standard deviation of the gradient.")] = 1.0,
    boundaries: Annotated[
        str | None, typer.Option(help="Drawn: presentations at whose beginning a task ends, as in 40,80. Default: two.")
    ] = None,
    weight: Annotated[float, typer.Option(help="Initial weight.")] = 0.1,
    values: Annotated[list[str] | None, typer.Option("--set", help="A constant of the rule, KEY=VALUE; several times.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
):
    """Follow one synapse through spikes, gradients and boundaries: a figure, and a table of its state event by event."""
    from spikemeta.backends import trace as tracing
    from spikemeta.figures import style
    from spikemeta.figures import trace as figures
    from spikemeta.language import registry

    found = registry.get_rule(rule)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    ends = boundaries and numbers("--boundaries", [word for word in boundaries.split(",") if word.strip()], int)
    ends = [] if boundaries == "" else ends
    drawn = {"rate": rate, "gradient": gradient, "noise": noise, "boundaries": ends} if events is None else {}
    train = None if events is None else read(events)
    made = tracing.trace(found, train, presentations, weight, constants(values or ()), seed, **drawn)
    written([table(made, out / "events.csv"), *style.save(figures.figure(made), out, "trace")], as_json, quiet)


def constants(words):
    """Values by name, from ``KEY=VALUE`` each.

    Raises
    ------
    UserError
    """
    pairs = [word.partition("=") for word in words]
    bad = [word for word, (_, equals, _) in zip(words, pairs, strict=True) if not equals]
    if bad:
        raise UserError(f"--set {bad[0]}: write KEY=VALUE, as in --set lr=0.01")
    return {key: numbers(f"--set {key}", [value], float)[0] for key, _, value in pairs}


def numbers(what, words, kind):
    """Words as numbers.

    Raises
    ------
    UserError
    """
    try:
        return [kind(word) for word in words]
    except ValueError:
        wanted = "whole numbers, separated by commas" if kind is int else "a number"
        raise UserError(f"{what} must be {wanted}, not {','.join(words)!r}") from None


def read(path):
    """Events from a table such as this command writes; its rows ``start`` and ``end``, and other columns, count for nothing.

    Raises
    ------
    UserError
        With every line that is no event.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read the events {path}: {getattr(error, 'strerror', None) or error}") from None
    missing = [name for name in COLUMNS if not rows or rows[0].get(name) is None]
    if missing:
        raise UserError(f"{path}: a table with the columns {','.join(COLUMNS)} and a row for each event; no {missing[0]}")
    out, problems = [], []
    for line, row in enumerate(rows, 2):
        if row["event"] in ("start", "end"):
            continue
        try:
            out.append((int(row["presentation"]), row["event"], float(row["gradient"] or "nan")))
        except (TypeError, ValueError):
            given = ",".join(str(row[name]) for name in COLUMNS)
            problems.append(f"{path}:{line}: {given!r}: write a whole number, spike or boundary, and a number")
    if problems:
        raise UserError("\n".join(problems))
    return out


def table(made, path):
    """Write the events of a trace; returns the path."""
    from spikemeta.system.files import atomic

    with atomic(path) as temporary:
        made.table.to_csv(temporary, index=False)
    return path
