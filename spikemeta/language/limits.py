"""Limits of a projection's weights, under any rule: none below a least one, and those into each neuron of a given sum.

They hold when a rule has taken its step: the state variables of which the weight is made, without its noise, are set so.
"""

import ast
from dataclasses import dataclass

import numpy as np
import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from spikemeta.errors import UserError
from spikemeta.language import equations
from spikemeta.language.equations import Statement

#: A sum below this counts as none: there is nothing to scale.
SMALLEST = 1e-300


@dataclass(frozen=True)
class Limits:
    """Limits of one projection.

    Attributes
    ----------
    least : float or None
        No weight lies below it.
    total : float or None
        What the weights into each neuron add up to; ``least`` is then 0.
    """

    least: float | None = None
    total: float | None = None

    def __bool__(self):
        return self.least is not None

    def of(self, weights, targets, n_post):
        """Weights within the limits.

        Parameters
        ----------
        weights : ndarray, (n_pre, n_post) or (n,)
        targets : ndarray of int, (n,), or None
            Of each synapse, where not all pairs have one.
        n_post : int

        Returns
        -------
        ndarray
            As ``weights``. Those of a neuron that add up to nothing stay as they are.
        """
        out = weights if self.least is None else np.maximum(weights, self.least)
        return out if self.total is None else out * self._factors(out, targets, n_post)

    def _factors(self, weights, targets, n_post):
        """By what each weight is multiplied for the sums to be ``total``."""
        found = weights.sum(0) if targets is None else np.bincount(targets, weights, n_post)
        factor = np.where(found > SMALLEST, self.total / np.maximum(found, SMALLEST), 1.0)
        return factor if targets is None else factor[targets]

    def bring(self, rule, state, parameters, targets, n_post):
        """Bring the state of synapses within the limits, in place.

        Parameters
        ----------
        rule : Rule
        state : dict of str to ndarray, (n_pre, n_post), or (n, 1) of a sparse projection
        parameters : dict of str to float
        targets, n_post
            As for `of`.
        """
        if not self:
            return
        how = hold(rule)
        lifted = equations.compile_expression(how.lift.value)(parameters | state | {"least": self.least})
        state[how.lift.target][:] = lifted
        if self.total is None:
            return
        mean = np.broadcast_to(equations.compile_expression(how.mean)(parameters | state), lifted.shape)
        factors = self._factors(mean if targets is None else mean[:, 0], targets, n_post)
        for name in how.scaled:
            state[name] *= factors if targets is None else factors[:, None]


@dataclass(frozen=True)
class Hold:
    """How a rule's state is brought within limits, in the rule's own language.

    Attributes
    ----------
    mean : str
        The weight without its noise.
    scaled : tuple of str
        State variables to which it is proportional, together.
    lift : Statement
        Brings the first of these to where the weight is ``least``, if it lies below.
    """

    mean: str
    scaled: tuple
    lift: Statement


def hold(rule):
    """How the state of a rule is brought within limits.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    Hold

    Raises
    ------
    UserError
        For a weight that is not proportional to state variables.
    """
    mean = equations.substituted(rule.weight, dict.fromkeys(rule.analysis.drawn, "0"))
    smooth = not any(isinstance(node, ast.Compare) for node in ast.walk(ast.parse(mean)))
    expression = sympy.simplify(str_to_sympy(mean)) if smooth else sympy.Integer(0)
    symbols = [sympy.Symbol(n, real=True) for n in rule.analysis.states if n not in rule.analysis.whole]
    linear = [x for x in symbols if x in expression.free_symbols and sympy.simplify(expression.diff(x, 2)) == 0]
    for found in (linear, *([x] for x in linear)):
        slopes = [sympy.simplify(expression.diff(x)) for x in found]
        parts = sum((x * slope for x, slope in zip(found, slopes, strict=True)), sympy.Integer(0))
        if found and sympy.simplify(parts - expression) == 0:
            first, rest = found[0], sympy.simplify(expression - found[0] * slopes[0])
            there = sympy_to_str(sympy.simplify((sympy.Symbol("least", real=True) - rest) / slopes[0]))
            text = sympy_to_str(expression)
            value = f"int({text} >= least)*{first} + int({text} < least)*({there})"
            return Hold(text, tuple(map(str, found)), Statement(str(first), "=", value, 0))
    raise UserError(
        f"rule {rule.title!r}: its weight, {rule.weight.strip()}, is not proportional to state of the synapse, so it cannot be "
        "held within least and total: choose another rule, or leave them out of the projection"
    )


def code(rule, limits, summed, teaching):
    """Statements of Brian2 synapses that bring their state within limits: at each, and when all were summed.

    Parameters
    ----------
    rule : Rule
    limits : Limits
    summed : str
        The target's variable that adds up its weights, 0 when a presentation begins.
    teaching : str
        1 while the network learns, else 0: only then are weights scaled.

    Returns
    -------
    lift, scale : list of str
        ``scale`` is empty without a total.
    """
    how = hold(rule)
    lift = [f"{how.lift.target} = {equations.substituted(how.lift.value, {'least': repr(float(limits.least))})}"]
    if limits.total is None:
        return lift, []
    lift.append(f"{summed}_post += {how.mean}")
    sound = f"int({summed}_post > {SMALLEST!r})*{teaching}"
    change = f"{sound}*({float(limits.total)!r}/clip({summed}_post, {SMALLEST!r}, inf) - 1)"
    return lift, [f"{name} *= 1 + {change}" for name in how.scaled]
