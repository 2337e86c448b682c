"""Compiled networks of this process: runs that differ in seed, curriculum or constants of the rule generate their code once."""

from dataclasses import dataclass, field, replace

import brian2

from spikemeta.backends import histories
from spikemeta.system import compiler

_KEPT = {}
_MOST = 64


@dataclass(frozen=True)
class Named:
    """What a run needs of a Brian2 object: its name, and by the names of its variables those of the arrays that hold them."""

    name: str
    variables: dict = field(hash=False)


def _named(thing):
    return Named(thing.name, {name: histories.variable_of(thing, name) for name in thing.variables})


def once(simulation, sizes, parameters, start, make, watched=()):
    """A compiled network and where its variables are, made anew unless this process has made the same before.

    Parameters
    ----------
    simulation : Simulation
    sizes : tuple of int
    parameters : dataclass
        The network's.
    start : dict of str to ndarray
        From the network's ``start``; where there are synapses is part of the code.
    make : callable
        Gives the program and what ``network.build`` gave.
    watched : sequence of str
        What is recorded of neurons.

    Returns
    -------
    program : Program
    built : object
        As ``network.build`` gives it, without the network, and with `Named` in place of Brian2's objects.
    """
    settings = simulation.feedback, simulation.dtype, simulation.dense, compiler.cache_folder(), compiler.command()
    settings += compiler.sanitizers(), brian2.prefs.as_file, tuple(watched)
    network, pairs = simulation.network, sorted((k, v.tobytes()) for k, v in start.items() if k.startswith("pairs "))
    key = getattr(network, "text", network.build), repr((simulation.rule, sizes, parameters, settings, pairs))
    if key not in _KEPT or not (_KEPT[key][0].folder / "main").is_file():
        program, built = make()
        groups, projections, counters, monitors = (
            {name: _named(thing) for name, thing in things.items()}
            for things in (built.groups, built.projections, built.counters, built.watched)
        )
        fixed, kept = (
            {name: (_named(owner), variable) for name, (owner, variable) in things.items()}
            for things in (built.fixed, built.kept)
        )
        more = {"spikes": _named(built.spikes), "counters": counters, "kept": kept, "watched": monitors}
        _KEPT[key] = program, replace(built, network=None, groups=groups, projections=projections, fixed=fixed, **more)
        if len(_KEPT) > _MOST:
            del _KEPT[next(iter(_KEPT))]
    return _KEPT[key]
