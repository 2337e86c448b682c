"""Several finished studies side by side: the same rules under another network, signal, chip, engine or version."""

import shlex
import time
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from spikemeta.analysis import statistics
from spikemeta.errors import UserError
from spikemeta.figures import style
from spikemeta.figures import sweep as figures
from spikemeta.runs import display, provenance
from spikemeta.system.files import plain, read_json, try_writing, write_json

#: Metrics that are tested against those of the first study.
_TESTED = (*figures.METRICS, "just_learned_accuracy")
#: What the heads of summaries may share, and a comparison then says of itself.
_HEAD = ("engine", "dataset", "scale", "task", "scenario", "images", "dtype", "feedback", "signal", "evaluated_on", "chance")


def compare(folders, out, names=(), by="run", console=None):
    """Compare the rows of finished studies that have the same label, and write table, figures and tests.

    Parameters
    ----------
    folders : sequence of str or Path
        Output folders, at least two; the first is what the others are tested against.
    out : str or Path
    names : sequence of str
        One for each folder; by default those of the folders.
    by : str
        What the studies differ in, for figures and table.
    console : rich.console.Console or None

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UserError
        For folders without a finished study, names that do not fit, studies without a row in common, or an output folder that
        holds something else; all problems at once.
    """
    folders, out = [Path(folder) for folder in folders], Path(out)
    names = list(names) or [folder.resolve().name for folder in folders]
    _check(folders, names, out)
    began = time.time()
    summaries = [read_json(folder / "summary.json") for folder in folders]
    rows = _rows(summaries, names, by)
    head = {key: summaries[0][key] for key in _HEAD if key in summaries[0]}
    head = {key: value for key, value in head.items() if all(summary.get(key) == value for summary in summaries)}
    head["seeds"] = max(len(row["seeds"]) for row in rows)
    described = style.tasks_in_words(head)
    drawn = style.save_all(figures.figures_of(rows, {by: tuple(names)}, described, head.get("chance")), out / "figures")
    write_json(out / "summary.json", plain({"study": "compare"} | head | {"grid": {by: names}, "rows": rows}))
    words = ["spikemeta", "compare", *map(str, folders), "--names", ",".join(names), "--by", by, "--out", str(out)]
    known = {"study": "compare", "command": shlex.join(words), "seconds": time.time() - began}
    known["seeds"] = sorted({seed for row in rows for seed in row["seeds"]})
    write_json(out / "provenance.json", plain(known | _origin(folders, names)))
    if console:
        console.print(table_of(rows, names, by, described))
    return [out / "summary.json", out / "provenance.json", *drawn]


def _check(folders, names, out):
    problems = []
    if len(folders) < 2:
        problems.append("name at least two output folders to compare")
    for folder in folders:
        if not (folder / "summary.json").is_file() or not (folder / "provenance.json").is_file():
            problems.append(f"{folder} holds no finished study (no summary.json): run one with --out {folder}")
    if len(names) != len(folders):
        problems.append(f"--names gives {len(names)} for {len(folders)} folders: {', '.join(names)}")
    elif len(set(names)) < len(names):
        problems.append(f"two folders have one name: tell them apart with --names, not {', '.join(names)}")
    held = out / "provenance.json"
    if held.is_file() and read_json(held).get("study") != "compare":
        problems.append(f"--out {out} holds a study's results: name another folder")
    elif out.exists() and not out.is_dir():
        problems.append(f"--out {out} is a file: name a folder")
    if not problems:
        try:
            try_writing(out)
        except OSError as error:
            problems.append(f"cannot write into --out {out} ({error.strerror})")
    if problems:
        raise UserError("\n".join(problems))


def _origin(folders, names):
    """Where the studies come from: their commands and commits by name, and the data and texts of rules of all."""
    origins = [read_json(folder / "provenance.json") for folder in folders]
    found = {"versions": provenance.versions(), "data": {}, "rules": {}, "of": {}}
    for name, own in zip(names, origins, strict=True):
        found["data"] |= own.get("data", {})
        found["rules"] |= own.get("rules", {})
        found["of"][name] = {key: own.get(key) for key in ("command", "commit", "sources")}
    return found


def _rows(summaries, names, by):
    """Rows of all studies whose label is in each, with their place, and with tests against that of the first study."""
    found = [{row["rule"]: row for row in s["rows"] if "final_accuracy" in row["metrics"]} for s in summaries]
    common = [label for label in found[0] if all(label in own for own in found)]
    if not common:
        has = "; ".join(
            f"{name} has {', '.join(own) or 'none with accuracies'}" for name, own in zip(names, found, strict=True)
        )
        raise UserError(f"no row is in all of these studies: {has}")
    rows = []
    for label in common:
        for name, own in zip(names, found, strict=True):
            row = {key: value for key, value in own[label].items() if key != "tests"} | {"grid": {by: name}}
            rows.append(row if own is found[0] else row | {"tests": _against(row, found[0][label], names[0])})
    return rows


def _against(row, base, name):
    """Tests of a row's metrics against those of the first study, paired by the seeds that both have."""
    seeds = [seed for seed in row["seeds"] if seed in base["seeds"]]
    tests = {"against": name}
    for metric in _TESTED:
        if metric in row["metrics"] and metric in base["metrics"]:
            pair = [[r["metrics"][metric]["values"][r["seeds"].index(seed)] for seed in seeds] for r in (row, base)]
            tests[metric] = asdict(statistics.paired(*pair))
    return tests


def table_of(rows, names, by, described):
    """A line for each rule: accuracy after the last task under each name, and what the test against the first says.

    Returns
    -------
    rich.table.Table
    """
    caption = f"final accuracy, %, mean ± sd over seeds; p: paired t-test against {names[0]}, for each pair alone"
    table = Table(title=f"By {by}: {described}", caption=caption)
    table.add_column("rule", overflow="fold")
    for name in names:
        table.add_column(name, justify="right")
    for label in dict.fromkeys(row["rule"] for row in rows):
        cells = []
        for row in (row for row in rows if row["rule"] == label):
            p = row.get("tests", {}).get("final_accuracy", {}).get("p", float("nan"))
            cells.append(display.cell(row["metrics"]["final_accuracy"]) + (f"\np = {p:.2g}" if p == p else ""))
        table.add_row(label, *cells)
    return table
