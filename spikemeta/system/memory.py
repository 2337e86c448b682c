"""How much memory a study holds: a line every ten seconds in ``memory.csv`` of its output folder.

Columns: ``time`` (UTC), ``seconds`` since this start of the study, then resident memory in MiB of ``own`` (the study's
process), ``workers`` (the processes that it started), ``programs`` (compiled networks at work) and ``compilers``, and the
number of ``processes``. Pages that processes share count in each. A study that is resumed appends its lines.
"""

import csv
import threading
import time
from pathlib import Path

import numpy as np

EVERY = 10.0  # seconds
SETTLED = 600.0  # seconds that a study may take to fill its caches
COLUMNS = ("time", "seconds", "own", "workers", "programs", "compilers", "processes")
_COMPILERS = ("make", "g++", "c++", "cc1", "clang", "as", "ld", "collect2")  # beginnings of their names
STEADY = ("own", "workers", "programs")  # a compiler comes and goes


def resident():
    """Resident memory in MiB of this process and all below it, by kind, and their number."""
    import psutil

    own = psutil.Process()
    found = {"own": own.memory_info().rss, "workers": 0, "programs": 0, "compilers": 0}
    children = own.children(recursive=True)
    for process in children:
        try:
            name, held = process.name(), process.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
        kind = "programs" if name == "main" else "compilers" if name.startswith(_COMPILERS) else "workers"
        found[kind] += held
    return {kind: held / 2**20 for kind, held in found.items()} | {"processes": 1 + len(children)}


class Trace:
    """Context in which memory is written down, by a thread.

    Parameters
    ----------
    path : Path
        The CSV file; lines are appended.
    every : float
        Seconds.
    """

    def __init__(self, path, every=EVERY):
        self.path, self.every = Path(path), every
        self._over, self._thread = threading.Event(), threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while not self._over.wait(self.every):
            try:
                self._line()
            except OSError:  # a full disk must stop the study itself, with its own message
                continue

    def _line(self):
        now = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "seconds": time.monotonic() - self.start}
        values = now | resident()
        text = ",".join(f"{values[name]:.1f}" if isinstance(values[name], float) else str(values[name]) for name in COLUMNS)
        new = not self.path.exists()
        with self.path.open("a", encoding="utf-8") as file:
            file.write((",".join(COLUMNS) + "\n" if new else "") + text + "\n")


def _lines(path):
    """The whole lines of a trace, and the numbers in them by column; none of what cannot be read."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            lines = [line for line in csv.DictReader(file) if line.get("processes") and None not in line]
        return lines, {name: np.array([float(line[name]) for line in lines]) for name in COLUMNS[1:]}
    except (OSError, ValueError, KeyError):
        return [], {}


def starts(path):
    """The starts of a study that a trace tells of, in order.

    Returns
    -------
    list of dict
        ``until``, the time of its last line, and ``seconds``, from its beginning to then.
    """
    lines, columns = _lines(path)
    if not lines:
        return []
    last = np.append(np.flatnonzero(np.diff(columns["seconds"]) < 0), len(lines) - 1)
    return [{"until": lines[n]["time"], "seconds": float(columns["seconds"][n])} for n in last]


def read(path):
    """Numbers of a trace since the study was last started, by column; None without a whole line.

    Returns
    -------
    dict of str to ndarray, or None
        ``seconds``; memory in MiB; ``total``, its sum without compilers.
    """
    lines, columns = _lines(path)
    if not lines:
        return None
    first = int(np.flatnonzero(np.diff(columns["seconds"], prepend=np.inf) < 0)[-1])
    columns = {name: values[first:] for name, values in columns.items()}
    return columns | {"total": np.sum([columns[name] for name in STEADY], axis=0)}


def summary(path):
    """What a trace comes to: ``peak_mib``, ``minutes`` and, from half an hour on, ``growth_after_ten_minutes``.

    Growth is the median total of the last ten minutes over that of the second ten minutes, minus one: a moment's need, which
    a line every ten seconds meets or misses, is no growth.
    """
    trace = read(path)
    if trace is None:
        return {}
    seconds, total = trace["seconds"], trace["total"]
    found = {"peak_mib": float(total.max()), "minutes": float(seconds[-1] / 60)}
    early, late = (seconds > SETTLED) & (seconds <= 2 * SETTLED), seconds > seconds[-1] - SETTLED
    if seconds[-1] >= 3 * SETTLED and early.any():
        found["growth_after_ten_minutes"] = float(np.median(total[late]) / np.median(total[early]) - 1)
    return found
