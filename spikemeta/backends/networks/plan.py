"""A network's text with its numbers: what every engine starts from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plan:
    """A network of given sizes and constants.

    Attributes
    ----------
    network : Network
    constants : dict of str to float
        By name, each in its unit.
    sizes : dict of str to int
        Neurons by layer.
    steps : int
        Of a presentation.
    layers : dict of str to Step
        The numbers of one step, of each layer of neurons.
    delays : dict of str to int
        By projection, steps.
    connections : dict of str to tuple of ndarray or None
        By projection, sources and targets, (n,) each; None where all pairs have a synapse.
    weights : dict of str to ndarray
        By projection, (n_pre, n_post) or (n,).
    """

    network: object
    constants: dict
    sizes: dict
    steps: int
    layers: dict
    delays: dict
    connections: dict
    weights: dict

    @property
    def projections(self):
        """The projections' texts, by name."""
        return self.network.structure.projections

    @property
    def plastic(self):
        """Names of the projections that learn."""
        return tuple(name for name, p in self.projections.items() if p.plastic)

    def into(self, layer):
        """Names of the projections that end at a layer."""
        return [name for name, p in self.projections.items() if p.target == layer]

    def variable(self, projection):
        """Place of the variable of its target to which a projection adds."""
        p = self.projections[projection]
        return self.layers[p.target].variables.index(p.into)

    def dimension(self, layer, variable):
        """Dimensions of a layer's variable."""
        return self.network.structure.kinds[self.network.structure.layers[layer].kind].dimensions[variable]

    def limits(self, projection):
        """The `spikemeta.language.limits.Limits` of a projection's weights."""
        return self.network.limits(projection, self.sizes, self.constants)

    def fans(self, plastic):
        """Synapses of each source, by the counter of what uses them: of its spikes, and of its touches where it learns.

        What feeds a variable that a layer has one of, such as inhibition by a pool, counts as no synapse.

        Parameters
        ----------
        plastic : iterable of str
            Projections.

        Returns
        -------
        dict of str to ndarray
        """
        out = {}
        for name, p in self.projections.items():
            if self.layers[p.target].shared[self.variable(name)]:
                continue
            n_pre, pairs = self.sizes[p.source], self.connections[name]
            n_post = self.weights[name].size // n_pre
            fan = np.full(n_pre, n_post) if pairs is None else np.bincount(pairs[0], minlength=n_pre)
            for what in ("spikes", *["touches"] * (name in plastic)):
                out[f"{p.source}_{what}"] = out.get(f"{p.source}_{what}", 0) + fan
        return out

    def dense(self, projection, weights=None):
        """A projection's weights as a matrix (n_pre, n_post), 0 where there is no synapse."""
        values, pairs = self.weights[projection] if weights is None else weights, self.connections[projection]
        if pairs is None:
            return values
        p = self.projections[projection]
        out = np.zeros((self.sizes[p.source], self.sizes[p.target]))
        out[pairs] = values
        return out

    def components(self):
        """Layers of neurons in the order in which they can be computed; those that act on each other stand together.

        Returns
        -------
        list of list of str
        """
        after = {name: {p.target for p in self.projections.values() if p.source == name} for name in self.layers}
        reach = {name: set(found) for name, found in after.items()}
        for middle in self.layers:
            for name in self.layers:
                if middle in reach[name]:
                    reach[name] |= reach[middle]
        groups, left = [], list(self.layers)
        while left:
            first = left[0]
            group = [n for n in left if n == first or (n in reach[first] and first in reach[n])]
            groups.append(group)
            left = [n for n in left if n not in group]
        ordered = []
        while groups:  # the next is one that no other leads to
            free = next(g for g in groups if not any(reach[o[0]] & set(g) for o in groups if o is not g))
            ordered.append(free)
            groups.remove(free)
        return ordered

    def fed(self, layer):
        """Places of a layer's variables that a projection feeds, other than a fixed one whose weights are all 0."""
        return {self.variable(p) for p in self.into(layer) if self.projections[p].plastic or np.any(self.weights[p])}

    def rest(self, still):
        """By layer, how many steps a presentation has before a spike can have reached it; 0 for the input.

        Parameters
        ----------
        still : dict of str to bool
            Whether a layer at rest stays so while nothing arrives; one that does not is never at rest.
        """
        out = {self.network.input: 0}
        for component in self.components():
            arrives = [
                out[self.projections[p].source] + self.delays[p]
                for name in component
                for p in self.into(name)
                if self.projections[p].source not in component
            ]
            least = min(arrives, default=self.steps)
            out |= dict.fromkeys(component, least if all(still[name] for name in component) else 0)
        return out

    def looped(self, component):
        """Whether a component's layers act on themselves, so that their steps depend on each other through spikes."""
        acting = (p for name, p in self.projections.items() if p.plastic or np.any(self.weights[name]))
        return any(p.source in component and p.target in component for p in acting)


def make(network, n_input, n_hidden, n_classes, constants=None, seed=0, rng=None, weights=None):
    """A network with its numbers.

    Parameters
    ----------
    network : Network
    n_input, n_hidden, n_classes : int
    constants : dict of str to float or None
        From `Network.constants`; None for the defaults.
    seed : int
        Decides connections and weights.
    rng : numpy.random.Generator or None
        Draws them in place of a seed.
    weights : dict of str to ndarray or None
        Weights that replace drawn ones.

    Returns
    -------
    Plan
    """
    constants = network.constants() if constants is None else constants
    rng = np.random.default_rng(seed) if rng is None else rng
    sizes, si = network.sizes(n_input, n_hidden, n_classes), network.si(constants)
    structure = network.structure
    kinds = {name: kind.dynamics.at(si, si["step"]) for name, kind in structure.kinds.items()}
    connections = network.connections(sizes, constants, rng)
    drawn = network.weights(sizes, constants, connections, rng) | (weights or {})
    return Plan(
        network,
        constants,
        sizes,
        round(si["presentation"] / si["step"]),
        {name: kinds[layer.kind] for name, layer in structure.layers.items() if not layer.is_input},
        network.delays(sizes, constants),
        connections,
        drawn,
    )
