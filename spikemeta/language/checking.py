"""What makes a rule's text sound: syntax, names, units, and decays that are linear.

All problems are collected, each with its field and line. Parsing and units are Brian2's.
"""

import ast
import re

import sympy
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Constant
from brian2.equations.equations import Equations
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.units import second
from brian2.units.fundamentalunits import DIMENSIONLESS, DimensionMismatchError, get_dimensions

from spikemeta.language import modes
from spikemeta.language.equations import BLOCKS, CONSTANTS, Analysis, Decay, Statement, names_in, numbered
from spikemeta.language.expressions import foreign, names_in_or_empty, number
from spikemeta.language.vocabulary import AVAILABLE, BUILTINS, DRAWING, FUNCTIONS, RESERVED

STATEMENT = re.compile(r"^([A-Za-z]\w*)\s*(=|\+=|-=|\*=|/=)(?!=)\s*(.+)$")
_DRAW = re.compile(r"\b(randn?)\s*\(\s*\)")
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$")


class Checker:
    """Collects every problem of a rule's text, with its field and line."""

    speaker = "a rule"
    declared = "state or parameters"
    drawing = DRAWING
    units = {DIMENSIONLESS: "no unit", (1 / second).dim: "1/time: divide by a parameter in presentations, or by presentation"}

    def __init__(self, parameters):
        self.parameters = parameters
        self.problems = []
        self.states = []
        self.decays = {}
        self.whole_numbers = set()

    def problem(self, block, line, text):
        self.problems.append((block, line, text))

    def variables(self, block, temporaries=()):
        """Brian2 variables that ``block`` may read; only their names and dimensions matter here."""
        out = {n: Constant(n, 1.0) for n in (*self.states, *CONSTANTS, *temporaries)}
        for name, parameter in self.parameters.items():
            out[name] = Constant(name, 1.0, dimensions=second.dim if parameter.unit == "presentation" else DIMENSIONLESS)
        for name in AVAILABLE[block]:
            timed = name in ("presentation", "age")
            out[name] = Constant(name, 1.0, dimensions=second.dim if timed else DIMENSIONLESS)
        out.update({n: DEFAULT_FUNCTIONS[n] for n in FUNCTIONS})
        return out

    def expression(self, block, line, text, wanted=DIMENSIONLESS, temporaries=()):
        """Check syntax, names and units of one expression; True if it is sound."""
        try:
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.problem(block, line, f"{text!r} is not an expression")
            return False
        if foreign(tree):
            self.problem(
                block,
                line,
                f"{text!r} cannot be used: {self.speaker} knows numbers, names, arithmetic, comparisons "
                f"and functions ({', '.join(FUNCTIONS)})",
            )
            return False
        truths = (ast.Compare, ast.BoolOp)
        if any(
            isinstance(node, ast.BinOp) and isinstance(side, truths)
            for node in ast.walk(tree)
            for side in (getattr(node, "left", None), getattr(node, "right", None))
        ):
            self.problem(block, line, f"{text!r} computes with a comparison: write int(...) around it")
            return False
        try:
            number(tree.body)
        except RecursionError:
            self.problem(block, line, f"{text!r} cannot be used: it is nested too deeply")
            return False
        except ArithmeticError as error:
            why = error if type(error) is ArithmeticError else "numbers without a finite value"  # also 1/0, 9.0**999
            self.problem(block, line, f"{text!r} cannot be evaluated: it holds {why}")
            return False
        variables = self.variables(block, temporaries)
        unknown = sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(variables))
        for name in unknown:
            where = f" (it exists only in {BUILTINS[name]})" if name in BUILTINS else ""
            self.problem(block, line, f"undefined name {name!r}{where}: declare it in {self.declared}")
        if unknown:
            return False
        if block not in self.drawing and names_in(text) & {"rand", "randn"}:
            self.problem(block, line, f"rand() and randn() may be drawn only in {' and '.join(self.drawing)}")
            return False
        try:
            found = parse_expression_dimensions(text, variables)
        except DimensionMismatchError as error:
            self.problem(block, line, f"unit mismatch in {text!r}: {plain(error)}")
            return False
        except (SyntaxError, ValueError, TypeError, NotImplementedError) as error:
            self.problem(block, line, f"{text!r} cannot be used: {plain(error)}")
            return False
        if found is not wanted:
            unit = self.units.get(wanted, f"the unit {wanted!r}")
            self.problem(block, line, f"unit mismatch: {text!r} has unit {found!r}, but needs {unit}")
            return False
        return True

    def state(self, text):
        parsed = []
        for line, source in numbered(text):
            try:
                (equation,) = Equations(source).values()
            except Exception as error:  # Brian2's parser raises several kinds
                self.problem("state", line, f"{source!r} is not 'dx/dt = ... : 1' or 'x : 1': {plain(error)}")
                continue
            self.name("state", line, equation.varname)
            if equation.varname in self.states:
                self.problem("state", line, f"{equation.varname!r} is declared twice")
                continue
            if equation.dim is not DIMENSIONLESS:
                self.problem("state", line, f"{equation.varname!r} must be dimensionless (: 1)")
            if equation.type == "subexpression":
                self.problem("state", line, f"{equation.varname!r} is a subexpression; write it where it is used")
                continue
            self.states.append(equation.varname)
            self.whole_numbers |= {equation.varname} if equation.var_type == "integer" else set()
            if equation.var_type == "boolean":
                self.problem("state", line, f"{equation.varname!r} cannot be boolean; write a whole number, 0 or 1 (: integer)")
            parsed.append((line, equation))
        moving = {e.varname: (line, str(e.expr)) for line, e in parsed if e.type == "differential equation"}
        unit = get_dimensions(1 / second)
        sound = {name: text for name, (line, text) in moving.items() if self.expression("state", line, text, wanted=unit)}
        expressions = {name: str_to_sympy(text) for name, text in sound.items()}
        for group in modes.groups(expressions):
            if len(group) == 1:
                self.decay(*moving[group[0]], group[0])
                continue
            try:
                found = modes.solve({name: expressions[name] for name in group}, self.states)
            except modes.Refused as error:
                self.problem("state", moving[group[-1]][0], str(error))
                continue
            for name, rate, rest in zip(group, found.rates, found.rests, strict=True):
                self.decays[name] = Decay(name, rate, rest, sound[name], found)

    def decay(self, line, text, name):
        expr, x = str_to_sympy(text), sympy.Symbol(name, real=True)
        slope = sympy.simplify(sympy.diff(expr, x))
        refused = f"d{name}/dt must be a linear decay, (rest - {name})/tau"
        if slope.has(x):
            self.problem("state", line, f"{refused}: it is not linear in {name!r}")
            return
        sign = slope.subs({s: sympy.Symbol(s.name, positive=True) for s in slope.free_symbols})
        if slope == 0 or sign.is_positive or not slope.is_finite and slope.is_number:
            self.problem("state", line, f"{refused}: it {'does not depend on ' + name if slope == 0 else 'grows'}")
            return
        rest = sympy.cancel(sympy.expand(expr - slope * x) / -slope)
        self.decays[name] = Decay(name, sympy_to_str(-slope), sympy_to_str(rest), text)

    def name(self, block, line, name):
        taken = name in RESERVED or name in BUILTINS or name in CONSTANTS or name in FUNCTIONS
        if taken or not NAME.match(name) or name.startswith("fading_") or name.endswith(("_pre", "_post")):
            self.problem(block, line, f"the name {name!r} is taken or not allowed; choose another")
        elif block == "state" and name in self.parameters:
            self.problem(block, line, f"{name!r} is both a state variable and a parameter")

    def block(self, block, text):
        statements, temporaries = [], []
        for line, source in numbered(text):
            match = STATEMENT.match(source)
            if not match:
                self.problem(block, line, f"{source!r} is not an assignment such as 'x = ...' or 'x += ...'")
                continue
            target, op, expression = match.groups()
            expression = _DRAW.sub(r"\1()", expression)
            fixed = target in self.parameters or target in BUILTINS or target in CONSTANTS or target in FUNCTIONS
            if fixed:
                self.problem(block, line, f"{target!r} cannot be assigned: only state variables and temporaries can")
            if op != "=" and not fixed and target not in self.states and target not in temporaries:
                self.problem(block, line, f"undefined name {target!r}: it has no value to which {op} could apply")
                continue
            self.expression(block, line, expression, temporaries=temporaries)
            if block in DRAWING and target not in self.states and names_in_or_empty(expression) & {"rand", "randn"}:
                self.problem(block, line, f"draw random numbers into a state variable, not into the temporary {target!r}")
            if not fixed and target not in self.states and target not in temporaries:
                self.name(block, line, target)
                temporaries.append(target)
            statements.append(Statement(target, op, expression, line))
        return tuple(statements)


