"""What runs recorded of single synapses, as part of a study's data set."""

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
        ``hidden_target`` (seed, hidden_synapse), numbers of neurons. `data` itself if nothing was recorded.
    """
    found = {
        key: {name.removeprefix(PREFIX): values for name, values in run.arrays.items() if name.startswith(PREFIX)}
        for key, run in runs.items()
    }
    found = {key: arrays for key, arrays in found.items() if arrays}
    if not found:
        return data
    times = {label: arrays["presentation"] for (label, _), arrays in found.items()}
    n_moments = max(map(len, times.values()))
    moments = np.full((len(labels), n_moments), np.nan)
    for label, values in times.items():
        moments[labels.index(label), : len(values)] = values
    there = moments[[labels.index(label) for label in times]]
    same = np.array_equal(there, np.broadcast_to(there[0], there.shape))
    coordinates = {"presentation": ("moment", there[0]) if same else (("rule", "moment"), moments)}
    names = dict.fromkeys(n for arrays in found.values() for n in arrays if n != "presentation")
    variables = {}
    for name in names:
        projection, _, variable = name.partition(".")
        mine = {key: arrays[name] for key, arrays in found.items() if name in arrays}
        size = next(iter(mine.values())).shape[-1]
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
