"""Spikes in HDF5, in the layout of the Spiking Heidelberg Digits: ``spikes/times``, ``spikes/units``, ``labels``."""

import hashlib
from contextlib import ExitStack

import numpy as np

from spikemeta.data.dataset import PARTS, Dataset, classes_of, refuse, several, whole_labels
from spikemeta.data.trains import Trains
from spikemeta.errors import UserError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
ENDS = (".h5", ".hdf5")
WANTED = (
    "Wanted: two files, train.h5 and test.h5, or names that differ in these words alone, as shd_train.h5 and shd_test.h5; or "
    "one file with groups train and test. In each spikes/times (seconds) and spikes/units, a list of each stimulus, and labels."
)
LONGEST = 100.0  # s, of a stimulus
MOST = 2**20  # units
_ARRAYS = ("spikes/times", "spikes/units", "labels")


def find(folder):
    """Files of a folder that hold spikes, by part; several where names do not say which."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDS and p.is_file()) if folder.is_dir() else []
    return {part: [p for p in files if _part(p) == part] for part in PARTS} if files else {}


def _part(path):
    """The part that a file's name says."""
    return next((part for part in PARTS if path.stem.lower().replace("-", "_").split("_")[-1] == part), "")


def load(path, name):
    """Read a data set of spikes.

    Parameters
    ----------
    path : Path
        A folder with the two files; one of these, beside which the other lies; or one with groups ``train`` and ``test``.
    name : str
        Of the data set.

    Returns
    -------
    Dataset
        Whose ``train_images`` and ``test_images`` are `spikemeta.data.trains.Trains`.

    Raises
    ------
    UserError
        With every problem: a file or an array that is missing, truncated, or linked from elsewhere; lists of other lengths;
        times that are not finite, negative or no seconds; units that are no numbers of units; what labels may lack.
    """
    import h5py

    problems, found, labels, digests = [], {}, {}, {}
    with ExitStack() as opened:
        for part, (file, group) in _places(path, problems, h5py, opened).items():
            where = f"{file.name}: " + (f"{part}/" if group.name != "/" else "")
            trains, answers = _read(h5py, group, where, problems)
            if trains is not None:
                found[part] = trains
            if answers is not None:
                labels[part] = answers
            digests[file.name] = _digest(file)
    if len(labels) == 2:
        labels, _ = classes_of(labels, (), problems, "stimuli")
    refuse(path, problems, WANTED)
    n_units = 1 + max(int(units.max()) for _, units, _ in found.values())
    made = {f"{part}_images": Trains(*arrays, n_units) for part, arrays in found.items()}
    for part, answers in labels.items():
        made[f"{part}_labels"] = np.ascontiguousarray(answers, np.int32)
        made[f"{part}_labels"].setflags(write=False)
    return Dataset(name, shape=(1, n_units), digests=digests, **made)


def _places(path, problems, h5py, opened):
    """By part, the file and the group in it."""
    if path.is_dir():
        files = find(path)
        for part, of_part in files.items():
            if len(of_part) != 1:
                names = [p.name for p in of_part]
                problems.append(several(names, f"{{n}} files of the {part} part") if names else f"no file {part}.h5")
        chosen = {part: of_part[0] for part, of_part in files.items() if len(of_part) == 1}
    elif part := _part(path):
        other = PARTS[1 - PARTS.index(part)]
        beside = [p for p in find(path.parent)[other] if p.stem.lower()[: -len(other)] == path.stem.lower()[: -len(part)]]
        chosen = {part: path} | ({other: beside[0]} if beside else {})
        if not beside:
            problems.append(f"beside it lies no file {path.stem[: -len(part)]}{other}{path.suffix}")
    else:
        chosen = dict.fromkeys(PARTS, path)
    out, known = {}, {}
    for part, file in chosen.items():
        try:
            root = known[file] = known.get(file) or opened.enter_context(h5py.File(file, "r"))
        except OSError as error:
            problems.append(f"{file.name}: no HDF5 file, or damaged ({_plain(error)})")
            if len(set(chosen.values())) == 1:
                break
            continue
        if len(set(chosen.values())) > 1 or path.is_dir() or _part(path):
            out[part] = file, root
        elif isinstance(root.get(part, getclass=True), type) and root.get(part, getclass=True) is h5py.Group:
            out[part] = file, root[part]
        else:
            problems.append(f"{file.name}: no group {part!r}, and its name says neither train nor test")
    return out


