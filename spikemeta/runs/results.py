"""What a study leaves behind: one folder, every file written whole or not at all.

``runs/<rule>/<seed>.npz`` and ``.json`` are stored as soon as a run is finished, so that a study killed at
any time resumes; ``summary.json``, ``results.nc`` and ``provenance.json`` are made from them at the end.
Accuracies are fractions, 0 to 1, in every file. Undefined numbers (a deviation over one seed) are null.
"""

import io
import json
import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.errors import UserError
from spikemeta.system import memory
from spikemeta.system.files import atomic, lock, plain, read_json, write_json


@dataclass(frozen=True)
class FinishedRun:
    """One row of a study under one seed.

    Attributes
    ----------
    label : str
        Row of the study: a rule's title, or a rule with its constants.
    seed : int
    fingerprint : str
        Digest of everything that decides the outcome; a stored run counts only if it is unchanged.
    arrays : dict of str to ndarray
        ``accuracy_matrix`` (n_tasks, n_tasks), fraction; and for the test phases, each (n_tests,):
        ``test_task``, ``test_after`` (tasks trained), ``test_presentations`` (training presentations so far),
        ``test_accuracy`` (fraction), ``test_hidden_rate`` (Hz).
    info : dict
        ``constants`` and ``seconds``, ``compile_seconds``.
    """

    label: str
    seed: int
    fingerprint: str
    arrays: dict
    info: dict


