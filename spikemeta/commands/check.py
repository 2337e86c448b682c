"""``spikemeta check``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, Quiet, as_object
from spikemeta.errors import UserError

EXAMPLES = ("spikemeta check my_rule.py", "spikemeta check my_network.py")


def command(
    file: Annotated[
        Path, typer.Argument(help="A Python file that defines a rule, a network or a chip, or TOML with constants or a chip.")
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
):
    """Check a rule, with the constants beside it, a network or a hardware file of your own: every problem at once, or "ok"."""
    if not file.is_file():
        raise UserError(
            f"there is no rule file {str(file)!r}; name a Python file with 'rule = Rule(...)' or 'network = Network(...)'"
        )
    from spikemeta.data import constants_file, tuned
    from spikemeta.hardware import profile
    from spikemeta.language import network_files

    chip = profile.is_profile(file) and not constants_file.is_constants(file)
    if chip:
        problems = profile.read(file)[0]
    else:
        problems = network_files.check_file(file) if network_files.is_network(file) else tuned.check_file(file)
    if as_json:
        as_object(file=str(file), problems=[str(problem) for problem in problems])
    elif not problems and not quiet:
        typer.echo("ok")
    for problem in () if as_json else problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(2)
