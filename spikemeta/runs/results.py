"""What a study leaves behind: one folder, every file written whole or not at all.

``runs/<rule>/<seed>.npz`` and ``.json`` are stored as soon as a run is finished, so that a study killed at
any time resumes; ``summary.json``, ``results.nc`` and ``provenance.json`` are made from them at the end.
Accuracies are fractions, 0 to 1, in every file. Undefined numbers (a deviation over one seed) are null.
"""

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np

from spikemeta.analysis.rows import FinishedRun
from spikemeta.errors import UserError
from spikemeta.system import memory
from spikemeta.system.files import atomic, lock, plain, read_json, try_writing, write_json

#: Bytes of a file name made from a label; file systems take 255, with an ending.
LONGEST = 200


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
            try_writing(self.folder)
        except OSError as error:
            raise UserError(
                f"cannot write into the output folder {self.folder} ({error.strerror}); "
                "change its permissions or name another one with --out"
            ) from None
        self._lock = lock(self.folder)
        self._check_owner()
        finished = list(self.folder.glob("runs/*/[!.]*.json"))
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
    """A label as a file name; a long one, as of a setting with many constants, is cut and ends in its digest."""
    name = re.sub(r"[^\w.=+-]+", "_", str(label))
    if len(name.encode()) <= LONGEST:
        return name
    return f"{name.encode()[: LONGEST - 13].decode(errors='ignore')}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
