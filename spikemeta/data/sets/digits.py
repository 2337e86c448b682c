"""Digits: 1,797 handwritten digits, 8 x 8 grey, that come with scikit-learn."""

import functools
import hashlib
import importlib.metadata
import importlib.resources

import numpy as np

from spikemeta.data.dataset import Dataset

_TEST_EVERY = 5  # every fifth image of a class of digits is a test image


def dataset(folder=None):
    """Scikit-learn's 8x8 digits; every fifth image of each class, in the file's order, is a test image."""
    arrays, digests = _read()
    return Dataset(name="digits", shape=(8, 8), digests=dict(digests), **arrays)


def _file():
    """Where scikit-learn keeps them, found without importing it, which is slow and needed for nothing else here."""
    listed = importlib.metadata.files("scikit-learn") or ()
    found = next((file.locate() for file in listed if file.name == "digits.csv.gz"), None)
    if found is None or not found.is_file():  # installed in a way that keeps no list
        found = importlib.resources.files("sklearn.datasets.data") / "digits.csv.gz"
    return str(found)


@functools.cache
def _read():
    """Arrays, which nobody may write, and their digests; read once, as the file is text and takes a tenth of a second."""
    raw = np.loadtxt(_file(), delimiter=",")
    images = np.round(raw[:, :-1] * (255 / 16)).astype(np.uint8)
    labels = raw[:, -1].astype(np.int32)
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
    return arrays, {part: hashlib.sha256(array.tobytes()).hexdigest() for part, array in arrays.items()}
