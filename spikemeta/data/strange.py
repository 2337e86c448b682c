"""Strange images: made from those of a data set, or another data set's, to see whether a network notices."""

import numpy as np

from spikemeta.data import datasets
from spikemeta.data.sampling import stream
from spikemeta.errors import UserError

#: Kinds that are made from the images of the data set.
MADE = ("permuted", "rotated", "shuffled", "noise")
_USUAL = {"mnist": "fashion", "fashion": "mnist", "cifar10": "cifar100", "cifar100": "cifar10"}
_IMAGES = 200  # random stream of a seed


def kinds_of(dataset, load=datasets.load, others=()):
    """Kinds of strange images that a data set allows, and a note for each that it does not.

    Parameters
    ----------
    dataset : Dataset
    load : callable
        Gives a data set by name or path.
    others : iterable of str
        Names or paths of other data sets whose images are strange. Without any it is the one that usually stands beside the
        data set, if it is there: Fashion-MNIST for 28 by 28 grey pixels, but MNIST for Fashion-MNIST; CIFAR-10 and CIFAR-100
        for each other.

    Returns
    -------
    list of str, list of str

    Raises
    ------
    UserError
        For spikes; for another data set that is not there, or whose images are not of this one's size and planes.
    """
    if dataset.spikes:
        raise UserError(f"data set {dataset.name!r} holds spikes: strange images are made of images")
    kinds, notes = [*MADE], []
    if dataset.shape[0] != dataset.shape[1]:
        kinds.remove("rotated")
        notes.append("rotated images are left out: the images are not square")
    size = (dataset.planes, *dataset.shape)
    for other in others:
        found = load(other)
        if (found.planes, *found.shape) != size:
            raise UserError(
                f"images of {datasets.label(other)} ({_size(found)}) cannot be strange to a network that learned those of "
                f"{datasets.label(dataset.name)} ({_size(dataset)}): --strange needs images of the same size and planes"
            )
        kinds.append(other)
    usual = _USUAL.get(dataset.name) or ("fashion" if size == (1, 28, 28) else "")
    if usual and not others:
        try:
            load(usual)
            kinds.append(usual)
        except UserError as error:
            notes.append(f"images of {usual} are left out: {str(error).splitlines()[0]}")
    return kinds, notes


def _size(dataset):
    return f"{dataset.shape[0]} x {dataset.shape[1]} pixels" + f", {dataset.planes} planes" * (dataset.planes > 1)


def label(kind):
    """A kind's short name: of another data set that of its file or folder."""
    return kind if kind in MADE else datasets.label(kind)


def images_of(kind, dataset, images, seed, load=datasets.load):
    """Images unlike those that were learned, as many as are given.

    Parameters
    ----------
    kind : str
        ``"permuted"``: pixels in one random order. ``"rotated"``: by 90 degrees. ``"shuffled"``: the pixels of each image in
        an order of its own, so noise of the same brightness. ``"noise"``: grey values uniform over 0 to 255, so brighter
        than digits. Else the name or path of a data set.
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
