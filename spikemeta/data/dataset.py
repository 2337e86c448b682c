"""What a data set is, and the checks that arrays pass before they are one."""

from dataclasses import dataclass

import numpy as np

from spikemeta.data.trains import Trains
from spikemeta.errors import UserError

PARTS = ("train", "test")
_MOST = 5  # files or classes that a message names


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, grey or colour, in a training and a test part. The arrays are read-only.

    Attributes
    ----------
    name : str
        As in ``spikemeta list datasets``; of your own data, the name of the file, or that of the folder and a slash.
    train_images, test_images : (n, pixels) uint8
        Values 0..255, row-major; of colour images all red, then all green, then all blue values. Of spikes, a
        `spikemeta.data.trains.Trains`, (n, units).
    train_labels, test_labels : (n,) int32
        Class of each image, 0..n_classes-1.
    shape : (int, int)
        Rows and columns of an image.
    digests : dict of str to str
        sha256 of each source: of a file's uncompressed content, under the name that it has without ``.gz``
        (so that it does not depend on how the file was compressed); for digits, of the four arrays.
    planes : int
        1 for grey images, 3 for colour; planes times rows times columns is the number of pixels.
    class_names : tuple of str
        What each class is called, where that is known.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    shape: tuple[int, int]
    digests: dict[str, str]
    planes: int = 1
    class_names: tuple[str, ...] = ()

    @property
    def n_classes(self):
        """Number of classes: the highest training label plus one."""
        return int(self.train_labels.max()) + 1 if self.train_labels.size else 0

    @property
    def n_pixels(self):
        """Values of one image: rows times columns, times three for colour."""
        return self.planes * self.shape[0] * self.shape[1]

    @property
    def spikes(self):
        """Whether the stimuli are spikes, not images."""
        return isinstance(self.train_images, Trains)

    def pictures(self, images):
        """Images (n, pixels) as planes of rows and columns: (n, planes, rows, columns).

        Raises
        ------
        UserError
            For spikes.
        """
        if self.spikes:
            raise UserError(f"data set {self.name!r} holds spikes: there is no image of them")
        return images.reshape(-1, self.planes, *self.shape)


def several(items, what):
    """``"3 files are damaged: a, b, c"``: the first few of `items` by name, and how many more there are.

    Parameters
    ----------
    items : list
    what : str
        With ``{n}`` for their number.

    Returns
    -------
    str
    """
    more = f" and {len(items) - _MOST} more" if len(items) > _MOST else ""
    return f"{what.format(n=len(items))}: {', '.join(map(str, items[:_MOST]))}{more}"


def refuse(source, problems, remedy=""):
    """Raise the one error that lists every problem of a source, if there is any.

    Raises
    ------
    UserError
    """
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UserError(f"cannot use {source}:\n{lines}" + (f"\n{remedy}" if remedy else ""))


def assemble(name, source, arrays, digests, class_names=(), problems=(), remedy=""):
    """A data set from arrays, if nothing is wrong with them.

    Parameters
    ----------
    name : str
    source : str
        What the arrays were read from, for messages.
    arrays : dict of str to ndarray
        ``train_images``, ``test_images``: (n, rows, columns), (n, rows, columns, planes) or (n, planes, rows, columns), whole
        numbers 0..255, or 0..1 or 0..255 as floating-point numbers. ``train_labels``, ``test_labels``: (n,) int,
        0..n_classes-1, or 1..n_classes,
        which are counted from 0. Those that could not be read are missing.
    digests : dict of str to str
    class_names : sequence of str
    problems : iterable of str
        What is wrong already.
    remedy : str
        Last line of the message.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        With every problem: sizes that differ, no images, not a number, values out of range, labels that are no whole numbers,
        a class that is missing in one part.
    """
    problems, shown, labels = list(problems), {}, {}
    for part in PARTS:
        if f"{part}_images" in arrays:
            shown[part] = _planar(f"{part}_images", arrays[f"{part}_images"], problems)
        if f"{part}_labels" in arrays:
            labels[part] = whole_labels(f"{part}_labels", arrays[f"{part}_labels"], problems)
        if shown.get(part) is not None and labels.get(part) is not None and len(shown[part]) != len(labels[part]):
            problems.append(f"{len(shown[part])} {part} images, but {len(labels[part])} {part} labels")
    shown, labels = ({part: a for part, a in of.items() if a is not None} for of in (shown, labels))
    pixels = _grey_values(shown, problems)
    if len(labels) == 2:
        labels, class_names = classes_of(labels, tuple(class_names), problems)
    refuse(source, problems, remedy)
    made = {f"{part}_images": a.reshape(len(a), -1) for part, a in pixels.items()}
    made |= {f"{part}_labels": np.ascontiguousarray(a, np.int32) for part, a in labels.items()}
    for array in made.values():
        array.setflags(write=False)
    planes, rows, columns = pixels["train"].shape[1:]
    return Dataset(name, shape=(rows, columns), digests=digests, planes=planes, class_names=class_names, **made)


