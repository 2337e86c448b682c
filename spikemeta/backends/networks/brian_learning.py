"""A learning network as Brian2 objects: a network's text, a signal's text and a rule's for each plastic projection.

Spikes that are still under way when a presentation ends are dropped: the next one starts from rest.
"""

import re

import brian2
import numpy as np

from spikemeta.backends import brian, integration, paths
from spikemeta.backends.networks import adjoint, brian_history, brian_input
from spikemeta.backends.networks import brian as networks
from spikemeta.backends.networks import lesson as lessons
from spikemeta.backends.networks.built import KEPT, Built
from spikemeta.backends.noise import WEIGHT_DICE, WEIGHT_NOISE
from spikemeta.language import limits

_TIMES = {
    "elapsed": "((t_in_timesteps - presentation_index*presentation_steps)*dt)",
    "elapsed_by_clock": "(t - presentation_index*presentation_time)",
}


def build(plan, shown, signal, rules, parameters=None, lesson=None, labels=None, **how):
    """The network with given input spikes, presentation after presentation, each from rest; the rule runs once in each.

    Parameters
    ----------
    plan : Plan
    shown : sequence of ndarray, (steps, n_input), 0 or 1
        Each as long as the plan's presentation.
    signal : Signal
    rules : dict of str to Rule
        By plastic projection; others keep their weights.
    parameters : dict of str to dict or None
        Of the rules, by projection.
    lesson : Lesson or None
        The signal in this network; None for its own constants and tied feedback.
    labels : sequence of int or None
        Right answers, for signals with teaching events.
    **how
        As for `network`.

    Returns
    -------
    Built
        Run it for a step more than ``shown`` lasts, in which all synapses are committed; their state lies in ``projections``.
    """
    lesson = lesson or lessons.make(plan, signal)
    made = network(lesson, rules, brian_input.of_spikes(plan, shown, labels), parameters=parameters, **how)
    for group in made.groups.values():
        group.count, group.teaching = len(shown), 1
    for name, projection in made.projections.items():
        projection.variables["transmitted"].set_value(plan.weights[name].ravel())
        brian.start(projection, rules[name], "transmitted")
    for name, (owner, variable) in made.fixed.items():
        kind, _, layer = name.partition(" ")
        values = lesson.random[layer] if kind == "feedback" else plan.weights[name]
        owner.variables[variable].set_value(np.ravel(values))
    return made


def network(lesson, rules, source, parameters=None, dtype="float64", dense="auto"):
    """The network, without values of its synapses.

    Parameters
    ----------
    lesson : Lesson
    rules : dict of str to Rule
    source : spikemeta.backends.networks.brian_input.Source
    parameters : dict of str to dict or None
        Of the rules, by projection.
    dtype : {"float64", "float32"}
        Of the synapses' state and of the variables of neurons.
    dense : {"auto", False}
        Whether standalone code walks rows and finds events in blocks, or is all Brian2's own.

    Returns
    -------
    Built
    """
    lessons.told_apart(lesson.signal, rules)
    return _Builder(lesson, rules, source, parameters or {}, dtype, dense).build()


