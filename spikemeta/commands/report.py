"""``spikemeta report``."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = ("spikemeta report results/forgetting-digits-split",)


def command(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder of a study.")]):
    """Write one self-contained HTML page of a study: figures, table and provenance."""
    from spikemeta.runs.report import write

    typer.echo(f"written: {write(folder)}")
