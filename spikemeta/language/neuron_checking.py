"""What makes the text of neurons sound: equations linear below threshold, one threshold, resets of what a spike changes."""

import re
from dataclasses import dataclass

import brian2
import sympy
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Constant
from brian2.equations.equations import Equations
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.units import second
from brian2.units.fundamentalunits import DIMENSIONLESS, DimensionMismatchError, get_dimensions

from spikemeta.language import checking, dynamics
from spikemeta.language.checking import FUNCTIONS, STATEMENT, Checker, names_in_or_empty, plain
from spikemeta.language.equations import CONSTANTS, Statement, numbered

#: Units that a parameter of a network may have, and their values.
UNITS = {"1": 1, "step": 1, "s": brian2.second} | {
    name: getattr(brian2, name) for name in "ms us Hz kHz volt mV amp nA pA siemens nS farad pF".split()
}
SHARED = re.compile(r"\(\s*shared\s*\)\s*$")
KEPT = re.compile(r"\(\s*kept\s*\)\s*$")
#: Names of sizes, of which a text may speak.
SIZES = ("n_input", "n_hidden", "n_classes")
#: Of what Brian2 groups, their events and a learning signal hold.
_RESERVED = checking.RESERVED - {"inhibition", "tied_factor"} | {
    *SIZES,
    *("n_pre n_post weight brightness draw gap next now".split()),
    *("signal teaching_phase teaching_rate threshold_distance distance elapsed right".split()),
}


@dataclass(frozen=True)
class Kind:
    """A kind of neurons: its dynamics, its variables' dimensions, and its statements at a spike."""

    dynamics: dynamics.Dynamics
    dimensions: dict
    reset: tuple
    equations: tuple  # (name, right-hand side with subexpressions written out), of those of each neuron and the shared ones


