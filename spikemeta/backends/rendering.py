"""A rule for people to read: as text, as Brian2 or torch code, as LaTeX; always derived from the rule's own text."""

import re
import textwrap

from brian2.parsing.sympytools import str_to_sympy
from sympy import Symbol, latex

from spikemeta.data import tuned
from spikemeta.errors import UserError, suggest

#: Duration of a presentation that times are also shown in, s: the networks' default.
PRESENTATION = 0.1


def show(rule, as_="text"):
    """A rule's equations, constants and source.

    Parameters
    ----------
    rule : Rule
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
    return formats[as_](rule)


def _indented(text):
    return textwrap.indent(textwrap.dedent(text.strip("\n")).strip(), "    ")


def _quantity(parameter):
    value = f"{parameter.value:g}"
    if parameter.unit == "1":
        return value
    seconds = f" = {parameter.value * PRESENTATION:g} s at {PRESENTATION * 1000:g} ms" if parameter.value < 1e300 else ""
    return f"{value} presentations{seconds}"


def _text(rule):
    out = [f"{rule.title}: {rule.description}", "", f"Source: {rule.reference}", ""]
    for block in ("state", "weight", "initial", "on_presentation", "on_gradient", "on_boundary"):
        if getattr(rule, block).strip():
            out += [f"{block}:", _indented(getattr(rule, block)), ""]
    if rule.base_gradient:
        out += ["with a base optimizer (torch only), which descends", _indented(rule.base_gradient)]
        out += ["on_base_step, in place of on_gradient:", _indented(rule.on_base_step), ""]
    if rule.analysis.decays:
        out += ["between events, t presentations later:"]
        out += [line for d in rule.analysis.decays.values() for line in _relaxed(d)]
        out += [""]
    out += ["parameters:"]
    width = max(map(len, rule.parameters), default=0)
    out += [f"    {n:<{width}} = {_quantity(p)}    {p.description}" for n, p in rule.parameters.items()]
    if rule.variants:
        out += ["", "variants:", *(_setting(name, values) for name, values in rule.variants.items())]
    found = tuned.of_rule(rule)
    if found:
        out += ["", "constants found for a task:"]
        out += [f"    {b.title}: those of {b.same_as}" if b.same_as else _setting(b.title, b.values) for b in found]
    told = "is told of task boundaries" if rule.needs_boundary else "needs no task boundaries"
    return "\n".join([*out, "", f"This rule {told}. State per synapse: {len(rule.analysis.states)} variables."])


def _setting(name, values):
    return f"    {name}: " + (", ".join(f"{k} = {v:g}" for k, v in values.items()) or "the defaults")


def _relaxed(decay):
    """A decay's solution; where it is coupled, that of one mode, and after the last mode what each variable is made of."""
    if decay.modes is None:
        return [f"    {decay.name}(t) = {decay.rest} + ({decay.name} - {decay.rest})*exp(-{decay.rate}*t)"]
    of = decay.modes
    number = of.names.index(decay.name)
    amplitude = _few(of.amplitude(number))
    lines = [f"    mode {number + 1} of {len(of.names)}: m{number + 1}(t) = ({amplitude})*exp(-{_few(decay.rate)}*t)"]
    if number == len(of.names) - 1:
        modes = [f"m{k + 1}(t)" for k in range(len(of.names))]
        for k, (name, rest) in enumerate(zip(of.names, of.rests, strict=True)):
            lines.append(f"    {name}(t) = {_few(f'{rest} + ' * (rest != '0') + of.variable(k, modes))}")
    return lines


def _few(text):
    """An expression with few digits, for people."""
    text = re.sub(r"\d+\.\d+(e[-+]?\d+)?", lambda number: f"{float(number[0]):.4g}", text)
    return re.sub(r"\((-?[\d.e-]+)\)\*", r"\1*", text).replace("+ -", "- ").replace("*(1/", "/(").replace("/(tau)", "/tau")


def _brian2(rule):
    from spikemeta.backends import brian

    out = [
        f"# {rule.title}: Brian2 code with the deferred commit (see spikemeta.backends.brian)",
        "# In C++ standalone an all-to-all projection walks contiguous rows, any other lists of each neuron's synapses; what",
        "# depends on no synapse alone, such as the factors fading_..., is computed once for all (dense=False: Brian2's loop).",
        "# presynaptic group:",
        textwrap.indent(brian.PRESYNAPTIC.strip(), "    "),
        "# synapses:",
        textwrap.indent(brian.model(rule), "    "),
    ]
    for name, code in brian.pathways(rule, "signal_post", "current_post += weight").items():
        out += [f"# on {brian.EVENTS[name]} ({name}):", textwrap.indent(code, "    ")]
    return "\n".join(out)


def _torch(rule):
    from spikemeta.backends.torch import passes, source

    head = f"# {rule.title}: what rule.optimizer(params) runs (see spikemeta.backends.torch.optimizer)"
    compiled = textwrap.indent(passes.source(rule)[0].split(passes.HEAD)[1].split('\nextern "C"')[0], "# ")
    return "\n".join([head, source.module(rule), "", "", "# On a CPU, in place of update, this C++:", compiled])


def maths(expression):
    expression = re.sub(r"\brandn?\(\)", lambda m: "standard_normal" if m[0] == "randn()" else "uniform", expression)
    return latex(str_to_sympy(expression), symbol_names=_Names(), mul_symbol=r"\,")


_DRAWN = {"standard_normal": r"\mathcal{N}(0, 1)", "uniform": r"\mathcal{U}(0, 1)"}


class _Names(dict):
    """LaTeX of a variable's name: words upright, underscores as subscripts."""

    def __contains__(self, symbol):
        return isinstance(symbol, Symbol)

    def __getitem__(self, symbol):
        return name_of(symbol.name)

    def get(self, symbol, default=None):
        return self[symbol] if symbol in self else default


def name_of(name):
    if name in _DRAWN:
        return _DRAWN[name]
    head, *rest = [f"\\{p}" if p in ("mu", "sigma") else p if len(p) == 1 else rf"\mathrm{{{p}}}" for p in name.split("_")]
    return head + (f"_{{{','.join(rest)}}}" if rest else "")


def _latex(rule):
    lines = [rf"\frac{{d {name_of(d.name)}}}{{dt}} &= {maths(d.equation)}" for d in rule.analysis.decays.values()]
    lines += [rf"w_{{\mathrm{{transmitted}}}} &= {maths(rule.weight.strip())}"]
    events = {"on_presentation": "presentation", "on_gradient": "gradient", "on_boundary": "boundary"}
    for block, event in (events | {"on_base_step": "step of a base optimizer"}).items():
        for n, s in enumerate(rule.analysis.blocks[block]):
            tag = rf" && \text{{at a {event}}}" if n == 0 else ""
            lines.append(rf"{name_of(s.target)} &\leftarrow {maths(s.value)}{tag}")
    if rule.base_gradient:
        lines.append(
            rf"g_{{\mathrm{{base}}}} &= {maths(rule.base_gradient.strip())} && \text{{what a base optimizer descends}}"
        )
    source = re.sub(r"([%&_#])", r"\\\1", rule.reference).replace("^", r"\^{}")
    return "\n".join([r"% " + rule.title, r"\begin{align}", " \\\\\n".join(lines), r"\end{align}", f"% {source}"])
