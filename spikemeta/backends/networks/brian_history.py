"""Gradients from the history of a presentation in Brian2: compiled code in standalone mode, NumPy in runtime mode."""

import brian2
import numpy as np
from brian2.groups.group import CodeRunner

from spikemeta.backends import histories, paths
from spikemeta.backends.histories import History

#: Array of a layer that keeps the values of arrivals at a variable, step by step, for projections that make rows of them.
VALUES = "arrivals_{}"


def recorder(sweep, groups, projections, fixed, clock, dtype):
    """What keeps the steps of a presentation, and in its last one gives every plastic synapse its gradient.

    Parameters
    ----------
    sweep : spikemeta.backends.networks.adjoint.Adjoint
    groups : dict of str to brian2.NeuronGroup
        By layer: with ``spike_derivative`` where the sweep passes, and ``right_answer`` where it begins.
    projections : dict of str to brian2.Synapses
        The plastic ones.
    fixed : dict of str to (brian2.Synapses, str)
        Other synapses, and random factors as ``feedback LAYER``, with the variable that holds them.
    clock : brian2.Clock
    dtype : str
        Of the synapses' state and the neurons' variables.

    Returns
    -------
    brian2 object
        To be part of the network.
    """
    if not paths.standalone():
        operation = _Operation(sweep, groups, projections, fixed)
        return brian2.NetworkOperation(operation, clock=clock, when="end", name="history")
    answer = groups[sweep.answer]
    numbers = _Numbers(sweep, groups, projections, fixed, clock, np.dtype(dtype)).all()
    return CodeRunner(
        answer, "history", clock=clock, when="end", name="history", template_kwds={"sweep": numbers},
        codeobj_class=paths.DenseCodeObject,
    )  # fmt: skip


def of_projection(lesson, sweep, name):
    """From what a plastic projection's rows get their gradients in compiled code.

    Parameters
    ----------
    lesson : Lesson
    sweep : spikemeta.backends.networks.adjoint.Adjoint or None
        Of a signal from the history.
    name : str

    Returns
    -------
    History or None
        None where each synapse keeps a sum of its own: in sparse projections, those into a variable that all neurons of a layer
        share, and with events under way for longer than a step, unless the whole presentation is gone through backwards.
    """
    plan, late = lesson.plan, lesson.late(name)
    p, variable = plan.projections[name], plan.variable(name)
    if plan.connections[name] is not None or plan.layers[p.target].shared[variable] or not lesson.signal.of_targets:
        return None
    if not sweep:
        alone = name not in lesson.tied.get(p.source, ())
        return None if late else History(plan.steps, "signal", "signals", alone=alone)
    if p.target not in sweep.backs or variable not in sweep.backs[p.target].wanted:
        return None
    read = {way.name for back in sweep.backs.values() for way in back.ways}
    return History(plan.steps, "", VALUES.format(variable), late, plan.steps - 1, name not in read)


class _Operation:
    """The recorder of runtime mode; arguments as of `recorder`."""

    def __init__(self, sweep, groups, projections, fixed):
        self.sweep, self.groups, self.projections, self.fixed = sweep, groups, projections, fixed
        self.steps, self.fired, self.derivatives, self.presentation = sweep.plan.steps, {}, {}, None

    def __call__(self):
        group = self.groups[self.sweep.answer]
        get = lambda owner, name: owner.variables[name].get_value()  # noqa: E731
        if not get(group, "teaching").item() > 0:
            return
        shown, began = int(get(group, "presentation_index").item()), self.presentation
        now = int(get(group, "t_in_timesteps").item()) - shown * self.steps
        if now >= self.steps:  # by a rounding of Brian2's clocks, the first step of a presentation belongs to that before it
            return
        if shown != began or now == 0:
            self.presentation, sizes = shown, self.sweep.plan.sizes
            self.fired = {name: np.zeros((self.steps, n), bool) for name, n in sizes.items()}
            self.derivatives = {name: np.zeros((self.steps, sizes[name])) for name in self.sweep.backs}
        for name, made in self.groups.items():
            events = get(made, "_spikespace")
            self.fired[name][now, events[: events[-1]]] = True
            if name in self.derivatives:
                self.derivatives[name][now] = get(made, "spike_derivative")
        if now == self.steps - 1:
            self.learn(get)

    def learn(self, get):
        right = get(self.groups[self.sweep.answer], "right_answer")
        shapes = {name: w.shape for name, w in self.sweep.plan.weights.items()}
        weights = {name: get(made, "transmitted") for name, made in self.projections.items()}
        weights |= {name: get(made, v) for name, (made, v) in self.fixed.items() if name in shapes}
        weights = {name: np.reshape(w, shapes[name]) for name, w in weights.items()}
        for layer in self.sweep.lesson.random:
            made, variable = self.fixed[f"feedback {layer}"]
            self.sweep.lesson.random[layer] = get(made, variable).reshape(self.sweep.lesson.random[layer].shape)
        label = int(np.argmax(right)) if right.any() else -1
        for name, found in self.sweep(self.fired, self.derivatives, weights, label).items():
            if name in self.projections:
                gradient, rows = self.projections[name].variables["gradient"], self.silent(name)
                gradient.set_value(np.where(rows, gradient.get_value(), found.ravel()))

    def silent(self, name):
        """Synapses whose source did not fire, and that may hold what an earlier presentation left."""
        p, pairs = self.sweep.plan.projections[name], self.sweep.plan.connections[name]
        spoke = self.fired[p.source].any(0)
        return ~(np.repeat(spoke, self.sweep.plan.weights[name].shape[1]) if pairs is None else spoke[pairs[0]])


