"""State of a run after a phase, so that a killed run goes on from there."""

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError


class Checkpoint:
    """State after each phase, in one file that is replaced as a whole."""

    def __init__(self, folder, identity):
        self.path, self.identity = Path(folder) / "state.npz", identity

    def save(self, state, age, phases):
        """Replace the file by the state after these phases."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f"state/{k}": v for k, v in state.items()}
        arrays |= {f"counts/{n}": p.counts for n, p in enumerate(phases)}
        arrays["phases"] = np.array([[p.hidden_rate, p.seconds] for p in phases])
        arrays |= {"age": np.array(age), "identity": np.array(self.identity)}
        with tempfile.NamedTemporaryFile(dir=self.path.parent, suffix=".npz", delete=False) as file:
            np.savez(file, **arrays)
        os.replace(file.name, self.path)

    def load(self, state):
        """State, rule time, and (counts, hidden rate, seconds) of every finished phase; the given state if there is none.

        Raises
        ------
        UserError
            If the file belongs to another run, or is damaged.
        """
        if not self.path.is_file():
            return state, 0, []
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            finished = [(arrays[f"counts/{n}"], float(r), float(s)) for n, (r, s) in enumerate(arrays["phases"])]
            loaded = {k: arrays[f"state/{k}"] for k in state}
            age, identity = int(arrays["age"]), str(arrays["identity"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f"{self.path} is damaged ({error}): delete it, or run without --resume") from None
        if identity != self.identity:
            raise UserError(
                f"{self.path} holds another run (rule text, constants, seed, network or data differ): "
                "choose another --out, or run without --resume"
            )
        return loaded, age, finished
