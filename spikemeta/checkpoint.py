"""State of a run, after a phase or within one, so that a killed run goes on from there.

One file: a line that names the format, the SHA-256 digest of all that follows, and a NumPy archive without pickled objects.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError
from spikemeta.results import atomic, plain

_FORMAT = b"spikemeta checkpoint 2\n"


def differences(there, here):
    """What differs between two identities, in words; the values too where they are short."""
    found = []
    for name in dict.fromkeys([*there, *here]):
        old, new = there.get(name), here.get(name)
        if old != new:
            short = all(isinstance(v, (int, float)) or (isinstance(v, str) and len(v) < 30) for v in (old, new))
            found.append(f"{name} ({old} there, {new} here)" if short else name)
    return ", ".join(found)


class Checkpoint:
    """The state of one run, in one file that is replaced as a whole.

    Parameters
    ----------
    folder : Path
    identity : dict of str to str or number
        Everything that decides the run; a file of another one is refused.
    """

    def __init__(self, folder, identity):
        self.path, self.identity = Path(folder) / "state.checkpoint", plain(identity)

    def save(self, state, age, phases, partial=None):
        """Replace the file.

        Parameters
        ----------
        state : dict of str to ndarray
            After the last finished phase that learns.
        age : int
            Rule time then.
        phases : list of PhaseResult
            The finished ones.
        partial : dict of str to ndarray or None
            What the executor goes on from within the next phase.

        Raises
        ------
        UserError
            If it cannot be written; the file of before is whole.
        """
        arrays = {f"state/{k}": v for k, v in state.items()} | {f"partial/{k}": v for k, v in (partial or {}).items()}
        arrays |= {f"counts/{n}": p.counts for n, p in enumerate(phases)}
        arrays["phases"] = np.array([[p.hidden_rate, p.seconds] for p in phases]).reshape(-1, 2)
        arrays |= {"age": np.array(age), "identity": np.array(json.dumps(self.identity))}
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        data = stream.getvalue()
        with atomic(self.path) as temporary:
            temporary.write_bytes(_FORMAT + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)

    def load(self, state):
        """State, rule time, (counts, hidden rate, seconds) of every finished phase, and what `save` had of the next.

        Without a file: the given state, and nothing else.

        Raises
        ------
        UserError
            If the file belongs to another run, which names what differs, or is damaged.
        """
        if not self.path.is_file():
            return state, 0, [], None
        anew = f"delete {self.path} to begin that run anew, or choose another --out"
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {self.path} ({error.strerror})") from None
        head = len(_FORMAT) + 65
        if (
            not data.startswith(_FORMAT)
            or hashlib.sha256(data[head:]).hexdigest().encode() + b"\n" != data[len(_FORMAT) : head]
        ):
            raise UserError(f"{self.path} is damaged, or from another version of spikemeta, and nothing of it is used: {anew}")
        with np.load(io.BytesIO(data[head:]), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        there = json.loads(str(arrays["identity"]))
        if there != self.identity:
            raise UserError(f"{self.path} holds another run: {differences(there, self.identity)} differ; {anew}")
        finished = [(arrays[f"counts/{n}"], float(r), float(s)) for n, (r, s) in enumerate(arrays["phases"])]
        partial = {k.removeprefix("partial/"): v for k, v in arrays.items() if k.startswith("partial/")}
        return {k: arrays[f"state/{k}"] for k in state}, int(arrays["age"]), finished, partial or None
