"""The IDX file format of MNIST and its relatives, read with every announced size checked."""

import gzip
import re
import zlib
from dataclasses import dataclass, field

import numpy as np

from spikemeta.data import sources
from spikemeta.data.dataset import assemble, refuse
from spikemeta.errors import UserError

IMAGES, LABELS = 0x00000803, 0x00000801  # unsigned bytes in three dimensions, and in one
#: The four parts of a data set, and what MNIST's authors call them.
FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
_ROLE = re.compile(r"^(.*?)(train|t10k|test)(images|labels)(idx[13])?(ubyte)?$")


def find(folder):
    """IDX files of a folder by the part of a data set that their names tell, whatever their punctuation.

    ``train-images-idx3-ubyte.gz``, ``train-images.idx3-ubyte`` and ``emnist-letters-test-labels-idx1-ubyte`` are such names.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to dict of str to list of Path
        By what stands before the part in the name (nothing for MNIST's own), then by part; one of a gzipped file and the same
        unpacked, the gzipped one.
    """
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        stem = path.name.removesuffix(".gz")
        role = _ROLE.match(re.sub(r"[^a-z0-9]", "", stem.lower()))
        if role and path.is_file():
            owner, part = role[1], f"{'train' if role[2] == 'train' else 'test'}_{role[3]}"
            held = found.setdefault(owner, {}).setdefault(part, [])
            held[:] = [p for p in held if p.name.removesuffix(".gz") != stem or path.suffix != ".gz"]
            if not any(p.name.removesuffix(".gz") == stem for p in held):
                held.append(path)
    return found


def read(path, shape=None, labels=None):
    """Read one IDX file, gzipped or not.

    Parameters
    ----------
    path : Path
    shape : (int, int), optional
        Rows and columns that the images must have.
    labels : bool, optional
        Whether the file holds labels. Default: if no `shape` is given.

    Returns
    -------
    array : (n, rows * columns) uint8, (n, rows, columns) uint8 without `shape`, or (n,) int32
        Images, row-major, or labels. Read-only.
    data : bytes
        The file's uncompressed content.

    Raises
    ------
    UserError
        A file that is damaged, truncated, too long, of another kind or of another image size.
    """
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: truncated or damaged ({error})") from error
    return parse(data, path, shape, labels), data


def parse(data, path, shape=None, labels=None):
    """Array of `read` from a file's uncompressed content.

    The content is a magic number, the sizes as big-endian 32-bit integers, then one byte per value.
    """
    labels = shape is None if labels is None else labels
    magic, header, kind = (LABELS, 8, "labels") if labels else (IMAGES, 16, "images")
    fields = np.frombuffer(data, dtype=">u4", count=min(header, len(data)) // 4)
    if not fields.size or fields[0] != magic:
        found = f"{fields[0]:#010x}" if fields.size else "nothing"
        colour = " (colour where grey is wanted?)" if fields.size and fields[0] == IMAGES + 1 else ""
        raise UserError(f"{path}: not an IDX file of {kind}: it begins with {found}, not {magic:#010x}{colour}")
    if len(data) < header:
        raise UserError(f"{path}: truncated, its header has {len(data)} bytes of {header}")
    n, *size = (int(field) for field in fields[1:])
    if shape is not None and tuple(size) != tuple(shape):
        raise UserError(f"{path}: images of {size[0]}x{size[1]} pixels, not {shape[0]}x{shape[1]}")
    expected = header + n * (1 if labels else size[0] * size[1])
    if len(data) != expected:
        problem = "truncated" if len(data) < expected else "too long"
        raise UserError(f"{path}: {problem}, it has {len(data)} bytes where its header announces {expected}")
    values = np.frombuffer(data, dtype=np.uint8, offset=header)
    if not labels:
        return values.reshape(n, *size) if shape is None else values.reshape(n, shape[0] * shape[1])
    array = values.astype(np.int32)
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class IdxFiles:
    """A published set of four IDX files; called with a folder, or none, it gives the data set.

    Attributes
    ----------
    name : str
    url : str
        Address that the file names are added to.
    shape : (int, int)
        Rows and columns.
    packed : dict of str to str
        sha256 of each gzip file as it is published at ``url``, by the file's name without ``.gz``.
    content : dict of str to str
        sha256 of each uncompressed file.
    class_names : tuple of str
    installed : tuple of str
        Folders where packages of operating systems put the files.
    """

    name: str
    url: str
    shape: tuple[int, int]
    packed: dict[str, str]
    content: dict[str, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()

    def __call__(self, folder=None):
        paths, arrays, digests, problems = self.find(folder), {}, {}, []
        for part, file in FILES.items():
            try:
                array, data = read(paths[part], self.shape if "images" in part else None)
                arrays[part] = array.reshape(-1, *self.shape) if "images" in part else array
                digests[file] = sources.verified(paths[part], data, self.content.get(file))
            except UserError as error:
                problems.append(str(error))
        remedy = f"Replace them by the files from {self.url} (in the cache: delete them and try again)."
        if problems:
            refuse(f"the {self.name} files", problems, remedy)
        return assemble(self.name, f"the {self.name} files", arrays, digests, self.class_names, remedy=remedy)

    def find(self, folder=None):
        """Paths of the four files, by part; downloaded if need be.

        Raises
        ------
        UserError
            If files are missing.
        """
        where = sources.places(self.name, folder, self.installed)
        found = [find(place).get("", {}) for place in where]
        best = next((parts for parts in found if len(parts) == 4), None)
        if best is None and sources.downloads(folder):
            best = found[0] | {
                part: [sources.fetch(self.name, f"{self.url}{file}.gz", f"{file}.gz", self.packed[file])]
                for part, file in FILES.items()
                if part not in found[0]
            }
        if best is None:
            lacking = [file for part, file in FILES.items() if not any(part in parts for parts in found)]
            lacking = lacking or [file for part, file in FILES.items() if part not in found[0]]
            lacking[-1] += " (.gz or not)"
            raise sources.missing(self.name, lacking, folder, where, f"Put there the files from {self.url}")
        return {part: paths[0] for part, paths in best.items()}