class _Builder:
    """Makes the groups and synapses; arguments as for `network`."""

    def __init__(self, lesson, rules, source, parameters, dtype, dense):
        self.lesson, self.plan, self.signal = lesson, lesson.plan, lesson.signal
        self.rules, self.source, self.parameters, self.dtype, self.dense = rules, source, parameters, dtype, dense
        self.known = networks.namespace(self.plan)
        self.clock = brian2.Clock(self.known["step"], name="steps")
        self.slow = brian2.Clock(self.plan.steps * self.known["step"], name="presentations")
        self.known |= source.namespace | {
            "presentation_time": self.plan.steps * self.known["step"],
            "presentation_steps": self.plan.steps,
        }
        self.boundaries = any(rule.analysis.blocks["on_boundary"] for rule in rules.values())
        self.carrier = self.signal.carried.strip()
        self.sweep = adjoint.Adjoint(lesson) if self.signal.historical else None
        self.totals = {p: f"incoming_weights_{p}" for p in self.plan.plastic if self.plan.limits(p).total is not None}
        self.groups, self.pools, self.others, self.fixed, self.kept_state = {}, {}, [], {}, {}

    def build(self):
        self.groups[self.plan.network.input] = self.input()
        for name in self.plan.layers:
            self.groups[name] = self.layer(name)
        projections = {}
        for name in self.plan.projections:
            if name in self.rules:
                projections[name] = self.plastic(name)
            else:
                self.kept(name)
        for layer in self.lesson.random:
            self.others.append(self.back(layer))
        if self.sweep:
            self.others.append(brian_history.recorder(self.sweep, self.groups, projections, self.fixed, self.clock, self.dtype))
        answer, source = self.lesson.answer, self.plan.network.input
        spikes = brian2.SpikeMonitor(self.groups[answer], name=f"{answer}_spikes")
        counters, fans = {}, self.plan.fans(self.rules)
        for name, group in self.groups.items():
            if name != answer:
                counters[f"{name}_spikes"] = brian2.SpikeMonitor(group, record=False, name=f"{name}_spikes")
            if "touch" in group.events:
                touches = brian2.EventMonitor(group, "touch", record=False, name=f"{name}_touches")
                counters[f"{name}_touches"] = touches
        objects = [*self.groups.values(), *self.pools.values(), *projections.values(), *self.others, spikes, *counters.values()]
        hidden = {f"{name}_spikes": n for name, n in self.plan.sizes.items() if name not in (answer, source)}
        shapes = {name: self.shape(name) for name in projections}
        made = brian2.Network(*objects, name="network_of_text")
        first = self.plan.network.structure.answer[0] == "first"
        return Built(
            *(made, self.groups, projections, shapes, spikes, hidden, counters, self.fixed, fans, f"{answer}_spikes", first),
            kept=self.kept_state,
        )

    def shape(self, name):
        p = self.plan.projections[name]
        return (self.plan.sizes[p.source], self.plan.sizes[p.target]) if self.plan.connections[name] is None else (-1,)

    def constants(self, layer):
        """Names that code of a layer, or of synapses that end there, may use."""
        return self.known | lessons.quantities(self.lesson, layer)

    def group(self, name, model, threshold, reset, start, zeroed=(), events=None):
        sends = any(self.plan.projections[p].source == name for p in self.rules)
        begins = bool(self.sweep) and any(not w.random for w in getattr(self.sweep.backs.get(name), "ways", ()))
        begins |= sends and (self.signal.reads("weight") or any(self.plan.projections[p].source == name for p in self.totals))
        own = brian.presynaptic_events(threshold, self.boundaries, begins) if sends else {"spike": threshold}
        followed = name != self.plan.network.input or self.signal.of_sources
        traces, own_traces = (networks.lines(self.signal.traces), self.signal.moves.variables) if followed else ("", ())
        small = [*zeroed, *own_traces, "signal", "threshold_distance", "spike_derivative"]
        made = brian2.NeuronGroup(
            self.plan.sizes[name],
            f"{model}\n{traces}\n{brian.PHASE}{brian.PRESYNAPTIC if sends else brian.CLOCK}",
            reset=f"{networks.lines(reset)}\n{networks.lines(self.signal.on_spike) if followed else ''}".strip(),
            method=integration.exact,
            clock=self.clock,
            name=name,
            events=own | (events or {}),
            namespace=self.constants(name),
            dtype=dict.fromkeys(small, np.dtype(self.dtype)),
        )
        alone = None if paths.standalone() else brian2.codegen.runtime.numpy_rt.NumpyCodeObject
        zero = "".join(networks.zero(made, variable) for variable in (*zeroed, *own_traces))
        made.run_regularly(
            brian.PHASE_START + zero + start, clock=self.slow, when="start", name=f"{name}_start", codeobj_class=alone
        )
        if self.dense:
            paths.vectorise_events(made, begins)
        if sends:
            brian.prepare_presynaptic(made)
        return made

    def input(self):
        name, source = self.plan.network.input, self.source
        made = self.group(name, source.model, source.threshold, source.reset, source.start)
        if source.order:
            made.run_regularly(source.order, clock=self.slow, when="start", order=1, name=f"{name}_gap")
        return made

    def layer(self, name):
        step, kind = self.plan.layers[name], self.plan.network.structure.kinds[self.plan.network.structure.layers[name].kind]
        neurons = self.plan.network.neurons[self.plan.network.structure.layers[name].kind]
        fed, unused = networks.pooled(self.plan, name)
        own, pool = networks.split_model(neurons, unused)
        kept = networks.kept(self.plan, name)
        each = [v for v, shared in zip(step.variables, step.shared, strict=True) if not shared and v not in kept]
        learns = any(self.plan.projections[p].target == name for p in self.rules)
        model, reset, start, events, more = own, networks.learning_reset(self.plan, name), "", {}, []
        if learns and self.signal.whole:
            model += "\nsignal : 1"
            more.append(f"signal = teaching*({self.gradient(kind.dynamics.distance)})")
        elif learns and self.signal.reads("distance_post"):
            model += "\nthreshold_distance : 1"
            more.append(f"threshold_distance = {kind.dynamics.distance}")
        if self.sweep and name in self.sweep.backs:
            model += "\nspike_derivative : 1"
            more.append(f"spike_derivative = {self.derivative(name, kind.dynamics.distance)}")
            if name == self.lesson.answer:
                model, start = f"{model}\nright_answer : 1", f"right_answer = int(i == {self.source.label})\n"
        if name == self.lesson.answer:
            reset += "".join(f"\n{s.target} {s.op} teaching*({s.expression})" for s in self.signal.additions["on_answer"])
            if self.lesson.taught:
                model += "\nteaching_phase : 1\nteaching_rate : Hz"
                rate = re.sub(r"\bright\b", f"int(i == {self.source.label})", self.signal.teach_rate.strip())
                start = f"teaching_phase = 0\nteaching_rate = teaching*({rate})\n"
                events = {"teach": "teaching_phase >= 1"}
        sums = [summed for p, summed in self.totals.items() if self.plan.projections[p].target == name]
        model += "".join(f"\n{summed} : 1" for summed in sums)
        start += networks.between(self.plan, name)
        made = self.group(name, model, neurons.threshold, reset, start, [*each, *sums], events)
        self.kept_state |= {f"{KEPT}{name}.{variable}": (made, variable) for variable in kept}
        if more:
            how = {"name": f"{name}_signal", "codeobj_class": paths.arithmetic(self.dense)}
            made.run_regularly("\n".join(more), when="before_thresholds", **how)
        if events:
            made.run_regularly("teaching_phase += teaching_rate*dt", when="groups", name=f"{name}_phase")
            back = [f"{s.target} {s.op} {s.expression}" for s in self.signal.additions["on_teach"]]
            made.run_on_event("teach", "\n".join(["teaching_phase -= 1", *back]), when="resets")
        if fed:
            self.pools[name] = self.pool(name, pool, fed)
            for variable in fed:
                setattr(made, variable, brian2.linked_var(self.pools[name], variable))
        return made

    def pool(self, name, model, fed):
        """What a layer has one of; neurons see it as it was before the step."""
        made = brian2.NeuronGroup(
            1, model, method=integration.exact, clock=self.clock, name=f"{name}_pool", namespace=self.known
        )
        made.state_updater.order = 1
        zero = "".join(networks.zero(made, variable) for variable in fed)
        made.run_regularly(zero, clock=self.slow, when="start", name=f"{name}_pool_start")
        return made

    def derivative(self, layer, distance):
        """What stands for the derivative of a spike, as code of a layer's group."""
        text = re.sub(r"\bslope\b", repr(self.sweep.slope(layer)), self.signal.derivative.strip())
        return re.sub(r"\bdistance\b", f"({distance})", text)

    def gradient(self, distance=None, block="on_pre"):
        """What a spike adds to a synapse's gradient; with a ``distance``, as code of the target's group."""
        terms = [f"({'-' if s.op == '-=' else ''}({s.expression}))" for s in self.signal.additions[block]]
        text = " + ".join(terms) or "0"
        if distance is None:
            own = "_index_pre" if block == "on_pre" else "_index_post"
            known = {name: time.replace("_index", own) for name, time in _TIMES.items()}
            return networks.with_names(text, known | {"distance_post": "threshold_distance_post", "weight": "transmitted"})
        text = networks.with_names(text, _TIMES | {"distance_post": f"({distance})"})
        return re.sub(r"\b(\w+)_post\b", r"\1", text)

    def arrives(self, name):
        """A factor that drops spikes of an earlier presentation; none where no spike is under way for a step."""
        late = self.lesson.late(name)
        return f"*int(t_in_timesteps - presentation_index_pre*presentation_steps >= {late})" if late else ""

    def plastic(self, name):
        p, pairs, rule = self.plan.projections[name], self.plan.connections[name], self.rules[name]
        arrives, on_post = self.arrives(name), self.signal.additions["on_post"]
        own = "signal_post" if self.signal.whole else f"teaching_post*({self.gradient()})"
        own = f"{own}{arrives}" if self.signal.additions["on_pre"] and not self.sweep else ""
        post = {"spike": [f"gradient += teaching_post*({self.gradient(block='on_post')})"] if on_post else [], "teach": []}
        if name in self.lesson.tied.get(p.source, ()) and not self.sweep:
            factor = f"({self.signal.tied.strip()})"
            post["spike"] += self.carried("on_answer", "pre", factor, "teaching_post*")
            post["teach"] += self.carried("on_teach", "pre", factor) if self.lesson.taught else []
        held = self.plan.limits(name)
        made = brian.synapses(
            rule,
            self.groups[p.source],
            self.groups[p.target],
            gradient=own,
            transmit=f"{p.into}_post += weight{arrives}",
            connect=True if pairs is None else {"i": pairs[0], "j": pairs[1]},
            post={event: "\n".join(code) for event, code in post.items() if code} or None,
            parameters=self.parameters.get(name),
            randn="weight_noise(noise_seed, presentation_index_pre)",
            rand="weight_dice(noise_seed, presentation_index_pre)",
            dense=self.dense,
            dtype=self.dtype,
            name=f"to_{name}",
            history=None if held or self.dense != "auto" else brian_history.of_projection(self.lesson, self.sweep, name),
            limits=limits.code(rule, held, self.totals.get(name, ""), "teaching_post") if held else None,
        )
        if arrives:
            made.transmit.delay = self.lesson.late(name) * self.clock.dt
        own = {n: v for n, v in self.constants(p.target).items() if n not in made.variables}
        made.namespace |= own | {"weight_noise": WEIGHT_NOISE, "weight_dice": WEIGHT_DICE}
        return made

    def carried(self, block, end, factor, before=""):
        """Statements that carry what events of the answer do to their trace."""
        found = [s for s in self.signal.additions[block] if s.target == self.carrier]
        value = lambda s: "" if s.expression.strip() == "1" else f"({s.expression})*"  # noqa: E731
        return [f"{s.target}_{end} {s.op} {before}{value(s)}{factor}" for s in found]

    def kept(self, name):
        """Synapses of fixed weights; none into a pool that nothing feeds."""
        p, pairs = self.plan.projections[name], self.plan.connections[name]
        shared = self.plan.layers[p.target].shared[self.plan.variable(name)]
        if shared and not np.any(self.plan.weights[name]):
            return
        kind = self.plan.network.structure.kinds[self.plan.network.structure.layers[p.target].kind]
        made = brian2.Synapses(
            self.groups[p.source],
            self.pools[p.target] if shared else self.groups[p.target],
            f"w : {networks.unit_of(kind.dimensions[p.into])}",
            on_pre=f"{p.into}_post += w{self.arrives(name)}",
            delay=self.lesson.late(name) * self.clock.dt,
            clock=self.clock,
            namespace=self.known,
            name=f"{name}_fixed",
        )
        made.connect() if pairs is None else made.connect(i=pairs[0], j=pairs[1])
        self.others.append(made)
        self.fixed[name] = made, "w"

    def back(self, layer):
        """Fixed random factors that carry the trace of the answer to a layer."""
        answer = self.lesson.answer
        if self.sweep:  # which reads them itself
            made = brian2.Synapses(self.groups[answer], self.groups[layer], "b : 1", clock=self.clock, name=f"feedback_{layer}")
            made.connect()
            self.fixed[f"feedback {layer}"] = made, "b"
            return made
        code = {"pre": self.carried("on_answer", "post", "b", "teaching_pre*")}
        code |= {"teach": self.carried("on_teach", "post", "b")} if self.lesson.taught else {}
        code = {event: "\n".join(lines) for event, lines in code.items() if lines}
        made = brian2.Synapses(
            self.groups[answer],
            self.groups[layer],
            "b : 1",
            name=f"feedback_{layer}",
            clock=self.clock,
            namespace=self.constants(answer),
            delay=dict.fromkeys(code, 0 * brian2.second),
            on_pre=code,
            on_event={event: {"pre": "spike"}.get(event, event) for event in code},
        )
        made.connect()
        self.fixed[f"feedback {layer}"] = made, "b"
        return made
