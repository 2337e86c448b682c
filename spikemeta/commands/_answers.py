"""How commands answer: for people, for programs, or not at all."""

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="The answer as one object of JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]


def as_object(**values):
    """Print an object of JSON."""
    typer.echo(json.dumps(values, indent=1))


def written(paths, as_json=False, quiet=False):
    """Tell which files were written."""
    if as_json:
        as_object(written=[str(path) for path in paths])
    elif not quiet:
        for path in paths:
            typer.echo(f"written: {path}")
