"""The network language: neurons, layers and projections as a short text, checked at construction."""

from dataclasses import dataclass, field, replace

import numpy as np

from spikemeta.errors import NetworkError, UserError, suggest
from spikemeta.language import equations, limits, network_checking, network_values
from spikemeta.language.neuron_checking import UNITS
from spikemeta.language.rule import Parameter

#: Constants that every network has; a text may give them other values.
COMMON = {
    "presentation": Parameter(100.0, "ms", "duration of one stimulus", low=0),
    "step": Parameter(1.0, "ms", "time step", low=1e-3),
    "escape": Parameter(4.0, "ms", "width in time of the surrogate gradient, which hardly depends on the step", low=1e-3),
    "logit": Parameter(0.25, "1", "what a spike adds to its class in the softmax", low=0),
}


@dataclass(frozen=True)
class Neurons:
    """A kind of neurons.

    Parameters
    ----------
    equations : str
        Brian2 equations, a line each, linear in the variables: ``dv/dt = (current - v)/tau : 1``, ``drive = ... : 1``, or
        ``x : 1`` for what only spikes change; ``(shared)`` behind one of which a layer has one only, which its neurons see as
        it was before the step. All are 0 at the start of a presentation, unless ``(kept)`` stands behind them: spikes change
        these while the network learns, and at a presentation's end they decay by it as a whole, as their equation says.
    threshold : str
        Who fires: ``v > 1``, or with an adaptive threshold ``v > 1 + adaptation``.
    reset : str
        What a spike changes: ``v = 0``, ``adaptation += 0.1``; linear in the variables, but for new values of kept ones.
    """

    equations: str
    threshold: str
    reset: str = ""


