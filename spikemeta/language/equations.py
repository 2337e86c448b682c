"""The parts of a rule's text: statements, closed forms of the decays, and their evaluation on arrays.

Every backend is derived from these; none reads the text on its own. Expressions mean what they mean in Brian2, whose
parser and renderer are used.
"""

import ast
import functools
import itertools
import re
from dataclasses import dataclass, field

import numpy as np
from brian2.parsing.rendering import NumpyNodeRenderer

from spikemeta.language.modes import Modes

CONSTANTS = {"inf": np.inf, "pi": np.pi}
BLOCKS = ("initial", "on_presentation", "on_gradient", "on_boundary", "on_base_step")


@dataclass(frozen=True)
class Statement:
    """One assignment of a block: ``target op expression``, and its line in the block (from 0)."""

    target: str
    op: str
    expression: str
    line: int

    def __str__(self):
        return f"{self.target} {self.op} {self.expression}"

    @property
    def value(self):
        """The expression of the new value of ``target`` (augmented assignments written out)."""
        return self.expression if self.op == "=" else f"{self.target} {self.op[0]} ({self.expression})"


def once(blocks, states, taken=()):
    """Statements that assign each temporary once: where it is assigned again, it has another name from there on.

    For languages that fix what kind of variable a name is when it is first assigned.

    Parameters
    ----------
    blocks : dict of str to tuple of Statement
        Run one after the other; each has temporaries of its own.
    states : tuple of str
        Names that outlive a block, and stay as they are.
    taken : iterable of str
        Other names that are not free.

    Returns
    -------
    dict of str to tuple of Statement
    """
    taken = {*taken, *states} | {n for b in blocks.values() for s in b for n in (s.target, *names_in(s.expression))}
    out, seen = {}, set()
    for block, statements in blocks.items():
        now, made = {}, []
        for s in statements:
            known = lambda text, now=dict(now): re.sub(r"\b[A-Za-z_]\w*", lambda m: now.get(m[0], m[0]), text)  # noqa: E731
            if s.target in seen:
                name = next(n for n in (f"{s.target}_{k}" for k in itertools.count(2)) if n not in taken)
                taken.add(name)
                made.append(Statement(name, "=", known(s.value), s.line))
                now[s.target] = name
            else:
                made.append(Statement(s.target, s.op, known(s.expression), s.line))
                seen |= {s.target} - {*states}
        out[block] = tuple(made)
    return out


@dataclass(frozen=True)
class Decay:
    """A linear relaxation and its closed form, ``rest + (x - rest)*exp(-rate*t)``; ``rate`` per presentation.

    Where it is coupled to others, ``modes`` are theirs, and ``rate`` is that of one of them.
    """

    name: str
    rate: str
    rest: str
    equation: str
    modes: Modes | None = None


def relaxation(decays, elapsed="elapsed", growth="(exp({}) - 1)", apart=False):
    """What decays do in a time, as assignments in order.

    Parameters
    ----------
    decays : dict of str to Decay
    elapsed : str
        Name of the time, in presentations.
    growth : str
        How ``exp({}) - 1`` is written.
    apart : bool
        Whether the factor of each decay is an assignment of its own.

    Returns
    -------
    list of Statement
    """
    out, solved = [], []
    for d in decays.values():
        factor = growth.format(f"-({d.rate})*{elapsed}")
        if apart:
            out.append(Statement(f"fading_{elapsed}_{d.name}", "=", factor, 0))
            factor = f"fading_{elapsed}_{d.name}"
        if d.modes is None:
            out.append(Statement(d.name, "=", f"{d.name} + ({d.name} - ({d.rest}))*{factor}", 0))
            continue
        number = d.modes.names.index(d.name)
        out.append(Statement(f"fading_{elapsed}_of_{d.name}", "=", f"({d.modes.amplitude(number)})*{factor}", 0))
        if number == len(d.modes.names) - 1:
            solved.append(d.modes)
    for modes in solved:
        amplitudes = [f"fading_{elapsed}_of_{name}" for name in modes.names]
        for number, name in enumerate(modes.names):
            out.append(Statement(name, "=", f"{name} + {modes.variable(number, amplitudes)}", 0))
    return out


@dataclass(frozen=True)
class Analysis:
    """What a rule's text says.

    Attributes
    ----------
    states : tuple of str
        Per-synapse variables, in the order of the text.
    decays : dict of str to Decay
        Those that relax between events.
    blocks : dict of str to tuple of Statement
        Statements of each of `BLOCKS`.
    reads, writes : dict of str to frozenset of str
        State variables that a block (or ``weight``) reads, and writes.
    whole : frozenset of str
        State variables that are whole numbers.
    """

    states: tuple
    decays: dict
    blocks: dict
    reads: dict = field(default_factory=dict)
    writes: dict = field(default_factory=dict)
    whole: frozenset = frozenset()

    @property
    def noisy(self):
        """Whether weights are drawn anew at each presentation."""
        return any(names_in(s.expression) & {"rand", "randn"} for s in self.blocks["on_presentation"])

    @property
    def drawn(self):
        """State variables that each presentation draws anew from nothing, or computes and the weight does not read."""
        kept = set(self.decays) | self.writes["on_gradient"] | self.writes["on_boundary"]
        opening, found = self.blocks["on_presentation"], []
        for s in self.states:
            own = [(k, names_in(x.value)) for k, x in enumerate(opening) if x.target == s]
            if s in kept or not own:
                continue
            from_nothing = all(names & {"rand", "randn"} and not names & set(self.states) for _, names in own)
            anew = not any(s in names_in(x.value) for x in opening[: own[0][0] + 1]) and s not in self.reads["weight"]
            found += [s] if from_nothing or anew else []
        return tuple(found)


def numbered(text):
    """Lines of a block that hold something, without comments, as (line number from 0, text)."""
    for number, line in enumerate(text.split("\n")):
        line = line.split("#")[0].strip()
        if line:
            yield number, line


def names_in(expression):
    """Identifiers that an expression reads, functions included."""
    return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}


def substituted(expression, values):
    """An expression with names replaced by expressions."""

    class Replace(ast.NodeTransformer):
        def visit_Name(self, node):
            return ast.parse(f"({values[node.id]})", mode="eval").body if node.id in values else node

    return ast.unparse(Replace().visit(ast.parse(expression.strip(), mode="eval")))


_NUMPY = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sign": np.sign,
    "abs": np.abs,
    "clip": np.clip,
    "int": np.int_,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    **CONSTANTS,
    "presentation": 1.0,
}


@functools.lru_cache(4096)
def compile_expression(expression):
    """An expression as a function of a namespace of float64 arrays.

    Parameters
    ----------
    expression : str

    Returns
    -------
    callable
        Takes a dict of names to arrays; ``rand`` and ``randn`` in it are called without arguments.
    """
    code = compile(NumpyNodeRenderer().render_expr(expression), f"<{expression}>", "eval")
    return lambda namespace: eval(code, {"__builtins__": {}, **_NUMPY}, namespace)


def compile_statements(statements):
    """Statements as a function that returns the namespace they leave; its argument is not changed."""
    compiled = [(s.target, compile_expression(s.value)) for s in statements]

    def run(namespace):
        namespace = dict(namespace)
        for target, value in compiled:
            namespace[target] = value(namespace)
        return namespace

    return run
