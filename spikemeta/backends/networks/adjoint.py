"""The adjoint of a network's text: what each arrival at a neuron was worth, followed backwards through a presentation.

Forwards, a step of a layer is ``y = P x + drift``; it fires where ``distance = slope y + offset > 0``; what arrives is
added; who fired is reset, ``x = R y + jump``. Backwards, with ``m = dL/dy`` of the step after: ``dL/dx = P' m``; before the
reset it is ``R' dL/dx`` where the neuron fired, and this, of the variable that a projection reaches, is the value of an
arrival; the spike's own sensitivity ``s`` is that of all its arrivals elsewhere, and of what the reset adds; ``dL/dy`` is the
value before the reset, and ``slope' derivative s``. Resets that set a variable pass nothing on to the spike.
"""

from dataclasses import dataclass

import numpy as np

from spikemeta.errors import UserError
from spikemeta.language import equations


@dataclass(frozen=True)
class Way:
    """A projection, or fixed factors, by which sensitivity reaches the layer that its spikes come from.

    Attributes
    ----------
    name : str
        Of the projection; of random factors, the layer to which they carry.
    target : str
        The layer at which it ends.
    variable : int
        Of the target, which it reaches.
    late : int
        Steps from a spike to its arrival.
    factor : float
        By which weights are multiplied.
    random : bool
        Whether these are the signal's fixed factors, (n_answers, n), and not the projection's weights.
    """

    name: str
    target: str
    variable: int
    late: int
    factor: float = 1.0
    random: bool = False


@dataclass(frozen=True)
class Back:
    """A layer as the sweep needs it.

    Attributes
    ----------
    variables : tuple of int
        Those whose sensitivity matters.
    wanted : tuple of int
        Those that some projection reaches whose arrivals must be valued.
    columns : dict of int to tuple of (int, float)
        By variable j, the (i, P[i, j]) by which it acts on others one step later.
    forgets : dict of int to tuple of (int, float)
        By variable that a reset sets: of which variables before it the new value is made.
    jumps : tuple of (int, float)
        What a reset adds to variables, where that passes sensitivity on to the spike.
    ways : tuple of Way
        From this layer on.
    """

    variables: tuple
    wanted: tuple
    columns: dict
    forgets: dict
    jumps: tuple
    ways: tuple


