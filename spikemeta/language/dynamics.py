"""Neurons between spikes: linear equations as matrices, their exact solution over one step, threshold and reset.

A step of every engine: the variables are propagated; who is beyond the threshold fires; what spikes bring is added to the
targets; who fired is reset. So a spike acts on its targets one step later at the earliest.
"""

import functools
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import sympy
from brian2.parsing.sympytools import str_to_sympy


@dataclass(frozen=True)
class Dynamics:
    """What the text of one kind of neurons says, as expressions of the network's parameters.

    Attributes
    ----------
    variables : tuple of str
        Those of each neuron, then those that a layer shares.
    shared : frozenset of str
    rates : tuple of str
        Right-hand sides of dx/dt, subexpressions written out.
    distance : str
        How far beyond the threshold a neuron is; it fires above 0.
    resets : tuple of (str, str)
        New values of the variables that a spike changes, in terms of the values before it: linear, but those of kept ones.
    kept : tuple of (str, str)
        Variables that outlast a presentation, and their rates, which hold between presentations; within one these are 0.
    """

    variables: tuple
    shared: frozenset
    rates: tuple
    distance: str
    resets: tuple
    kept: tuple = ()

    def at(self, constants, step):
        """The numbers for one step.

        Parameters
        ----------
        constants : dict of str to float
            Values of the parameters, in SI units.
        step : float
            s.

        Returns
        -------
        Step
            Its arrays cannot be written to: the same numbers are worked out once.
        """
        return _step(self, tuple(sorted(constants.items())), step)

    def _worked_out(self, constants, step):
        known = {sympy.Symbol(name, real=True): value for name, value in constants.items()}
        names = [sympy.Symbol(name, real=True) for name in self.variables]
        affine = lambda texts: _affine([str_to_sympy(t).subs(known) for t in texts], names)  # noqa: E731
        slopes, constant = affine(self.rates)
        common = np.array([name in self.shared for name in self.variables])
        held = np.where(common[:, None], 0, slopes)  # neurons see a shared variable as it was before the step
        (solved, drifted), (own, drift) = _solved(slopes, constant, step), _solved(held, constant, step)
        propagator, drift = np.where(common[:, None], solved, own), np.where(common, drifted, drift)
        between = dict(self.kept)
        bent = {n: value for n, value in self.resets if n in between and problem_of(value, self.variables, n)}
        changed = {n: value for n, value in self.resets if n not in bent}
        decays, rests = affine([between.get(name, "0") for name in self.variables])
        made = Step(
            self.variables,
            tuple(name in self.shared for name in self.variables),
            propagator,
            drift,
            *(part[0] for part in affine([self.distance])),
            *affine([changed.get(name, name) for name in self.variables]),
            slopes,
            tuple(name in between for name in self.variables),
            np.diag(decays).copy(),
            rests,
            tuple((self.variables.index(n), value) for n, value in bent.items()),
            constants,
        )
        for part in vars(made).values():
            if isinstance(part, np.ndarray):
                part.setflags(write=False)
        return made


@functools.lru_cache(maxsize=256)
def _function(text, names):
    return sympy.lambdify([sympy.Symbol(name, real=True) for name in names], str_to_sympy(text), "numpy")


@functools.lru_cache(maxsize=256)
def _step(dynamics, constants, step):
    return dynamics._worked_out(dict(constants), step)


