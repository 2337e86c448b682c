"""The float64 NumPy reference of a learning network: traces, local gradients and the rule, spike by spike."""

import copy

import numpy as np

from spikemeta.backends.networks import adjoint, reference
from spikemeta.backends.networks import lesson as lessons
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import equations


def learn(
    plan, shown, signal, rules, parameters=None, lesson=None, labels=None, noise=None, dice=None, kept=None, started=None
):
    """Show presentations one after another, each from rest; the rule runs once per presentation on the summed gradient.

    As in the networks, a synapse is committed when its source first fires in a later presentation, and what its rule draws is
    drawn then; where weights have limits, gradients read them or come from the history, all are as a presentation begins.

    Parameters
    ----------
    plan : Plan
    shown : iterable of ndarray, (steps, n_input), 0 or 1
    signal : Signal
    rules : dict of str to Rule
        By plastic projection.
    parameters : dict of str to dict or None
        Of the rules, by projection.
    lesson : Lesson or None
        The signal in this network; None for its own constants and tied feedback.
    labels : sequence of int or None
        Right answers, for signals with teaching events.
    noise, dice : callable or None
        ``noise(projection, rows, age)`` gives what ``randn()`` and ``rand()`` of ``on_presentation`` draw, (len(rows), n_post).
    kept : dict of str to ndarray, (k, n), or None
        By layer, what neurons keep, as for `reference.run`; changed in place. None: kept variables begin at 0.

    started : dict of str to dict, or None
        By projection, first values of its rule's state, (n,), in place of those that ``initial`` gives.

    Returns
    -------
    dict of str to ReferenceSynapses
        By projection, committed; those of a sparse one are a column, (n, 1).
    """
    lesson = lesson or lessons.make(plan, signal)
    clock = {"age": 0}
    drawn = lambda draw, name: draw and (lambda rows: draw(name, rows, clock["age"]))  # noqa: E731
    synapses = {
        name: ReferenceSynapses(
            *(rule, _column(plan.weights[name]), (parameters or {}).get(name)), noise=drawn(noise, name), dice=drawn(dice, name)
        )
        for name, rule in rules.items()
    }
    for name, values in (started or {}).items():
        synapses[name].state |= {s: np.reshape(value, synapses[name].shape).astype(float) for s, value in values.items()}
    backwards = adjoint.Adjoint(lesson) if signal.historical else None
    sent = {name: np.reshape(made.weight(), plan.weights[name].shape).copy() for name, made in synapses.items()}
    kept = (
        {n: np.zeros((len(s.variables), plan.sizes[n])) for n, s in plan.layers.items() if any(s.kept)}
        if kept is None
        else kept
    )
    at_once = {name for name in synapses if signal.historical or signal.reads("weight") or plan.limits(name)}
    for age, spikes in enumerate(shown):
        clock["age"] = age
        _commit(plan, {name: synapses[name] for name in at_once}, age)
        now = {name: (made if name in at_once else _touched(made, age)).weight() for name, made in synapses.items()}
        weights = {name: np.reshape(w, plan.weights[name].shape) for name, w in now.items()}
        label = labels[age] if labels is not None else -1
        if backwards:
            _from_history(backwards, spikes, weights, synapses, label, kept)
        else:
            _Presentation(lesson, spikes, weights, sent, synapses, label, kept, age).run()
    clock["age"] = len(shown)
    _commit(plan, synapses, len(shown))
    return synapses


def _touched(made, age):
    """Synapses as they would be if every source fired now."""
    made = copy.deepcopy(made)
    made.flush(age)
    return made


def _commit(plan, synapses, age):
    """Every synapse takes its rule's step, and weights are brought within the limits of their projection."""
    for name, made in synapses.items():
        made.flush(age)
        pairs, n_post = plan.connections[name], plan.sizes[plan.projections[name].target]
        plan.limits(name).bring(made.rule, made.state, made.parameters, None if pairs is None else pairs[1], n_post)


def _from_history(backwards, spikes, weights, synapses, label, kept):
    """Add the gradients of a presentation from what all neurons did in it."""
    fired, seen = reference.run(backwards.plan, spikes, weights, kept)
    derivatives = {name: backwards.derivative(name, seen[name]) for name in backwards.plan.layers}
    found = backwards(fired, derivatives, weights, label)
    for name, made in synapses.items():
        made.gradient += found[name].reshape(made.gradient.shape)


def _column(weights):
    return weights if weights.ndim == 2 else weights[:, None]


