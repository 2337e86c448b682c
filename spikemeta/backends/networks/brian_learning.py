"""A learning network as Brian2 objects: a network's text, a signal's text and a rule's for each plastic projection."""

import brian2
import numpy as np

from spikemeta.backends import brian
from spikemeta.backends.networks import brian as networks
from spikemeta.errors import UserError
from spikemeta.language.neuron_checking import UNITS

_START = """
presentation_index = int((t + 0.5*dt)/presentation_time)
age = presentation_index
opening = False
closing = presentation_index >= presentations_shown
"""


def build(plan, shown, signal, rules, parameters=None, constants=None):
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
    constants : dict of str to float or None
        Of the signal, in place of its own, each in its unit.

    Returns
    -------
    Built
        Run it for a step more than ``shown`` lasts, in which all synapses are committed; their state lies in ``projections``.

    Raises
    ------
    UserError
        For a delay of more than a step: a spike under way would reach the next presentation.
    """
    late = [name for name, delay in plan.delays.items() if delay > 1]
    if late:
        raise UserError(f"network {plan.network.name!r}: {', '.join(late)}: in Brian2 only a delay of one step can learn yet")
    values = {name: p.value for name, p in signal.parameters.items()} | (constants or {})
    known = networks.namespace(plan) | {n: v * UNITS[signal.parameters[n].unit] for n, v in values.items()}
    clock = brian2.Clock(known["step"], name="steps")
    slow = brian2.Clock(plan.steps * known["step"], name="presentations")
    given = brian2.TimedArray(np.concatenate([*map(np.asarray, shown), np.zeros((1, shown[0].shape[1]))]), dt=known["step"])
    known |= {"given": given, "presentation_time": plan.steps * known["step"], "presentations_shown": len(shown)}
    told = any(rule.analysis.blocks["on_boundary"] for rule in rules.values())
    common = {"method": "exact", "clock": clock, "namespace": known}

    def group(name, own, threshold, reset, variables):
        made = brian2.NeuronGroup(
            plan.sizes[name],
            f"{own}\n{networks.lines(signal.traces)}\n{brian.PRESYNAPTIC}",
            events=brian.presynaptic_events(threshold, told),
            reset=f"{networks.lines(reset)}\n{networks.lines(signal.on_spike)}".strip(),
            name=name,
            **common,
        )
        zero = "".join(f"{variable} = 0*{variable}\n" for variable in (*variables, *signal.moves.variables))
        made.run_regularly(_START + zero, clock=slow, when="start", name=f"{name}_start")
        brian.prepare_presynaptic(made)
        return made

    groups = {plan.network.input: group(plan.network.input, "", "given(t, i) > 0.5", "", ())}
    pools, projections = {}, {}
    for name, step in plan.layers.items():
        neurons, (fed, unused) = plan.network.neurons[plan.network.structure.layers[name].kind], networks.pooled(plan, name)
        own, pool = networks.split_model(neurons, unused)
        each = [v for v, shared in zip(step.variables, step.shared, strict=True) if not shared]
        groups[name] = group(name, own, neurons.threshold, neurons.reset, each)
        if fed:
            pools[name] = made = brian2.NeuronGroup(1, pool, name=f"{name}_pool", **common)
            made.state_updater.order = 1
            made.run_regularly("".join(f"{v} = 0*{v}\n" for v in fed), clock=slow, when="start", name=f"{name}_pool_start")
            for variable in fed:
                setattr(groups[name], variable, brian2.linked_var(made, variable))
    for name, p in plan.projections.items():
        shared = plan.layers[p.target].shared[plan.variable(name)]
        if name not in rules:
            if not shared or np.any(plan.weights[name]):
                target = pools[p.target] if shared else groups[p.target]
                projections[name] = networks.synapses(plan, name, groups[p.source], target, clock)
            continue
        projections[name] = _plastic(plan, name, groups, signal, rules[name], (parameters or {}).get(name))
        projections[name].namespace |= {n: known[n] for n in signal.parameters}
    monitors = {name: brian2.SpikeMonitor(made, name=f"{name}_spikes") for name, made in groups.items()}
    network = brian2.Network(*groups.values(), *pools.values(), *projections.values(), *monitors.values())
    return networks.Built(network, groups, projections, monitors)


def _plastic(plan, name, groups, signal, rule, parameters):
    p, pairs = plan.projections[name], plan.connections[name]
    signed = lambda block: [f"({'-' if s.op == '-=' else ''}({s.expression}))" for s in signal.additions[block]]  # noqa: E731
    made = brian.synapses(
        rule,
        groups[p.source],
        groups[p.target],
        gradient=" + ".join(signed("on_pre")) or "0",
        transmit=f"{p.into}_post += weight",
        connect=True if pairs is None else {"i": pairs[0], "j": pairs[1]},
        post={"spike": "\n".join(f"gradient += {text}" for text in signed("on_post"))} if signal.on_post.strip() else None,
        parameters=parameters,
        name=f"to_{name}",
    )
    made.variables["transmitted"].set_value(plan.weights[name].ravel())
    brian.start(made, rule, "transmitted")
    return made