class Store:
    """The output folder of one study.

    Parameters
    ----------
    folder : str or Path
    study : str
    settings : dict
        Every option that decides the numbers (not: which rules, how many seeds or workers).
    resume : bool
        Keep the finished runs that are there.

    Raises
    ------
    UserError
        If the folder is not writable, another process writes into it, it holds another study's results, or finished runs and
        not `resume`.
    """

    def __init__(self, folder, study, settings, resume=False):
        self.folder, self.study, self.settings = Path(folder), study, plain(settings)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic(self.folder / ".writable"):
                pass
            (self.folder / ".writable").unlink()
        except OSError as error:
            raise UserError(
                f"cannot write into the output folder {self.folder} ({error.strerror}); "
                "change its permissions or name another one with --out"
            ) from None
        self._lock = lock(self.folder)
        self._check_owner()
        finished = list(self.folder.glob("runs/*/*.json"))
        if finished and not resume:
            raise UserError(
                f"the output folder {self.folder} already holds {len(finished)} finished runs of this study; "
                "keep them with --resume, or name another folder with --out"
            )
        if not resume:
            shutil.rmtree(self.folder / "state", ignore_errors=True)

    def _check_owner(self):
        held = self.folder / "provenance.json"
        foreign = [n for n in ("summary.json", "results.nc", "runs") if (self.folder / n).exists()]
        if not held.exists():
            if foreign:
                raise UserError(
                    f"the output folder {self.folder} holds {', '.join(foreign)} of unknown origin; "
                    "name another folder with --out"
                )
            return
        there = read_json(held)
        if there.get("study") != self.study:
            raise UserError(
                f"the output folder {self.folder} holds results of the study {there.get('study')!r}, "
                f"not of {self.study!r}; name another folder with --out"
            )
        old = there.get("settings", {})
        changed = [f"{k} is {old.get(k)!r} there and {v!r} here" for k, v in self.settings.items() if old.get(k) != v]
        if changed:
            raise UserError(
                f"the output folder {self.folder} holds results of this study under other options: "
                f"{'; '.join(changed)}; use those options or name another folder with --out"
            )

    def _run_path(self, label, seed, suffix):
        return self.folder / "runs" / slug(label) / f"{seed}{suffix}"

    def state_folder(self, label, seed):
        """Where the simulation may keep the state of an unfinished run."""
        return self.folder / "state" / slug(label) / str(seed)

    def forget_shared(self, seed):
        """Remove the beginnings that the runs of a seed have in common, once all of these are finished."""
        shutil.rmtree(self.folder / "state" / "shared" / str(seed), ignore_errors=True)

    def save(self, run):
        """Store a finished run; the JSON file comes last and marks it as finished."""
        stream = io.BytesIO()
        np.savez_compressed(stream, **run.arrays)
        with atomic(self._run_path(run.label, run.seed, ".npz")) as temporary:
            temporary.write_bytes(stream.getvalue())
        write_json(
            self._run_path(run.label, run.seed, ".json"),
            {"label": run.label, "seed": run.seed, "fingerprint": run.fingerprint, "info": run.info},
        )
        shutil.rmtree(self.state_folder(run.label, run.seed), ignore_errors=True)

    def find(self, label, seed, fingerprint):
        """A finished run, or None if it is missing, unreadable or was made from something else."""
        try:
            head = json.loads(self._run_path(label, seed, ".json").read_text(encoding="utf-8"))
            if head["fingerprint"] != fingerprint:
                return None
            with np.load(self._run_path(label, seed, ".npz"), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError, EOFError, TypeError, ImportError, zipfile.BadZipFile):
            return None
        return FinishedRun(label, seed, fingerprint, arrays, head["info"])

    def set_aside(self, points):
        """Move stored runs that were made from something else into ``replaced/``, lest they be overwritten; which they were."""
        moved = []
        for point in points:
            head = self._run_path(point.label, point.seed, ".json")
            try:
                mark = json.loads(head.read_text(encoding="utf-8"))["fingerprint"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if mark != point.fingerprint:
                folder = self.folder / "replaced" / slug(point.label)
                folder.mkdir(parents=True, exist_ok=True)
                for path in (head.with_suffix(".npz"), head):
                    if path.exists():
                        os.replace(path, folder / f"{point.seed}-{slug(mark)[:12]}{path.suffix}")
                moved.append(f"{point.label}, seed {point.seed}")
        return moved

    def write_provenance(self, provenance):
        """Write ``provenance.json``; at the start of a study too, as the mark of whose folder it is."""
        held = memory.summary(self.folder / "memory.csv")
        own = {"study": self.study, "settings": self.settings} | provenance
        write_json(self.folder / "provenance.json", own | ({"memory": held} if held else {}))

    def write_summary(self, summary):
        """Write ``summary.json``."""
        write_json(self.folder / "summary.json", {"study": self.study} | summary)

    def write_results(self, results):
        """Write ``results.nc`` from an xarray.Dataset."""
        with atomic(self.folder / "results.nc") as temporary:
            temporary.write_bytes(results.to_netcdf(None, engine="scipy"))


def slug(label):
    """A label as a file name."""
    return re.sub(r"[^\w.=+-]+", "_", str(label))


def metrics_of(runs, chance):
    """Metrics of one row: ``{name: {"mean", "std", "values"}}``, values in the order of `runs`.

    Metrics that are undefined for every run (transfer with one task) are left out.
    """
    matrices = [run.arrays["accuracy_matrix"] for run in runs]
    table = {}
    for name in metrics.of_matrix(matrices[0], chance) if matrices else ():
        values = [metrics.of_matrix(matrix, chance)[name] for matrix in matrices]
        summary = metrics.summarise(values)
        if summary.n:
            table[name] = {"mean": summary.mean, "std": summary.std, "values": values}
    if matrices:
        std = np.std(matrices, axis=0, ddof=1) if len(matrices) > 1 else np.full_like(matrices[0], np.nan)
        table["accuracy_matrix"] = {"mean": np.mean(matrices, axis=0), "std": std, "values": matrices}
    return table


def to_dataset(entries, seeds, runs, chance, **attributes):
    """All runs of a study as one xarray.Dataset.

    Parameters
    ----------
    entries : list of (str, bool)
        Label of each row and whether its rule is told of task boundaries.
    seeds : list of int
    runs : dict of (str, int) to FinishedRun
        By label and seed; missing ones become nan.
    chance : float
        Accuracy of guessing, fraction.
    **attributes
        Strings and numbers to keep with the data.

    Returns
    -------
    xarray.Dataset
        ``accuracy`` (rule, seed, after, task), fraction; ``test_accuracy`` and ``test_hidden_rate``
        (rule, seed, test), fraction and Hz; every metric (rule, seed).
    """
    import xarray

    labels, first = [label for label, _ in entries], next(iter(runs.values())).arrays
    data = {}

    def stack(dims, get, units):
        empty = np.full_like(np.asarray(get(first), float), np.nan)
        cells = [[get(runs[r, s].arrays) if (r, s) in runs else empty for s in seeds] for r in labels]
        return ("rule", "seed", *dims), np.array(cells, float), {"units": units}

    data["accuracy"] = stack(("after", "task"), lambda a: a["accuracy_matrix"], "1")
    data["test_accuracy"] = stack(("test",), lambda a: a["test_accuracy"], "1")
    data["test_hidden_rate"] = stack(("test",), lambda a: a["test_hidden_rate"], "Hz")
    for name in metrics.of_matrix(first["accuracy_matrix"], chance):
        data[name] = stack((), lambda a, n=name: metrics.of_matrix(a["accuracy_matrix"], chance)[n], "1")
    n_tasks = len(first["accuracy_matrix"])
    coords = {
        "rule": labels,
        "seed": np.array(seeds, np.int32),
        "after": np.arange(1, n_tasks + 1, dtype=np.int32),
        "task": np.arange(1, n_tasks + 1, dtype=np.int32),
        "needs_boundary": ("rule", np.array([told for _, told in entries], np.int8)),
        "test_task": ("test", np.asarray(first["test_task"], np.int32) + np.int32(1)),
        "test_after": ("test", np.asarray(first["test_after"], np.int32)),
        "test_presentations": ("test", np.asarray(first["test_presentations"], np.int32)),
    }
    return xarray.Dataset(data, coords, {"chance": chance} | attributes)