class _Presentation:
    """One presentation: what neurons did, and the traces that follow it step by step."""

    def __init__(self, lesson, spikes, weights, sent, synapses, label, kept, number):
        self.number = number
        self.lesson, self.weights, self.sent, self.synapses, self.plan = lesson, weights, sent, synapses, lesson.plan
        self.fired, self.seen = reference.run(self.plan, spikes, weights, kept)
        for name, made in synapses.items():
            p, pairs = self.plan.projections[name], self.plan.connections[name]
            spoke = self.fired[p.source].any(0)
            made.touch((spoke if pairs is None else spoke[pairs[0]]).nonzero()[0], number)
        self.dt = self.plan.network.si(self.plan.constants)["step"]
        self.si = {name: lesson.si(name) for name in self.plan.sizes}
        self.moves = {name: lesson.signal.moves.at(si, self.dt) for name, si in self.si.items()}
        self.x = {name: np.zeros((len(self.moves[name].variables), n)) for name, n in self.plan.sizes.items()}
        self.add = {
            block: [(s.target, -1 if s.op == "-=" else 1, equations.compile_expression(s.expression)) for s in found]
            for block, found in lesson.signal.additions.items()
        }
        n = self.plan.sizes[lesson.answer]
        self.phase, self.rate = np.zeros(n), np.zeros(n)
        if lesson.taught:
            right = {"right": (np.arange(n) == label).astype(float)}
            self.rate[:] = self.plan.network.value(lesson.signal.teach_rate.strip(), self.si[lesson.answer] | right)

    def run(self):
        steps = len(self.fired[self.lesson.answer])
        for now in range(steps):
            for name, step in self.moves.items():
                self.x[name] = step.propagator @ self.x[name] + step.drift[:, None]
            self.phase += self.rate * self.dt
            taught = self.phase >= 1
            for name in self.synapses:
                self.gather(name, now)
                p, pairs = self.plan.projections[name], self.plan.connections[name]
                spoke = self.fired[p.source][now] if pairs is None else self.fired[p.source][now][pairs[0]]
                self.sent[name][spoke] = self.weights[name][spoke]  # back goes the weight that was last transmitted
            for block, there in (("on_answer", self.fired[self.lesson.answer][now]), ("on_teach", taught)):
                self.carry(block, there)
            for name, step in self.moves.items():
                there = self.fired[name][now]
                self.x[name][:, there] = step.after(self.x[name][:, there])
            self.phase[taught] -= 1

    def carry(self, block, there):
        """What events of the answer do to its own traces, and to those of other layers."""
        lesson, si = self.lesson, self.si[self.lesson.answer]
        for trace, sign, value in self.add[block]:
            k, amount = self.moves[lesson.answer].variables.index(trace), sign * float(value(si))
            self.x[lesson.answer][k, there] += amount
            if trace != lesson.signal.carried.strip():
                continue
            for layer, projections in lesson.tied.items():
                for p in projections:
                    factor = lesson.plan.network.value(lesson.signal.tied.strip(), si | {"weight": self.sent[p]})
                    matrix = self.plan.dense(p, np.broadcast_to(factor, self.weights[p].shape))
                    self.x[layer][k] += amount * matrix @ there
            for layer, matrix in lesson.random.items():
                self.x[layer][k] += amount * there @ matrix

    def ends(self, layer, now, end, pick):
        """What a synapse sees of the neurons at one of its ends."""
        out = {f"{n}_{end}": pick(v) for n, v in zip(self.moves[layer].variables, self.x[layer], strict=True)}
        if layer in self.plan.layers:
            step = self.plan.layers[layer]
            out[f"distance_{end}"] = pick(step.slope @ self.seen[layer][now] + step.offset)
        return out

    def elapsed_by_clock(self, now):
        """Time since the presentation began, of a step, rounded as Brian2 rounds it in runtime mode."""
        steps = len(self.fired[self.lesson.answer])
        return (self.number * steps + now) * self.dt - self.number * (steps * self.dt)

    def gather(self, name, now):
        """Add what the spikes of one step bring to a projection's gradient."""
        p, pairs, made = self.plan.projections[name], self.plan.connections[name], self.synapses[name]
        late = self.lesson.late(name)
        n_pre, n_post = self.plan.sizes[p.source], self.plan.sizes[p.target]
        i, j = pairs if pairs is not None else (np.repeat(np.arange(n_pre), n_post), np.tile(np.arange(n_post), n_pre))
        came = self.fired[p.source][now - late][i] if now >= late else np.zeros(len(i), bool)
        for block, there in (("on_pre", came), ("on_post", self.fired[p.target][now][j])):
            space = self.si[p.target] | {"elapsed": now * self.dt, "elapsed_by_clock": self.elapsed_by_clock(now)}
            space |= self.ends(p.source, now, "pre", lambda v, at=i[there]: v[at])
            space |= self.ends(p.target, now, "post", lambda v, at=j[there]: v[at])
            space |= {"weight": np.reshape(self.weights[name], -1)[there]}
            flat = made.gradient.reshape(-1)
            for _, sign, value in self.add[block]:
                flat[there] += sign * value(space)
