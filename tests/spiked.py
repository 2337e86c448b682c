"""Spikes in the layout of the Spiking Heidelberg Digits, written as a user's recorder would."""

import h5py
import numpy as np

UNITS, CLASSES = 12, 4


def stimuli(n, seed, duration=0.04):
    """n stimuli of four classes, each of which has three units that fire more: lists of times (s) and units, and labels."""
    rng = np.random.default_rng(seed)
    labels, times, units = np.arange(n) % CLASSES, [], []
    for label in labels:
        counts = rng.poisson(np.where(np.arange(UNITS) // 3 == label, 6, 1))
        units.append(np.repeat(np.arange(UNITS), counts))
        times.append(rng.random(counts.sum()) * duration)
        order = np.argsort(times[-1])
        times[-1], units[-1] = times[-1][order], units[-1][order]
    return times, units, labels


def lists(group, name, values, kind):
    """A dataset of a list for each stimulus."""
    made = group.create_dataset(name, (len(values),), h5py.vlen_dtype(kind))
    for k, value in enumerate(values):
        made[k] = np.asarray(value, kind)


def fill(group, times, units, labels, times_kind="f4"):
    """One part, in a file or a group."""
    lists(group, "spikes/times", times, times_kind)
    lists(group, "spikes/units", units, "u2")
    group.create_dataset("labels", data=labels)


def write(folder, n_train=40, n_test=12):
    """A folder with the two files; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", n_train), ("test", n_test)):
        with h5py.File(folder / f"toy_{part}.h5", "w") as file:
            fill(file, *stimuli(n, seed=len(part)))
    return folder
