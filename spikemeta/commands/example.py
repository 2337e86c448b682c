"""``spikemeta example``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, Quiet, written
from spikemeta.commands._words import one_of
from spikemeta.errors import UserError, suggest

EXAMPLES = ("spikemeta example rule my_rule", "spikemeta example study widths --out studies")
FOLDER = Path(__file__).parent / "examples"
KINDS = tuple(sorted(path.stem for path in FOLDER.glob("*.py")))


def command(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.", autocompletion=one_of(KINDS))],
    name: Annotated[str, typer.Argument(help="Its name, a word of letters, digits and underscores.")],
    out: Annotated[Path, typer.Option(help="Folder to write NAME.py into.")] = Path(),
    as_json: AsJson = False,
    quiet: Quiet = False,
):
    """Write a commented file to start from: a rule, network, chip, study, data set or figure that works as it is."""
    from spikemeta.system.files import atomic

    if kind not in KINDS:
        raise UserError(suggest("kind", kind, KINDS))
    path = out / f"{name}.py"
    if path.exists():
        raise UserError(f"{path} exists: choose another name, or another folder by --out")
    with atomic(path) as temporary:
        temporary.write_text(text_of(kind, name), encoding="utf-8")
    written([path], as_json, quiet)


def text_of(kind, name):
    """The file of an example.

    Raises
    ------
    UserError
        For a name that is no word.
    """
    if not name.isidentifier():
        raise UserError(f"the name {name!r} must be a word of letters, digits and underscores, not beginning with a digit")
    return (FOLDER / f"{kind}.py").read_text(encoding="utf-8").replace("NAME", name)
