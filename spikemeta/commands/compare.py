"""``spikemeta compare``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, Quiet, written

EXAMPLES = ("spikemeta compare results/forgetting-digits-split results/tied --names here,there --out compared",)


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR DIR...", help="Output folders of studies with the same rules.")],
    out: Annotated[Path, typer.Option(help="Folder for the figures, summary.json and provenance.json.")],
    names: Annotated[str, typer.Option(help="A name for each, separated by commas. Default: those of the folders.")] = "",
    by: Annotated[str, typer.Option(help="What the studies differ in, as the figures say it.")] = "run",
    as_json: AsJson = False,
    quiet: Quiet = False,
):
    """Show finished studies side by side, rule by rule: figures, and a paired test against the first."""
    from rich.console import Console

    from spikemeta.runs.comparison import compare

    given = [name.strip() for name in names.split(",") if name.strip()]
    paths = compare(folders, out, given, by, None if as_json or quiet else Console())
    written(paths, as_json, quiet)
