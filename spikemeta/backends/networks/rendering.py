"""A network for people to read: as text, as Brian2 or torch code, as LaTeX; always derived from the network's own text."""

import textwrap

from spikemeta.backends.networks import brian
from spikemeta.backends.rendering import maths, name_of
from spikemeta.errors import UserError, suggest
from spikemeta.language import equations
from spikemeta.language.limits import SMALLEST

FORMS = ("text", "brian2", "torch", "latex")


def show(network, as_="text"):
    """A network's equations, layers, projections, constants and source.

    Parameters
    ----------
    network : Network
    as_ : {"text", "brian2", "torch", "latex"}

    Returns
    -------
    str

    Raises
    ------
    UserError
        For another format.
    """
    formats = {"text": _text, "brian2": _brian2, "torch": _torch, "latex": _latex}
    if as_ not in formats:
        raise UserError(suggest("format", as_, formats))
    return formats[as_](network)


def signal(found):
    """A learning signal's text, constants and source.

    Parameters
    ----------
    found : Signal

    Returns
    -------
    str
    """
    out = [f"{found.name}: {found.description}", "", f"Source: {found.reference}", ""]
    fields = "traces on_spike on_pre on_post on_answer on_teach teach_rate carried derivative evidence tied random".split()
    for name in fields:
        out += _block(name, getattr(found, name)) if getattr(found, name).strip() else []
    if found.historical:
        out += [*_block("through", found.through), *_block("gradient", _HISTORY)]
    out += _block(
        "commit", _BY_STEPS.format("sparse" if found.historical else "sparse, delayed") if found.of_targets else _SUMMED
    )
    return "\n".join([*out, "", "parameters:", *_constants(found.parameters)])


#: How compiled code comes to the gradient of a presentation, by what a signal's text needs; see `spikemeta.backends.histories`.
_BY_STEPS = """
of rows, from the history: what a spike adds is kept step by step, and each source's row summed as the next presentation begins
of synapses, each its own sum, where a projection is {} or ends at a shared variable, or the rule draws in on_gradient
"""
_SUMMED = "of synapses, each its own sum: what a spike adds depends on the synapse or its source"

#: The equations that a derivative stands in; as in `spikemeta.backends.networks.adjoint`.
_HISTORY = """
y(t) = P x(t - 1) + drift; a neuron fires where distance = slope' y + offset > 0
x(t) = y + arrivals, and of that R x + jump where it fires
value(t) = R' P' m(t + 1) where it fires, else P' m(t + 1)    backwards, of an arrival at the neuron
m(t) = value(t) + slope derivative(t) worth(t)    worth of a spike: of its arrivals elsewhere, and of what the reset adds
gradient(i, j) = sum of value_j(t) over the arrivals t of the spikes of i
"""


def _constants(parameters):
    width, out = max(map(len, parameters), default=0), []
    for name, p in parameters.items():
        unit = "" if p.unit == "1" else f" {p.unit}"
        out.append(f"    {name:<{width}} = {p.value:g}{unit}    {p.description}".rstrip())
    return out


def _block(title, text):
    body = "\n".join(line for _, line in equations.numbered(text))
    return [f"{title}:", textwrap.indent(body, "    ")]


def _text(network):
    out = [f"{network.name}: {network.description}", "", f"Source: {network.reference}", ""]
    for name, neurons in network.neurons.items():
        out += _block(f"neurons {name}", neurons.equations) + [f"    threshold: {neurons.threshold.strip()}"]
        out += [f"    reset: {'; '.join(line for _, line in equations.numbered(neurons.reset)) or 'none'}"]
    out += ["", *_block("layers", network.layers), "", *_block("projections", network.projections)]
    out += ["", f"answer: {network.answer.strip()}", "", "parameters:"]
    return "\n".join([*out, *_constants(network.parameters)])


def _brian2(network):
    out = [f"# {network.name}: the Brian2 objects of spikemeta.backends.networks.brian, method='exact', all delivered in order"]
    for layer in network.structure.layers.values():
        if layer.is_input:
            out.append(f"# {layer.name}: {layer.kind} input, {layer.size} neurons")
            continue
        neurons = network.neurons[layer.kind]
        own, pool = brian.split_model(neurons)
        out += [f"# {layer.name}: NeuronGroup of {layer.size}", textwrap.indent(own, "    ")]
        out += [f"#   threshold: {neurons.threshold.strip()}"]
        out += [f"#   reset: {line}" for _, line in equations.numbered(neurons.reset)]
        out += [f"# {layer.name}_pool: NeuronGroup of 1, which they share", textwrap.indent(pool, "    ")] if pool else []
    for p in network.structure.projections.values():
        which = p.pairs or ", ".join(part for part in (p.where, p.probability and f"p={p.probability}") if part) or "all"
        delay = "0*ms" if p.delay == "1" else f"({p.delay} - 1)*step"
        out.append(f"# {p.name}: Synapses({p.source}, {p.target}), {which}; delay {delay}; on_pre:")
        out.append(f"    {p.into}_post += " + ("weight    # of the rule" if p.plastic else f"w    # = {p.weight}"))
        out += [f"#   after each presentation: {_limits(p)}"] if p.least else []
    return "\n".join(out)


