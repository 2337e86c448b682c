"""Weight noise from a counter: a standard normal that is a pure function of seed, presentation and synapse.

Nothing is stored and the order of events does not matter, so a draw costs little and is reproducible; the C++ form has no
branch and no table, so that a row of synapses is drawn in vector registers.
"""

import brian2
import numpy as np

_MULTIPLY = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

# SplitMix64's finaliser (Steele, Lea & Flood 2014, OOPSLA, fig. 17), then Box & Muller 1958 (Ann. Math. Statist. 29, 610).
# log(u) by its exponent and the series of atanh, cos(2 pi v) by the series of sin on a quarter turn; both to about 1e-14.
# Whole numbers below 2^52 become doubles by the bits of 2^52, of which they are the last digits: exact, and in vector registers
# also where these have no conversion of 64-bit integers (AVX2).
_CPP = """
#ifndef WEIGHT_NOISE_DOUBLE
#define WEIGHT_NOISE_DOUBLE
static inline double weight_noise_double(const uint64_t whole) {
    const uint64_t bits = whole | 0x4330000000000000ULL;
    double number;
    __builtin_memcpy(&number, &bits, 8);
    return number - 4503599627370496.0;
}
#endif
static inline double weight_noise(const double seed, const double presentation, const int64_t index) {
    uint64_t x = (uint64_t)(int64_t)seed * 0xD1342543DE82EF95ULL + (uint64_t)(int64_t)presentation * 0x2545F4914F6CDD1DULL;
    x = (x ^ (x >> 29)) * 0x9E3779B97F4A7C15ULL + (uint64_t)index * 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    x = x ^ (x >> 31);
    const double u = (weight_noise_double(x >> 32) + 0.5) * (1.0/4294967296.0);
    const double v = weight_noise_double(x & 0xFFFFFFFFULL) * (1.0/4294967296.0);
    uint64_t bits;
    __builtin_memcpy(&bits, &u, 8);
    double exponent = weight_noise_double(bits >> 52) - 1023.0, m;
    bits = (bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL;
    __builtin_memcpy(&m, &bits, 8);
    const double half = m > 1.4142135623730951 ? 0.5 : 1.0;
    exponent += 2.0 - 2.0*half;
    m *= half;
    const double s = (m - 1.0)/(m + 1.0), q = s*s;
    const double series = 1.0 + q*(1.0/3 + q*(1.0/5 + q*(1.0/7 + q*(1.0/9 + q*(1.0/11 + q*(1.0/13 + q*(1.0/15 + q/17)))))));
    const double logarithm = exponent*0.6931471805599453 + 2.0*s*series;
    const double y = 6.283185307179586*((v < 0.5 ? 0.5 - v : v - 0.5) - 0.25), z = y*y;
    const double sine = y*(1.0 - z/6*(1.0 - z/20*(1.0 - z/42*(1.0 - z/72*(1.0 - z/110*(1.0 - z/156*(1.0 - z/210*(
        1.0 - z/272*(1.0 - z/342)))))))));
    return sqrt(-2.0*logarithm)*sine;
}
"""


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
