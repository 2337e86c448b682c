"""``spikemeta check``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.errors import UserError

EXAMPLES = ("spikemeta check my_rule.py",)


def command(
    file: Annotated[
        Path, typer.Argument(help="A Python file that defines a rule or a chip, or TOML with constants or a chip.")
    ],
):
    """Check a rule, with the constants beside it, or a hardware file of your own: every problem at once, or "ok"."""
    if not file.is_file():
        raise UserError(f"there is no rule file {str(file)!r}; name a Python file with 'rule = Rule(...)' in it")
    from spikemeta.data import constants_file, tuned
    from spikemeta.hardware import profile

    chip = profile.is_profile(file) and not constants_file.is_constants(file)
    problems = profile.read(file)[0] if chip else tuned.check_file(file)
    if not problems:
        typer.echo("ok")
        return
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(2)
