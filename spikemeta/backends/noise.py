"""Weight noise from a counter: a standard normal that is a pure function of seed, presentation and synapse.

Nothing is stored and the order of events does not matter, so a draw costs little and is reproducible; the C++ form has no
branch and no table, so that a row of synapses is drawn in vector registers.
"""

from pathlib import Path

import brian2
import numpy as np

_MULTIPLY = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

# SplitMix64's finaliser (Steele, Lea & Flood 2014, OOPSLA, fig. 17), then Box & Muller 1958 (Ann. Math. Statist. 29, 610).
# log(u) by its exponent and the series of atanh, cos(2 pi v) by the series of sin on a quarter turn; both to about 1e-14.
# Whole numbers below 2^52 become doubles by the bits of 2^52, of which they are the last digits: exact, and in vector registers
# also where these have no conversion of 64-bit integers (AVX2).
_CPP = "\n" + (Path(__file__).parent / "templates" / "weight_noise.h").read_text()
_UNIFORM_CPP = (
    _CPP.split("    const double u =")[0].replace("double weight_noise(", "double weight_dice(")
    + """    return weight_noise_double(x >> 32)*(1.0/4294967296.0);
}
"""
)


def _mixed(seed, presentation, index):
    """64 random bits for each index."""
    with np.errstate(over="ignore"):
        x = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(presentation) * np.uint64(0x2545F4914F6CDD1D)
        x = (x ^ (x >> np.uint64(29))) * np.uint64(_MULTIPLY[0]) + np.asarray(index, np.uint64) * np.uint64(_MULTIPLY[0])
        x = (x ^ (x >> np.uint64(30))) * np.uint64(_MULTIPLY[1])
        x = (x ^ (x >> np.uint64(27))) * np.uint64(_MULTIPLY[2])
        return x ^ (x >> np.uint64(31))


def uniform(seed, presentation, index):
    """The draws that `WEIGHT_DICE` makes, 0 to 1, in steps of 2**-32; arguments as for `standard_normal`."""
    return (_mixed(seed, presentation, index) >> np.uint64(32)).astype(float) / 2**32


def standard_normal(seed, presentation, index):
    """The draws that `WEIGHT_NOISE` makes.

    Parameters
    ----------
    seed, presentation : float
        Whole numbers below 2**53.
    index : ndarray of int
        Numbers of the synapses.

    Returns
    -------
    ndarray of float, the shape of ``index``
    """
    x = _mixed(seed, presentation, index)
    u = ((x >> np.uint64(32)).astype(float) + 0.5) / 2**32
    v = (x & np.uint64(0xFFFFFFFF)).astype(float) / 2**32
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


#: Brian2 function ``weight_noise(seed, presentation)``, for standalone and for the NumPy target.
WEIGHT_NOISE = brian2.Function(standard_normal, arg_units=[1, 1], return_unit=1, stateless=False, auto_vectorise=True)
WEIGHT_NOISE.implementations.add_implementation("cpp", _CPP, name="weight_noise")
#: As `WEIGHT_NOISE`, of numbers between 0 and 1.
WEIGHT_DICE = brian2.Function(uniform, arg_units=[1, 1], return_unit=1, stateless=False, auto_vectorise=True)
WEIGHT_DICE.implementations.add_implementation("cpp", _UNIFORM_CPP, name="weight_dice")
for _function, _draw in ((WEIGHT_NOISE, standard_normal), (WEIGHT_DICE, uniform)):
    # Brian2's own wrapper of a Python function prints what it returned into a message for the case that it has a unit.
    _function.implementations.add_implementation("numpy", _draw)
