"""Strange images: made from those of a data set, or another data set's, to see whether a network notices."""

import numpy as np

from spikemeta.data import datasets
from spikemeta.data.sampling import stream
from spikemeta.errors import UserError

_IMAGES = 200  # random stream of a seed


def kinds_of(dataset, load=datasets.load):
    """Kinds of strange images that a data set allows, and a note for each that it does not.

    Parameters
    ----------
    dataset : Dataset
    load : callable
        Gives a data set by name.

    Returns
    -------
    list of str, list of str
    """
    kinds, notes = ["permuted", "shuffled", "noise"], []
    if dataset.shape[0] == dataset.shape[1]:
        kinds.insert(1, "rotated")
    else:
        notes.append("rotated images are left out: the images are not square")
    other = "mnist" if dataset.name == "fashion" else "fashion"
    if (dataset.planes, *dataset.shape) == (1, 28, 28):
        try:
            load(other)
            kinds.append(other)
        except UserError as error:
            notes.append(f"images of {other} are left out: {str(error).splitlines()[0]}")
    return kinds, notes


def images_of(kind, dataset, images, seed, load=datasets.load):
    """Images unlike those that were learned, as many as are given.

    Parameters
    ----------
    kind : str
        ``"permuted"``: pixels in one random order. ``"rotated"``: by 90 degrees. ``"shuffled"``: the pixels of each image in
        an order of its own, so noise of the same brightness. ``"noise"``: grey values uniform over 0 to 255, so brighter
        than digits. Else the name of a data set.
    dataset : Dataset
    images : (n, pixels) uint8
    seed : int
    load : callable
        Gives a data set by name.

    Returns
    -------
    (n, pixels) uint8
    """
    rng = stream(seed, _IMAGES)
    if kind == "permuted":
        return images[:, rng.permutation(images.shape[1])]
    if kind == "rotated":
        return np.rot90(dataset.pictures(images), axes=(2, 3)).reshape(len(images), -1)
    if kind == "shuffled":
        return rng.permuted(images, axis=1)
    if kind == "noise":
        return rng.integers(0, 256, images.shape, np.uint8)
    others = load(kind).test_images
    return others[rng.permutation(len(others))[: len(images)]]
