"""Whether a rule fits a chip: what its text keeps per synapse, reacts to and computes, against what the chip has."""

import ast
from dataclasses import dataclass
from functools import cached_property

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from sympy.core.relational import Relational

from spikemeta.hardware.profile import Device
from spikemeta.language import registry
from spikemeta.language.equations import names_in, substituted
from spikemeta.language.remembered import by_text

_FUNCTIONS = {"exp", "log", "sqrt", "tanh"}


@dataclass(frozen=True)
class Needs:
    """What a rule's text asks of a synapse.

    Attributes
    ----------
    mean_weight : str
        The transmitted weight with what is drawn at each presentation at zero: what the weight's memory holds.
    drawn : tuple of str
        State that each presentation draws anew from nothing: it needs a generator, no memory.
    implied : str
        The state variable that follows from the weight and the others, so that it needs no word of its own.
    inverse : str
        How, in terms of ``cell``, the weight as it is stored.
    words : tuple of str
        Further state variables that need a word each.
    events, operations : frozenset of str
    """

    mean_weight: str
    drawn: tuple
    implied: str
    inverse: str
    words: tuple
    events: frozenset
    operations: frozenset

    @cached_property
    def count(self):
        """Words of memory, the weight's included."""
        return 1 + len(self.words)


@by_text
def needs(rule):
    """What a rule needs, from its text.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    Needs
    """
    a = rule.analysis
    drawn = a.drawn
    mean = substituted(rule.weight, dict.fromkeys(drawn, "0"))
    expression = sympy.simplify(str_to_sympy(mean))
    # What holds a comparison has no slope: it stands still while the rest is differentiated.
    steps = {f: sympy.Dummy(real=True) for f in expression.atoms(sympy.Function) if f.has(Relational)}
    smooth, stepped = expression.xreplace(steps), {symbol for f in steps for symbol in f.free_symbols}
    implied, inverse = "", ""
    for s in a.states:
        x = sympy.Symbol(s, real=True)
        slope = sympy.diff(smooth, x)
        if s not in {*drawn, *a.whole} and x not in stepped and slope != 0 and not slope.has(x):
            rest = sympy.simplify(smooth - slope * x)
            cell = sympy.Symbol("cell", real=True)
            solved = ((cell - rest) / slope).xreplace({dummy: f for f, dummy in steps.items()})
            implied, inverse = s, sympy_to_str(sympy.simplify(solved))
            break
    words = tuple(s for s in a.states if s not in (*drawn, implied))
    events = {"presynaptic"} | ({"boundary"} if rule.needs_boundary else set())
    return Needs(sympy_to_str(expression), drawn, implied, inverse, words, frozenset(events), frozenset(_operations(rule)))


def _operations(rule):
    """Operations per synapse and event, besides sums and products; what depends on constants alone is computed before."""
    a, varying = rule.analysis, {*rule.analysis.states, "gradient"}
    found = {"random"} if a.noisy else set()
    blocks = [b for b in ("on_presentation", "on_gradient", "on_boundary") if b != "on_boundary" or rule.needs_boundary]
    statements = [s for b in blocks for s in a.blocks[b]]
    texts = [(s.target, s.value) for s in statements] + [("", rule.weight)]
    for target, text in texts:
        if names_in(text) & varying:
            varying.add(target)
        for node in ast.walk(ast.parse(text.strip(), mode="eval")):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                below = {n.id for n in ast.walk(node.right) if isinstance(n, ast.Name)}
                found |= {"division"} if below & varying else set()
            if isinstance(node, ast.Call) and node.func.id in _FUNCTIONS and names & varying:
                found.add("functions")
    return found


@dataclass(frozen=True)
class Fit:
    """How a rule fits a chip.

    Attributes
    ----------
    placed : dict of str to str
        Where each stored variable goes, with its bits.
    missing : tuple of str
        What the chip lacks; empty if the rule fits.
    nearest : str
        The rule that fits and is nearest in what it needs; empty if this one fits, or none does.
    """

    placed: dict
    missing: tuple
    nearest: str = ""

    @property
    def fits(self):
        """Whether nothing is missing."""
        return not self.missing