class NeuronChecker(Checker):
    """Collects every problem of the text of neurons."""

    speaker = "a network"
    declared = "equations or parameters"
    drawing = ("projections",)
    units = {DIMENSIONLESS: "no unit", second.dim: "a time", (1 / second).dim: "1/time: divide by a time"}

    def __init__(self, parameters):
        super().__init__(parameters)
        self.known, self.kept, self.kinds = {}, set(), {}

    def variables(self, block, temporaries=()):
        out = {name: Constant(name, 1.0) for name in CONSTANTS}
        for name, parameter in self.parameters.items():
            out[name] = Constant(name, 1.0, dimensions=get_dimensions(UNITS[parameter.unit]))
        out |= {name: Constant(name, 1.0, dimensions=dim) for name, dim in self.known.items()}
        return out | {name: DEFAULT_FUNCTIONS[name] for name in FUNCTIONS}

    def name(self, block, line, name):
        taken = name in _RESERVED or name in CONSTANTS or name in FUNCTIONS
        if taken or not checking.NAME.match(name) or name.endswith(("_pre", "_post")):
            self.problem(block, line, f"the name {name!r} is taken or not allowed; choose another")

    def new(self, block, line, name, what, taken=()):
        """Check a name that the text gives to something."""
        if name in taken:
            self.problem(block, line, f"{name!r} is the name of two {what}s")
        self.name(block, line, name)

    def neurons(self, name, text):
        """One kind of neurons."""
        field = f"neurons.{name}"
        rates, subs, shared = self.equations(f"{field}.equations", text.equations)
        if not rates:
            self.problem(f"{field}.equations", 0, "there is no variable; declare at least one, as in 'dv/dt = -v/tau : 1'")
            return
        if len(rates) + len(subs) < len(list(numbered(text.equations))):
            return  # names are missing, of which the rest would speak
        order = [n for n in rates if n not in shared] + [n for n in rates if n in shared]
        distance = self.threshold(f"{field}.threshold", text.threshold, order, subs)
        statements, resets = self.reset(f"{field}.reset", text.reset, [n for n in order if n not in shared], order)
        if any(p[0].startswith(field) for p in self.problems):
            return
        within = tuple("0" if n in self.kept else rates[n] for n in order)
        own = dynamics.Dynamics(
            tuple(order), frozenset(shared), within, distance, resets, tuple((n, rates[n]) for n in order if n in self.kept)
        )
        dims = {n: self.known[n] for n in order}
        self.kinds[name] = Kind(own, dims, statements, tuple((n, rates[n]) for n in order))
        self.known = {}

    def equations(self, field, text):
        """Right-hand sides, subexpressions and the shared names of a system; names in scope are left in ``known``.

        The names of what outlasts a presentation are left in ``kept``.
        """
        self.known, self.kept, parsed, shared = {}, set(), [], set()
        for line, source in numbered(text):
            common, lasting = SHARED.search(source), KEPT.search(source)
            try:
                (equation,) = Equations(KEPT.sub("", SHARED.sub("", source))).values()
            except Exception as error:  # Brian2's parser raises several kinds
                self.problem(field, line, f"{source!r} is not 'dx/dt = ... : 1', 'x : 1' or 'x = ... : 1': {plain(error)}")
                continue
            name = equation.varname
            self.new(field, line, name, "variable", self.known)
            if name in self.parameters:
                self.problem(field, line, f"{name!r} is both a variable and a parameter")
            if equation.flags:
                text = "flags are (shared), where a layer has one of it, and (kept), where it outlasts a presentation"
                self.problem(field, line, f"{name!r}: {text}")
            if equation.type == "subexpression" and lasting:
                self.problem(field, line, f"{name!r} is a subexpression: it is kept where what it is made of is")
                lasting = None
            if equation.type == "subexpression" and common:
                self.problem(field, line, f"{name!r} is a subexpression: it is shared where what it is made of is")
                common = None
            self.known[name] = equation.dim
            shared |= {name} if common else set()
            self.kept |= {name} if lasting else set()
            parsed.append((line, equation))
        subs, rates, lines = {}, {}, {}
        for line, equation in parsed:
            name, text = equation.varname, str(equation.expr) if equation.expr is not None else "0"
            wanted = equation.dim if equation.type == "subexpression" else (equation.unit / second).dim
            if equation.expr is not None and not self.expression(field, line, text, wanted):
                text = "0"  # what else there is to say of this text can be said
            expression = str_to_sympy(text).subs(subs)
            if equation.type == "subexpression":
                subs[sympy.Symbol(name, real=True)] = expression
            else:
                rates[name], lines[name] = sympy_to_str(sympy.sympify(expression)), line
        later = {s.name for s in subs}
        for name, rate in rates.items():
            early = sorted(names_in_or_empty(rate) & later)
            if early:
                self.problem(field, lines[name], f"{early[0]!r} must stand above what uses it")
                continue
            problem = dynamics.problem_of(rate, rates, f"d{name}/dt")
            if problem:
                self.problem(field, lines[name], problem)
            others = sorted(names_in_or_empty(rate) & (rates.keys() - {name})) if name in self.kept else []
            if others:
                text = f"{name!r} is kept: its equation holds between presentations, where there is no {others[0]!r}"
                self.problem(field, lines[name], text)
            own = sorted(names_in_or_empty(rate) & (rates.keys() - shared))
            if name in shared and own:
                self.problem(
                    field, lines[name], f"{name!r} is shared, but each neuron has its own {own[0]!r}: it cannot be used here"
                )
        return rates, subs, shared

    def threshold(self, field, text, names, subs):
        """The distance beyond the threshold, from ``a > b``."""
        parts = text.strip().split(">")
        if len(parts) != 2 or "=" in text or "<" in text or not all(p.strip() for p in parts):
            self.problem(field, 0, f"the threshold {text!r} must be one comparison with '>', as in 'v > 1'")
            return None
        left, right = (p.strip() for p in parts)
        dims = []
        for part in (left, right):
            try:
                dims.append(self.dimension(part))
            except (DimensionMismatchError, SyntaxError, ValueError, TypeError, KeyError, NotImplementedError):
                self.expression(field, 0, part)
        if len(dims) < 2:
            return None
        if dims[0] is not dims[1]:
            self.problem(field, 0, f"unit mismatch in {text!r}: {dims[0]!r} on the left, {dims[1]!r} on the right")
            return None
        distance = f"({left}) - ({right})"
        if not self.expression(field, 0, distance, dims[0]):
            return None
        distance = sympy_to_str(str_to_sympy(distance).subs(subs))
        problem = dynamics.problem_of(distance, names, "the threshold")
        if problem:
            self.problem(field, 0, problem)
        elif not names_in_or_empty(distance) & set(names):
            self.problem(field, 0, f"the threshold {text!r} depends on no variable")
        return distance

    def dimension(self, text):
        """Dimensions of an expression."""
        return parse_expression_dimensions(text, self.variables(""))

    def reset(self, field, text, own, names):
        """Statements at a spike, and the new value of each variable that they change."""
        statements, now = [], {}
        for line, source in numbered(text):
            match = STATEMENT.match(source)
            if not match:
                self.problem(field, line, f"{source!r} is not an assignment such as 'v = 0' or 'v -= 1'")
                continue
            target, op, expression = match.groups()
            if target not in own:
                why = "is shared by the layer" if target in names else "is not a variable of these neurons"
                self.problem(field, line, f"{target!r} cannot be assigned: it {why}; valid: {', '.join(sorted(own))}")
                continue
            statement = Statement(target, op, expression, line)
            if expression.strip() in ("0", "0.0") and op == "=":
                now[target] = sympy.Integer(0)
                statements.append(statement)
                continue
            if not self.expression(field, line, statement.value, self.known[target]):
                continue
            value = str_to_sympy(statement.value).subs({sympy.Symbol(n, real=True): v for n, v in now.items()})
            problem = dynamics.problem_of(sympy_to_str(value), names, f"the new {target!r}")
            if problem and target not in self.kept:
                self.problem(field, line, problem)
                continue
            now[target] = value
            statements.append(statement)
        return tuple(statements), tuple((n, sympy_to_str(v)) for n, v in now.items())
