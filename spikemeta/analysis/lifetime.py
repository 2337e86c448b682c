"""How long a population of synapses keeps one pattern: an ideal observer's signal over noise, its lifetime, first passages.

A memory is a pattern of +1 and -1, one number a synapse; the observer knows it and reads the mean over synapses of pattern
times weight. The signal is the expectation of that, the noise its standard deviation over patterns that were never stored,
which is the root mean square of the weights over the root of the number of synapses. See Benna & Fusi 2016, Nat. Neurosci. 19,
1697. A lifetime by signal over noise alone may mislead, so the first passage of a single readout stands beside it: Elliott
2014, Neural Comput. 26, 1924.

A measured curve is noisy, and its first dip below a level comes before its expectation crosses that level, the sooner the
flatter it is. A memory's signal over noise is taken never to grow with its age; so in place of the measured curve the nearest
one that never rises is read (isotonic regression), which takes the mean over as many ages as the noise asks for.
"""

import numpy as np
from scipy import optimize

#: A lifetime needs as many times the synapses as the population it is told for, or its signal is lost in its own noise.
_COPIES = 16


def snr(readouts, power, synapses):
    """Signal over noise of a population.

    Parameters
    ----------
    readouts : (tracked, ages, groups)
        Mean of pattern times weight over each group of synapses, for each tracked pattern, by its age.
    power : (tracked, ages)
        Mean square of the weights.
    synapses : int
        Of the population.

    Returns
    -------
    (ages,)
        Grows as the root of ``synapses``, because synapses are independent.
    """
    return np.sqrt(synapses) * np.mean(readouts, (0, 2)) / np.sqrt(np.mean(power, 0))


def lifetime(ratio, level=1.0):
    """Age at which signal over noise falls below a level; inf if it does not within the ages.

    Parameters
    ----------
    ratio : (ages,)
        From age 0 on; a memory that is no number any more is lost.
    level : float

    Returns
    -------
    float
        Of the curve that never rises and is nearest to ``ratio`` by least squares: where it is flat its value counts for the
        middle of these ages, and between two such points it is a straight line (centred isotonic regression: Oron & Flournoy
        2017, Stat. Biopharm. Res. 9, 258). A curve that falls at every age is taken as it is. 0 if it begins below the level.
    """
    fitted = optimize.isotonic_regression(np.nan_to_num(ratio, posinf=0.0), increasing=False)
    middles = (fitted.blocks[:-1] + fitted.blocks[1:] - 1) / 2
    levels = fitted.x[fitted.blocks[:-1]]
    below = np.flatnonzero(levels < level)
    if not len(below):
        return float("inf")
    k = below[0]
    return float(k and np.interp(level, levels[[k, k - 1]], middles[[k, k - 1]]))


def first_passage(readouts, power, synapses, group):
    """Mean age at which a single population's readout first falls below one standard deviation of its noise.

    Parameters
    ----------
    readouts, power
        As for `snr`.
    synapses : int
        Of a population: a multiple of ``group``; as many populations as fit are counted.
    group : int
        Synapses of a group.

    Returns
    -------
    mean : float
        Those that do not fall below it within the ages count with the last age: then it is a lower bound.
    censored : float
        Their share.
    """
    tracked, ages, groups = readouts.shape
    joined = synapses // group
    count = groups // joined
    own = readouts[:, :, : count * joined].reshape(tracked, ages, count, joined).mean(3)
    low = own < np.sqrt(power / synapses)[:, :, None]
    first = np.where(low.any(1), low.argmax(1), ages)
    return float(first.mean()), float((first == ages).mean())


def slopes(ratio, low=3.0, start=3):
    """Which law a curve follows: fits of its logarithm by least squares, where it is above ``low``, from the age ``start`` on.

    Parameters
    ----------
    ratio : (ages,)
        From age 0 on; fitted until it falls below ``low``, as `lifetime` has it.
    low : float
    start : int

    Returns
    -------
    dict of str to float
        ``power_slope``, that of log ratio over log age (-1/2 for a chain, about -1 for a cascade), ``time_constant`` of an
        exponential, in memories, and the rms residual of each, ``power_residual`` and ``exponential_residual``; nan for fewer
        than eight ages.
    """
    names = ("power_slope", "power_residual", "time_constant", "exponential_residual")
    ages = np.arange(start, int(min(np.ceil(lifetime(ratio, low)), len(ratio))))
    if len(ages) < 8:
        return dict.fromkeys(names, float("nan"))
    # equal weight to equal distances on the logarithmic axis of ages
    chosen = np.unique(np.geomspace(ages[0], ages[-1], 60).round().astype(int))
    y, found = np.log(ratio[chosen]), []
    for x in (np.log(chosen), chosen.astype(float)):
        fit = np.polyfit(x, y, 1)
        found += [fit[0], float(np.sqrt(np.mean((np.polyval(fit, x) - y) ** 2)))]
    found[2] = -1 / found[2] if found[2] < 0 else float("inf")
    return dict(zip(names, map(float, found), strict=True))


def sizes(synapses, tracked, group):
    """Numbers of synapses, in factors of ten from a group on, that a simulation of so many patterns can tell of."""
    found = [group]
    while found[-1] * 10 * _COPIES <= synapses * tracked and found[-1] * 10 <= synapses:
        found.append(found[-1] * 10)
    return found


def metrics_of(readouts, power, group):
    """All metrics of one simulation, by name.

    Parameters
    ----------
    readouts, power
        As for `snr`.
    group : int
        Synapses of a group.

    Returns
    -------
    dict of str to float
        ``initial_snr`` and the fits of `slopes`, of the largest population; ``lifetime_N``, ``first_passage_N`` and
        ``censored_N`` for each number of synapses N. ``earliest_N`` and ``latest_N`` are a band of one deviation about the
        lifetime: where the curve crosses 1 plus and minus its own noise, which is 1 for one readout of one population.
    """
    tracked, _, groups = readouts.shape
    known = sizes(groups * group, tracked, group)
    largest = snr(readouts, power, known[-1])
    found = {"initial_snr": float(largest[0])} | slopes(largest)
    for n in known:
        ratio, noise = snr(readouts, power, n), np.sqrt(n / (tracked * groups * group))
        for name, level in (("lifetime", 1), ("earliest", 1 + noise), ("latest", 1 - noise)):
            found[f"{name}_{n}"] = lifetime(ratio, level)
        found[f"first_passage_{n}"], found[f"censored_{n}"] = first_passage(readouts, power, n, group)
    return found