@dataclass(frozen=True)
class Step:
    """One step of a layer's neurons; ``x`` are their k variables.

    Attributes
    ----------
    variables : tuple of str
    shared : tuple of bool
        Whether the layer has one of it.
    propagator, drift : (k, k) and (k,) ndarray
        x becomes ``propagator @ x + drift``.
    slope, offset : (k,) ndarray and float
        A neuron fires where ``slope @ x + offset > 0``.
    reset, jump : (k, k) and (k,) ndarray
        Of a neuron that fired, x becomes ``reset @ x + jump``.
    rates : (k, k) ndarray, 1/s
        The matrix of the equations.
    kept : tuple of bool
        Whether a variable outlasts a presentation.
    decays, rests : (k,) ndarray
        Of a kept variable, dx/dt is ``decays*x + rests`` between presentations.
    bent : tuple of (int, str)
        Kept variables whose new value at a spike is not linear, and that value, of the variables before it and the constants;
        their rows of ``reset`` leave them as they are.
    constants : dict of str to float
    """

    variables: tuple
    shared: tuple
    propagator: np.ndarray
    drift: np.ndarray
    slope: np.ndarray
    offset: float
    reset: np.ndarray
    jump: np.ndarray
    rates: np.ndarray
    kept: tuple
    decays: np.ndarray
    rests: np.ndarray
    bent: tuple
    constants: dict

    def after(self, x):
        """What a spike makes of the variables of neurons.

        Parameters
        ----------
        x : (k, n) ndarray
            Before it.

        Returns
        -------
        (k, n) ndarray
        """
        out = self.reset @ x + self.jump[:, None]
        for k, text in self.bent:
            out[k] = _function(text, (*self.variables, *self.constants))(*x, *self.constants.values())
        return out

    def between(self, duration):
        """What becomes of the variables when a presentation ends: x becomes ``factor*x + drift``; of others than kept ones, 0.

        Parameters
        ----------
        duration : float
            Of the presentation, s.

        Returns
        -------
        factor, drift : (k,) ndarray
        """
        slow = self.decays != 0
        factor = np.where(self.kept, np.exp(self.decays * duration), 0.0)
        drift = np.where(slow, np.expm1(self.decays * duration) / np.where(slow, self.decays, 1), duration) * self.rests
        return factor, drift

    def problems(self):
        """What would go wrong with these numbers: variables that grow, or equal time constants."""
        if not all(np.isfinite(part).all() for part in (self.propagator, self.drift, self.slope, self.jump)):
            return ["the equations have no finite solution at these values"]
        values = np.linalg.eigvals(self.rates)
        found = []
        if (self.decays > 0).any() or ((self.decays == 0) & (self.rests != 0)).any():
            found.append("a kept variable grows without bound at these values, instead of decaying")
        if (values.real > 1e-9 * np.abs(values).max(initial=1e-300)).any():
            found.append("the equations grow without bound at these values, instead of decaying")
        if any(self._defective(value, values) for value in values):
            found.append(
                "two coupled variables have the same time constant, for which Brian2 knows no closed form: let the "
                "constants differ by a millionth or more"
            )
        return found

    def _defective(self, value, values):
        """Whether the matrix has fewer eigenvectors for an eigenvalue than it has that value."""
        size, scale = len(self.rates), max(np.abs(self.rates).max(), 1e-300)
        times = np.sum(np.abs(values - value) < 1e-6 * scale)
        return times > 1 and size - np.linalg.matrix_rank(self.rates - value * np.eye(size), tol=1e-5 * scale) < times


def _solved(slopes, constant, step):
    """Exact solution over a step of dx/dt = slopes @ x + constant: propagator (k, k) and drift (k,)."""
    size = len(slopes)
    whole = np.zeros((size + 1, size + 1))
    whole[:size, :size], whole[:size, size] = slopes * step, constant * step
    solved = scipy.linalg.expm(whole)
    return np.where(abs(solved[:size, :size]) > 1e-300, solved[:size, :size], 0.0), solved[:size, size]


def _affine(expressions, names):
    """Slopes (n, k) and constants (n,) of expressions that are affine in k names."""
    zero = dict.fromkeys(names, 0)
    slopes = np.array([[float(sympy.diff(e, name)) for name in names] for e in expressions]).reshape(-1, len(names))
    return slopes, np.array([float(sympy.sympify(e).subs(zero)) for e in expressions])


def problem_of(expression, names, kind):
    """Why an expression is not affine in some names, or None.

    Parameters
    ----------
    expression : str
    names : iterable of str
    kind : str
        What it is, for the message.
    """
    parsed = str_to_sympy(expression)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    for symbol in symbols:
        slope = sympy.diff(parsed, symbol)
        slope = sympy.simplify(slope) if slope.free_symbols & set(symbols) else slope
        bent = sorted(s.name for s in slope.free_symbols if s in symbols)
        if bent or slope.has(sympy.Derivative) or slope.atoms(sympy.Subs):
            with_ = f" (it is not, in {symbol.name!r})"
            return f"{kind} must be linear in {', '.join(map(repr, names))}{with_}, so that one step can be solved exactly"
    return None
