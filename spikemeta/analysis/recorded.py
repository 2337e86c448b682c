"""What runs recorded of single synapses and of neurons, as part of a study's data set."""

import numpy as np

#: Before the names of recorded arrays among those of a run.
PREFIX = "recorded "


def arrays_of(recorded):
    """What a run recorded (`spikemeta.simulation.recording.Recorder.arrays`), as arrays to store with it."""
    return {PREFIX + name: values for name, values in recorded.items()}


def added(data, labels, seeds, runs):
    """A data set with what its runs recorded.

    Parameters
    ----------
    data : xarray.Dataset
        Of a study, by ``rule`` and ``seed``.
    labels : list of str
    seeds : list of int
    runs : dict of (str, int) to spikemeta.analysis.rows.FinishedRun

    Returns
    -------
    xarray.Dataset
        With each recorded variable, ``hidden.precision`` (rule, seed, moment, hidden_synapse), NaN where a rule has no such
        variable or a shorter run no such moment; and the coordinates ``presentation`` (moment), or (rule, moment) where rows
        are shown different numbers, training presentations before the moment, NaN where there is none; ``hidden_source`` and
        ``hidden_target`` (seed, hidden_synapse), numbers of neurons. Of neurons, ``hidden.v`` (rule, seed, shown, time,
        hidden_neuron), in SI units, NaN where there is none, and ``hidden.spikes``, int8, -1 where there is none; with
        ``shown_presentation`` (shown), or (rule, shown), and ``time`` (time), ms. `data` itself if nothing was recorded.
    """
    found = {
        key: {name.removeprefix(PREFIX): values for name, values in run.arrays.items() if name.startswith(PREFIX)}
        for key, run in runs.items()
    }
    found = {key: arrays for key, arrays in found.items() if arrays}
    if not found:
        return data
    coordinates = _moments(found, labels, "presentation", "moment") | _moments(found, labels, "shown_presentation", "shown")
    apart = ("presentation", "shown_presentation", "time")
    names = dict.fromkeys(n for arrays in found.values() for n in arrays if n not in apart)
    n_moments = coordinates["presentation"][1].shape[-1] if "presentation" in coordinates else 0
    variables = {}
    for name in names:
        projection, _, variable = name.partition(".")
        mine = {key: arrays[name] for key, arrays in found.items() if name in arrays}
        size = next(iter(mine.values())).shape[-1]
        if next(iter(mine.values())).ndim == 3:  # of neurons
            n_shown, n_steps = coordinates["shown_presentation"][1].shape[-1], next(iter(mine.values())).shape[1]
            nothing, kind, units = (-1, np.int8, "1") if variable == "spikes" else (np.nan, float, "SI")
            cells = np.full((len(labels), len(seeds), n_shown, n_steps, size), nothing, kind)
            for (label, seed), values in mine.items():
                cells[labels.index(label), seeds.index(seed), : len(values)] = values
            variables[name] = (("rule", "seed", "shown", "time", f"{projection}_neuron"), cells, {"units": units})
            coordinates["time"] = ("time", next(a["time"] for a in found.values() if "time" in a), {"units": "ms"})
            continue
        if variable in ("source", "target"):
            ends = np.full((len(seeds), size), -1, np.int32)
            for (_, seed), values in mine.items():
                ends[seeds.index(seed)] = values
            coordinates[f"{projection}_{variable}"] = (("seed", f"{projection}_synapse"), ends)
            continue
        cells = np.full((len(labels), len(seeds), n_moments, size), np.nan)
        for (label, seed), values in mine.items():
            cells[labels.index(label), seeds.index(seed), : len(values)] = values
        variables[name] = (("rule", "seed", "moment", f"{projection}_synapse"), cells, {"units": "1"})
    return data.assign(variables).assign_coords(coordinates)


def _moments(found, labels, name, dimension):
    """A coordinate of presentations: of all rules, or by rule where rows are shown different numbers; none without any."""
    times = {label: arrays[name] for (label, _), arrays in found.items() if name in arrays}
    if not times:
        return {}
    moments = np.full((len(labels), max(map(len, times.values()))), np.nan)
    for label, values in times.items():
        moments[labels.index(label), : len(values)] = values
    there = moments[[labels.index(label) for label in times]]
    same = np.array_equal(there, np.broadcast_to(there[0], there.shape))
    return {name: (dimension, there[0]) if same else (("rule", dimension), moments)}