class Adjoint:
    """The sweep of one network and signal.

    Parameters
    ----------
    lesson : Lesson
        Whose signal has a ``derivative``.

    Attributes
    ----------
    order : list of list of str
        Layers in the order of the sweep; those that act on each other stand together.
    backs : dict of str to Back
    plastic : dict of str to Way
        By projection that learns, whose gradient is the value of its arrivals.
    gain : float
        What a spike of the answer's neuron adds to its evidence.

    Raises
    ------
    UserError
        For an answer that is not the number of spikes; for resets that are not linear.
    """

    def __init__(self, lesson):
        self.lesson, self.plan, signal = lesson, lesson.plan, lesson.signal
        how, self.answer, _ = self.plan.network.structure.answer
        if how != "count":
            raise UserError(
                f"network {self.plan.network.name!r}, signal {signal.name!r}: the answer must be a number of spikes, "
                f"count({self.answer}), not {how}(...)"
            )
        self.si = {name: self.plan.network.si(self.plan.constants) | lesson.si(name) for name in self.plan.layers}
        self.gain = float(self.plan.network.value(signal.evidence.strip(), self.si[self.answer] | {"count": 1.0}))
        self.whole = signal.through == "network"
        self.plastic = {name: self._way(name) for name in self.plan.plastic}
        reached = self._reached()
        bent = [f"{n}.{self.plan.layers[n].variables[k]}" for n in reached for k, _ in self.plan.layers[n].bent]
        if bent:
            raise UserError(
                f"network {self.plan.network.name!r}, signal {signal.name!r}: what a spike makes of {', '.join(bent)} is not "
                "linear, and its gradient is not known; let it be linear, or choose another signal"
            )
        ways = {name: self._ways(name, reached) for name in reached}
        self.order = [[n for n in group if n in reached] for group in reversed(self.plan.components())]
        self.order = [group for group in self.order if group]
        if not self.whole:  # the answer first, then neurons that feel nothing of each other
            rest = [[name] for group in self.order for name in group if name != self.answer]
            self.order = [[self.answer], *rest]
        self.backs = {name: self._back(name, ways) for name in reached}

    def _way(self, name, factor=1.0):
        return Way(name, self.plan.projections[name].target, self.plan.variable(name), self.lesson.late(name), factor)

    def _acts(self, name):
        return self.plan.projections[name].plastic or np.any(self.plan.weights[name])

    def _reached(self):
        """Layers that sensitivity reaches, in the plan's order."""
        if not self.whole:
            return [n for n in self.plan.layers if n in {self.answer, *self.lesson.tied, *self.lesson.random}]
        found = {self.answer}
        while True:
            more = {p.source for n, p in self.plan.projections.items() if p.target in found and self._acts(n)} & set(
                self.plan.layers
            )
            if more <= found:
                return [n for n in self.plan.layers if n in found]
            found |= more

    def _ways(self, layer, reached):
        """By what a layer's spikes are worth something."""
        if self.whole:
            acting = [
                n for n, p in self.plan.projections.items() if p.source == layer and p.target in reached and self._acts(n)
            ]
            return tuple(map(self._way, acting))
        if layer == self.answer:
            return ()
        if layer in self.lesson.random:
            into = [p for p in self.plan.into(self.answer) if self.plan.projections[p].plastic]
            return (Way(layer, self.answer, self.plan.variable(into[0]), 0, random=True),) if into else ()
        value = lambda name: self.plan.network.value(self.lesson.signal.tied.strip(), self.si[layer] | {"weight": name})  # noqa: E731
        return tuple(self._way(name, float(value(1.0))) for name in self.lesson.tied[layer])

    def _back(self, layer, ways):
        step, every = self.plan.layers[layer], [w for found in ways.values() for w in found] + list(self.plastic.values())
        wanted = sorted({w.variable for w in every if w.target == layer})
        size = len(step.variables)
        added = [k for k in range(size) if step.jump[k] and (step.reset[k] == np.eye(size)[k]).all()]
        if not self.whole:  # published: what a spike takes from the potential is no part of the trace
            felt = set(wanted)
            while more := {i for j in felt for i in range(size) if step.propagator[i, j]} - felt:
                felt |= more
            added = [k for k in added if k not in felt]
        forgets = {
            k: tuple((j, float(c)) for j, c in enumerate(step.reset[k]) if c)
            for k in range(size)
            if not (step.reset[k] == np.eye(size)[k]).all()
        }
        needed = {*wanted, *added}  # and those on which these act: in a step, or at a reset
        follows = lambda j: {i for i in range(size) if step.propagator[i, j]} | {k for k in forgets if j in dict(forgets[k])}  # noqa: E731
        while more := {i for j in needed for i in follows(j)} - needed:
            needed |= more
        kept = tuple(k for k in range(size) if k in needed)
        forgets = {k: tuple((j, c) for j, c in made_of if j in needed) for k, made_of in forgets.items() if k in needed}
        columns = {j: tuple((i, float(step.propagator[i, j])) for i in kept if step.propagator[i, j]) for j in kept}
        jumps = tuple((k, float(step.jump[k])) for k in added)
        return Back(kept, tuple(wanted), columns, forgets, jumps, ways[layer])

    def slope(self, layer):
        """The constant ``slope`` of a layer."""
        text = self.plan.network.structure.layers[layer].slope
        return float(self.plan.network.value(text, self.si[layer])) if text else 5.0

    def derivative(self, layer, seen):
        """What stands for the derivative of spikes: (steps, n), from a layer's variables (steps, k, n) at the threshold."""
        step = self.plan.layers[layer]
        space = self.si[layer] | {"distance": np.tensordot(seen, step.slope, (1, 0)) + step.offset, "slope": self.slope(layer)}
        return np.broadcast_to(equations.compile_expression(self.lesson.signal.derivative.strip())(space), seen[:, 0].shape)

    def __call__(self, fired, derivatives, weights, label):
        """Gradients of one presentation.

        Parameters
        ----------
        fired : dict of str to ndarray of bool, (steps, n)
            By layer, the input included.
        derivatives : dict of str to ndarray, (steps, n)
            By layer, as from `derivative`.
        weights : dict of str to ndarray
            Transmitted weights by projection, as in the plan.
        label : int
            The right answer; with -1 there is nothing to learn.

        Returns
        -------
        dict of str to ndarray
            By plastic projection, in the shape of its weights; 1.
        """
        if label < 0:
            return {name: np.zeros(np.shape(weights[name])) for name in self.plastic}
        evidence = self.gain * fired[self.answer].sum(0)
        chance = np.exp(evidence - evidence.max())
        chance /= chance.sum()
        error = self.gain * (chance - (np.arange(len(chance)) == label))
        matrices = {w.name: self._matrix(w, weights) for back in self.backs.values() for w in back.ways}
        values = {}
        for group in self.order:
            self._sweep(group, fired, derivatives, matrices, error, values)
        return {name: self._gathered(name, way, fired, values, np.shape(weights[name])) for name, way in self.plastic.items()}

    def _matrix(self, way, weights):
        """What a spike is worth by the values of its arrivals: (n_pre, n_post)."""
        if way.random:
            return self.lesson.random[way.name].T
        return way.factor * self.plan.dense(way.name, weights.get(way.name, self.plan.weights[way.name]))

    def _sweep(self, group, fired, derivatives, matrices, error, values):
        """Values of arrivals, by (layer, variable): (steps, n), or (steps, 1) of a shared one; added to ``values``."""
        steps = len(derivatives[group[0]])
        after = {name: {k: np.zeros(self.plan.sizes[name]) for k in self.backs[name].variables} for name in group}
        for name in group:
            for k in self.backs[name].wanted:
                values[name, k] = np.zeros((steps, 1 if self.plan.layers[name].shared[k] else self.plan.sizes[name]))
        for now in range(steps - 1, -1, -1):
            before = {}
            for name in group:
                back, there = self.backs[name], fired[name][now]
                before[name] = dict(after[name])
                for k, made_of in back.forgets.items() if now < steps - 1 else ():
                    before[name][k] = np.where(there, 0.0, before[name][k])
                    for j, c in made_of:
                        before[name][j] = before[name][j] + c * np.where(there, after[name][k], 0.0)
                for k in back.wanted:
                    shared = self.plan.layers[name].shared[k]
                    values[name, k][now] = before[name][k].sum() if shared else before[name][k]
            for name in group:
                back, step = self.backs[name], self.plan.layers[name]
                worth = np.array(np.broadcast_to(error if name == self.answer else 0.0, self.plan.sizes[name]))
                for way in back.ways:
                    if now + way.late < steps - 1:
                        worth += matrices[way.name] @ values[way.target, way.variable][now + way.late]
                for k, jump in back.jumps:
                    worth += jump * after[name][k]
                own = derivatives[name][now] * worth
                felt = {k: before[name][k] + step.slope[k] * own for k in back.variables}
                after[name] = {j: sum(c * felt[i] for i, c in column) for j, column in back.columns.items()}

    def _gathered(self, name, way, fired, values, shape):
        """A projection's gradient: for each spike of the source, the value of its arrival at the target."""
        p, pairs = self.plan.projections[name], self.plan.connections[name]
        if (way.target, way.variable) not in values:
            return np.zeros(shape)
        value = values[way.target, way.variable][way.late :]
        sent = fired[p.source][: len(value)].astype(float)
        summed = sent.T @ value
        return summed if pairs is None else summed[pairs]
