"""Monitors of neurons in a network of Brian2 objects, step by step."""

import brian2
import numpy as np


def add(built, names):
    """Let a built network record neurons.

    Parameters
    ----------
    built : Built
    names : sequence of str
        ``"hidden.spikes"``, or ``"hidden.v"``: a variable of a layer, as the threshold sees it.

    Returns
    -------
    Built
        The same, with ``watched``.
    """
    for layer in dict.fromkeys(name.partition(".")[0] for name in names):
        group, own = built.groups[layer], [n.partition(".")[2] for n in names if n.partition(".")[0] == layer]
        if "spikes" in own:
            built.watched[f"{layer}.spikes"] = brian2.SpikeMonitor(group, name=f"{layer}_seen_spikes")
        there = [variable for variable in own if variable in group.variables]  # not one that nothing feeds
        if there:
            seen = brian2.StateMonitor(group, there, record=True, when="before_thresholds", name=f"{layer}_seen")
            built.watched |= {f"{layer}.{variable}": seen for variable in there}
    for monitor in dict.fromkeys(built.watched.values()):
        built.network.add(monitor)
    return built


def read_out(watched, shapes, read, position, step):
    """What monitors saw of one presentation.

    Parameters
    ----------
    watched : dict of str to object
        ``Built.watched``.
    shapes : dict of str to (int, int)
        Steps of a presentation and neurons, by name.
    read : callable
        ``read(monitor, variable)`` gives an array.
    position : int
        Presentations before.
    step : float
        s.

    Returns
    -------
    dict of str to ndarray, (steps, n_neurons)
    """
    out = {}
    for name, (steps, n) in shapes.items():
        variable = name.partition(".")[2]
        out[name] = seen = np.zeros((steps, n))
        if name in watched and variable == "spikes":
            when = np.round(read(watched[name], "t") / step).astype(np.int64) - position * steps
            within = when < steps  # a last step may follow
            seen[when[within], read(watched[name], "i")[within]] = 1
        elif name in watched:
            seen[:] = np.reshape(read(watched[name], variable), (-1, n))[:steps]
    return out
