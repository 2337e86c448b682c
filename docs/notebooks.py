"""The tutorials as notebooks: ``python docs/notebooks.py`` writes ``docs/notebooks/NAME.ipynb``, as does a build.

Their cells are those that are executed when the pages are built. Each begins in a folder of its own: nothing is written
beside it.
"""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parent
FIRST = "import os, tempfile\n\nos.chdir(tempfile.mkdtemp(prefix='tutorial-'))  # what this notebook writes goes there"
_CELL = re.compile(r"^```\{code-cell\}.*\n((?::.*\n)*)((?:.*\n)*?)```$", re.M)
_LINK = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")


def tutorials():
    """Names of the pages of the tutorial that have cells."""
    first = re.search(r":caption: Tutorial\n\n((?:\w+\n)+)", (DOCS / "index.md").read_text(encoding="utf-8"))[1]
    return [name for name in first.split() if "{code-cell}" in (DOCS / f"{name}.md").read_text(encoding="utf-8")]


def notebook(name):
    """A page as a notebook of format 4.5.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict
    """
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    cells, end = [("code", FIRST)], 0
    for found in _CELL.finditer(text):
        cells += [("markdown", text[end : found.start()]), ("code", found[2])]
        end = found.end()
    cells = [(kind, source.strip("\n")) for kind, source in [*cells, ("markdown", text[end:])]]
    title = cells.pop(1)
    return {
        "cells": [_cell(k, *cell) for k, cell in enumerate([title, *cells]) if cell[1].strip()],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number, kind, source):
    made = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        return made | {"execution_count": None, "outputs": [], "source": source}
    return made | {"source": _LINK.sub(r"](../\1)", source)}  # from notebooks/ to the pages


def write(folder=DOCS / "notebooks"):
    """Write them all; their paths."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.ipynb" for name in tutorials()]
    for path in paths:
        path.write_text(json.dumps(notebook(path.stem), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return paths


if __name__ == "__main__":
    print(*write(), sep="\n")
