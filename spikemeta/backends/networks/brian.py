"""A network's text as Brian2 objects, integrated exactly, in runtime mode or standalone."""

import re
from dataclasses import dataclass

import brian2
import numpy as np

from spikemeta.backends import integration
from spikemeta.language.equations import numbered
from spikemeta.language.neuron_checking import KEPT, SHARED, UNITS


@dataclass
class Built:
    """A network ready to run; every array of it is an ordinary Brian2 variable.

    Attributes
    ----------
    network : brian2.Network
    groups : dict of str to brian2 group
        By layer.
    projections : dict of str to brian2.Synapses
    spikes : dict of str to brian2.SpikeMonitor
        By layer.
    """

    network: brian2.Network
    groups: dict
    projections: dict
    spikes: dict


def namespace(plan):
    """A plan's constants as Brian2 quantities, by name."""
    units = {name: UNITS[p.unit] for name, p in plan.network.parameters.items()}
    return {name: value * units[name] for name, value in plan.constants.items()}


def split_model(neurons, unused=()):
    """Equations of each neuron, and those of the pool of which a layer has one.

    Parameters
    ----------
    neurons : Neurons
    unused : iterable of str
        Shared variables that nothing feeds: each is 0.

    Returns
    -------
    own, pool : str
        Brian2 equations; in ``own``, shared variables are linked.
    """
    own, pool = [], []
    for _, line in numbered(neurons.equations):
        if KEPT.search(line):  # what changes it between presentations is not Brian2's to solve
            (equation,) = brian2.Equations(KEPT.sub("", line)).values()
            own.append(f"{equation.varname} : {_unit(equation)}")
            continue
        if not SHARED.search(line):
            own.append(line)
            continue
        plain = SHARED.sub("", line).strip()
        (equation,) = brian2.Equations(plain).values()
        if equation.varname in unused:
            own.append(f"{equation.varname} = 0*{_unit(equation)} : {_unit(equation)}")
            continue
        pool.append(plain)
        own.append(f"{equation.varname} : {_unit(equation)} (linked)")
    return "\n".join(own), "\n".join(pool)


def _unit(equation):
    return "1" if equation.dim is brian2.units.fundamentalunits.DIMENSIONLESS else repr(equation.unit)


def kept(plan, layer):
    """Names of the variables of a layer that outlast a presentation."""
    step = plan.layers[layer]
    return [name for name, lasts in zip(step.variables, step.kept, strict=True) if lasts]


def learning_reset(plan, layer):
    """What a spike changes, as code: kept variables while the network learns alone."""
    names, kind = kept(plan, layer), plan.network.structure.layers[layer].kind
    if not names:
        return lines(plan.network.neurons[kind].reset)
    out = []
    for s in plan.network.structure.kinds[kind].reset:
        change = f"({s.expression}) - {s.target}" if s.op == "=" else s.expression
        op = "+=" if s.op == "=" else s.op
        out.append(f"{s.target} {op} teaching*({change})" if s.target in names else f"{s.target} {s.op} {s.expression}")
    return "\n".join(out)


def between(plan, layer):
    """Code that lets kept variables decay by a presentation, when the next one begins and the network learns."""
    step, out = plan.layers[layer], ""
    factor, drift = step.between(plan.steps * plan.network.si(plan.constants)["step"])
    for k in np.flatnonzero(step.kept):
        name, unit = step.variables[k], unit_of(plan.dimension(layer, step.variables[k]))
        moved = f"({float(factor[k]) - 1!r})*{name} + {float(drift[k])!r}" + (f"*{unit}" if unit != "1" else "")
        out += f"{name} += int(teaching > 0 and presentation_index > 0)*({moved})\n"
    return out


def with_names(text, replacing):
    """A text with whole words replaced."""
    for name, other in replacing.items():
        text = re.sub(rf"\b{name}\b", other, text)
    return text