def _torch(network):
    si = network.si({name: p.value for name, p in network.parameters.items()})
    out = [
        f"# {network.name}: a step of spikemeta.backends.networks.torch.NetworkModule at the default constants, in SI units;",
        f"# spike is 1 above 0, with the derivative {si['step'] / si['escape']:g}/(1 + slope*abs(distance))**2",
    ]
    for layer in network.structure.layers.values():
        if layer.is_input:
            continue
        step = network.structure.kinds[layer.kind].dynamics.at(si, si["step"])
        slope = float(network.value(layer.slope, si)) if layer.slope else 5.0
        row = lambda c, constant, names=step.variables: _sum(zip(c, names, strict=True), constant)  # noqa: E731
        after = ", ".join(row(step.propagator[k], step.drift[k]) for k in range(len(step.variables)))
        out += [f"# {layer.name}", f"{', '.join(step.variables)} = {after}"]
        out += [f"{layer.name} = spike({row(step.slope, step.offset)}, slope={slope:g})"]
        for p in network.structure.projections.values():
            if p.target == layer.name:
                when = "now" if p.delay == "1" else f"now - ({p.delay} - 1)"
                out.append(f"{p.into} = {p.into} + {p.source}[{when}] @ {p.name}")
        for k, name in enumerate(step.variables):
            if name in dict(network.structure.kinds[layer.kind].dynamics.resets):
                bent = {k: brian.with_names(value, {c: f"{v:g}" for c, v in si.items()}) for k, value in step.bent}
                new = bent.get(k) or row(step.reset[k], step.jump[k])
                out.append(f"{name} = where({layer.name} > 0, {new}, {name})")
    held = [p for p in network.structure.projections.values() if p.least]
    if held:
        out += [
            "# after each presentation; NetworkModule leaves this to you, and --engine torch refuses such a network",
            "with torch.no_grad():",
        ]
    for p in held:
        out += [f"    {line}" for line in _torch_limits(network, p, si)]
    return "\n".join(out)


def _torch_limits(network, p, si):
    """How the weights of a projection of a ``module`` are held within its limits, in place."""
    sized = {"n_pre", "n_post"} & equations.names_in(f"({p.least}) + ({p.total or 0})")
    number = lambda text: text if sized else f"{float(network.value(text, si)):.6g}"  # noqa: E731
    n_post = f'module.plan.sizes["{p.target}"]'
    out = [f'w = module.weights["{p.name}"]']
    out += [f'n_pre, n_post = module.plan.sizes["{p.source}"], {n_post}'] if sized else []
    out += [f"w.clamp_(min={number(p.least)})"]
    if p.total and (p.pairs or p.where or p.probability):
        out += [f'target = torch.tensor(module.plan.connections["{p.name}"][1])']
        out += [f"sums = w.new_zeros({n_post}).index_add(0, target, w)[target]"]
    elif p.total:
        out += ["sums = w.sum(0)    # of the weights into each neuron"]
    return out + ([f"w *= torch.where(sums > {SMALLEST!r}, ({number(p.total)})/sums, 1.0)"] if p.total else [])


def _limits(p):
    """How the weights of a projection are held within limits, in words."""
    scaled = f", then weight *= {p.total}/(sum of those into the neuron)" if p.total else ""
    return f"weight = clip(weight, {p.least}, inf){scaled}"


def _sum(terms, constant):
    parts = [{1.0: name, -1.0: f"-{name}"}.get(c, f"{c:.6g}*{name}") for c, name in terms if c]
    parts += [f"{constant:.6g}"] if constant else []
    return " + ".join(parts).replace("+ -", "- ") or "0"


def _latex(network):
    lines = []
    for kind, found in network.structure.kinds.items():
        own, escaped = found.dynamics, kind.replace("_", r"\_")
        for number, (name, rate) in enumerate(found.equations):
            tag = rf" && \text{{neurons {escaped}}}" if number == 0 else ""
            lines.append(rf"\frac{{d {name_of(name)}}}{{dt}} &= {maths(rate)}{tag}")
        lines.append(rf"{maths(own.distance)} &> 0 && \text{{fires}}")
        lines += [rf"{name_of(name)} &\leftarrow {maths(value)} && \text{{at a spike}}" for name, value in own.resets]
    for p in network.structure.projections.values():
        delay = rf" && \text{{{p.source} to {p.target}, delay {p.delay}}}".replace("_", r"\_")
        weight = f"w_{{{name_of(p.name)}}}"
        lines.append(rf"{name_of(p.into)} &\leftarrow {name_of(p.into)} + {weight}{delay}")
        after = r" && \text{after each presentation}"
        lines += [rf"{weight} &\leftarrow \max({weight}, {maths(p.least)}){after}"] if p.least else []
        lines += [rf"{weight} &\leftarrow {weight} \, {maths(p.total)} / \textstyle\sum {weight}{after}"] if p.total else []
    return "\n".join([r"% " + network.name, r"\begin{align}", " \\\\\n".join(lines), r"\end{align}"])
