"""One rule as a gate over another, from the texts of both: ``stable_flexible(mesu)``.

The gate says by its ``factor`` how much of the gradient the other rule receives. Its own weight, there, is the other rule's
mean weight; whatever it keeps besides stays its own.
"""

import re
from dataclasses import replace

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from spikemeta.errors import UserError
from spikemeta.language import equations
from spikemeta.language.rule import Rule


def over(gate, inner):
    """A rule that gates the gradient of another.

    Parameters
    ----------
    gate, inner : Rule

    Returns
    -------
    Rule
        Checked as any rule. Names that both use are the inner rule's; the gate's are followed by ``_gate``. Constants that a
        search found are the inner rule's; those of the gate are as its own text says.

    Raises
    ------
    UserError
        If ``gate`` has no ``factor``.
    """
    if not gate.factor.strip():
        raise UserError(
            f"rule {gate.title!r} is no gate: it says by no factor how much of a gradient another rule receives; those that do "
            "have a field factor, as in stable_flexible"
        )
    a, own, blocks = gate.analysis, gate.weight.strip(), inner.analysis.blocks
    taken = {*inner.analysis.states, *inner.parameters, *(s.target for b in blocks.values() for s in b), "passing"}
    names = {*a.states, *gate.parameters, *(s.target for b in a.blocks.values() for s in b)} - {own}
    renamed = {n: f"{n}_gate" for n in sorted(names & taken)}
    mean = sympy.simplify(str_to_sympy(equations.substituted(inner.weight, dict.fromkeys(inner.analysis.drawn, "0"))))
    seen = renamed | {own: sympy_to_str(mean)}

    def own_lines(block, wanted=()):
        kept = _needed([s for s in a.blocks[block] if s.target != own], a.states, wanted)
        return [f"{renamed.get(s.target, s.target)} = {equations.substituted(s.value, seen)}" for s in kept]

    texts = {b: [str(s) for s in blocks[b]] + own_lines(b) for b in ("initial", "on_presentation", "on_boundary")}
    texts["on_gradient"] = own_lines("on_gradient", equations.names_in(gate.factor.strip()))
    texts["on_gradient"].append(f"passing = {equations.substituted(gate.factor, seen)}")
    for s in blocks["on_gradient"]:
        texts["on_gradient"].append(f"{s.target} = {equations.substituted(s.value, {'gradient': 'passing*gradient'})}")
    state = [text for _, text in equations.numbered(inner.state)]
    state += [_renamed(text, renamed) for _, text in equations.numbered(gate.state) if _declared(text) != own]
    parameters = _parameters(gate, renamed, "\n".join(["\n".join(state), *("\n".join(lines) for lines in texts.values())]))
    return Rule(
        f"{gate.title}_over_{inner.title}",
        f"{inner.title}, which receives the part of each gradient that {gate.title} lets pass. {inner.description}",
        f"{inner.reference} Over it: {gate.reference}",
        state="\n".join(state),
        weight=inner.weight,
        parameters=parameters | inner.parameters,
        boundary_if=_switch(gate, inner, renamed),
        per_visit=gate.per_visit or inner.per_visit,
        variants=inner.variants,
        constants_file=inner.constants_file,
        **{block: "\n".join(lines) for block, lines in texts.items()},
    )


def _declared(line):
    """The state variable of a line of ``state``."""
    return re.match(r"d?(\w+?)(?:/dt)?\s*[=:]", line)[1]


def _renamed(line, names):
    words = names | {f"d{old}": f"d{new}" for old, new in names.items() if f"d{old}/dt" in line}
    return re.sub(r"\b[A-Za-z]\w*\b", lambda word: words.get(word[0], word[0]), line)


def _needed(statements, states, wanted):
    """Those of the statements that change these state variables, or what is wanted, in order."""
    kept, wanted = [], set(wanted)
    for s in reversed(statements):
        if s.target in wanted or s.target in states:
            kept.append(s)
            wanted |= equations.names_in(s.value)
    return kept[::-1]


def _parameters(gate, renamed, text):
    """Those of the gate's parameters that a text reads, with its variant's values."""
    words, values = set(re.findall(r"\w+", text)), gate.variants.get(gate.variant, {})
    return {
        renamed.get(n, n): replace(p, value=values.get(n, p.value))
        for n, p in gate.parameters.items()
        if renamed.get(n, n) in words
    }


def _switch(gate, inner, renamed):
    """The parameter that switches the boundary off, where one does for both."""
    switches = {
        renamed.get(gate.boundary_if, gate.boundary_if) if gate.analysis.blocks["on_boundary"] else None,
        inner.boundary_if if inner.analysis.blocks["on_boundary"] else None,
    } - {None}
    return switches.pop() if len(switches) == 1 else ""
