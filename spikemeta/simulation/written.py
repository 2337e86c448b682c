"""A network's text as a simulation runs it: constants, initial weights, stimuli as spikes, answers."""

import dataclasses

import numpy as np

from spikemeta.data import tuned
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.network import Network


def of(name):
    """The network of a name, or of a user's file, as `spikemeta.simulation.simulation` uses it."""
    found = registry.get_network(name)
    return Written(found, ours=not str(name).endswith(".py")) if isinstance(found, Network) else found


class Written:
    """A `Network` with the interface of the networks that are written as code.

    Parameters
    ----------
    network : Network
    ours : bool
        Whether constants were found for it, in ``networks/tuned/NAME.toml``.

    Attributes
    ----------
    projections : tuple of str
        The plastic ones.
    engines : tuple of str
    text : str
        All that decides what it does.
    """

    engines = ("torch",)

    def __init__(self, network, ours=False):
        self.network, self.ours = network, ours
        self.projections = tuple(name for name, p in network.structure.projections.items() if p.plastic)
        fields = [(name, float, dataclasses.field(default=p.value)) for name, p in network.parameters.items()]
        self._constants = dataclasses.make_dataclass("Constants", fields, frozen=True)
        self.text = repr(network)
        answer = network.structure.answer[0]
        if answer == "mean":
            raise UserError(f"network {network.name!r}: studies count spikes; let the answer be count(...) or first(...)")

    def parameters(self, task="", dataset="", overrides=None):
        """Constants for a task: defaults, then those that a search found, then overrides; each in its unit.

        Raises
        ------
        UserError
            For an override that names no constant of the network, or a value that makes no sense.
        """
        defaults = {name: p.value for name, p in self.network.parameters.items()}
        found = tuned.network_constants(self.network.name, "torch", defaults, task, dataset) if self.ours else {}
        return self._constants(**self.network.constants(overrides, found))

    def _plan(self, sizes, parameters, **how):
        from spikemeta.backends.networks import plan

        return plan.make(self.network, *sizes, dataclasses.asdict(parameters), **how)

    def start(self, sizes, parameters, rng):
        """Initial weights, and what is drawn with them.

        Parameters
        ----------
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Constants
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray
            By projection, (n_pre, n_post) or (n,), 1; and ``pairs NAME`` of sparse projections, (2, n).
        """
        made = self._plan(sizes, parameters, rng=rng)
        pairs = {f"pairs {name}": np.array(found) for name, found in made.connections.items() if found is not None}
        return made.weights | pairs

    def ready(self, sizes, parameters, start):
        """The network for torch, with what `start` drew.

        Returns
        -------
        Ready
        """
        made = self._plan(sizes, parameters)
        pairs = {name: tuple(start[f"pairs {name}"]) if found is not None else None for name, found in made.connections.items()}
        weights = {name: start[name] for name in made.weights}
        return Ready(dataclasses.replace(made, connections=pairs, weights=weights))


class Ready:
    """A network of given sizes, constants and connections; its plastic weights come with each call.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan):
        from spikemeta.backends.networks.torch import NetworkModule

        self.plan, self.module = plan, NetworkModule(plan)
        self.projections = plan.plastic
        self.answer = plan.network.structure.answer
        self.hidden = [name for name in plan.layers if name != self.answer[1]]
        self.n_hidden = sum(plan.sizes[name] for name in self.hidden) or 1

    def draw(self, images, parameters, generator):
        """Input spikes of images (batch, n_input), brightness 0 to 1: (steps, batch, n_input), 0 or 1."""
        from spikemeta.backends.networks import coding

        return coding.draw(self.plan, images, generator)

    def respond(self, weights, spikes, parameters):
        """Number of spikes of all hidden neurons, and what the answer layer adds to its evidence, (steps, batch, n_classes)."""
        fired, _ = self.module.respond(spikes, weights)
        out = fired[self.answer[1]]
        if self.answer[0] == "first":
            out = out.cummax(0).values
        return sum(fired[name].detach().sum() for name in self.hidden) if self.hidden else out.new_zeros(()), out

    def loss(self, counts, labels, parameters, allowed=None):
        """Cross-entropy of the softmax of the evidence (batch, n_classes), as of `spikemeta.networks.surrogate`."""
        from spikemeta.networks import surrogate

        return surrogate.network.loss(counts, labels, parameters, allowed)
