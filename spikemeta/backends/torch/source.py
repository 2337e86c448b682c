"""A rule's text as Python source on torch tensors; this module writes text only and does not import torch.

What depends on no synapse stays a Python number, in double precision. A sum with a product becomes one pass
(``torch.add(..., alpha=)``, ``addcmul``, ``addcdiv``), as torch's own optimizers have it.
"""

import ast
import textwrap
from dataclasses import dataclass

from spikemeta.backends.torch.plan import GROUP_KEYS, decay_statements, factors_of, plan_of, products_of
from spikemeta.errors import UserError
from spikemeta.language.equations import CONSTANTS
from spikemeta.language.remembered import by_text

#: Names that the generated source, or ``rule.optimizer``, uses itself.
TAKEN = {"torch", "math", "float", "max", "min", "expm1", "self", "rule", "params", "base", "fused", "seed"}
_SYMBOLS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "&",
    ast.Or: "|",
}


@dataclass(frozen=True)
class _Term:
    """An expression: its text, whether it is a tensor (else a number), and its value if that is known."""

    text: str
    tensor: bool = False
    value: float | None = None


def _joined(operator, terms):
    return f"({operator.join(f'({t.text})' for t in terms)})"


class _Writer:
    """Writes statements, in order, as the body of one function."""

    def __init__(self, tensors, drawn=True):
        self.tensor = dict.fromkeys(tensors, True)
        self.drawn = drawn
        self.known, self.assigned, self.used, self.lines = {}, set(), set(), []

    def name(self, name):
        if name in self.known:
            return self.known[name]
        if name in CONSTANTS:
            return _Term(f"math.{name}", value=CONSTANTS[name])
        if name == "presentation":
            return _Term("1", value=1)
        if name not in self.assigned:
            self.used.add(name)
        return _Term(name, self.tensor.get(name, False))

    def like(self):
        """A tensor of the right shape, kind and device."""
        return self.name(next(n for n, tensor in self.tensor.items() if tensor and n not in self.known)).text

    def visit(self, node):
        return getattr(self, f"visit_{type(node).__name__}")(node)

    def visit_Constant(self, node):
        return _Term(repr(node.value), value=node.value)

    def visit_Name(self, node):
        return self.name(node.id)

    def visit_UnaryOp(self, node):
        term = self.visit(node.operand)
        if isinstance(node.op, ast.UAdd):
            return term
        if isinstance(node.op, ast.Not):
            return self.truth(f"({term.text}) == 0", term.tensor)
        return _Term(f"(-({term.text}))", term.tensor, None if term.value is None else -term.value)

    def truth(self, text, tensor):
        """A comparison as the number 0 or 1, of the synapses' own kind."""
        return _Term(f"({text}).to({self.like()})" if tensor else f"float({text})", tensor)

    def visit_Compare(self, node):
        terms = [self.visit(node.left), self.visit(node.comparators[0])]
        return self.truth(_joined(_SYMBOLS[type(node.ops[0])], terms), any(t.tensor for t in terms))

    def visit_BoolOp(self, node):
        terms = [self.visit(v) for v in node.values]
        text = _joined(_SYMBOLS[type(node.op)], [_Term(f"({t.text}) != 0") for t in terms])
        return self.truth(text, any(t.tensor for t in terms))

    def visit_BinOp(self, node):
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return self.product(*self.factors(node))
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return self.sum(node)
        terms = [self.visit(node.left), self.visit(node.right)]
        return _Term(_joined(_SYMBOLS[type(node.op)], terms), any(t.tensor for t in terms))

    def factors(self, node):
        """Factors of a product: numbers as (term, is divisor), tensors above the line, tensors below it."""
        numbers, above, below = [], [], []
        for part, divides in factors_of(node):
            term = self.visit(part)
            if term.tensor:
                (below if divides else above).append(term)
            elif term.value != 1:
                numbers.append((term, divides))
        return numbers, above, below

    @staticmethod
    def number(numbers):
        """Product of numbers, or None if there are none."""
        text = ""
        for term, divides in numbers:
            text = f"{text or '1'}/({term.text})" if divides else f"{text}*({term.text})" if text else f"({term.text})"
        return text and f"({text})" or None

    def product(self, numbers, above, below):
        if any(term.value == 0 and not divides for term, divides in numbers):
            return _Term("0.0", value=0.0)
        scale = self.number(numbers)
        head = ([_Term(scale)] if scale else []) + above
        text = _joined("*", head) if head else "1"
        return _Term("/".join([text, *(f"({t.text})" for t in below)]).join("()"), bool(above or below), None if head else 1)

    def sum(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        minus = isinstance(node.op, ast.Sub)
        if right.value == 0:
            return left
        if left.value == 0:
            return _Term(f"(-({right.text}))", right.tensor) if minus else right
        if left.tensor and right.tensor:
            fused = self.fused(left, node.right, minus) or (not minus and self.fused(right, node.left, False))
            if fused:
                return fused
        return _Term(_joined("-" if minus else "+", [left, right]), left.tensor or right.tensor)

    def fused(self, term, node, minus):
        """``term`` plus or minus a product, in one pass; None if ``node`` is no product that this could be done for."""
        numbers, above, below = self.factors(node)
        scale = self.number(numbers)
        if not above or len(above) + len(below) == 1 and not scale:
            return None
        if len(above) + len(below) == 1:
            return _Term(f"torch.{'sub' if minus else 'add'}({term.text}, {above[0].text}, alpha={scale})", True)
        value = f", value={'-' * minus}{scale or 1}" if scale or minus else ""
        last = (below or above)[-1].text
        first = self.product([], above if below else above[:-1], below[:-1]).text
        return _Term(f"torch.{'addcdiv' if below else 'addcmul'}({term.text}, {first}, {last}{value})", True)

    def visit_Call(self, node):
        function = node.func.id
        if function in ("rand", "randn"):
            if not self.drawn:
                return _Term("0.5") if function == "rand" else _Term("0.0", value=0.0)
            self.used.add(function)
            return _Term(f"{function}()", True)
        terms = [self.visit(a) for a in node.args]
        x = terms[0]
        if function == "clip":
            return self.clipped(*terms)
        if x.tensor:
            return _Term(f"torch.{'trunc' if function == 'int' else function}({x.text})", True)
        special = {"abs": "abs({0})", "sign": "float(({0} > 0) - ({0} < 0))", "int": "float(math.trunc({0}))"}
        return _Term(special.get(function, f"math.{function}({{0}})").format(f"({x.text})"))

    def clipped(self, x, low, high):
        if x.tensor and low.tensor == high.tensor and not {low.value, high.value} & {float("inf"), float("-inf")}:
            return _Term(f"torch.clamp({x.text}, {low.text}, {high.text})", True)
        return self.limited(self.limited(x, low, "min"), high, "max")

    @staticmethod
    def limited(x, bound, side):
        """``x`` with a smallest (``side="min"``) or largest value."""
        if bound.value in (float("-inf"), float("inf")) and (bound.value < 0) == (side == "min"):
            return x
        if x.tensor:
            return _Term(f"torch.clamp({x.text}, {side}={bound.text})", True)
        if bound.tensor:
            return _Term(f"torch.clamp({bound.text}, {side}={x.text})", True)
        return _Term(f"{'max' if side == 'min' else 'min'}({x.text}, {bound.text})")

    def assign(self, target, expression):
        term = self.visit(ast.parse(expression.strip(), mode="eval").body)
        self.known.pop(target, None)
        if term.value is not None:
            self.known[target] = term
            return
        self.lines.append(f"{target} = {_plain(term.text)}")
        self.assigned.add(target)
        self.tensor[target] = term.tensor

    def block(self, title, statements):
        start = len(self.lines)
        for s in statements:
            self.assign(s.target, s.value)
        if len(self.lines) > start:
            self.lines.insert(start, f"# {title}")

    def decay(self, decays):
        start = len(self.lines)
        for name, value in decay_statements(decays):
            self.assign(name, value)
        if len(self.lines) > start:
            self.lines.insert(start, "# decay")

    def values(self, names):
        """The text of a dict of these variables, all tensors."""
        terms = {n: self.name(n) for n in names}
        texts = {n: t.text if t.tensor else f"torch.full_like({self.like()}, {t.text})" for n, t in terms.items()}
        return "{" + ", ".join(f"{n!r}: {_plain(text)}" for n, text in texts.items()) + "}"

    def weight(self, expression):
        term = self.visit(ast.parse(expression.strip(), mode="eval").body)
        return _plain(term.text) if term.tensor else f"torch.full_like({self.like()}, {_plain(term.text)})"

    def function(self, name, docstring, result, order):
        arguments = ", ".join(n for n in order if n in self.used)
        body = [f'"""{docstring}"""', *self.lines, f"return {result}"]
        return f"def {name}({arguments}):\n" + textwrap.indent("\n".join(body), "    ")


def _plain(text):
    """The same expression without needless parentheses."""
    return ast.unparse(ast.parse(text, mode="eval"))


@by_text
def source(rule, base=False):
    """Functions of a rule on tensors, as Python source.

    Parameters
    ----------
    rule : Rule
    base : bool
        Whether a base optimizer takes the steps.

    Returns
    -------
    dict of str to str
        ``initial``, ``relax`` (if there are decays), ``present`` (if there is ``on_presentation``), ``weight``, ``mean``
        (the weight with the noise at zero, if there is ``on_presentation``), ``update``, ``averaged`` (`update` for several
        weight samples, where possible), ``descent`` (with a base optimizer) and ``boundary`` (if there is ``on_boundary``).
        Arguments are those of the names of the rule's text that are needed, and ``elapsed``, the presentations to decay
        over, ``base_step``, ``rand`` and ``randn``.

    Raises
    ------
    UserError
        If the rule uses a name that the source needs itself.
    """
    a, blocks, plan = rule.analysis, rule.analysis.blocks, plan_of(rule, base)
    products = products_of(rule)
    _refuse_taken(rule, products)
    order = ["gradient", "base_step", *products, "w_init", *a.states, "age", "elapsed", *rule.parameters, "rand", "randn"]
    out = {}

    def function(name, docstring, writer, result):
        out[name] = writer.function(name, docstring, result, order)

    made = _Writer(["w_init"])
    made.block("initial", blocks["initial"])
    function("initial", "State at the start.", made, made.values(a.states))
    if plan.decays:
        made = _Writer(a.states)
        made.decay(plan.decays)
        function("relax", "State after `elapsed` presentations.", made, made.values(plan.decays))
    if blocks["on_presentation"]:
        made = _Writer(a.states)
        made.block("on_presentation", blocks["on_presentation"])
        written = [s for s in a.states if s in a.writes["on_presentation"]]
        function("present", "State when a presentation begins.", made, made.values(written))
        made = _Writer(a.states, drawn=False)
        made.block("on_presentation, with the noise at zero", blocks["on_presentation"])
        function("mean", "Weight with the noise at zero.", made, made.weight(rule.weight))
    made = _Writer(a.states)
    function("weight", "Transmitted weight.", made, made.weight(rule.weight))
    if base:
        made = _Writer(["gradient", *a.states])
        function("descent", "What the base optimizer takes for the gradient.", made, made.weight(rule.base_gradient))
    for name, (statements, _) in plan.updates.items():
        text = "State and weight after the gradient of a presentation"
        text += ", averaged over several weight samples." if name == "averaged" else "."
        function(name, text, *_update(rule, plan, statements, products))
    if blocks["on_boundary"]:
        made = _Writer(a.states)
        made.block("on_boundary", blocks["on_boundary"])
        written = [s for s in a.states if s in a.writes["on_boundary"]]
        function("boundary", "State after a boundary.", made, made.values(written))
    return out


def _refuse_taken(rule, products):
    names = {*rule.analysis.states, *(s.target for b in rule.analysis.blocks.values() for s in b)}
    clash = sorted(names & {*TAKEN, *products} | rule.parameters.keys() & {*TAKEN, *GROUP_KEYS, *products})
    if clash:
        raise UserError(f"rule {rule.title!r} cannot be used with torch, which needs the name {clash[0]!r}: rename it")


def _update(rule, plan, statements, products):
    """The function that a gradient enters, as its writer and its result."""
    states, shown = rule.analysis.states, rule.analysis.blocks["on_presentation"]
    made = _Writer(["gradient", "base_step", *products, *states], drawn=False)
    made.decay(plan.decays)
    made.block(plan.block, statements)
    result = made.values([s for s in states if s in plan.changed])
    if shown:
        made.lines.append(f"_state = {result}")
        if plan.timed:
            made.lines.append("age = age + 1")
            made.used.add("age")
        made.block("on_presentation, with the noise at zero", shown)
        result = "_state"
    return made, f"{result}, {made.weight(rule.weight)}"


def module(rule):
    """The same functions as the text of one module."""
    parts = ["import math\n\nimport torch", *source(rule).values()]
    if rule.base_gradient:
        own = source(rule)
        other = {name: text for name, text in source(rule, base=True).items() if text != own.get(name)}
        parts += ["# with a base optimizer, instead:", *other.values()]
    return "\n\n\n".join(parts)
