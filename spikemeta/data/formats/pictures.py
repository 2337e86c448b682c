"""Data sets of image files, ``train/CLASS/*.png`` and ``test/CLASS/*.jpg``, in a folder or an archive."""

import hashlib
import io
import os
import warnings

import numpy as np

from spikemeta.data.dataset import PARTS, assemble, refuse, several
from spikemeta.data.formats.archive import Archive
from spikemeta.errors import UserError

ENDS = (".png", ".jpg", ".jpeg")
LARGEST = 1 << 24  # pixels of one image
_MODES = {"1": "L", "L": "L", "RGB": "RGB", "P": "RGB"}


def load(path, name):
    """Read a data set from image files, PNG or JPEG, grey or colour, all of one size.

    Parameters
    ----------
    path : Path
        A folder or an archive with ``train/CLASS/`` and ``test/CLASS/``, possibly within one folder that holds both.
    name : str
        Of the data set.

    Returns
    -------
    Dataset
        Classes in the order of their names (as numbers, if all are numbers); images of a class in the order of theirs. The
        digest of a part is that of its files' names and contents, so it is the same for a folder and an archive of it.

    Raises
    ------
    UserError
        With every problem: a part or a class that is missing or empty, files that are no images, truncated, of
        another size, grey among colour, transparent or of 16 bit, images outside of the class folders; what `Archive` refuses.
    """
    names, read, empty = _folder(path) if path.is_dir() else _archive(path)
    parts, problems = _layout(names, empty)
    if not any(parts.values()):
        refuse(path, problems)
    every = sorted(
        {label for found in parts.values() for label, _ in found}, key=_order([c for f in parts.values() for c, _ in f])
    )
    arrays, digests, decoded, faults = {}, {}, {}, {}
    for part, found in parts.items():
        digest = hashlib.sha256()
        found.sort(key=lambda entry: (every.index(entry[0]), entry[1]))
        decoded[part] = []
        for label, file in found:
            try:
                content = read(file)
                decoded[part].append((label, file, _decode(content)))
                inside = "/".join(file.split("/")[-3:])
                digest.update(f"{inside}\0".encode() + hashlib.sha256(content).digest())
            except UserError as error:
                what = str(error).removeprefix(f"{file}: ")
                faults.setdefault(f"{{n}} files: {what}", []).append(file)
        digests[part] = digest.hexdigest()
    problems += [several(files, what) for what, files in faults.items()]
    problems += _uneven([entry for found in decoded.values() for entry in found])
    problems += _lacking({part: {label for label, _ in found} for part, found in parts.items()})
    refuse(path, problems + [f"no {part} images" for part, found in decoded.items() if not found])
    for part, found in decoded.items():
        arrays[f"{part}_images"] = np.stack([image for _, _, image in found])
        arrays[f"{part}_labels"] = np.array([every.index(label) for label, _, _ in found])
    return assemble(name, path, arrays, digests, every)


def _folder(path):
    """Names of all files below a folder, how to read one, and the class folders without a file."""
    names, empty = [], []
    for at, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        inside = os.path.relpath(at, path).replace(os.sep, "/")
        names += [file if inside == "." else f"{inside}/{file}" for file in sorted(files)]
        if not files and not folders:
            empty.append(inside)

    def read(name):
        try:
            return (path / name).read_bytes()
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})") from None

    return names, read, empty


def _archive(path):
    held = Archive(path)
    return held.names, held.read, []


def _layout(names, empty):
    """(class, file) of both parts, and what is wrong with the names."""
    names = [n.removeprefix("./") for n in names]
    names = [n for n in names if not any(word.startswith(".") or word == "__MACOSX" for word in n.split("/"))]
    within = 0  # folders around train/ and test/
    while names and all(n.count("/") > within for n in names) and len({n.split("/")[within] for n in names}) == 1:
        if names[0].split("/")[within] in PARTS:
            break
        within += 1
    parts, problems, strange, outside = {part: [] for part in PARTS}, [], [], []
    for name in names:
        part, *below = name.split("/")[within:]
        pictured = name.lower().endswith(ENDS)
        if part in PARTS and len(below) == 2 and pictured:
            parts[part].append((below[0], name))
        elif part in PARTS and not pictured:
            strange.append(name)
        elif pictured:
            outside.append(name)
    missing = [part for part in PARTS if not parts[part]]
    if missing:
        tops = sorted({n.split("/")[within] for n in names if n.count("/") > within})
        problems.append(
            f"no images in {' or '.join(f'{part}/CLASS/' for part in missing)}; "
            + (several(tops, "it holds {n} folders") if tops else "it holds no folders")
        )
    if strange:
        problems.append(several(strange, "{n} files are neither PNG nor JPEG by their names"))
    if outside:
        problems.append(several(outside, "{n} images are not directly in a folder train/CLASS/ or test/CLASS/"))
    bare = [e for e in empty if e.split("/")[-2:-1] and e.split("/")[-2] in PARTS]
    if bare:
        problems.append(several(bare, "{n} class folders are empty"))
    return parts, problems


def _lacking(classes):
    """Classes that have a folder of images in one part alone, where both parts have any."""
    if not all(classes.values()):
        return []
    found = [(part, other, sorted(classes[other] - classes[part])) for part, other in (PARTS, PARTS[::-1])]
    return [several(names, f"{{n}} classes with {other} images, but no {part} images") for part, other, names in found if names]


def _order(labels):
    """How classes are sorted: as numbers if all of them are numbers."""
    return int if all(label.isdecimal() for label in labels) else str


def _decode(content):
    """An image as (rows, columns) or (rows, columns, 3) uint8."""
    from PIL import Image

    if not content:
        raise UserError("empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
            if image.width * image.height > LARGEST:
                raise UserError(f"{image.width} x {image.height} pixels are too many")
            if image.mode not in _MODES or "transparency" in image.info:
                raise UserError(f"mode {image.mode}; wanted: 8 bit grey or colour without transparency")
            return np.asarray(image.convert(_MODES[image.mode]))
    except UserError:
        raise
    except Exception as error:  # whatever Pillow's decoders raise on a mangled file
        raise UserError(
            "not a PNG or JPEG image" if type(error).__name__ == "UnidentifiedImageError" else "truncated or damaged"
        ) from None


def _uneven(found):
    """What differs between images: sizes, and grey among colour. The most frequent kind counts as the right one."""
    problems = []
    for what, kind in (
        ("{n} images have another size than {usual[0]} x {usual[1]} pixels", lambda image: image.shape[:2]),
        ("{n} images are {other} among {usual} ones", lambda image: "grey" if image.ndim == 2 else "colour"),
    ):
        kinds = [kind(image) for _, _, image in found]
        if len(set(kinds)) > 1:
            usual = max(sorted(set(kinds)), key=kinds.count)
            odd = [file for (_, file, _), k in zip(found, kinds, strict=True) if k != usual]
            words = what.format(n=len(odd), usual=usual, other="colour" if usual == "grey" else "grey")
            problems.append(several(odd, words.replace("{", "{{").replace("}", "}}")))
    return problems
