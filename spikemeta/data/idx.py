"""The IDX file format of MNIST and its relatives, read with every announced size checked."""

import gzip
import zlib

import numpy as np

from spikemeta.errors import UserError

IMAGES, LABELS = 0x00000803, 0x00000801  # unsigned bytes in three dimensions, and in one


def read(path, shape=None):
    """Read one IDX file, gzipped or not.

    Parameters
    ----------
    path : Path
    shape : (int, int), optional
        Rows and columns that the images must have. None: the file holds labels.

    Returns
    -------
    array : (n, rows * columns) uint8 or (n,) int32
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
    return parse(data, path, shape), data


def parse(data, path, shape=None):
    """Array of `read` from a file's uncompressed content.

    The content is a magic number, the sizes as big-endian 32-bit integers, then one byte per value.
    """
    magic, header, kind = (LABELS, 8, "labels") if shape is None else (IMAGES, 16, "images")
    fields = np.frombuffer(data, dtype=">u4", count=min(header, len(data)) // 4)
    if not fields.size or fields[0] != magic:
        found = f"{fields[0]:#010x}" if fields.size else "nothing"
        raise UserError(f"{path}: not an IDX file of {kind}: it begins with {found}, not {magic:#010x}")
    if len(data) < header:
        raise UserError(f"{path}: truncated, its header has {len(data)} bytes of {header}")
    n, *size = (int(field) for field in fields[1:])
    if shape is not None and tuple(size) != tuple(shape):
        raise UserError(f"{path}: images of {size[0]}x{size[1]} pixels, not {shape[0]}x{shape[1]}")
    expected = header + n * (shape[0] * shape[1] if shape is not None else 1)
    if len(data) != expected:
        problem = "truncated" if len(data) < expected else "too long"
        raise UserError(f"{path}: {problem}, it has {len(data)} bytes where its header announces {expected}")
    values = np.frombuffer(data, dtype=np.uint8, offset=header)
    if shape is not None:
        return values.reshape(n, -1) if n else values.reshape(0, shape[0] * shape[1])
    labels = values.astype(np.int32)
    labels.setflags(write=False)
    return labels
