"""State of a run, after a phase or within one, so that a killed run goes on from there.

One file: a line that names the format, the SHA-256 digest of all that follows, and a NumPy archive without pickled objects.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError
from spikemeta.system.files import atomic, plain

INTERVAL = 20.0  # seconds of a phase between two checkpoints
_FORMAT = b"spikemeta checkpoint 3\n"


def differences(there, here):
    """What differs between two identities, in words; the values too where they are short."""
    found = []
    for name in dict.fromkeys([*there, *here]):
        old, new = there.get(name), here.get(name)
        if old != new:
            short = all(isinstance(v, (int, float)) or (isinstance(v, str) and len(v) < 30) for v in (old, new))
            found.append(f"{name} ({old} there, {new} here)" if short else name)
    return ", ".join(found)


def write(path, identity, arrays):
    """Replace a checkpoint file as a whole.

    Raises
    ------
    UserError
        If it cannot be written; the file of before is whole.
    """
    stream = io.BytesIO()
    np.savez(stream, **arrays, identity=np.array(json.dumps(plain(identity))))
    data = stream.getvalue()
    with atomic(path) as temporary:
        temporary.write_bytes(_FORMAT + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def read(path, identity):
    """Arrays of a checkpoint file.

    Raises
    ------
    UserError
        If it belongs to another run, which names what differs, or is damaged.
    """
    anew = f"delete {path} to begin that run anew, or choose another --out"
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror})") from None
    head = len(_FORMAT) + 65
    if not data.startswith(_FORMAT) or hashlib.sha256(data[head:]).hexdigest().encode() + b"\n" != data[len(_FORMAT) : head]:
        raise UserError(f"{path} is damaged, or from another version of spikemeta, and nothing of it is used: {anew}")
    with np.load(io.BytesIO(data[head:]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    there, here = json.loads(str(arrays.pop("identity"))), plain(identity)
    if there != here:
        raise UserError(f"{path} holds another run: {differences(there, here)} differ; {anew}")
    return arrays


def packed(tree, arrays):
    """Nested dicts and lists as what JSON knows, with the tensors in them taken out into ``arrays``; see `unpacked`."""
    if isinstance(tree, dict):
        return {"dict": [[key, packed(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [packed(value, arrays) for value in tree]}
    if hasattr(tree, "numpy"):
        name = f"tensor {len(arrays)}"
        arrays[name] = tree.detach().numpy()
        return {"tensor": name}
    return {"plain": tree}


def unpacked(tree, arrays):
    """What `packed` was given, tuples as lists."""
    ((kind, value),) = tree.items()
    if kind == "dict":
        return {key: unpacked(part, arrays) for key, part in value}
    if kind == "list":
        return [unpacked(part, arrays) for part in value]
    if kind == "tensor":
        import torch

        return torch.from_numpy(arrays[value])
    return value


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
        arrays["events"] = np.array(json.dumps([p.events for p in phases]))
        arrays["phases"] = np.array([[p.hidden_rate, p.seconds] for p in phases]).reshape(-1, 2)
        write(self.path, self.identity, arrays | {"age": np.array(age)})

    def load(self, state):
        """State, rule time, (counts, hidden rate, seconds, events) of every finished phase, and what `save` had of the next.

        Without a file: the given state, and nothing else.

        Raises
        ------
        UserError
            If the file belongs to another run, which names what differs, or is damaged.
        """
        if not self.path.is_file():
            return state, 0, [], None
        arrays = read(self.path, self.identity)
        events = json.loads(str(arrays["events"]))
        finished = [(arrays[f"counts/{n}"], float(r), float(s), events[n]) for n, (r, s) in enumerate(arrays["phases"])]
        partial = {k.removeprefix("partial/"): v for k, v in arrays.items() if k.startswith("partial/")}
        return {k: arrays[f"state/{k}"] for k in state}, int(arrays["age"]), finished, partial or None
