"""Decays that are coupled to each other with constant coefficients, as independent modes: their matrix's eigenbasis.

With x the coupled variables, dx/dt = s*(M x) + b, M a matrix of numbers and s the one factor that the coefficients share, such
as 1/tau. Where M = V diag(-rate) V^-1 is real, x(t) = rest + V exp(-rate*s*t) V^-1 (x - rest), over gaps of any length.
"""

from dataclasses import dataclass

import numpy as np
import sympy
from brian2.parsing.sympytools import sympy_to_str

#: Condition number of the eigenbasis from which on two modes count as one: about half of the digits would be lost.
MOST_CONDITION = 1e7
_ZERO = 1e-12  # relative: what is left of zero by rounding


class Refused(Exception):
    """Why coupled decays have no independent modes that could be used, and what can be written instead."""


@dataclass(frozen=True)
class Modes:
    """Independent modes of k coupled variables.

    Attributes
    ----------
    names : tuple of str
        The variables.
    rates, rests : tuple of str
        Of each mode, per presentation, and of each variable.
    into, out_of : tuple of tuple of float
        (k, k): amplitudes of the modes from ``x - rest``, and the other way.
    """

    names: tuple
    rates: tuple
    rests: tuple
    into: tuple
    out_of: tuple

    def amplitude(self, mode):
        """Expression of one mode's amplitude."""
        away = [n if rest == "0" else f"({n} - ({rest}))" for n, rest in zip(self.names, self.rests, strict=True)]
        return _combined(self.into[mode], away)

    def variable(self, number, amplitudes):
        """Expression of what modes of these amplitudes add to one variable."""
        return _combined(self.out_of[number], amplitudes)


def _combined(numbers, texts):
    return " + ".join(f"({float(c)!r})*{text}" for c, text in zip(numbers, texts, strict=True) if c) or "0"


def groups(expressions):
    """Variables that are coupled, directly or by others, in the order of their first.

    Parameters
    ----------
    expressions : dict of str to sympy.Expr
        Right-hand sides of the decays, by variable.

    Returns
    -------
    list of tuple of str
    """
    found = []
    for name, expr in expressions.items():
        near = {name, *(s.name for s in expr.free_symbols if s.name in expressions)}
        touching = [group for group in found if group & near]
        found = [group for group in found if not group & near] + [near.union(*touching)]
    order = list(expressions)
    return sorted((tuple(n for n in order if n in group) for group in found), key=lambda group: order.index(group[0]))


def solve(expressions, states):
    """Independent modes of coupled decays.

    Parameters
    ----------
    expressions : dict of str to sympy.Expr
    states : iterable of str
        All state variables of the rule, which a coefficient must not depend on.

    Returns
    -------
    Modes

    Raises
    ------
    Refused
    """
    names = tuple(expressions)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    matrix = sympy.Matrix([[sympy.simplify(sympy.diff(e, x)) for x in symbols] for e in expressions.values()])
    for row, name in enumerate(names):
        for column, other in enumerate(names):
            entry = matrix[row, column]
            if {s.name for s in entry.free_symbols} & set(names):
                raise Refused(f"d{name}/dt is not linear in {other!r}; only linear decays can be coupled")
            if {s.name for s in entry.free_symbols} & set(states):
                raise Refused(
                    f"d{name}/dt is coupled to {other!r} by {sympy_to_str(entry)}, which is no constant; couple by numbers and "
                    "parameters, or exchange in on_gradient, by a factor that is zero where the gradient is"
                )
    scale, numbers = _scaled(matrix, names)
    rates, basis = _eigenbasis(numbers, names)
    drive = [
        sympy.expand(e - sum(matrix[k, j] * symbols[j] for j in range(len(names)))) for k, e in enumerate(expressions.values())
    ]
    rests = _rests(numbers, [sympy.simplify(b / scale) for b in drive], names)
    inverse = np.linalg.inv(basis)
    text = sympy_to_str(scale)
    return Modes(names, tuple(f"{float(r)!r}*({text})" for r in rates), rests, _table(inverse), _table(basis))


def _table(matrix):
    small = _ZERO * np.abs(matrix).max()
    return tuple(tuple(float(c) if abs(c) > small else 0.0 for c in row) for row in matrix)


def _scaled(matrix, names):
    """The factor that all coefficients share, and what is left of them as numbers, (k, k)."""
    entry = next(e for e in matrix if e != 0)
    scale = entry.as_coeff_Mul()[1]
    ratios = matrix.applyfunc(lambda e: sympy.simplify(e / scale))
    odd = next((e for e in ratios if not e.is_number), None)
    if odd is not None:
        raise Refused(
            f"the decays of {', '.join(names)} are coupled, and the ratio of their coefficients, {sympy_to_str(odd)}, is no "
            f"number; write one time constant for all and numbers, as in d{names[0]}/dt = (0.25*{names[1]} - {names[0]})/tau"
        )
    return scale, np.array(ratios.tolist(), float)


def _eigenbasis(numbers, names):
    """Rates (k,) and modes (k, k) of a matrix of numbers."""
    values, basis = np.linalg.eig(numbers)
    of, largest = f"the decays of {', '.join(names)}", np.abs(values).max()
    if np.linalg.cond(basis) > MOST_CONDITION:
        raise Refused(
            f"{of} have two modes of the same rate that cannot be told apart (the matrix is defective), so there is no sum of "
            "exponentials; make two of the time constants differ, by a hundredth, say"
        )
    if np.iscomplexobj(values) and np.abs(values.imag).max() > _ZERO * largest:
        raise Refused(f"{of} oscillate: the matrix has complex eigenvalues; give both directions of a coupling the same sign")
    values, basis = values.real, basis.real
    if values.max() > _ZERO * largest:
        raise Refused(
            f"{of} grow together: the matrix has the positive eigenvalue {values.max():.3g}; what leaves one must be "
            "at least what enters the others"
        )
    order = np.argsort(values)
    rates = np.where(np.abs(values) > _ZERO * largest, -values, 0.0)[order]
    basis = basis[:, order]
    return rates, basis * np.sign(basis[np.abs(basis).argmax(0), range(len(names))])


def _rests(numbers, drive, names):
    """Expressions of where the variables rest."""
    if not any(drive):
        return ("0",) * len(names)
    if np.linalg.cond(numbers) > 1 / _ZERO:
        raise Refused(f"the decays of {', '.join(names)} rest nowhere: something enters, and one of their sums never fades")
    inverse = np.linalg.inv(numbers)
    size = range(len(names))
    return tuple(sympy_to_str(sympy.simplify(-sum(sympy.Float(inverse[i, j]) * drive[j] for j in size))) for i in size)