class _Numbers:
    """Names of arrays, sizes and numbers for the template ``history.cpp``; arguments as of `recorder`."""

    def __init__(self, sweep, groups, projections, fixed, clock, dtype):
        self.sweep, self.groups, self.projections, self.fixed = sweep, groups, projections, fixed
        self.clock, self.real, self.plan = clock, "float" if dtype == np.float32 else "double", sweep.plan

    def all(self):
        answer, layers = self.groups[self.sweep.answer], {n: self.layer(n) for group in self.sweep.order for n in group}
        sources = dict.fromkeys(self.plan.projections[name].source for name in self.projections)
        return {
            "real": self.real,
            "steps": self.plan.steps,
            "teaching": _array(answer, "teaching"),
            "index": _array(answer, "presentation_index"),
            "timestep": _array(self.clock, "timestep"),
            "sources": [found for found in map(self.source, sources) if found["plastic"]],
            "layers": list(layers.values()),
            "groups": [[layers[name] for name in group] for group in self.sweep.order],
            "answer": {
                "name": self.sweep.answer,
                "n": self.plan.sizes[self.sweep.answer],
                "gain": repr(self.sweep.gain),
                "right": _array(answer, "right_answer"),
            },
        }

    def number(self, value):
        """A number of the type of the sums, so that none of them is made in another."""
        return f"_real({float(value)!r})"

    def pairs_of(self, made, projection):
        if self.plan.connections[projection] is None:
            return None
        return [_array(made, "_synaptic_pre"), _array(made, "_synaptic_post")]

    def width(self, layer, variable):
        return 1 if self.plan.layers[layer].shared[variable] else self.plan.sizes[layer]

    def kept(self, layer, variable):
        """The layer's own array for values of arrivals; None where nothing outside the sweep reads them."""
        name = VALUES.format(variable)
        return _array(self.groups[layer], name) if name in self.groups[layer].variables else None

    def source(self, name):
        plastic = []
        for projection, made in self.projections.items():
            way = self.sweep.plastic[projection]
            reached = way.target in self.sweep.backs and way.variable in self.sweep.backs[way.target].wanted
            summed = "absorbed" not in made.variables
            if self.plan.projections[projection].source == name and reached and summed:
                plastic.append(self.end(way) | {"gradient": _array(made, "gradient"), "pairs": self.pairs_of(made, projection)})
        n = self.plan.sizes[name]
        return {"name": name, "n": n, "events": _array(self.groups[name], "_spikespace"), "plastic": plastic}

    def end(self, way):
        n_post = self.width(way.target, way.variable)
        shared = self.plan.layers[way.target].shared[way.variable]
        return {"target": way.target, "variable": way.variable, "late": way.late, "n_post": n_post, "shared": shared}

    def way(self, layer, way):
        if way.random:
            made, variable = self.fixed[f"feedback {layer}"]
        else:
            made, variable = self.fixed.get(way.name) or (self.projections[way.name], "transmitted")
            variable = histories.variable_of(made, variable)
        n_post = self.width(way.target, way.variable)
        passes = -(-n_post // 8)
        return self.end(way) | {
            "name": f"{layer}_{way.name}",
            "random": way.random,
            "factor": self.number(way.factor),
            "weights": _array(made, variable),
            "pairs": None if way.random else self.pairs_of(made, way.name),
            "block": -(-n_post // passes),
        }

    def layer(self, name):
        back, step, number = self.sweep.backs[name], self.plan.layers[name], self.number
        return {
            "name": name,
            "n": self.plan.sizes[name],
            "derivative": _array(self.groups[name], "spike_derivative"),
            "events": _array(self.groups[name], "_spikespace"),
            "variables": back.variables,
            "shared": [k for k in back.variables if step.shared[k]],
            "wanted": [(k, self.width(name, k), self.kept(name, k)) for k in back.wanted],
            "rows": [k for k in back.wanted if not step.shared[k]],
            "jumps": [(k, number(c)) for k, c in back.jumps],
            "forgets": {k: [(j, number(c)) for j, c in made_of] for k, made_of in back.forgets.items()},
            "slope": {k: number(step.slope[k]) if step.slope[k] else "" for k in back.variables},
            "columns": {k: [(i, number(c)) for i, c in column] for k, column in back.columns.items()},
            "ways": [self.way(name, way) for way in back.ways],
        }


def _array(owner, variable):
    """Name of an array of the compiled program."""
    return brian2.get_device().get_array_name(owner.variables[variable], access_data=False)
