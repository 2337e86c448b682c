"""What a run records of neurons: spikes and variables, step by step, in chosen presentations of its training.

On torch the batch of a chosen presentation is shown once more, with the weights and spikes that it was learned with. On brian2
a second program, which has monitors, goes on from where the run stands for one presentation, to the same random numbers.
The run itself goes on as if nothing had been.
"""

import dataclasses
import re

import numpy as np

from spikemeta.errors import UserError
from spikemeta.simulation import written
from spikemeta.simulation.rows_on_disk import Rows

FILE = "recorded_neurons.f8"  # in the folder of a run's state: a row of numbers for each presentation
SPIKES = "spikes"


def presentations_of(given):
    """Which presentations ``--record-presentations`` says: ``0,1000,59999`` or ``every=1000``; empty for the usual ones.

    Parameters
    ----------
    given : str or sequence of int

    Returns
    -------
    tuple of int, or str
        Numbers of training presentations from 0 on, or the text ``every=N``.

    Raises
    ------
    UserError
    """
    if isinstance(given, str):
        if re.fullmatch(r"every=0*[1-9]\d*", given.strip()):
            return f"every={int(given.strip()[6:])}"
        words = [word.strip() for word in given.split(",") if word.strip()]
    else:
        words = list(given)
    strange = [w for w in words if isinstance(w, bool) or not str(w).isdigit()]
    if strange:
        raise UserError(
            f"presentations to record: {', '.join(map(repr, strange))}: write numbers of training presentations, from 0 on, as "
            "in 0,1000,59999, or every=1000"
        )
    return tuple(sorted({int(word) for word in words}))


def valid(network, name):
    """Names that can be recorded of a network's neurons: spikes of each layer, and the variables of those that have some.

    Parameters
    ----------
    network : network
        From `spikemeta.simulation.written.of`.
    name : str
        Of the network.

    Returns
    -------
    list of str
        Empty for a network written as code.
    """
    try:
        structure = written.as_text(network, name).network.structure
    except UserError:
        return []
    kinds = {
        layer: [] if one.is_input else structure.kinds[one.kind].dynamics.variables for layer, one in structure.layers.items()
    }
    return [f"{layer}.{variable}" for layer, variables in kinds.items() for variable in (SPIKES, *variables)]


def plan_of(simulation, sizes, constants, start):
    """The `Plan` of a simulation's network, with the connections that it has in a run.

    Parameters
    ----------
    simulation : Simulation
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    constants : dict of str to float
        Of the network.
    start : dict of str to ndarray
        From the network's ``start``.
    """
    text = written.as_text(simulation.network, simulation.network_name)
    own = {name: value for name, value in constants.items() if name in text.defaults}
    parameters = dataclasses.replace(text.parameters(), **own)
    return text.started(sizes, parameters, text.start(sizes, parameters, np.random.default_rng(0)) | start)


def chosen(phases, presentations):
    """Where the presentations to record are.

    Parameters
    ----------
    phases : sequence of Phase
    presentations : tuple of int, or str
        From `presentations_of`.

    Returns
    -------
    list of (int, int, int)
        Number of the phase, presentations of it before, training presentations of the run before.

    Raises
    ------
    UserError
        For numbers that the run has not.
    """
    out, before = [], 0
    every = int(presentations[6:]) if isinstance(presentations, str) else 0
    for number, phase in enumerate(phases):
        if phase.kind != "train":
            continue
        length = len(phase.indices)
        if every:
            here = range(-(-before // every) * every, before + length, every)
        else:
            here = [n for n in presentations or (before, before + length - 1) if before <= n < before + length]
        out += [(number, n - before, n) for n in dict.fromkeys(here)]
        before += length
    missing = [n for n in presentations if n >= before] if not every else []
    if missing:
        raise UserError(
            f"presentations to record: a run has {before} training presentations, 0 to {before - 1}, and not "
            f"{', '.join(map(str, missing))}"
        )
    return out


class Neurons:
    """Records neurons of one run.

    Parameters
    ----------
    names : sequence of str
        ``"hidden.spikes"``, ``"hidden.v"``.
    presentations : tuple of int, or str
        From `presentations_of`.
    simulation : Simulation
    phases : sequence of Phase
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    start : dict of str to ndarray
        From the network's ``start``.
    constants : dict of str to float
        Of the network.
    out : Path or None
        Folder of the run's state; None to keep all in memory.
    finished : int or None
        Phases whose recording is there already; None to begin anew.

    Raises
    ------
    UserError
        For presentations that the run has not; for a file that lacks something.
    """

    def __init__(self, names, presentations, simulation, phases, sizes, start, constants, out=None, finished=None):
        self.names, self.moments = tuple(names), chosen(phases, presentations)
        plan = plan_of(simulation, sizes, constants, start)
        self.step = plan.network.si(plan.constants)["step"] * 1000  # ms
        self.shapes = {name: (plan.steps, plan.sizes[name.partition(".")[0]]) for name in self.names}
        width = 1 + sum(steps * n for steps, n in self.shapes.values())
        self.rows = Rows((len(self.moments), width), out / FILE if out else None)
        if finished is None:
            self.rows.begin()
        else:
            self.rows.look([number < finished for number, *_ in self.moments])

    def places(self, number):
        """Presentations of a phase that are recorded."""
        return [position for n, position, _ in self.moments if n == number]

    def take(self, number, position, seen):
        """Record a presentation.

        Parameters
        ----------
        number, position : int
            As in `chosen`.
        seen : dict of str to ndarray, (n_steps, n_neurons)
            By name.
        """
        place = next(k for k, (n, at, _) in enumerate(self.moments) if (n, at) == (number, position))
        self.rows.write(place, [np.ravel(np.broadcast_to(seen[name], shape)) for name, shape in self.shapes.items()])

    def arrays(self):
        """All that was recorded.

        Returns
        -------
        dict of str to ndarray
            ``shown_presentation`` (n,), training presentations before each; ``time`` (n_steps,), ms; by name
            (n, n_steps, n_neurons): spikes as int8, 0 or 1, variables as the threshold saw them, in SI units.
        """
        self.rows.look([True] * len(self.moments))
        rows, first = self.rows.all(), 1
        steps = next(iter(self.shapes.values()))[0]
        out = {"shown_presentation": np.array([n for *_, n in self.moments], int), "time": self.step * np.arange(steps)}
        for name, shape in self.shapes.items():
            found = rows[:, first : first + shape[0] * shape[1]].reshape(-1, *shape)
            out[name] = found.astype(np.int8) if name.endswith(f".{SPIKES}") else found.copy()
            first += shape[0] * shape[1]
        return out


def by_module(module, names, weights, spikes):
    """What neurons of a torch module do in a batch.

    Parameters
    ----------
    module : spikemeta.backends.networks.torch.NetworkModule
    names : sequence of str
    weights : dict of str to Tensor
    spikes : Tensor, (steps, batch, n_input)

    Returns
    -------
    dict of str to ndarray, (steps, batch, n_neurons)
        Of a variable that a layer shares, n_neurons is 1.
    """
    import torch

    out = {}
    with torch.no_grad():
        fired, _ = module.respond(spikes, weights)
        for name in names:
            layer, _, variable = name.partition(".")
            found = fired[layer] if variable == SPIKES else module.respond(spikes, weights, potential=(layer, variable))[1]
            out[name] = found.numpy()
    return out
