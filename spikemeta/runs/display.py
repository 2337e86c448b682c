"""What a study prints while it runs and at the end."""

import contextlib
import contextvars
import importlib.util
import os
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track
from rich.table import Table

from spikemeta.analysis import statistics

WIDE = 160  # columns where no terminal has fewer
LINE_EVERY = 15.0  # seconds between progress lines where there is no terminal


class Plain(Console):
    """A console whose tables are columns without frames: a line for each row, for ``grep``, ``sort`` and a look into a log."""

    def print(self, *objects, **settings):
        for table in objects:
            if isinstance(table, Table):
                table.box = None
        super().print(*objects, **settings)


def console_of(stderr=False, quiet=False):
    """A console whose tables are as wide as they need where no terminal limits them: in a file, a pipe, or a notebook's cell.

    In a file or a pipe they have no frames.

    Parameters
    ----------
    stderr, quiet : bool
        As for `rich.console.Console`.

    Returns
    -------
    rich.console.Console
    """
    console = Console(stderr=stderr, quiet=quiet)
    piped = not console.is_jupyter and not console.file.isatty()
    free = (piped or not console.is_jupyter and _unseen()) and "COLUMNS" not in os.environ
    return (Plain if piped else Console)(stderr=stderr, quiet=quiet, width=WIDE if free else None)


def _unseen():
    """Whether the terminal is that of a notebook's ``!``, which nobody looks at; ipykernel sets these."""
    kernel = os.environ.get("TERM") == "xterm-color" and os.environ.get("GIT_PAGER") == "cat"
    return kernel or "JPY_PARENT_PID" in os.environ


def live(console):
    """Whether a bar that is drawn again and again is seen as one: on a terminal, and where a notebook runs the study itself.

    What a notebook runs by ``!`` writes to a terminal that nobody looks at: every state of a bar would stay in the cell.

    Parameters
    ----------
    console : rich.console.Console

    Returns
    -------
    bool
    """
    if console.quiet or console.is_jupyter:
        return not console.quiet and importlib.util.find_spec("ipywidgets") is not None
    return console.is_interactive and console.file.isatty() and not _unseen()


def tracked(points, what, console):
    """The points one by one, with a bar that vanishes at the end, where it is `live`.

    Parameters
    ----------
    points : sequence
    what : str
        What is done to them, beside the bar.
    console : rich.console.Console

    Returns
    -------
    iterable
    """
    return track(points, what, console=console, transient=True, disable=not live(console))


