"""A rule's update as C++ text: one pass over the parameters' memory, written from the rule's text.

What depends on no synapse is computed once a call, in double precision; the rest is one loop, in the parameters' kind, that
reads and writes every array once. Weight noise is drawn in the same pass from a counter, so that no generator's state is kept.
"""

import ast
import functools
import re
from pathlib import Path

import jinja2

from spikemeta.backends.torch.plan import decay_statements, plan_of
from spikemeta.language.remembered import by_text

_TEMPLATES = Path(__file__).with_name("templates")
HEAD = (_TEMPLATES / "numbers.h").read_text()
BLOCK = int(re.search(r"^#define BLOCK (\d+)", HEAD, re.M)[1])
ZERO = "real(0.0)"


class _Writer:
    """Writes statements as the body of one loop; what depends on no array goes before the loop."""

    def __init__(self, arrays):
        self.arrays = set(arrays)
        self.used, self.head, self.body, self.locals, self.draws = set(), [], [], [], []
        self.zero = set()
        self.scalar = {}  # temporaries that are numbers, by the name they have before the loop
        self.kept = {}
        self.inverse_root = {}  # 1/sqrt(x) of each array x whose root is taken: a division by x takes it twice

    def is_array(self, node):
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return bool(names & (self.arrays | {"rand", "randn"}))

    def expression(self, text):
        node = ast.parse(text.strip(), mode="eval").body
        self._roots(node)
        return self.visit(node, "real")

    def _roots(self, node):
        """Compute the roots that an expression takes, once; a second division costs as much as a root."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and call.func.id == "sqrt" and isinstance(call.args[0], ast.Name):
                name = call.args[0].id
                if name in self.arrays and name not in self.inverse_root and name not in self.zero:
                    self.used.add(name)
                    self.inverse_root[name] = f"inverse_root{len(self.body)}"
                    self.body.append(f"const real {self.inverse_root[name]} = real(1)/std::sqrt({name}_);")

    def visit(self, node, kind):
        if kind == "real" and not self.is_array(node):
            if isinstance(node, ast.Constant):
                return f"real({float(node.value)!r})"
            text = self.visit(node, "double")
            if text not in self.kept:
                self.kept[text] = f"number{len(self.kept)}"
                self.head.append(f"const real {self.kept[text]} = (real)({text});")
            return self.kept[text]
        return getattr(self, f"visit_{type(node).__name__}")(node, kind)

    def visit_Constant(self, node, kind):
        return f"{kind}({float(node.value)!r})"

    def visit_Name(self, node, kind):
        special = {"inf": "INFINITY", "pi": "M_PI", "presentation": "1.0"}
        self.used.add(node.id)
        if node.id in self.zero:
            return ZERO
        return self.scalar.get(node.id) or special.get(node.id) or f"{node.id}_"

    def visit_UnaryOp(self, node, kind):
        x = self.visit(node.operand, kind)
        return {"UAdd": f"{x}", "USub": f"(-{x})", "Not": f"{kind}({x} == 0)"}[type(node.op).__name__]

    def visit_BinOp(self, node, kind):
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        a = self.visit(node.left, kind)
        if isinstance(node.op, ast.Div) and kind == "real" and a != ZERO:
            of = node.right.args[0] if isinstance(node.right, ast.Call) and node.right.func.id == "sqrt" else node.right
            inverse = self.inverse_root.get(of.id) if isinstance(of, ast.Name) else None
            if inverse:
                return f"({a}*{inverse})" if of is not node.right else f"({a}*({inverse}*{inverse}))"
            if isinstance(of, ast.BinOp) and isinstance(of.op, ast.Mult):  # a/(b*c) is a/b/c
                return self.visit(ast.BinOp(ast.BinOp(node.left, ast.Div(), of.left), ast.Div(), of.right), kind)
        if isinstance(node.op, ast.Pow) and power in (2, 3):
            return "(" + "*".join([a] * power) + ")"
        b = self.visit(node.right, kind)
        if ZERO in (a, b) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            if isinstance(node.op, (ast.Mult, ast.Div)):
                return ZERO
            if b == ZERO or isinstance(node.op, ast.Add):
                return a if b == ZERO else b
        forms = {"Pow": f"std::pow({a}, {b})", "FloorDiv": f"std::floor({a}/{b})", "Mod": f"modulo<{kind}>({a}, {b})"}
        symbol = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/"}
        operator = type(node.op).__name__
        return forms[operator] if operator in forms else f"({a} {symbol[operator]} {b})"

    def visit_Compare(self, node, kind):
        symbol = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}[type(node.ops[0]).__name__]
        return f"{kind}({self.visit(node.left, kind)} {symbol} {self.visit(node.comparators[0], kind)})"

    def visit_BoolOp(self, node, kind):
        symbol = " && " if isinstance(node.op, ast.And) else " || "
        return f"{kind}({symbol.join(f'({self.visit(v, kind)} != 0)' for v in node.values)})"

    def visit_Call(self, node, kind):
        name = node.func.id
        if name in ("rand", "randn"):
            self.draws.append(name)
            return f"drawn{len(self.draws) - 1}[j]"
        arguments = ", ".join(self.visit(a, kind) for a in node.args)
        names = {"abs": "std::abs", "int": "std::trunc", "clip": f"clip<{kind}>", "sign": f"sign<{kind}>"}
        return f"{names.get(name, f'std::{name}')}({arguments})"

    def statements(self, pairs, quiet=False):
        """Assignments (target, expression); ``quiet``: draws are at their middle."""
        for target, text in pairs:
            if quiet:
                text = text.replace("randn()", "0.0").replace("rand()", "0.5")
            node = ast.parse(text.strip(), mode="eval").body
            if self.is_array(node) or target in self.arrays:
                self._roots(node)
                value = self.visit(node, "real")
                self.inverse_root.pop(target, None)
                if target not in self.arrays:
                    self.arrays.add(target)
                    self.locals.append(target)
                    self.scalar.pop(target, None)
                self.used.add(target)  # declared also where it is only set
                self.zero.discard(target)
                self.body.append(f"{target}_ = {value};")
                if value == ZERO:
                    self.zero.add(target)
            else:
                name = f"{target}_{len(self.head)}_"
                self.head.append(f"const double {name} = {self.visit(node, 'double')};")
                self.scalar[target] = name


class _Pass:
    """One function of a rule: its C++ and the order of its arrays.

    Parameters
    ----------
    rule : Rule
    name : str
    own : str or None
        The state variable that is the parameter itself.
    inputs : list of str
        Arrays that are read besides the state.
    restored : bool
        Whether the weight is read from ``old``, because a base optimizer has changed the parameter.
    """

    def __init__(self, rule, name, own, inputs, restored=False):
        self.rule, self.name, self.own = rule, name, own
        self.arrays = ["p", *inputs, *[s for s in rule.analysis.states if s != own]]
        self.source = "old" if restored else "p"
        self.writer = _Writer([*inputs, *rule.analysis.states])

    def finish(self, changed, result, after=()):
        """The C++ text: what was written so far, then ``changed`` state is stored, then ``after``, then ``p = result``."""
        w = self.writer
        w.body += [f"{s}_at[i] = {s}_;" for s in self.rule.analysis.states if s in changed and s != self.own]
        w.statements(after, quiet=True)
        w.body.append(f"p_at[i] = {w.expression(result)};")
        numbers = [*self.rule.parameters, "age", "elapsed"]
        return _template("pass.cpp").render(
            name=self.name,
            numbers=[(n, k) for k, n in enumerate(numbers) if n in w.used],
            arrays=self.arrays,
            moving={"p", *changed},
            touched=[n for n in self.arrays if n == "p" or n in w.used or n in changed],
            written={"p", *changed},
            draws=w.draws,
            head=w.head,
            own=self.own,
            source=self.source,
            stepped="base_step" in w.used,
            locals=w.locals,
            body=w.body,
        )


@functools.cache
def _template(name):
    # The text is C++, so nothing is escaped.
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    made = jinja2.Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return made.get_template(name)


@by_text
def source(rule, base=False):
    """A rule's passes as C++.

    Parameters
    ----------
    rule : Rule
    base : bool
        Whether a base optimizer takes the steps.

    Returns
    -------
    str
        The whole text.
    dict of str to (list of str, list of str)
        The names of the arrays, and the draws, of each pass: ``update``, ``averaged`` (if the rule can average over
        weight samples), ``sample`` (if it draws its weights) and, with a base optimizer, ``descent``.
    """
    a, texts, needs = rule.analysis, [HEAD], {}
    plan = plan_of(rule, base)

    def add(made, *arguments):
        texts.append(made.finish(*arguments))
        needs[made.name] = (made.arrays, made.writer.draws)

    after = [(s.target, s.value) for s in a.blocks["on_presentation"]]
    if plan.timed:
        after.insert(0, ("age", "age + 1"))
    for name, (statements, products) in plan.updates.items():
        made = _Pass(rule, name, plan.own, ["gradient", *products, *(["old"] if base else [])], restored=base)
        made.writer.arrays.add("base_step")
        made.writer.statements([*decay_statements(plan.decays), *((s.target, s.value) for s in statements)])
        add(made, plan.changed, rule.weight, after)
    if a.noisy:
        made = _Pass(rule, "sample", None, [])
        made.writer.statements([(s.target, s.value) for s in a.blocks["on_presentation"]])
        add(made, a.writes["on_presentation"], rule.weight)
    if base:
        add(_Pass(rule, "descent", None, ["gradient"]), set(), rule.base_gradient)
    if a.noisy:
        needs["average"] = (["gradients", "noise", "gradient", "product"], [])
    texts.append(_template("exported.cpp").render(kinds=(("float", "f"), ("double", "d")), names=list(needs)))
    return "\n".join(texts) + "\n", needs
