"""A data set in one ``.npz`` file, as ``numpy.savez`` writes it; nothing in it is unpickled."""

import hashlib
import io
import zipfile
import zlib

import numpy as np

from spikemeta.data.dataset import assemble, refuse
from spikemeta.errors import UserError, suggest

NAMES = ("train_images", "train_labels", "test_images", "test_labels")
_NAMES_OF_CLASSES = "class_names"


def load(path, name):
    """Read a data set from arrays ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``.

    Parameters
    ----------
    path : Path
        It may also hold ``class_names``, (n_classes,) text.
    name : str
        Of the data set.

    Returns
    -------
    Dataset
        As from `spikemeta.data.dataset.assemble`.

    Raises
    ------
    UserError
        With every problem: no ``.npz`` file, arrays that are missing, unknown, truncated or pickled; and those of `assemble`.
    """
    arrays, digests, problems = {}, {}, []
    try:
        file = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"cannot use {path}:\n  not an .npz file, or truncated ({error})") from None
    members = {info.filename.removesuffix(".npy"): info for info in file.infolist()}
    if len(members) < len(file.infolist()):
        problems.append("it holds two arrays of the same name")
    problems += [
        suggest("array", array, (*NAMES, _NAMES_OF_CLASSES)) for array in members if array not in (*NAMES, _NAMES_OF_CLASSES)
    ]
    problems += [f"no array {array!r}" for array in NAMES if array not in members]
    for array in members.keys() & {*NAMES, _NAMES_OF_CLASSES}:
        try:
            data = file.read(members[array])
            arrays[array] = _array(data)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            problems.append(f"{array}: {error}")
        else:
            digests[array] = hashlib.sha256(data).hexdigest()
    named = arrays.pop(_NAMES_OF_CLASSES, np.array([], "U1"))
    if named.ndim != 1 or named.dtype.kind not in "US":
        problems.append(f"{_NAMES_OF_CLASSES}: a list of texts, not {named.dtype} of shape {named.shape}")
        named = []
    if not members:
        refuse(path, ["it holds no array", *problems])
    return assemble(name, path, arrays, dict(sorted(digests.items())), [str(n) for n in named], problems)


def _array(data):
    """An array from the content of a ``.npy`` file whose header tells the truth about its size."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in headers:
        raise ValueError(f"version {version} of the .npy format, which images and labels do not need")
    shape, _, dtype = headers[version](stream)
    if dtype.hasobject:
        raise ValueError("Python objects (pickled), which are never opened; save arrays of numbers")
    expected = stream.tell() + dtype.itemsize * int(np.prod([int(n) for n in shape], dtype=object))
    if len(data) != expected:
        raise ValueError(f"{'truncated' if len(data) < expected else 'too long'}: {len(data)} bytes of {expected}")
    return np.load(io.BytesIO(data), allow_pickle=False)
