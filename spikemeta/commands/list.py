"""``spikemeta list``."""

import json
from typing import Annotated

import typer

from spikemeta.commands._words import one_of
from spikemeta.errors import UserError, suggest
from spikemeta.language.entries import KINDS

EXAMPLES = ("spikemeta list rules", "spikemeta list studies")


def command(
    kind: Annotated[
        str | None, typer.Argument(help=f"One of: {', '.join(KINDS)}. Default: all.", autocompletion=one_of(KINDS))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
):
    """List what exists."""
    if kind is not None and kind not in KINDS:
        raise UserError(suggest("kind", kind, KINDS))
    found = {each: names(each) for each in ([kind] if kind else KINDS)}
    if as_json:
        typer.echo(json.dumps(found[kind] if kind else found, indent=1))
        return
    indent = "" if kind else "  "
    for each, entries in found.items():
        if not kind:
            typer.echo(each)
        for name in entries:
            typer.echo(indent + name)
            for line in more(each, name) if kind else ():
                typer.echo(f"{indent}  {line}")


def names(kind):
    """Names of a kind."""
    from spikemeta.language import registry

    return registry.names(kind)


def more(kind, name):
    """Lines on one entry: what a study asks and how long it takes, a chip's description, a rule's variants; from its file."""
    from spikemeta.language import registry

    if kind == "studies":
        found = registry.load(kind, name)
        return [found.description, *filter(None, [found.takes])]
    if kind == "hardware":
        return [registry.load(kind, name).description]
    variants = registry.load(kind, name).variants if kind == "rules" else ()
    return [f"variants: {', '.join(variants)}"] if variants else []
