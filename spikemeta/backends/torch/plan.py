"""What one step of a rule does, in the order in which it does it; the texts for tensors and for C++ are both written from this.

Writes no text and does not import torch.
"""

import ast
from dataclasses import dataclass

import numpy as np

from spikemeta.language.equations import Statement, compile_expression, compile_statements, names_in, relaxation

#: Keys of a parameter group that are not constants of a rule: torch's own, and those of schedulers and other tools.
GROUP_KEYS = frozenset("params param_names name initial_lr max_lr min_lr swa_lr base_momentum max_momentum".split())


@dataclass(frozen=True)
class Plan:
    """The steps of a rule, with or without a base optimizer.

    Attributes
    ----------
    own : str or None
        The state variable that is the parameter itself; see `own_state`.
    decays : dict of str to Decay
        Those in force: a base optimizer's step takes the place of those of what ``on_base_step`` writes.
    block : str
        The block that a gradient enters: ``on_gradient``, or ``on_base_step`` with a base optimizer.
    updates : dict of str to (sequence of Statement, list of str)
        ``update`` and, where the rule can average over weight samples, ``averaged``: the statements, and the averaged products
        that they read.
    changed : frozenset of str
        State variables that an update changes.
    timed : bool
        Whether a presentation reads the rule's age.
    """

    own: str | None
    decays: dict
    block: str
    updates: dict
    changed: frozenset
    timed: bool


def plan_of(rule, base=False):
    """The `Plan` of a rule; ``base``: a base optimizer takes the steps."""
    a = rule.analysis
    replaced = a.writes["on_base_step"] if base else ()
    decays = {name: d for name, d in a.decays.items() if name not in replaced}
    block = "on_base_step" if base else "on_gradient"
    updates = {"update": (a.blocks[block], [])}
    several = averaged(rule)[0] if a.blocks["on_presentation"] and not base else None
    if several is not None:
        updates["averaged"] = (several, products_of(rule))
    timed = any("age" in names_in(s.value) for s in a.blocks["on_presentation"])
    return Plan(own_state(rule), decays, block, updates, frozenset({*decays, *a.writes[block]}), timed)


def factors_of(node, divides=False):
    """Factors of a product, each with whether it divides."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and not divides:
        yield from factors_of(node.left)
        yield from factors_of(node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not divides:
        yield from factors_of(node.left)
        yield from factors_of(node.right, True)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # a/(b*c) is a/b/c
        yield from factors_of(node.left, True)
        yield from factors_of(node.right, True)
    else:
        yield node, divides


class _Averager(ast.NodeTransformer):
    """Puts ``gradient_NOISE`` in place of each product of the gradient with a noise."""

    def __init__(self, noises):
        self.noises = noises

    def visit_BinOp(self, node):
        parts = list(factors_of(node)) if isinstance(node.op, (ast.Mult, ast.Div)) else []
        above = [p.id for p, divides in parts if isinstance(p, ast.Name) and not divides]
        noise = next((n for n in self.noises if n in above), None)
        if noise is None or "gradient" not in above:
            return self.generic_visit(node)
        for name in ("gradient", noise):
            parts.remove(next((p, d) for p, d in parts if isinstance(p, ast.Name) and p.id == name and not d))
        if any({"gradient", *self.noises} & names_in(ast.unparse(p)) for p, _ in parts):
            return node  # the average of a higher product is not the product of averages
        texts = [product_name(noise), *(("/" if divides else "*") + f"({ast.unparse(p)})" for p, divides in parts)]
        return self.generic_visit(ast.parse("".join(texts), mode="eval").body)


def decay_statements(decays):
    """Decays over ``elapsed`` as (variable, value): by expm1, because a slow decay's factor is 1 in float32."""
    return [(s.target, s.value) for s in relaxation(decays, growth="expm1({})")]


def product_name(noise):
    """Name of the averaged product of the gradient with a noise."""
    return f"gradient_{noise}"