def pooled(plan, layer):
    """Shared variables of a layer: those that a projection feeds, and those that none does or with weight 0 only."""
    step = plan.layers[layer]
    names = [name for name, shared in zip(step.variables, step.shared, strict=True) if shared]
    fed = {plan.projections[p].into for p in plan.into(layer) if np.any(plan.weights[p])}
    return [name for name in names if name in fed], [name for name in names if name not in fed]


def build(plan, spikes):
    """The network with given input spikes, without a rule: the plan's weights are there to stay.

    Parameters
    ----------
    plan : Plan
    spikes : ndarray, (steps, n_input), 0 or 1

    Returns
    -------
    Built
        Run it for as many steps as there are.
    """
    structure, known = plan.network.structure, namespace(plan)
    clock = brian2.Clock(known["step"], name="steps")
    when, which = np.asarray(spikes).nonzero()
    source = plan.network.input
    groups = {source: brian2.SpikeGeneratorGroup(plan.sizes[source], which, when * known["step"], clock=clock, name=source)}
    pools, objects = {}, []
    for name in plan.layers:
        neurons, (fed, unused) = plan.network.neurons[structure.layers[name].kind], pooled(plan, name)
        own, pool = split_model(neurons, unused)
        common = {"method": integration.exact, "clock": clock, "namespace": known}
        groups[name] = brian2.NeuronGroup(
            plan.sizes[name], own, threshold=neurons.threshold, reset=lines(neurons.reset), name=name, **common
        )
        if fed:
            pools[name] = brian2.NeuronGroup(1, pool, name=f"{name}_pool", **common)
            pools[name].state_updater.order = 1  # after the neurons, which see it as it was
            for variable in fed:
                setattr(groups[name], variable, brian2.linked_var(pools[name], variable))
    projections = {}
    for name, p in plan.projections.items():
        target = groups[p.target]
        if plan.layers[p.target].shared[plan.variable(name)]:
            if not np.any(plan.weights[name]):
                continue
            target = pools[p.target]
        projections[name] = made = synapses(plan, name, groups[p.source], target, clock)
        objects.append(made)
    monitors = {name: brian2.SpikeMonitor(group, name=f"{name}_spikes") for name, group in groups.items()}
    network = brian2.Network(*groups.values(), *pools.values(), *objects, *monitors.values())
    return Built(network, groups, projections, monitors)


def lines(text):
    """A block without comments and blank lines."""
    return "\n".join(line for _, line in numbered(text))


def synapses(plan, name, source, target, clock):
    """Synapses of fixed weights."""
    p, pairs = plan.projections[name], plan.connections[name]
    kind = plan.network.structure.kinds[plan.network.structure.layers[p.target].kind]
    made = brian2.Synapses(
        source,
        target,
        f"w : {unit_of(kind.dimensions[p.into])}",
        on_pre=f"{p.into}_post += w",
        delay=(plan.delays[name] - 1) * clock.dt,
        clock=clock,
        name=f"to_{name}" if p.plastic else f"{name}_fixed",
    )
    made.connect() if pairs is None else made.connect(i=pairs[0], j=pairs[1])
    made.variables["w"].set_value(plan.weights[name].ravel())
    return made


def unit_of(dimensions):
    unit = brian2.units.fundamentalunits.get_unit(dimensions)
    return "1" if dimensions is brian2.units.fundamentalunits.DIMENSIONLESS else repr(unit)


def zero(group, variable):
    """Code that sets a group's variable to 0."""
    unit = unit_of(group.variables[variable].dim)
    return f"{variable} = 0\n" if unit == "1" else f"{variable} = 0*{unit}\n"


def counted(built, layer, steps, step):
    """Spikes of a layer after a run: (steps, n) of bool; ``step`` in s."""
    monitor = built.spikes[layer]
    out = np.zeros((steps, len(built.groups[layer])), bool)
    out[np.round(np.asarray(monitor.t) / step).astype(int), np.asarray(monitor.i)] = True
    return out
