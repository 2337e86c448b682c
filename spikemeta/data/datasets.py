"""Image sets for curricula: scikit-learn's digits, MNIST, pairs of its digits, and Fashion-MNIST, checked by digest."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikemeta.data import idx
from spikemeta.errors import UserError, suggest

VARIABLE = "SPIKEMETA_DATA"
_TEST_EVERY = 5  # every fifth image of a class of digits is a test image


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled grey images, in a training and a test part. The arrays are read-only.

    Attributes
    ----------
    name : str
        ``"digits"``, ``"mnist"``, ``"fashion"`` or ``"two_digit"``.
    train_images, test_images : (n, pixels) uint8
        Grey values 0..255, row-major.
    train_labels, test_labels : (n,) int32
        Class of each image, 0..n_classes-1.
    shape : (int, int)
        Rows and columns of an image; their product is the number of pixels.
    digests : dict of str to str
        sha256 of each source: of a file's uncompressed content, under the name that it has without ``.gz``
        (so that it does not depend on how the file was compressed); for digits, of the four arrays.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    shape: tuple[int, int]
    digests: dict[str, str]

    @property
    def n_classes(self):
        """Number of classes: the highest training label plus one."""
        return int(self.train_labels.max()) + 1 if self.train_labels.size else 0

    @property
    def n_pixels(self):
        """Pixels of one image."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class _Source:
    """Where a set of four IDX files comes from, and how they are recognized.

    ``packed`` holds the sha256 of each gzip file as it is published at ``url``; ``content`` that of the
    uncompressed file, where it is known.
    """

    url: str
    shape: tuple[int, int]
    packed: dict[str, str]
    content: dict[str, str]


_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

