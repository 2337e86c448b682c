"""``spikemeta doctor``."""

import json
from typing import Annotated

import typer

EXAMPLES = ("spikemeta doctor", "spikemeta doctor --json")


def command(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what is missing.")] = False,
):
    """Tell what is here: versions, compiler, caches, data sets; and of what is missing, how to get it.

    Ends with exit code 2 where a part is missing without which nothing runs.
    """
    from spikemeta.data import datasets
    from spikemeta.system import health

    found = [*health.packages(), *health.compiler(), *health.caches(), *health.machine(), *datasets.here()]
    if as_json:
        typer.echo(json.dumps([vars(part) for part in found], indent=1))
    else:
        width = max(len(part.name) for part in found)
        for part in found:
            if part.remedy or not quiet:
                mark = "ok     " if not part.remedy else "MISSING" if part.needed else "absent "
                typer.echo(f"{mark}  {part.name:{width}}  {part.state}")
                if part.remedy:
                    typer.echo(f"{'':{width + 11}}{part.remedy}")
    if any(part.remedy and part.needed for part in found):
        raise typer.Exit(2)
