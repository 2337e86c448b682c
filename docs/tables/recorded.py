"""What lies in ``docs/recorded``: a folder for each study and run, and a table of searches for each rule."""

import csv
import functools
import io
import json
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "recorded"
#: Folder of the searches, which holds tables and no runs.
SEARCHES = RECORDED / "search"
#: Columns of a table of searches that are no metrics.
KEYS = ("search", "dataset", "task", "engine", "constants", "seed", "command")


def names():
    """Recorded runs, as ``STUDY/NAME``; searches are apart, see `searches`.

    Returns
    -------
    list of str
    """
    found = (path.parent for path in RECORDED.glob("*/*/summary.json"))
    return sorted(path.relative_to(RECORDED).as_posix() for path in found)


def summary(name):
    """The recorded ``summary.json`` of a run: what the pages show of it.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.

    Returns
    -------
    dict
    """
    return json.loads((RECORDED / name / "summary.json").read_text(encoding="utf-8"))


def provenance(name):
    """The recorded ``provenance.json`` of a run: command, time, versions, data, constants.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.

    Returns
    -------
    dict
    """
    return json.loads((RECORDED / name / "provenance.json").read_text(encoding="utf-8"))


def command(name):
    """The command that a recorded run came from.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.

    Returns
    -------
    str
    """
    return provenance(name)["command"]


def searches():
    """Every recorded search: rows as in the tables, one for each setting and seed.

    Returns
    -------
    dict of str to list of dict
        By the name of the search, in the order in which its settings were tried; a metric without a value is left out. Numbers
        are floats in the metrics, the rest is text.
    """
    found = {}
    for path in sorted(SEARCHES.glob("*.csv")):
        for row in _rows(path.stem, path.read_text(encoding="utf-8")):
            found.setdefault(row["search"], []).append(row)
    return found


@functools.cache
def _rows(rule, table):
    """Rows of a rule's table: the pages ask for hundreds of searches, one by one."""
    rows = []
    for row in csv.DictReader(io.StringIO(table)):
        numbers = {m: float(text) for m, text in row.items() if m not in KEYS and text}
        rows.append({"rule": rule, **{key: row[key] for key in KEYS}, "metrics": numbers})
    return rows
