"""Neurons between events, solved exactly: each text of equations once for a process, whatever group it belongs to."""

import numpy as np
from brian2.core.functions import Function
from brian2.equations.equations import DIFFERENTIAL_EQUATION, Equations, SingleEquation
from brian2.stateupdaters.exact import exact as solved
from scipy.sparse import csgraph

_KNOWN = {}


def exact(equations, variables=None, method_options=None):
    """Brian2's ``method="exact"``, which solves the same equations anew for every group: a second or more of algebra.

    Variables that do not depend on each other are solved apart: a matrix for all would have zeros between them, and
    algebra takes its time to see that they are.

    Parameters
    ----------
    equations : brian2.Equations
        Linear.
    variables : dict of str to brian2.core.variables.Variable, optional
        What the equations' names stand for.
    method_options : dict, optional
        As Brian2's.

    Returns
    -------
    str
        The abstract code of one step.

    Raises
    ------
    brian2.stateupdaters.base.UnsupportedEquationsException
        If the equations cannot be solved exactly.
    """
    named = {name: (variables or {}).get(name) for name in sorted(equations.names | equations.identifiers)}
    if any(isinstance(variable, Function) for variable in named.values()):  # of time: it may rest for a step of this length
        return solved(equations, variables, method_options)
    options = repr(sorted((method_options or {}).items()))
    key = str(equations), options, tuple((name, _described(variable)) for name, variable in named.items())
    if key not in _KNOWN:
        parts = [solved(part, variables, method_options) for part in _apart(equations, variables)]
        _KNOWN[key] = parts[0] if len(parts) == 1 else _joined(parts)
    return _KNOWN[key]


def _apart(equations, variables):
    """Equations of the variables that depend on each other, for each such set."""
    written = equations.get_substituted_expressions(variables or {})
    names = [name for name, _ in written]
    depends = np.array([[other in expression.identifiers for other in names] for _, expression in written])
    count, place = csgraph.connected_components(depends) if names else (1, [])
    if count == 1:
        return [equations]
    made = [
        SingleEquation(DIFFERENTIAL_EQUATION, name, equations[name].dim, equations[name].var_type, expression)
        for name, expression in written
    ]
    return [Equations([one for one, where in zip(made, place, strict=True) if where == part]) for part in range(count)]


def _joined(parts):
    """The code of all parts as Brian2 writes it of one: what each variable becomes, then that it is so."""
    lines = [line for part in parts for line in part.splitlines()]
    become = [line for line in lines if line.startswith("_")]
    return "\n".join(become + [line for line in lines if line not in become])


def _described(variable):
    """What the solution may depend on: of which kind a variable is, and not its size or values."""
    kinds = ("dtype", "scalar", "constant", "is_boolean", "is_integer")
    return type(variable).__name__, *(str(getattr(variable, kind, None)) for kind in kinds)
