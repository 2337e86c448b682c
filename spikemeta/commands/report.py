"""``spikemeta report``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, Quiet, written

EXAMPLES = ("spikemeta report results/forgetting-digits-split",)


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder of a study.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
):
    """Write one self-contained HTML page of a study: figures, table and provenance."""
    from spikemeta.runs.report import write

    written([write(folder)], as_json, quiet)
