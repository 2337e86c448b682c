"""Pairs of different digits of MNIST, 14 x 28 grey: 45 classes (after Cho et al. 2025)."""

import hashlib

import numpy as np

from spikemeta.data.dataset import Dataset
from spikemeta.data.sets import mnist


def dataset(folder=None):
    """The pairs made from MNIST, which is looked for in `folder`."""
    return pairs(mnist.dataset(folder))


def pairs(mnist, per_class=(1200, 200), seed=0):
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