def _planar(where, array, problems):
    """Images as (n, planes, rows, columns), or None and what is wrong."""
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        problems.append(f"{where}: {array.dtype} values; grey values are numbers, 0..255 or 0..1")
        return None
    side = round(array.shape[1] ** 0.5) if array.ndim == 2 else 0
    if array.ndim == 2 and side * side == array.shape[1]:
        array = array.reshape(-1, side, side)
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim != 4 or array.shape[1] not in (1, 3) or array.shape[3] in (1, 3):
        problems.append(
            f"{where}: shape {array.shape}; images are (n, rows, columns) if grey, (n, rows, columns, 3) in colour, or flat "
            "if square and grey"
        )
        return None
    if not array.size:
        problems.append(f"no {where.replace('_', ' ')}" if not len(array) else f"{where}: images without pixels")
        return None
    return array


def _grey_values(shown, problems):
    """Images (n, planes, rows, columns) by part, as uint8 0..255; what is wrong with their sizes, kinds and values."""
    sizes = {part: a.shape[1:] for part, a in shown.items()}
    if len({size[1:] for size in sizes.values()}) > 1:
        words = " and ".join(f"the {part} images have {size[1]} x {size[2]} pixels" for part, size in sizes.items())
        problems.append(f"sizes that differ: {words}")
    if len({size[0] for size in sizes.values()}) > 1:
        problems.append("colour where grey is wanted: one part holds colour images, the other grey ones")
    kinds = {a.dtype.kind.replace("u", "i") for a in shown.values()}
    if len(kinds) > 1:
        kinds = " and ".join(f"the {part} images {a.dtype}" for part, a in shown.items())
        problems.append(f"{kinds}: give both parts one type and scale")
    out, highest = {}, {}
    for part, array in shown.items():
        lost = int(np.sum(~np.isfinite(array))) if array.dtype.kind == "f" else 0
        if lost:
            problems.append(f"{part}_images: {lost} values are NaN or infinite")
            continue
        low, high = float(array.min()), float(array.max())
        highest[part] = high
        if low < 0 or high > 255:
            problems.append(f"{part}_images: values {low:g} to {high:g}; wanted: 0 to 255, or 0 to 1 as floating-point numbers")
            continue
        if low == high:
            problems.append(f"{part}_images: every pixel of every image is {low:g}")
        if array.dtype.kind in "ui" and high == 1:
            problems.append(f"{part}_images: whole numbers no higher than 1, which is all but black; multiply them by 255")
        unit = array.dtype.kind == "b" or (array.dtype.kind == "f" and high <= 1)
        out[part] = np.ascontiguousarray(
            np.round(array * 255.0) if unit else np.round(array) if kinds == {"f"} else array, np.uint8
        )
    floats = [part for part, a in shown.items() if a.dtype.kind == "f" and part in highest]
    if len(floats) == 2 and len({highest[part] <= 1 for part in floats}) == 2:
        problems.append(
            f"one part's values end at {min(highest.values()):g}, the other's at {max(highest.values()):g}: give both one scale"
        )
    return out


def whole_labels(where, array, problems):
    """Labels as int64 (n,), or None and what is wrong."""
    array = np.asarray(array)
    if array.ndim != 1:
        hint = "; for one column a class, take .argmax(axis=1)" if array.ndim == 2 and array.shape[1] > 1 else "; take .ravel()"
        problems.append(f"{where}: shape {array.shape}, not (n,){hint}")
    elif array.dtype.kind in "US":
        problems.append(f"{where}: text; number the classes, as numpy.unique(labels, return_inverse=True)[1] does")
    elif array.dtype.kind == "f" and not np.isfinite(array).all():
        problems.append(f"{where}: {int(np.sum(~np.isfinite(array)))} labels are NaN or infinite")
    elif array.dtype.kind not in "ui" and not (array.dtype.kind == "f" and (array == np.round(array)).all()):
        problems.append(f"{where}: {array.dtype} values; labels are whole numbers 0, 1, 2, ...")
    elif not array.size:
        problems.append(f"no {where.replace('_', ' ')}")
    elif array.min() < 0 or array.max() >= 2**31:
        problems.append(f"{where}: labels {array.min():g} to {array.max():g}; the classes are numbered 0, 1, 2, ...")
    else:
        return array.astype(np.int64)
    return None


def classes_of(labels, class_names, problems, what="images"):
    """Labels by part counted from 0, and the classes' names; what is wrong with the classes, of which there are ``what``."""
    present = {part: np.unique(a) for part, a in labels.items()}
    everything = np.union1d(present["train"], present["test"])
    first = 1 if everything[0] == 1 and not class_names else 0
    named = class_names or tuple(map(str, range(first, int(everything[-1]) + 1))) if first else class_names
    beyond = everything[everything >= len(named)] if named and not first else []
    if len(beyond):
        problems.append(several(list(beyond), f"{{n}} labels beyond the {len(named)} classes"))
    call = lambda c: named[c - first] if named and c - first < len(named) else f"class {c}"  # noqa: E731
    for part, other in (PARTS, PARTS[::-1]):
        lacking = [call(c) for c in np.setdiff1d(present[other], present[part])]
        if lacking:
            problems.append(several(lacking, f"{{n}} classes with {other} {what}, but no {part} {what}"))
    gaps = np.setdiff1d(np.arange(first, min(int(everything[-1]), 10**6)), everything)
    if len(gaps):
        problems.append(
            several(
                [call(c) for c in gaps],
                "{n} numbers of classes without " + ("an image" if what == "images" else what) + " in either part",
            )
        )
    if len(everything) < 2:
        problems.append(f"all {what} are of one class, {call(everything[0])}")
    return {part: a - first for part, a in labels.items()}, named