_SOURCES = {
    "mnist": _Source(
        url="https://storage.googleapis.com/cvdf-datasets/mnist/",
        shape=(28, 28),
        packed={
            "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        content={
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    # The content digests of Fashion-MNIST's images are not known to us: repacked or unpacked image files are
    # checked for their structure only, and their digest is recorded like any other.
    "fashion": _Source(
        url="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        "b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
        shape=(28, 28),
        packed={
            "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        content={
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}


def names():
    """Names of the datasets, sorted."""
    return sorted(["digits", "two_digit", *_SOURCES])


def load(name, folder=None):
    """Load a dataset.

    Parameters
    ----------
    name : str
        ``"digits"`` comes with scikit-learn. ``"mnist"`` (LeCun, Cortes and Burges) and ``"fashion"`` (Xiao,
        Rasul and Vollgraf 2017) are read from four IDX files, gzipped or not. ``"two_digit"`` is made from
        MNIST: see `two_digit`.
    folder : path, optional
        Where the IDX files are, either directly or in a subfolder ``name``. Default: the folder named by the
        environment variable ``SPIKEMETA_DATA``; where that is not set either, the user's cache, to which
        missing files are downloaded once.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        Unknown name; missing, truncated or altered files (all of them in one message); failed download.
    """
    if name not in names():
        raise UserError(suggest("dataset", name, names()))
    if name == "digits":
        return _load_digits()
    if name == "two_digit":
        return two_digit(load("mnist", folder))
    source = _SOURCES[name]
    paths = _find(name, source, folder)
    arrays, digests, problems = {}, {}, []
    for part, file in _FILES.items():
        try:
            arrays[part], data = idx.read(paths[file], source.shape if "images" in part else None)
            digests[file] = _verified(paths[file], data, source.content.get(file))
        except UserError as error:
            problems.append(str(error))
    if not problems:
        problems = _mismatches(arrays)
    if problems:
        raise UserError(
            f"cannot use the {name} files:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + f"\nReplace them by the files from {source.url} (in the cache: delete them and try again)."
        )
    return Dataset(name=name, shape=source.shape, digests=digests, **arrays)


def _load_digits():
    """Scikit-learn's 8x8 digits; every fifth image of each class, in the file's order, is a test image."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = np.round(raw.data * (255 / 16)).astype(np.uint8)
    labels = raw.target.astype(np.int32)
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        test[np.flatnonzero(labels == label)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    arrays = {
        "train_images": images[~test],
        "train_labels": labels[~test],
        "test_images": images[test],
        "test_labels": labels[test],
    }
    for array in arrays.values():
        array.setflags(write=False)
    digests = {part: hashlib.sha256(array.tobytes()).hexdigest() for part, array in arrays.items()}
    return Dataset(name="digits", shape=(8, 8), digests=digests, **arrays)


def two_digit(mnist, per_class=(1200, 200), seed=0):
    """Pairs of different digits, the smaller one on the left: 45 classes, 01, 02, ..., 89.

    After Cho et al. 2025 (Neural Networks 190, 107762), whose 28 x 56 pixels are halved here, each the mean of a square
    of four: 392 inputs, half of MNIST's, so that a network of the same size costs half as much. Both
    digits are drawn with replacement, for training images from MNIST's training images, for test images from its
    test images.

    Parameters
    ----------
    mnist : Dataset
        Square images with an even number of rows, ten classes.
    per_class : (int, int)
        Training and test images of a class.
    seed : int

    Returns
    -------
    Dataset
        With the digests of `mnist`, and of what was drawn.
    """
    side = mnist.shape[0] // 2
    pairs = [(left, right) for left in range(10) for right in range(left + 1, 10)]
    arrays, rng = {}, np.random.default_rng(seed)
    for part, n in zip(("train", "test"), per_class, strict=True):
        images, labels = getattr(mnist, f"{part}_images"), getattr(mnist, f"{part}_labels")
        small = np.round(images.reshape(-1, side, 2, side, 2).mean(axis=(2, 4))).astype(np.uint8)
        of_class = [np.flatnonzero(labels == digit) for digit in range(10)]
        drawn = [np.concatenate([small[rng.choice(of_class[digit], n)] for digit in pair], axis=2) for pair in pairs]
        arrays[f"{part}_images"] = np.concatenate(drawn).reshape(-1, 2 * side * side)
        arrays[f"{part}_labels"] = np.repeat(np.arange(len(pairs), dtype=np.int32), n)
    for array in arrays.values():
        array.setflags(write=False)
    digests = mnist.digests | {part: hashlib.sha256(array.tobytes()).hexdigest() for part, array in arrays.items()}
    return Dataset(name="two_digit", shape=(side, 2 * side), digests=digests, **arrays)


def _find(name, source, folder):
    """Paths of the four files: {file name without .gz: path}."""
    given = folder if folder is not None else os.environ.get(VARIABLE) or None
    if given is None:
        return {file: _download(name, source, file) for file in _FILES.values()}
    places = [Path(given).expanduser() / name]
    if folder is not None:
        places.append(Path(folder).expanduser())
    found = {}
    for file in _FILES.values():
        candidates = [place / (file + end) for place in places for end in (".gz", "")]
        found[file] = next((path for path in candidates if path.is_file()), None)
    missing = [file for file, path in found.items() if path is None]
    if missing:
        where = " or ".join(str(place) for place in places)
        remedy = "correct folder=" if folder is not None else f"unset {VARIABLE} to download them once"
        raise UserError(
            f"{name}: {', '.join(missing)} (.gz or not) not found in {where}. "
            f"Put there the files from {source.url}, or {remedy}."
        )
    return found


def _download(name, source, file):
    """Path of a file in the user's cache, fetched there first if it is missing."""
    import pooch
    import requests

    folder = Path(pooch.os_cache("spikemeta")) / name
    for path in (folder / (file + ".gz"), folder / file):
        if path.is_file():
            return path
    try:
        path = pooch.retrieve(
            source.url + file + ".gz",
            known_hash="sha256:" + source.packed[file],
            fname=file + ".gz",
            path=folder,
        )
    except (requests.RequestException, OSError, ValueError) as error:
        raise UserError(
            f"{name}: cannot download {source.url}{file}.gz to {folder} ({error}). Get the four files "
            f"by other means, put them into a folder {name}/ and name the folder above it in {VARIABLE}."
        ) from error
    return Path(path)


def _verified(path, data, expected):
    """Sha256 of a file's uncompressed content, which must be the expected one where that is known."""
    digest = hashlib.sha256(data).hexdigest()
    if expected is not None and digest != expected:
        raise UserError(f"{path}: altered, its uncompressed content has the sha256 {digest}, not {expected}")
    return digest


def _mismatches(arrays):
    """What is wrong between files that are each well formed: a list of messages."""
    problems = []
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if len(images) != len(labels):
            problems.append(f"{len(images)} {part} images, but {len(labels)} {part} labels")
        if not len(labels):
            problems.append(f"no {part} images")
        elif labels.max() > 9:
            problems.append(f"a {part} label is {labels.max()}, not 0..9")
    return problems