class Display:
    """Overall progress of a study: a bar on a terminal, an occasional line elsewhere.

    Parameters
    ----------
    console : rich.console.Console or None
    totals : list of int
        Presentations of each point, those of testing included.
    unit : str
        What is counted.
    """

    def __init__(self, console, totals, unit="presentations"):
        self.unit = unit
        self.console, self.totals = console or Console(), list(totals)
        self.counts, self.finished = [0] * len(self.totals), 0
        self.began = self.printed = time.monotonic()
        self.before = 0  # with `began`, once something is done: how much, and when; compiling comes first
        self.bar = None

    def __enter__(self):
        if live(self.console):
            self.bar = Progress(
                TextColumn("{task.fields[points]}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(f"{self.unit},"),
                TimeRemainingColumn(),
                TextColumn("left  {task.fields[phase]}", style="dim"),
                console=self.console,
            )
            self.task = self.bar.add_task("", total=sum(self.totals), points=self._points(), phase="compiling")
            self.bar.start()
        return self

    def __exit__(self, *_):
        if self.bar:
            self.bar.stop()

    def _points(self):
        return f"{self.finished}/{len(self.totals)} runs"

    def update(self, number, phase, done, total):
        """A point reports how many of its presentations are done."""
        self.totals[number] = total
        self._count(number, done)
        if self.bar:
            self.bar.update(self.task, completed=sum(self.counts), total=sum(self.totals), phase=phase)
        elif time.monotonic() - self.printed > LINE_EVERY:
            self.line()

    def finish(self, number, message):
        """A point is done."""
        self.finished += 1
        self._count(number, self.totals[number])
        if self.bar:
            self.bar.update(self.task, completed=sum(self.counts), points=self._points())
            self.bar.console.print(message, highlight=False, markup=False)
        else:
            self.line(f"; {message}")

    def _count(self, number, done):
        """So much of a point is done; the first of all begins the time by which the rest is estimated."""
        first = not any(self.counts)
        self.counts[number] = done
        if first and done:
            self.began, self.before = time.monotonic(), done

    def line(self, more=""):
        """Print one plain line."""
        self.printed = time.monotonic()
        done, total = sum(self.counts), sum(self.totals)
        about = ""
        if self.before < done < total:
            left = (self.printed - self.began) * (total - done) / (done - self.before)
            about = f", about {left / 60:.1f} min left"
        self.console.print(
            f"{self._points()}, {done}/{total} {self.unit}{about}{more}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def percent(summary, signed=False):
    """``mean +- sd`` in %, of a `spikemeta.analysis.statistics.Summary` of fractions."""
    if not summary.n:
        return "-"
    text = f"{100 * summary.mean:{'+' if signed else ''}.1f}"
    return text if summary.n < 2 else f"{text} ± {100 * summary.std:.1f}"


def number(summary):
    """``mean +- sd`` of a `spikemeta.analysis.statistics.Summary` that is not a fraction."""
    if not summary.n:
        return "-"
    return f"{summary.mean:.1f}" if summary.n < 2 else f"{summary.mean:.1f} ± {summary.std:.1f}"


def table_of(rows, title, caption, columns=None):
    """A table of a study's rows, as in ``summary.json``; one line each, mean ± sd over seeds.

    Parameters
    ----------
    rows : list of dict
    title, caption : str
    columns : dict of str to str or None
        Metrics and the heads of their columns, by default those of a comparison of rules. A head that
        ends in "%" stands over a fraction, shown in per cent.

    Returns
    -------
    rich.table.Table
    """
    columns = columns or {
        "final_accuracy": "final\n%",
        "just_learned_accuracy": "just learned\n%",
        "forgetting": "forgetting\n%",
        "memorized_items": "memorized\nitems",
        "accuracy": "accuracy\n%",
        "auroc_epistemic": "epistemic\nAUROC %",
    }
    shown = [name for name in columns if any(name in row["metrics"] for row in rows)]
    table = Table(title=title, caption=caption)
    table.add_column("rule", overflow="fold", min_width=min(24, max((len(r["rule"]) for r in rows), default=4)))
    table.add_column("told of\nboundaries")
    for name in shown:
        table.add_column(columns[name], justify="right", no_wrap=True)
    for row in rows:
        without = (
            ("just_learned_accuracy", "forgetting") if row.get("reference") == "joint" else ()
        )  # which has no order of tasks
        values = [[] if name in without else row["metrics"].get(name, {}).get("values", []) for name in shown]
        cells = [statistics.summarise([v for v in own if v is not None]) for own in values]
        table.add_row(
            row["rule"],
            "yes" if row["needs_boundary"] else "no",
            *[
                percent(cell, signed=name == "forgetting") if columns[name].endswith("%") else number(cell)
                for name, cell in zip(shown, cells, strict=True)
            ],
        )
    return table


def published(rows, title, evaluated):
    """The table of the study ``published``: the papers' numbers and ours."""
    table = Table(title=title, caption=f"{evaluated}, %, mean ± sd over seeds")
    for name in ("setting", "tasks", "published", "ours", "just learned", "seeds", "source"):
        table.add_column(name, justify="left" if name in ("setting", "source") else "right", overflow="fold")
    for row in rows:
        ours = [
            statistics.summarise(row["metrics"].get(n, {}).get("values", [])) for n in ("accuracy", "just_learned_accuracy")
        ]
        theirs = row["published"]
        if not isinstance(theirs, str):
            theirs = f"{theirs[0]:.2f}" + (f" ± {theirs[1]:.2f}" if theirs[1] else "")
        table.add_row(row["rule"], str(row["tasks"]), theirs, *map(percent, ours), str(len(row["seeds"])), row["source"])
    return table


def cell(metric, scale=100):
    """``mean ± sd`` of a metric as in ``summary.json``."""
    spread = "" if metric["std"] is None else f" ± {scale * metric['std']:.1f}"
    return f"{scale * metric['mean']:.1f}{spread}"


_ended = contextvars.ContextVar("ended", default=None)


@contextlib.contextmanager
def collected():
    """A list that gets the output folder of each study that ends within; one that runs others ends after them."""
    folders = []
    token = _ended.set(folders)
    try:
        yield folders
    finally:
        _ended.reset(token)


def end(console, store, drawn, failed=(), notes=()):
    """Print what a study wrote, what a reader should know, and what failed.

    Parameters
    ----------
    console : rich.console.Console
    store : spikemeta.runs.results.Store
    drawn : list of Path
        Its figures.
    failed, notes : list of str

    Returns
    -------
    int
        Exit code: 2 if anything failed, else 0.
    """
    if _ended.get() is not None:
        _ended.get().append(store.folder)
    written = [store.folder / name for name in ("summary.json", "results.nc", "provenance.json")]
    files(console, [path for path in written if path.exists()] + drawn)
    warnings(console, notes)
    return failures(console, failed)


def files(console, paths):
    """Print the paths that a study wrote, one a line."""
    console.print("written:", *[f"\n  {path}" for path in paths], sep="", highlight=False, markup=False, soft_wrap=True)


def warnings(console, messages):
    """Print what a reader should know before believing the table."""
    for message in messages:
        console.print(f"warning: {message}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def failures(console, messages):
    """Print what failed; returns the exit code, 2 if anything did."""
    for message in messages:
        console.print(f"failed: {message}", style="bold red", highlight=False, markup=False, soft_wrap=True)
    return 2 if messages else 0