@dataclass(frozen=True)
class Network:
    """A spiking network, written once for every engine.

    A step: neurons are propagated exactly; who is beyond the threshold fires; spikes are delivered; who fired is reset. So
    with a delay of one step, the least, a spike acts on its target's potential in the next step.

    Parameters
    ----------
    name, description : str
    reference : str
        Papers; says so where the network is our own.
    neurons : dict of str to Neurons, by the kind's name
    layers : str
        A line each: ``hidden : lif(n_hidden)``; sizes are numbers, ``n_input``, ``n_hidden`` or ``n_classes``. The input is
        ``rate(n_input, RATE)``, ``latency(n_input, LATEST)`` or ``given(n_input)``. ``slope = ...`` sets the surrogate gradient
        of torch, step/escape/(1 + slope*|distance from the threshold|)**2; 5 unless it is said.
    projections : str
        A line each: ``hidden : input -> hidden, plastic, weight = spread*randn()``. ``plastic`` (the weight is the initial
        one) or ``fixed``; ``delay`` in steps (1 unless it is said); synapses between all, with a ``probability``, ``where`` a
        condition on ``i`` and ``j`` holds, or of a list, ``pairs = NAME``; ``into`` names the variable to which a spike adds
        the weight (``current`` unless it is said), which may be a shared one: a pool. Weights may draw ``rand()`` and
        ``randn()`` and depend on ``i``, ``j``, ``n_pre`` and ``n_post``. Of plastic ones ``least = 0``: none falls below it;
        ``total = 78.4``: after each presentation those into a neuron are scaled to this sum. The initial weights, too.
    answer : str
        ``count(LAYER)``: most spikes; ``first(LAYER)``: first spike; ``mean(LAYER.VARIABLE)``: largest mean;
        ``assigned(LAYER, PRESENTATIONS)``: most spikes of the neurons of a class, on average, each being given the one to
        which it responds most when the last PRESENTATIONS of each class that were trained are shown again, without learning.
    signal : str
        Where gradients come from in Brian2: a signal, by name or file, whose parameters the network's of that name replace.
    pairs : dict of str to list of (int, int)
    parameters : dict of str to Parameter
        In any of Brian2's usual units; `COMMON` are there always.

    Raises
    ------
    NetworkError
    """

    name: str
    description: str = ""
    reference: str = ""
    neurons: dict = field(default_factory=dict)
    layers: str = ""
    projections: str = ""
    answer: str = ""
    signal: str = "error_feedback"
    pairs: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    structure: network_checking.Structure = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self):
        problems = self._form_problems()
        if problems:
            raise NetworkError(str(self.name), problems)
        object.__setattr__(self, "parameters", COMMON | self.parameters)
        problems = [
            (f"parameters.{n}", 0, f"{n} {p.problem(p.value)}") for n, p in self.parameters.items() if p.problem(p.value)
        ]
        structure, found = network_checking.analyse(
            self.neurons, self.layers, self.projections, self.answer, self.pairs, self.parameters
        )
        problems += found
        object.__setattr__(self, "structure", structure)
        if not problems:
            problems = self.value_problems({n: p.value for n, p in self.parameters.items()})
        if problems:
            raise NetworkError(self.name, problems)

    def _form_problems(self):
        """Fields that are not of their kind, which would make the checks of their contents meaningless."""
        texts = ("name", "description", "reference", "layers", "projections", "answer", "signal")
        problems = [
            (f, 0, f"{f} must be a text, not {getattr(self, f)!r}") for f in texts if not isinstance(getattr(self, f), str)
        ]
        if isinstance(self.name, str) and not self.name.isidentifier():
            problems.append(("name", 0, f"the name {self.name!r} must be a word of letters, digits and underscores"))
        for group, kind, like in (
            ("neurons", Neurons, 'Neurons("dv/dt = -v/tau : 1", "v > 1", "v = 0")'),
            ("pairs", (list, tuple), "[(0, 1), (0, 2)]"),
            ("parameters", Parameter, 'Parameter(20.0, "ms")'),
        ):
            found = getattr(self, group)
            if not isinstance(found, dict):
                problems.append((group, 0, f"{group} must be a dict, not {found!r}"))
                continue
            problems += [
                (f"{group}.{key}", 0, f"{key!r}: write {like}, not {value!r}")
                for key, value in found.items()
                if not isinstance(value, kind) or not isinstance(key, str)
            ]
        if problems:
            return problems
        for name, made in self.neurons.items():
            problems += [
                (f"neurons.{name}", 0, f"{part} of {name!r} must be a text")
                for part in ("equations", "threshold", "reset")
                if not isinstance(getattr(made, part), str)
            ]
        problems += [
            (f"parameters.{n}", 0, f"{n}: unit must be one of {', '.join(UNITS)}, not {p.unit!r}")
            for n, p in self.parameters.items()
            if p.unit not in UNITS
        ]
        return problems

    def _setting_problem(self, key, value):
        if key not in self.parameters:
            return suggest(f"parameter of network {self.name!r}", key, self.parameters)
        problem = self.parameters[key].problem(value)
        return problem and f"{key} {problem}"

    def value_problems(self, constants):
        """What is wrong with these values of the parameters, though each is within its limits.

        Parameters
        ----------
        constants : dict of str to float
            By name, each in its unit.

        Returns
        -------
        list of (str, int, str)
            Field, line, message.
        """
        return network_values.problems(self, constants)

    def si(self, constants):
        """Values of the parameters in SI units, from values in their own."""
        return {n: float(v) * float(UNITS[self.parameters[n].unit]) for n, v in constants.items()}

    @staticmethod
    def value(expression, space):
        """Value of an expression of names in ``space``, in SI units."""
        return equations.compile_expression(expression)(space)

    def constants(self, overrides=None, found=None):
        """Values of all parameters, each in its unit: defaults, then those that a search found, then overrides.

        Parameters
        ----------
        overrides, found : dict of str to float or None

        Returns
        -------
        dict of str to float

        Raises
        ------
        UserError
            For an override that names no parameter, or values that make no sense.
        """
        problems = [text for key, value in (overrides or {}).items() if (text := self._setting_problem(key, value))]
        values = {n: float(p.value) for n, p in self.parameters.items()}
        for layer in (found or {}, overrides or {}):
            values |= {key: float(value) for key, value in layer.items()} if not problems else {}
        problems = problems or [text for *_, text in self.value_problems(values)]
        if problems:
            raise UserError("\n".join(f"network {self.name!r}: {problem}" for problem in problems))
        return values

    def sizes(self, n_input, n_hidden, n_classes):
        """Numbers of neurons, by layer."""
        given = {"n_input": n_input, "n_hidden": n_hidden, "n_classes": n_classes}
        return {name: int(given.get(layer.size, layer.size)) for name, layer in self.structure.layers.items()}

    @property
    def input(self):
        """Name of the input layer."""
        return next(name for name, layer in self.structure.layers.items() if layer.is_input)

    def _ends(self, projection, sizes):
        """Sources and targets of a projection; a shared variable is one target."""
        kind = self.structure.kinds[self.structure.layers[projection.target].kind]
        pooled = projection.into in kind.dynamics.shared
        return sizes[projection.source], 1 if pooled else sizes[projection.target]

    def connections(self, sizes, constants, rng):
        """Which pairs of neurons have a synapse.

        Parameters
        ----------
        sizes : dict of str to int
            From `sizes`.
        constants : dict of str to float
            From `constants`.
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to tuple of ndarray or None
            By projection: sources and targets, (n,) each, by source and then target; None where all pairs have one.

        Raises
        ------
        UserError
            For a list that names neurons which are not there, or a condition that no pair fulfils.
        """
        si, out = self.si(constants), {}
        for name, p in self.structure.projections.items():
            n_pre, n_post = self._ends(p, sizes)
            out[name] = None
            if not p.sparse:
                continue
            there = np.ones((n_pre, n_post), bool)
            if p.pairs:
                listed = np.array(self.pairs[p.pairs])
                if (listed >= (n_pre, n_post)).any():
                    raise UserError(
                        f"network {self.name!r}: pairs {p.pairs!r} name neurons beyond {n_pre} sources, {n_post} targets"
                    )
                there[:] = False
                there[listed[:, 0], listed[:, 1]] = True
            if p.where:
                places = {"i": np.arange(n_pre)[:, None], "j": np.arange(n_post)[None], "n_pre": n_pre, "n_post": n_post}
                there &= np.broadcast_to(self.value(p.where, si | places), there.shape)
            if p.probability:
                there &= rng.random(there.shape) < self.value(p.probability, si | {"n_pre": n_pre, "n_post": n_post})
            if not there.any():
                raise UserError(
                    f"network {self.name!r}: the projection {name!r} has no synapse between {n_pre} and {n_post} neurons"
                )
            out[name] = tuple(there.nonzero())
        return out

    def weights(self, sizes, constants, connections, rng):
        """Initial or fixed weights, drawn from a seed.

        Returns
        -------
        dict of str to ndarray
            By projection, (n_pre, n_post), (n,) of one that is sparse, or (n_pre, 1) of one into a shared variable; in the
            unit of the variable that they reach (SI).
        """
        si, out = self.si(constants), {}
        for name, p in self.structure.projections.items():
            ends, pairs = self._ends(p, sizes), connections[name]
            drawn = self._draw(p, si, ends, pairs, rng)
            out[name] = self.limits(name, sizes, constants).of(drawn, None if pairs is None else pairs[1], ends[1])
        return out

    def limits(self, projection, sizes, constants):
        """The `Limits` of a projection's weights."""
        p, si = self.structure.projections[projection], self.si(constants)
        space = si | dict(zip(("n_pre", "n_post"), self._ends(p, sizes), strict=True))
        return limits.Limits(*(float(self.value(text, space)) if text else None for text in (p.least, p.total)))

    def _draw(self, p, si, ends, pairs, rng):
        i, j = pairs if pairs is not None else (np.arange(ends[0])[:, None], np.arange(ends[1])[None])
        shape = np.broadcast_shapes(i.shape, j.shape)
        space = {"i": i, "j": j, "n_pre": ends[0], "n_post": ends[1]}
        space |= {"rand": lambda: rng.random(shape), "randn": lambda: rng.standard_normal(shape)}
        return np.array(np.broadcast_to(self.value(p.weight, si | space), shape), float)

    def delays(self, sizes, constants):
        """Delays in steps, by projection."""
        si = self.si(constants)
        return {
            name: int(self.value(p.delay, si | dict(zip(("n_pre", "n_post"), self._ends(p, sizes), strict=True))))
            for name, p in self.structure.projections.items()
        }

    def stacked(self, n_hidden):
        """The same network with several hidden layers in place of one, as text.

        Parameters
        ----------
        n_hidden : sequence of int
            Neurons of each, from the input on. Further ones are named ``hidden2``, ``hidden3``, ..., as are the projections to
            them, written as the first, with ``hidden2_x`` for ``hidden_x`` if there is one; those to itself are there for each.

        Raises
        ------
        UserError
            If not exactly one layer has the size ``n_hidden``.
        """
        from spikemeta.language import stacking

        layers, projections = stacking.stacked(self, tuple(n_hidden))
        return replace(self, layers=layers, projections=projections)
