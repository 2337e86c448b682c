"""How long a memory lives: closed forms, and direct simulations in NumPy that do not read any rule's text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, signal

from spikemeta.analysis import lifetime as analysis
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.runs import lifetime

WINDOW, AGES, TRACKED, SYNAPSES = 12.0, 40, 6, 4000
LEAKY = Rule(
    "leaky",
    state="dw/dt = -w/window : 1",
    weight="w",
    initial="w = w_init",
    on_gradient="w -= lr*gradient",
    parameters={"lr": Parameter(0.1), "window": Parameter(1000, "presentation", low=1)},
)
#: One time scale, two levels: a synapse takes the wanted sign with the probability 1/5, as each candidate event of a cascade of
#: depth 1 does.
SWITCH = Rule(
    "switch",
    state="w : 1\nchance : 1",
    weight="w",
    initial="w = w_init\nchance = 1",
    on_presentation="chance = rand()",
    on_gradient="flips = int(abs(gradient) > 0)*int(chance < 0.2)\nw = (1 - flips)*w - flips*sign(gradient)",
)


def simulated(rule, window=WINDOW):
    return lifetime.remember(lifetime.forgetting_at(rule, window), SYNAPSES, AGES, TRACKED, 80, seed=1)


@pytest.fixture(scope="module")
def leaky():
    return simulated(LEAKY)


@pytest.fixture(scope="module")
def switch():
    return simulated(SWITCH)


def test_one_time_scale_fades_as_an_exponential(leaky):
    """A leaky sum q^0 xi_0 + q^1 xi_1 + ..., q = exp(-1/tau): signal q^age, power 1/(1 - q^2), after one leak for all."""
    q = np.exp(-1 / WINDOW)
    expected = np.sqrt(SYNAPSES * (1 - q**2)) * q ** np.arange(AGES)
    # the signal's own noise is 1/sqrt(tracked) at every age: four deviations of forty ages
    np.testing.assert_allclose(analysis.snr(*leaky, SYNAPSES), expected, rtol=0.05, atol=4 / np.sqrt(TRACKED))
    fits = analysis.slopes(analysis.snr(*leaky, SYNAPSES), low=4.0)
    assert fits["time_constant"] == pytest.approx(WINDOW, rel=0.15)
    assert fits["exponential_residual"] < fits["power_residual"]


def test_patterns_that_age_at_once_are_read_as_one_after_another(leaky):
    """The first is followed by the same memories either way; all fade alike."""
    rule = lifetime.forgetting_at(LEAKY, WINDOW)
    readouts, power = lifetime.remember(rule, SYNAPSES, AGES, TRACKED, 80, seed=1, spacing=5)
    np.testing.assert_array_equal(readouts[0], leaky[0][0])
    np.testing.assert_array_equal(power[0], leaky[1][0])
    np.testing.assert_array_equal(power[1, :-5], power[0, 5:])
    q = np.exp(-1 / WINDOW)
    expected = np.sqrt(SYNAPSES * (1 - q**2)) * q ** np.arange(AGES)
    np.testing.assert_allclose(analysis.snr(readouts, power, SYNAPSES), expected, rtol=0.05, atol=4 / np.sqrt(TRACKED))


@pytest.fixture(scope="module")
def direct():
    """The model's words, simulated: with the probability 1/5 a synapse becomes what the pattern wants. Readouts of groups."""
    rng = np.random.default_rng(7)
    w, readouts = np.zeros(SYNAPSES), np.zeros((TRACKED, AGES, SYNAPSES // lifetime.GROUP))

    def store():
        nonlocal w
        pattern = rng.choice([-1.0, 1.0], SYNAPSES)
        w = np.where(rng.random(SYNAPSES) < 0.2, pattern, w)
        return pattern

    for _ in range(80):
        store()
    for which in range(TRACKED):
        pattern = store()
        for age in range(AGES):
            if age:
                store()
            readouts[which, age] = (pattern * w).reshape(-1, lifetime.GROUP).mean(1)
    return readouts


def test_a_switch_fades_as_its_direct_simulation(switch, direct):
    here = analysis.snr(*switch, SYNAPSES)
    # both are means over as many patterns, of unit noise
    np.testing.assert_allclose(here, np.sqrt(SYNAPSES) * direct.mean((0, 2)), atol=4 * np.sqrt(2 / TRACKED))
    np.testing.assert_allclose(here, np.sqrt(SYNAPSES) * 0.2 * 0.8 ** np.arange(AGES), atol=4 / np.sqrt(TRACKED))
    np.testing.assert_allclose(switch[1], 1.0)


def test_first_passages_of_a_switch_are_those_of_its_direct_simulation(switch, direct):
    """24 populations of 1,000 each; four deviations of the difference of their means."""
    mean, censored = analysis.first_passage(*switch, 1000, lifetime.GROUP)
    first = (direct < 1000**-0.5).argmax(1)
    assert (first > 0).all()
    assert censored == 0
    assert abs(mean - first.mean()) < 4 * first.std() * np.sqrt(2 / first.size)


def mixture(slowest, fastest, ages):
    """Signal of two-state synapses whose q is log-uniform: the mean of q (1 - q)^age, by the trapezoidal rule."""
    q = np.geomspace(slowest, fastest, 4001)[:, None]
    return np.trapezoid(q * (1 - q) ** np.arange(ages), np.log(q[:, 0]), axis=0) / np.log(fastest / slowest)


def test_a_mixture_of_plasticities_is_strong_at_once_and_outlives_the_plastic():
    """But not, without transfer, the best of a single plasticity: e/sqrt(N), which begins at e and lives for sqrt(N)/e."""
    rule = registry.get_rule(str(Path(__file__).parents[2] / "docs" / "mixed_switches.py"))
    found = analysis.snr(*lifetime.remember(rule, SYNAPSES, AGES, TRACKED, 80, seed=1), SYNAPSES)
    mixed = np.sqrt(SYNAPSES) * mixture(0.005, 0.5, 200)
    np.testing.assert_allclose(found, mixed[:AGES], atol=4 / np.sqrt(TRACKED))  # four deviations of forty ages
    lives = {}
    for q in (0.5, np.e / np.sqrt(SYNAPSES), 0.005):
        lives[q] = analysis.lifetime(np.sqrt(SYNAPSES) * q * (1 - q) ** np.arange(200))
    plastic, best, stable = lives.values()
    assert stable == 0
    assert 2 * plastic < analysis.lifetime(mixed) < best
    assert mixed[0] > 2 * np.e  # the best single one begins at e


def test_lifetimes_of_one_time_scale_grow_with_the_logarithm():
    """q^age sqrt(N (1 - q^2)) = 1: ten times the synapses live tau/2 log 10 memories longer."""
    q, ages = np.exp(-1 / 50.0), np.arange(600)
    ratios = [np.sqrt(n * (1 - q**2)) * q**ages for n in (1e3, 1e4, 1e5)]
    found = [analysis.lifetime(ratio) for ratio in ratios]
    np.testing.assert_allclose(np.diff(found), 25 * np.log(10), rtol=1e-3)  # a straight line between two ages
    assert analysis.lifetime(ratios[0] + 1) == np.inf
    assert analysis.lifetime(ratios[0] * 0) == 0


@pytest.mark.parametrize("deviation", [0.05, 0.25])
@pytest.mark.parametrize("kept", [0.0, 0.95, 1.0])
@pytest.mark.parametrize("law", ["power", "exponential"])
def test_a_lifetime_is_that_of_the_curve_beneath_the_noise(law, kept, deviation):
    """Noise that is new at each age, lasts for some, or for all: half of 200 estimates are too long, the band holds the truth.

    0.25 is the noise of the fewest copies that a lifetime is told for. A band of one deviation holds it in 68 % where noise is
    the same at all ages, and more often where its mean can be taken. Shares of 200 within four of their deviations.
    """
    ages, many = np.arange(1000), 200
    curve = 10 / np.sqrt(ages + 1.0) if law == "power" else 4.5 * np.exp(-ages / 100)
    true = 99.0 if law == "power" else 100 * np.log(4.5)
    fresh = np.random.default_rng(5).standard_normal((1100, many))
    noise = signal.lfilter([np.sqrt(1 - kept**2)], [1, -kept], fresh, axis=0)[100:] if kept < 1 else fresh[:1]
    measured = (curve[:, None] + deviation * noise).T
    found, first, last = ([analysis.lifetime(one, level) for one in measured] for level in (1, 1 + deviation, 1 - deviation))
    assert abs(np.mean(np.array(found) > true) - 0.5) < 4 * np.sqrt(0.25 / many)
    held = np.mean((np.array(first) <= true) & (true <= np.array(last)))
    assert held > 0.68 - 4 * np.sqrt(0.68 * 0.32 / many)
    if deviation == 0.25 and kept == 0:  # the first dip of such a curve is no estimate
        dips = np.array([np.flatnonzero(one < 1)[0] for one in measured])
        assert np.mean(dips > true) < 0.05


def test_a_lifetime_of_curves_that_are_no_memory():
    """One that rises counts with its mean; one that is flat lives for ever or not at all; one that breaks off is lost there."""
    assert analysis.lifetime(np.full(9, 1.2)) == np.inf
    assert analysis.lifetime(np.full(9, 0.9)) == 0
    assert analysis.lifetime([0.8, 1.4, 1.4, 0.4]) == pytest.approx(1 + 2 * (1.2 - 1) / (1.2 - 0.4))
    assert 1 < analysis.lifetime([3.0, 2.0, np.nan, np.nan]) < 2
    assert analysis.lifetime(np.full(9, np.nan)) == 0


def test_a_band_is_as_wide_as_the_noise_of_the_copies():
    """Two patterns in four groups, without noise: 8 copies of a group, so that the curve crosses 1 plus and minus 1/sqrt(8)."""
    readouts = np.broadcast_to(np.linspace(3, 0, 31)[None, :, None] / np.sqrt(1000), (2, 31, 4))
    found = analysis.metrics_of(readouts, np.ones((2, 31)), 1000)
    assert found["lifetime_1000"] == pytest.approx(20)
    assert found["earliest_1000"] == pytest.approx(20 - 10 / np.sqrt(8))
    assert found["latest_1000"] == pytest.approx(20 + 10 / np.sqrt(8))


@pytest.mark.parametrize("power", [-0.5, -1.0])
def test_a_power_of_age_is_told_from_an_exponential(power):
    ages = np.arange(2000)
    found = analysis.slopes(300 * np.maximum(ages, 1.0) ** power)
    assert found["power_slope"] == pytest.approx(power, rel=1e-6)
    assert found["power_residual"] < 1e-6 < found["exponential_residual"]
    assert np.isnan(analysis.slopes(np.ones(50))["power_slope"])


def test_first_passage_of_a_readout_that_is_known():
    """Groups that end at given ages; populations are joined from neighbours, and one that lasts counts with the last age."""
    ends = np.array([3, 3, 7, 7, 50, 50])
    readouts = (np.arange(10)[None, :, None] < ends).astype(float)
    power = np.full((1, 10), 100.0)  # one deviation of 1,000 synapses: 0.32
    mean, censored = analysis.first_passage(readouts, power, 1000, 1000)
    assert mean == pytest.approx((3 + 3 + 7 + 7 + 10 + 10) / 6)
    assert censored == pytest.approx(1 / 3)
    assert analysis.first_passage(readouts, power, 2000, 1000) == (pytest.approx((3 + 7 + 10) / 3), pytest.approx(1 / 3))


def test_populations_that_can_be_told_of():
    assert analysis.sizes(1_000_000, 16, 1000) == [1000, 10_000, 100_000, 1_000_000]
    assert analysis.sizes(20_000, 8, 1000) == [1000, 10_000]
    assert analysis.sizes(4000, 4, 1000) == [1000]


def cascade_signal(n, ages, x=0.5):
    """Published transition probabilities of a cascade: signal at each age, from where all states are equally likely."""
    up = np.zeros((2 * n, 2 * n))  # weak at depth 1 to n, then strong
    for i in range(n):
        leaves = x**i / (1 - x if i == n - 1 else 1)
        deepens = x ** (i + 1) / (1 - x) if i < n - 1 else 0
        up[i, n], up[i, i] = leaves, 1 - leaves
        up[n + i, n + i] = 1 - deepens
        if i < n - 1:
            up[n + i, n + i + 1] = deepens
    down = np.roll(up, (n, n), (0, 1))
    difference, out = np.full(2 * n, 1 / (2 * n)) @ (up - down) / 2, []
    for _ in range(ages):
        out.append(difference @ np.repeat([-1.0, 1.0], n))
        difference = difference @ (up + down) / 2
    return np.array(out)


def chain_signal(m, ages):
    """Published chain: what is left of one in its first beaker, by the exponential of its matrix."""
    matrix = np.zeros((m, m))
    for k in range(m):  # C = 2^k, g to the next 2^(-k-3)
        for other, g in ((k - 1, 2.0 ** (-k - 2)), (k + 1, 2.0 ** (-k - 3))):
            if other >= 0:
                matrix[k, k] -= g / 2**k
                if other < m:
                    matrix[k, other] = g / 2**k
    step, u, out = linalg.expm(matrix), np.eye(m)[0], []
    for _ in range(ages):
        out.append(u[0])
        u = step @ u
    return np.array(out)


def test_a_cascade_fades_as_its_published_probabilities_say():
    n, tracked, ages = 5, 8, 60
    rule = registry.get_rule("cascade")
    rule = replace(rule, parameters=rule.parameters | {"depths": replace(rule.parameters["depths"], value=n)})
    found = analysis.snr(*lifetime.remember(rule, 20_000, ages, tracked, 100, seed=1), 20_000)
    theory = np.sqrt(20_000) * cascade_signal(n, ages)
    np.testing.assert_allclose(found, theory, atol=4 / np.sqrt(tracked))  # four deviations of sixty ages
    fits = [analysis.slopes(curve, low=4.0) for curve in (found, theory)]
    assert fits[0]["power_slope"] == pytest.approx(fits[1]["power_slope"], abs=0.1)
    # the noise of a lifetime is that of the signal over its slope there
    lives = [analysis.lifetime(curve) for curve in (found * 0.1, theory * 0.1)]
    k = int(lives[1])
    assert abs(lives[0] - lives[1]) < 4 * 0.1 / np.sqrt(tracked) / (0.1 * (theory[k - 1] - theory[k + 1]) / 2)


def test_a_chain_fades_as_its_published_equations_say():
    """Power: what earlier memories left, of as many as there were."""
    tracked, ages, before = 6, 60, 300
    rule = lifetime.forgetting_at(registry.get_rule("benna_fusi"), 7)  # a chain keeps its own times
    found = analysis.snr(*lifetime.remember(rule, 20_000, ages, tracked, before, seed=1), 20_000)
    kernel = chain_signal(6, before + tracked * ages)
    powers = np.cumsum(kernel**2)
    seen = powers[before : before + tracked * ages].reshape(tracked, ages).mean(0)
    np.testing.assert_allclose(found, np.sqrt(20_000) * kernel[:ages] / np.sqrt(seen), rtol=0.02, atol=4 / np.sqrt(tracked))
    theory = kernel[:ages] / np.sqrt(seen) * np.sqrt(20_000)
    fits = [analysis.slopes(curve, low=4.0) for curve in (found, theory)]
    assert fits[0]["power_slope"] == pytest.approx(fits[1]["power_slope"], abs=0.1)
    lives = [analysis.lifetime(curve * 0.05) for curve in (found, theory)]  # of as few synapses as are forgotten in these ages
    k = int(lives[1])
    assert 5 < k < ages - 1
    assert abs(lives[0] - lives[1]) < 4 / np.sqrt(tracked) / ((theory[k - 1] - theory[k + 1]) / 2)
    assert analysis.slopes(chain_signal(6, 3000) * 1e3, low=0, start=20)["power_slope"] == pytest.approx(-0.5, abs=0.05)
