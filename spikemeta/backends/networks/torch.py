"""A network's text as a torch module, trained by backpropagation through time with surrogate gradients.

One presentation from rest: the equations are solved exactly from step to step, and the threshold's derivative is
step/escape/(1 + slope*|distance|)^2. What a reset sets passes no gradient back; what it adds (``adaptation += 0.1``) passes
it to the spike. Layers that do not act on themselves are computed whole, all steps of a projection in one matrix product,
with their gradient written out; others step by step, with one product for as many steps as a projection's delay lasts.
"""

import torch

from spikemeta.backends.networks import plan as plans
from spikemeta.backends.networks.torch_layers import Layer
from spikemeta.backends.networks.torch_whole import whole


class NetworkModule(torch.nn.Module):
    """A network as ``torch.nn.Module``: spikes in, the answer layer's evidence out; its plastic weights are its parameters.

    Parameters
    ----------
    plan : Plan
        From `spikemeta.backends.networks.plan.make`.
    dtype : torch.dtype

    Attributes
    ----------
    weights : ParameterDict
        Of the plastic projections, (n_pre, n_post), or (n,) of a sparse one; 1. Fixed ones are buffers.
    """

    def __init__(self, plan, dtype=torch.float32):
        super().__init__()
        self.plan, si = plan, plan.network.si(plan.constants)
        scale = si["step"] / si["escape"]
        slopes = {name: layer.slope for name, layer in plan.network.structure.layers.items()}
        value = lambda name: float(plan.network.value(slopes[name], si)) if slopes[name] else 5.0  # noqa: E731
        self.layers = {name: Layer(step, value(name), scale, plan.fed(name)) for name, step in plan.layers.items()}
        made = {name: torch.tensor(w, dtype=dtype) for name, w in plan.weights.items()}
        self.weights = torch.nn.ParameterDict({name: made[name] for name in plan.plastic})
        for name in made.keys() - set(plan.plastic):
            self.register_buffer(f"fixed_{name}", made[name])
        for name, pairs in plan.connections.items():
            if pairs is not None:
                self.register_buffer(f"pairs_{name}", torch.tensor(pairs[0] * self._shape(name)[1] + pairs[1]))

        still = {name: layer.still() for name, layer in self.layers.items()}
        self.rest = plan.rest(still)
        self.components = [(component, plan.looped(component)) for component in plan.components()]

    def _shape(self, name):
        p = self.plan.projections[name]
        return self.plan.sizes[p.source], self.plan.sizes[p.target]

    def matrix(self, name, weights=None):
        """A projection's weights as (n_pre, n_post), times what one of them adds to its target's variable.

        Parameters
        ----------
        name : str
        weights : dict of str to Tensor or None
            In place of the module's.
        """
        given = self.weights if weights is None else weights
        w = given[name] if name in given else getattr(self, f"fixed_{name}")
        if self.plan.connections[name] is not None:
            n_pre, n_post = self._shape(name)
            w = w.new_zeros(n_pre * n_post).index_put((getattr(self, f"pairs_{name}"),), w).view(n_pre, n_post)
        gain = self.layers[self.plan.projections[name].target].gain[self.plan.variable(name)]
        return w if gain == 1 else gain * w

    def respond(self, spikes, weights=None, potential=None):
        """Spikes of every layer.

        Parameters
        ----------
        spikes : Tensor, (steps, batch, n_input), 0 or 1
        weights : dict of str to Tensor or None
            In place of the module's own plastic weights, of their shapes.
        potential : (str, str) or None
            A layer and a variable of it that is wanted, too.

        Returns
        -------
        fired : dict of str to Tensor, (steps, batch, n)
            By layer.
        seen : Tensor, (steps, batch, n), or None
            The variable ``potential``, as the threshold saw it.
        """
        fired, seen, rest = {self.plan.network.input: spikes}, None, self.rest
        for component, looped in self.components:
            drives = {name: self._drive(name, fired, spikes, component, weights) for name in component}
            wanted = {n: self.layers[n].place(potential[1]) if potential and potential[0] == n else None for n in component}
            if looped:
                found = self._looped(component, drives, wanted, spikes, weights)
            else:
                (name,) = component
                still = min(rest[name], len(spikes) - 1)
                found = {name: whole(self.layers[name], drives[name], len(spikes), self.plan.sizes[name], wanted[name], still)}
            for name, (out, extra) in found.items():
                fired[name] = out
                if wanted[name] is not None:
                    seen = extra / self.layers[name].gain[wanted[name]]
        return fired, seen

    def _drive(self, name, fired, spikes, component, weights):
        """What arrives at a layer from layers computed before.

        Returns
        -------
        dict of int to (int, Tensor)
            By variable, the first step in which a source may fire, counting delays, and what arrives from there on,
            (steps - 1 - first, batch, n); the last step's is late.
        """
        found, steps = {}, len(spikes) - 1
        for projection in self.plan.into(name):
            source, k = self.plan.projections[projection].source, self.plan.variable(projection)
            if source in component:
                continue
            late, silent = self.plan.delays[projection] - 1, self.rest[source]
            if silent + late < steps:
                arrived = fired[source][silent : steps - late] @ self.matrix(projection, weights)
                found.setdefault(k, []).append((silent + late, arrived))
        if not found:  # nothing but itself, or silence
            k = self.plan.variable(self.plan.into(name)[0])
            found[k] = [(0, spikes.new_zeros(steps, spikes.shape[1], self._width(name, k)))]
        return {k: _together(arriving) for k, arriving in found.items()}

    def _width(self, name, k):
        return 1 if self.plan.layers[name].shared[k] else self.plan.sizes[name]

    def _looped(self, component, drives, wanted, spikes, weights):
        """Layers that act on themselves, step after step; a product for a block of steps as long as the delay."""
        batch = spikes.shape[1]
        inner = [n for n, p in self.plan.projections.items() if p.source in component and p.target in component]
        matrices = {name: self.matrix(name, weights) for name in inner}
        state = {n: self.layers[n].rest(spikes, batch, self.plan.sizes[n]) for n in component}
        fired, seen = {n: [] for n in component}, {n: [] for n in component}
        waiting = {name: {} for name in inner}
        for now in range(len(spikes)):
            for name in component:
                layer = self.layers[name]
                state[name] = layer.propagate(state[name])
                fired[name].append(layer.spikes(state[name]))
                if wanted[name] is not None:
                    seen[name].append(state[name][wanted[name]])
            if now == len(spikes) - 1:
                break
            for name in component:
                for k, (first, drive) in drives[name].items():
                    if now >= first:
                        state[name][k] = state[name][k] + drive[now - first]
            for name in inner:
                p, late = self.plan.projections[name], self.plan.delays[name] - 1
                if now < late:
                    continue
                if now not in waiting[name]:  # all spikes so far that are still to arrive, in one product
                    sent = torch.stack(fired[p.source][now - late : now + 1]) @ matrices[name]
                    waiting[name] = dict(zip(range(now, now + late + 1), sent, strict=True))
                k = self.plan.variable(name)
                state[p.target][k] = state[p.target][k] + waiting[name].pop(now)
            for name in component:
                state[name] = self.layers[name].reset(state[name], fired[name][-1])
        stacked = lambda parts: torch.stack(parts) if parts else None  # noqa: E731
        return {n: (torch.stack(fired[n]), stacked(seen[n])) for n in component}

    def forward(self, spikes):
        """Evidence for each class.

        Parameters
        ----------
        spikes : Tensor, (steps, batch, n_input), 0 or 1

        Returns
        -------
        Tensor, (batch, n_classes)
            Of the network's ``answer``: numbers of spikes (of each neuron, where classes are assigned to them); steps from the
            first spike on, 0 without one; or means of a variable.
        """
        how, layer, variable = self.plan.network.structure.answer
        fired, seen = self.respond(spikes, potential=(layer, variable) if how == "mean" else None)
        if how == "mean":
            return seen.mean(0)
        if how in ("count", "assigned"):
            return fired[layer].sum(0)
        return fired[layer].cummax(0).values.sum(0)


def _together(arriving):
    """The sum of what arrives from several sources, each (first step, Tensor)."""
    (first, out), *others = sorted(arriving, key=lambda entry: entry[0])
    for later, more in others:
        out = out + (torch.nn.functional.pad(more, (0, 0, 0, 0, later - first, 0)) if later > first else more)
    return first, out


def module(network, n_input, n_hidden, n_classes, *, constants=None, seed=0, weights=None, dtype=torch.float32):
    """A network as a torch module.

    Parameters
    ----------
    network : Network
    n_input, n_hidden, n_classes : int
    constants : dict of str to float or None
        From `Network.constants`.
    seed : int
        Decides connections and initial weights.
    weights : dict of str to ndarray or None
        Weights that replace drawn ones.
    dtype : torch.dtype

    Returns
    -------
    NetworkModule
    """
    return NetworkModule(plans.make(network, n_input, n_hidden, n_classes, constants, seed, weights=weights), dtype)