def products_of(rule):
    """Names of a rule's averaged products."""
    return [product_name(n) for n in sorted(rule.analysis.writes["on_presentation"])]


def averaged(rule):
    """What of ``on_gradient`` to average over several weight samples.

    Returns
    -------
    tuple of Statement or None
        ``on_gradient`` in terms of the gradient and of its products with each noise, both averaged over samples.
    str
        Why that is not possible; empty if it is.
    """
    a = rule.analysis
    noises = a.writes["on_presentation"]
    decaying = set(a.decays).union(*[names_in(f"({d.rate}) + ({d.rest})") for d in a.decays.values()])
    if _read_first(a.blocks["on_presentation"]) & noises or noises & (decaying | a.writes["on_gradient"]):
        return None, "what it draws at a presentation depends on the draw before"
    statements = tuple(
        Statement(s.target, "=", ast.unparse(_Averager(noises).visit(ast.parse(s.value, mode="eval"))), s.line)
        for s in a.blocks["on_gradient"]
    )
    if any(names_in(s.value) & noises for s in statements):
        return None, "on_gradient reads the noise otherwise than in a product with the gradient"
    return statements, ""


def _read_first(statements):
    """Names that statements read before they set them."""
    found, known = set(), set()
    for s in statements:
        found |= names_in(s.value) - known
        known.add(s.target)
    return found


def plainly_noisy(rule):
    """Whether a presentation only draws noise anew, so that the weight without noise is known at any time."""
    a = rule.analysis
    noises = a.writes["on_presentation"]
    clean = not (_read_first(a.blocks["on_presentation"]) | a.writes["on_gradient"] | set(a.decays)) & noises
    timed = any("age" in names_in(s.value) for s in a.blocks["on_presentation"])
    return a.noisy and clean and not timed and not a.blocks["on_boundary"]


def own_state(rule):
    """The state variable that is the parameter itself: the weight, where it is one state variable and always that."""
    weight = rule.weight.strip()
    return weight if weight in rule.analysis.states and not rule.analysis.blocks["on_presentation"] else None


def _following(statements, roots):
    """Names that depend on the roots, after statements in order."""
    found = set(roots)
    for s in statements:
        (found.add if names_in(s.value) & found else found.discard)(s.target)
    return found


def weight_parts(rule):
    """What the weight is made of, as far as it can be seen from the text.

    Returns
    -------
    following : frozenset of str
        State variables that the weight is read from and that ``initial`` sets from ``w_init``.
    added : frozenset of str
        Those that the weight adds to them, and that ``initial`` sets without ``w_init``.
    read : frozenset of str
        All that the weight is read from, before a presentation or in it, but for what a presentation sets anew.
    """
    a = rule.analysis
    wanted = names_in(rule.weight.strip())
    inside = set(wanted)
    for s in reversed(a.blocks["on_presentation"]):
        if s.target in wanted:
            wanted.discard(s.target)
            wanted |= names_in(s.value)
    read = frozenset(name for name in a.states if name in wanted | inside)
    following = read & _following(a.blocks["initial"], {"w_init"})
    return following, frozenset(n for n in read - following if _adds(rule, n, following)), read


def _adds(rule, name, following):
    """Whether the weight still depends on a variable where all that follows ``w_init`` is zero and there is no noise."""
    rng = np.random.default_rng(0)
    space = {n: p.value for n, p in rule.parameters.items()}
    space |= {n: rng.uniform(0.5, 1.5, 8) for n in rule.analysis.states} | {n: np.zeros(8) for n in following}
    space |= {"age": 1.0, "rand": lambda: np.full(8, 0.5), "randn": lambda: np.zeros(8)}
    present, weight = compile_statements(rule.analysis.blocks["on_presentation"]), compile_expression(rule.weight.strip())
    with np.errstate(all="ignore"):
        one, other = (np.nan_to_num(weight(present(space | {name: v}))) for v in (space[name], space[name] + 1))
    return not np.allclose(one, other, rtol=1e-12, atol=1e-12)
