"""Spikes of Tonic's data sets, as ``tonic:SHD``: events of its arrays, in microseconds, as trains of units."""

import hashlib
import inspect

import numpy as np

from spikemeta.data import sources
from spikemeta.data.dataset import PARTS, Dataset, classes_of, refuse, whole_labels
from spikemeta.data.formats.hdf5 import check_times, check_units
from spikemeta.data.trains import Trains
from spikemeta.errors import UserError, suggest

PREFIX = "tonic:"
_MICROSECONDS = 1e-6


def load(name, folder=None):
    """Load a data set by Tonic, which downloads it once.

    Parameters
    ----------
    name : str
        ``tonic:SHD``: the name of a class of ``tonic.datasets`` that has a training and a test part.
    folder : path or None
        Where Tonic keeps its files: ``tonic`` there. Default: as for other data sets.

    Returns
    -------
    Dataset
        An event is a spike of unit ``x + width*(y + height*p)``; of sensors with one row y is left out, with one polarity p.

    Raises
    ------
    UserError
        Without Tonic; for an unknown name, or one without two parts; for whatever Tonic raises when it loads it; with all that
        is wrong with its events and labels.
    """
    made, problems, found, labels = _class(name), [], {}, {}
    place = sources.places("tonic", folder)[0]
    for part in PARTS:
        try:
            data = made(save_to=str(place), train=part == "train")
            found[part], labels[part] = _read(data, f"{part}: ", problems)
        except UserError:
            raise
        except Exception as error:  # whatever a download, an archive or another version of Tonic may raise
            raise UserError(f"tonic cannot load {name} into {place}: {type(error).__name__}: {error}") from None
    refuse(name, problems)
    n_units, names = int(np.prod(made.sensor_size)), ()
    if all(values.dtype.kind == "U" for values in labels.values()):
        names = tuple(np.union1d(*labels.values()).tolist())
        labels = {part: np.searchsorted(names, values) for part, values in labels.items()}
    labels = {part: whole_labels(f"{part} labels", values, problems) for part, values in labels.items()}
    refuse(name, problems)
    labels, names = classes_of(labels, names, problems, "stimuli")
    arrays, digest = {}, hashlib.sha256()
    for part, (times, units, starts) in found.items():
        arrays[f"{part}_images"] = Trains(times, units, starts, n_units)
        arrays[f"{part}_labels"] = np.ascontiguousarray(labels[part], np.int32)
        arrays[f"{part}_labels"].setflags(write=False)
        check_times(f"{part}: times", np.asarray(times), problems)
        check_units(f"{part}: units", np.asarray(units), problems, n_units)
        for array in (times, units, starts, arrays[f"{part}_labels"]):
            digest.update(np.ascontiguousarray(array).tobytes())
    refuse(name, problems)
    return Dataset(name, shape=(1, n_units), digests={name: digest.hexdigest()}, class_names=names, **arrays)


def _class(name):
    """The class of ``tonic.datasets``."""
    try:
        from tonic import datasets
    except ImportError:
        raise UserError(f'{name} is read by Tonic, which is not installed: pip install "spikemeta[tonic]"') from None
    able = {n: value for n, value in vars(datasets).items() if inspect.isclass(value) and _parts(value)}
    short = name.removeprefix(PREFIX)
    if short not in able:
        raise UserError(suggest("data set of Tonic with a training and a test part", short, able))
    return able[short]


def _parts(made):
    """Whether a class makes a training and a test part, of a sensor of known size."""
    return {"save_to", "train"} <= inspect.signature(made).parameters.keys() and hasattr(made, "sensor_size")


def _read(data, where, problems):
    """(times, units, starts) of a part, and its labels; what is wrong."""
    width, height, polarities = data.sensor_size
    times, units, labels = [], [], []
    for number in range(len(data)):
        events, label = data[number]
        names = getattr(getattr(events, "dtype", None), "names", None) or ()
        lacking = {"t", "x", *["y"] * (height > 1), *["p"] * (polarities > 1)} - {*names}
        if lacking:
            problems.append(f"{where}events of stimulus {number} have no field {', '.join(sorted(lacking))}")
            break
        places = events["x"].astype(np.int64)
        places = places + width * events["y"].astype(np.int64) if height > 1 else places
        places = places + width * height * events["p"].astype(np.int64) if polarities > 1 else places
        order = np.argsort(events["t"], kind="stable")
        times.append((events["t"] * _MICROSECONDS)[order])
        units.append(places[order])
        labels.append(label)
    starts = np.concatenate([[0], np.cumsum([len(own) for own in times])]).astype(np.int64)
    joined = [np.concatenate([*lists, np.empty(0, kind)]) for lists, kind in ((times, float), (units, np.int64))]
    return (*joined, starts), np.array(labels)
