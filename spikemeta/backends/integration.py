"""Neurons between events, solved exactly: each text of equations once for a process, whatever group it belongs to."""

from brian2.core.functions import Function
from brian2.stateupdaters.exact import exact as solved

_KNOWN = {}


def exact(equations, variables=None, method_options=None):
    """Brian2's ``method="exact"``, which solves the same equations anew for every group: a second or more of algebra.

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
        _KNOWN[key] = solved(equations, variables, method_options)
    return _KNOWN[key]


def _described(variable):
    """What the solution may depend on: of which kind a variable is, and not its size or values."""
    kinds = ("dtype", "scalar", "constant", "is_boolean", "is_integer")
    return type(variable).__name__, *(str(getattr(variable, kind, None)) for kind in kinds)