def plain(error):
    return " ".join(str(error).split())


def analyse(name, state, weight, parameters, base_gradient="", factor="", **blocks):
    """Analyse a rule's text.

    Parameters
    ----------
    name : str
        The rule's name, for messages.
    state, weight : str
        The text of these fields.
    parameters : dict of str to Parameter
    base_gradient, factor : str
    **blocks : str
        The text of each of `equations.BLOCKS`.

    Returns
    -------
    Analysis or None
        None if there are problems.
    list of (str, int, str)
        Field, line in the field from 0, and message of every problem.
    """
    checker = Checker(parameters)
    for parameter in parameters:
        checker.name(f"parameters.{parameter}", 0, parameter)
    checker.state(state)
    if not checker.states:
        checker.problem("state", 0, "there is no state variable; declare at least the weight, as in 'w : 1'")
    if weight.strip():
        checker.expression("weight", 0, weight.strip())
    else:
        checker.problem("weight", 0, 'missing weight: say which expression is transmitted, as in weight="w"')
    if not blocks["on_gradient"].strip():
        checker.problem("on_gradient", 0, "missing on_gradient: say what a learning event does")
    parsed = {block: checker.block(block, blocks[block]) for block in BLOCKS}
    if base_gradient.strip():
        checker.expression("base_gradient", 0, base_gradient.strip())
    if factor.strip():
        checker.expression("factor", 0, factor.strip())
        if weight.strip() not in checker.states or weight.strip() in checker.decays:
            checker.problem("factor", 0, "a gate must have one state variable as its weight, without a decay: the other rule's")
    if bool(base_gradient.strip()) != bool(parsed["on_base_step"]):
        given, missing = ("base_gradient", "on_base_step")[:: 1 if base_gradient.strip() else -1]
        checker.problem(given, 0, f"{given} needs {missing}: what a base optimizer descends, and what is done with its step")
    stepped = {s.target for s in parsed["on_base_step"]}
    for name in stepped & {n for n, d in checker.decays.items() if d.modes}:
        text = f"on_base_step writes {name!r}, whose decay is coupled to others, so it has none of its own to take the place of"
        checker.problem("on_base_step", 0, text)
    given = {s.target for s in parsed["initial"]}
    lines = {name: line for line, text in numbered(state) for name in re.findall(r"^d?(\w+?)(?:/dt)?\s*[=:]", text)}
    for variable in checker.states:
        if variable not in given:
            checker.problem("state", lines.get(variable, 0), f"{variable!r} is never initialised: set it in initial")
    if checker.problems:
        return None, checker.problems
    states = set(checker.states)
    reads = {b: frozenset(states & set().union(*[names_in(s.value) for s in parsed[b]])) for b in BLOCKS}
    reads["weight"] = frozenset(states & names_in(weight.strip()))
    writes = {b: frozenset(s.target for s in parsed[b]) & states for b in BLOCKS}
    return Analysis(tuple(checker.states), checker.decays, parsed, reads, writes, frozenset(checker.whole_numbers)), []