def _plain(error):
    return " ".join(str(error).split())[:120]


def _array(h5py, group, name):
    """An array of a file, which holds it itself; of lists, as (values, starts)."""
    at = group
    for word in name.split("/"):
        if not isinstance(at, h5py.Group) or word not in at:
            raise UserError("missing")
        if isinstance(at.get(word, getlink=True), h5py.ExternalLink):
            raise UserError("linked from another file, which is never opened")
        at = at[word]
    if not isinstance(at, h5py.Dataset):
        raise UserError("a group, not an array")
    if at.is_virtual or at.external:
        raise UserError("held in another file, which is never opened")
    if at.ndim != 1:
        raise UserError(f"shape {at.shape}, not (n,)" + ("" if name == "labels" else ": a list of each stimulus"))
    kind = h5py.check_vlen_dtype(at.dtype)
    if name == "labels":
        if at.dtype.kind not in "iuf":
            raise UserError(f"{at.dtype} values; labels are whole numbers 0, 1, 2, ...")
        return at[:]
    if not isinstance(kind, np.dtype):
        raise UserError(f"{at.dtype} values; wanted a list of numbers of each stimulus (variable length)")
    if kind.kind not in ("f" if name.endswith("times") else "iu"):
        wanted = "seconds, floating-point numbers" if name.endswith("times") else "whole numbers 0, 1, 2, ..."
        raise UserError(f"{kind} values; wanted: {wanted}")
    lists = [np.asarray(values) for values in at[:]]
    starts = np.concatenate([[0], np.cumsum([len(values) for values in lists])]).astype(np.int64)
    return np.concatenate([*lists, np.empty(0, kind)]), starts


def _read(h5py, group, where, problems):
    """(times, units, starts) of a part or None, and labels or None; what is wrong."""
    arrays = {}
    for name in _ARRAYS:
        try:
            arrays[name] = _array(h5py, group, name)
        except UserError as error:
            problems.append(f"{where}{name}: {error}")
        except (OSError, RuntimeError, TypeError, ValueError) as error:  # whatever HDF5 raises on a mangled file
            problems.append(f"{where}{name}: damaged ({_plain(error)})")
    labels = whole_labels(f"{where}labels", arrays["labels"], problems) if "labels" in arrays else None
    lists = [arrays[name] for name in _ARRAYS[:2] if name in arrays]
    lengths = {name: len(a) if name == "labels" else len(a[1]) - 1 for name, a in arrays.items()}
    if len(set(lengths.values())) > 1:
        problems.append(where + "different numbers of stimuli: " + ", ".join(f"{n} in {name}" for name, n in lengths.items()))
    elif len(lists) == 2 and not (lists[0][1] == lists[1][1]).all():
        odd = np.flatnonzero(np.diff(lists[0][1]) != np.diff(lists[1][1])).tolist()
        problems.append(several(odd, where + "{n} stimuli with as many times as units do not have"))
    if "spikes/times" in arrays:
        check_times(f"{where}spikes/times", arrays["spikes/times"][0].astype(float), problems)
    if "spikes/units" in arrays:
        check_units(f"{where}spikes/units", arrays["spikes/units"][0], problems)
    return ((lists[0][0], lists[1][0], lists[0][1]) if len(lists) == 2 else None), labels


def check_times(where, times, problems):
    """Say what is wrong with times (s) of spikes."""
    lost = int((~np.isfinite(times)).sum())
    if lost:
        problems.append(f"{where}: {lost} times are NaN or infinite")
    elif not len(times):
        problems.append(f"{where}: no stimulus has a spike")
    elif times.min() < 0:
        problems.append(f"{where}: times from {times.min():g}; they count from the start of a stimulus, in seconds")
    elif times.max() > LONGEST:
        problems.append(f"{where}: the last spike is at {times.max():g} s; times are in seconds, at most {LONGEST:g}")


def check_units(where, units, problems, most=MOST):
    """Say what is wrong with numbers of units, of which there are at most ``most``."""
    if len(units) and (units.min() < 0 or units.max() >= most):
        beyond = f", below {most}" if most < MOST else ""
        problems.append(f"{where}: units {units.min()} to {units.max()}; they are numbered 0, 1, 2, ...{beyond}")


def _digest(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