def slots(rule, chip):
    """Memory of each further word of a rule: (variable, Slot or None where the chip has none)."""
    words = needs(rule).words
    more = [*chip.state, *[chip.more_state] * len(words)]
    return [(word, more[k] if k < len(more) else None) for k, word in enumerate(words)]


def fit(rule, chip, alternatives=True):
    """Whether a rule fits a chip, what goes where, and what is missing.

    Parameters
    ----------
    rule : Rule
    chip : Hardware
    alternatives : bool
        Whether to look for the nearest rule that fits.

    Returns
    -------
    Fit
    """
    need, placed, missing = needs(rule), {}, []
    weight = rule.weight.strip() if rule.weight.strip() in rule.analysis.states else "weight"
    if not chip.limited:
        placed = dict.fromkeys([weight, *need.words], "float64")
        return Fit(placed, ())
    if isinstance(chip.weight, Device):
        placed[weight] = f"{chip.weight.count.value:g} analog devices"
    else:
        pair = "" if chip.weight.signed else " in a pair of synapses, one for each sign"
        placed[weight] = f"{chip.weight.name}, {chip.weight.bits.value:g} bits{pair}"
    if need.implied and need.implied != weight:
        placed[need.implied] = f"no memory: it is {need.inverse.replace('cell', 'weight')}"
    for variable in need.drawn:
        placed[variable] = "no memory: drawn anew at each presentation"
    homeless = []
    for variable, slot in slots(rule, chip):
        if slot is None:
            homeless.append(variable)
        else:
            placed[variable] = f"{slot.name}, {slot.bits.value:g} bits"
    if homeless:
        missing.append(f"memory for {', '.join(homeless)} ({len(homeless)} more per synapse)")
    missing += [f"event: {event}" for event in sorted(need.events - set(chip.events))]
    missing += [f"operation: {operation}" for operation in sorted(need.operations - set(chip.operations))]
    return Fit(placed, tuple(missing), _nearest(rule, chip) if missing and alternatives else "")


def _nearest(rule, chip):
    """The rule that fits and differs least: one point for each word, event and operation that only one of the two needs."""
    own, found = needs(rule), []
    for name in registry.names("rules"):
        other = registry.load("rules", name)
        if name == rule.name or not fit(other, chip, alternatives=False).fits:
            continue
        its = needs(other)
        distance = abs(its.count - own.count) + len(its.events ^ own.events) + len(its.operations ^ own.operations)
        found.append((distance, -its.count, name))
    return min(found)[2] if found else ""


def describe(rule, chip):
    """The fit as text, for ``spikemeta show RULE --hardware NAME``."""
    found = fit(rule, chip)
    lines = [f"{rule.title} on {chip.name}: {'fits' if found.fits else 'does not fit'}", "", "memory per synapse:"]
    width = max(map(len, found.placed))
    lines += [f"    {variable:<{width}}  {place}" for variable, place in found.placed.items()]
    if found.missing:
        lines += ["", "missing:", *[f"    {what}" for what in found.missing], ""]
        lines += [f"nearest rule that fits: {found.nearest or 'none'}"]
    lines += ["", "numbers of the chip:"]
    lines += [f"    {line}" for line in numbers(chip)] or ["    none"]
    return "\n".join([*lines, *(["", f"Not modelled: {chip.notes}"] if chip.notes else [])])


def numbers(chip):
    """Every number of a profile with unit, basis, conditions and source, a line each."""
    found = {"update_every": chip.update_every, "most_levels": chip.most_levels}
    if isinstance(chip.weight, Device):
        found |= {f"device {name}": getattr(chip.weight, name) for name in chip.weight.__dataclass_fields__}
    for slot in [s for s in (chip.weight, *chip.state, chip.more_state) if s is not None and not isinstance(s, Device)]:
        found[f"{slot.name} ({slot.rounding} rounding)"] = slot.bits
    found |= {f"energy of a {name.replace('_', ' ')}": price for name, price in chip.prices.items()}
    for name, q in found.items():
        if q is not None:
            value = "not published" if q.value is None else f"{q.value:g} {'' if q.unit == '1' else q.unit}".strip()
            where = f", {q.conditions}" if q.conditions else ""
            yield f"{name}: {value} ({'' if q.value is None else q.basis + where + '; '}{q.source})"
