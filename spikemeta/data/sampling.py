"""Seeded draws: independent random streams, and subsets that hold the classes in proportion."""

import numpy as np


def stream(seed, *key):
    """Random generator of one of a seed's streams, independent of all its other streams.

    Parameters
    ----------
    seed : int
    *key : int
        Which stream.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def in_proportion(labels, rng):
    """Random order of labelled images whose every beginning holds the classes in proportion.

    Each class is spread evenly over the order, with a random start: any beginning holds its share of it to
    within one image.

    Parameters
    ----------
    labels : (n,) int
    rng : numpy.random.Generator

    Returns
    -------
    (n,) int
        Positions in `labels`.
    """
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")


def cut(labels, fraction, rng):
    """Cut off a fraction of labelled images, the classes in proportion.

    Parameters
    ----------
    labels : (n,) int
    fraction : float
        0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    kept, cut_off : (n - m,) and (m,) int
        Positions in `labels`, sorted; m is ``fraction * n``, rounded.
    """
    order = in_proportion(labels, rng)
    n = round(fraction * len(labels))
    return np.sort(order[n:]), np.sort(order[:n])
