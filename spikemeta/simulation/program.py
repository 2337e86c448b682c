"""A compiled network: run phase by phase, or a stretch of a phase at a time."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError
from spikemeta.system import stopping

BLOCK = 10  # presentations


@dataclass(frozen=True)
class Program:
    """A compiled network.

    Attributes
    ----------
    folder : Path
    files : dict of str to (str, str, int or None, bool)
        Of every array, by ``object.variable``: result file, data type, length (None if it varies, -n if it varies in rows of
        n), and whether it can be set.
    compiled : bool
        Whether it had to be compiled now.
    """

    folder: Path
    files: dict
    compiled: bool

    def run(self, work, settings, steps, count, seed, progress=None, held=None, seconds=np.inf, until=None):
        """One phase, or a stretch of it.

        Parameters
        ----------
        work : Path
            Folder of the phase, with its stimuli; results go to ``work/results``.
        settings : dict of str to float or ndarray
            Values by ``object.variable``.
        steps : int
            Time steps of a presentation.
        count : int
            Presentations of the phase; one time step follows, in which every synapse is committed.
        seed : int
        progress : callable or None
            Called with the number of presentations done.
        held : dict of str to ndarray or None
            Where the stretch before came to, as given here; it replaces `settings`.
        seconds : float
            After which to stop, at the next whole `BLOCK` of presentations; so does a signal that waits.
        until : int or None
            Presentations of the phase after which to stop at the latest, fewer than `count`.

        Returns
        -------
        read : callable
            ``read(name)`` gives the array of ``object.variable`` at the end.
        held : dict of str to ndarray or None
            What another call goes on from, to the same bits as if this one had not stopped; None at the end of the phase.

        Raises
        ------
        UserError
            If the disk is full.
        """
        (work / "results").mkdir(exist_ok=True)
        first = int(held["position"]) if held else 0
        if held:
            held["generator"].tofile(work / "generator")
            settings = {name: held[name] for name in self.files if name in held}
        environment = {
            "SPIKEMETA_PHASE": str(work),
            "SPIKEMETA_BLOCK": str(BLOCK * steps),
            "SPIKEMETA_STEPS": str(until * steps if until else count * steps + 1),
            "SPIKEMETA_FIRST": str(first),
            "SPIKEMETA_SECONDS": str(min(seconds, 1e9)),
            "SPIKEMETA_SEED": str(seed),
            "LC_ALL": "C",
        }
        self._call(work, self._arguments(work, settings), environment, progress)
        read = lambda name: self._read(work, name)  # noqa: E731
        position = (work / "position").read_text().strip()
        if not position:
            raise _full(work)
        if int(position) > count * steps:
            return read, None
        held = {name: read(name) for name, (*_, settable) in self.files.items() if settable}
        return read, held | {"position": np.array(int(position)), "generator": np.fromfile(work / "generator", np.uint8)}

    def _arguments(self, work, settings):
        """Settings as arguments of the program, which takes only plain numbers as text; others are files."""
        arguments = []
        for name, value in settings.items():
            if isinstance(value, np.ndarray) or not np.isfinite(value):
                path = work / name
                np.asarray(value, self.files[name][1]).tofile(path)
                arguments.append(f"{name}={path}")
            else:
                arguments.append(f"{name}={value!r}")
        return arguments

    def _call(self, work, arguments, environment, progress):
        """Call the program, and raise what its end says."""
        with subprocess.Popen(
            [str(self.folder / "main"), "--results_dir", f"{work / 'results'}/", *arguments],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                with stopping.told(process):
                    for line in process.stdout:
                        if progress and line.strip().isdigit():
                            progress(int(line))
                    errors = process.stderr.read()
            except BaseException:
                process.kill()
                raise
        if process.returncode < 0 and stopping.wanted():  # it was only starting
            raise stopping.interrupt()
        if process.returncode == -signal.SIGXFSZ:
            raise UserError(f"the compiled network could not write into {work}: a file-size limit; raise it with ulimit -f")
        if process.returncode or "Error" in errors or "annot" in errors:
            raise RuntimeError(f"the compiled network failed (exit code {process.returncode}): {errors.strip()}")

    def _read(self, work, name):
        """The array of ``object.variable`` that the program wrote."""
        file, kind, size, _ = self.files[name]
        path = work / "results" / file
        array = np.fromfile(path, dtype=kind) if path.is_file() else np.empty(0, kind)
        if (size is None or size < 0) and not name.endswith(".delay"):
            size = -(size or -1) * int(self._read(work, f"{name.partition('.')[0]}.N")[0])
        if size is not None and len(array) != size:
            raise _full(work)
        return array


def _full(work):
    return UserError(f"the disk of {work} is full: make room there, or name another folder with TMPDIR")
