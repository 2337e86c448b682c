"""Benna and Fusi's chain and Fusi, Drew and Abbott's cascade against direct simulations of the published equations."""

import numpy as np
import pytest

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry


def chain(u, duration, steps):
    """Runge-Kutta of C_k du_k/dt = g_(k-1) (u_(k-1) - u_k) - g_k (u_k - u_(k+1)), C_k = 2^(k-1), g_k = 2^(-k-2), u_(m+1) = 0.

    u : (m, n); duration in presentations.
    """
    k = np.arange(1, len(u) + 1)[:, None]
    capacity, tube = 2.0 ** (k - 1), 2.0 ** (-k - 2)

    def slope(u):
        out = tube * (u - np.concatenate([u[1:], np.zeros_like(u[:1])]))
        into = np.concatenate([np.zeros_like(u[:1]), out[:-1]])
        return (into - out) / capacity

    h = duration / steps
    for _ in range(steps):
        a = slope(u)
        b = slope(u + h / 2 * a)
        c = slope(u + h / 2 * b)
        u = u + h / 6 * (a + 2 * b + 2 * c + slope(u + h * c))
    return u


def test_the_chain_follows_its_equations():
    """Events after silent gaps of up to 800 presentations; a Runge-Kutta step of 1/8 errs by less than (0.2/8)^5."""
    rng = np.random.default_rng(1)
    start = 0.1 * rng.standard_normal(7)
    made = ReferenceSynapses(registry.get_rule("benna_fusi"), start[None], {"lr": 0.5})
    u, age, gradient = np.tile(start, (6, 1)), 0.0, np.zeros(7)
    for gap in (1.0, 1.0, 17.0, 1.0, 300.0, 2.0, 800.0):
        made.touch(0, age)
        gradient = rng.standard_normal(7)
        made.accumulate(0, gradient)
        u = chain(u, 1.0, 8)  # the step is taken at the end of its presentation
        u[0] -= 0.5 * gradient
        u = chain(u, gap - 1.0, int(8 * (gap - 1.0))) if gap > 1 else u
        age += gap
    made.flush(age)
    found = np.concatenate([made.state[f"u{k}"] for k in range(1, 7)])
    np.testing.assert_allclose(found, u, rtol=1e-8, atol=1e-10)


def test_a_memory_in_the_chain_fades_as_the_root_of_time():
    """Exponent -1/2 from 8 presentations to a quarter of the slowest time scale (2^13 for six variables).

    Six variables approximate the power law: the local exponent swings about it by some hundredths.
    """
    made = ReferenceSynapses(registry.get_rule("benna_fusi"), np.zeros((1, 1)), {"lr": 1.0})
    made.accumulate(0, np.array([-1.0]))
    ages = 2.0 ** np.arange(3, 12)
    weights = []
    for age in ages:
        made.touch(0, 1 + age)
        weights.append(made.weight().item())
    slope = np.polyfit(np.log(ages), np.log(weights), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)


def published(n, x):
    """Transition matrices (2n, 2n), potentiation and depression, over states (strength, depth): weak 1..n, then strong 1..n."""
    up = np.zeros((2 * n, 2 * n))
    for i in range(1, n + 1):
        q = x ** (i - 1) if i < n else x ** (n - 1) / (1 - x)
        up[i - 1, n] += q  # to strong, depth 1
        up[i - 1, i - 1] += 1 - q
        p = x**i / (1 - x) if i < n else 0.0
        up[n + i - 1, min(n + i, 2 * n - 1)] += p
        up[n + i - 1, n + i - 1] += 1 - p
    swap = np.roll(np.arange(2 * n), n)
    return up, up[np.ix_(swap, swap)]


def states(made, n):
    return (made.state["strong"] * n + made.state["depth"] - 1).astype(int).ravel()


@pytest.mark.parametrize(("n", "x"), [(5, 0.5), (3, 0.3)])
def test_the_cascade_follows_its_transition_probabilities(n, x):
    """One tracked memory among random ones: occupancy of all states, and its signal, to 5 standard errors."""
    synapses, rng = 100_000, np.random.default_rng(2)
    up, down = published(n, x)
    start = np.where(rng.random(synapses) < 0.5, 0.1, -0.1)
    made = ReferenceSynapses(registry.get_rule("cascade"), start[None], {"depths": n, "ratio": x, "amplitude": 1.0}, rng)
    wanted = np.where(rng.random(synapses) < 0.5, 1, -1)
    tracked = 4
    share = {sign: np.bincount([0, n], minlength=2 * n) / 2 for sign in (1, -1)}  # half weak, half strong, all shallow
    for event in range(12):
        made.touch(0, event)
        sign = wanted if event == tracked else np.where(rng.random(synapses) < 0.5, 1, -1)
        made.accumulate(0, -sign.astype(float))
        for s in share:
            random = (up + down) / 2
            share[s] = share[s] @ (random if event != tracked else up if s > 0 else down)
        made.touch(0, event + 1)
        found = states(made, n)
        for s, expected in share.items():
            own = found[wanted == s]
            counts = np.bincount(own, minlength=2 * n) / len(own)
            error = np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / len(own))
            assert (np.abs(counts - expected) <= 5 * error + 1e-9).all(), (event, s)
        signal = np.mean(wanted * made.weight().ravel())
        theory = ((share[1] - share[-1]) @ np.repeat([-1.0, 1.0], n)) / 2
        assert signal == pytest.approx(theory, abs=5 / np.sqrt(synapses))
    assert theory > 0.05


def test_the_cascade_forgets_by_a_power_law():
    """By its published probabilities the signal falls as t^-0.5 to t^-1 up to 2^(n-1) events, and then exponentially."""
    n, ages = 10, 2 ** np.arange(2, 13)
    up, down = published(n, 0.5)
    random = (up + down) / 2
    even = np.full(2 * n, 1 / (2 * n))  # with these probabilities all states are equally likely
    np.testing.assert_allclose(even @ random, even, rtol=1e-12)
    difference = even @ (up - down)
    signal = [difference @ np.linalg.matrix_power(random, int(t)) @ np.repeat([-0.5, 0.5], n) for t in ages]
    slopes = np.diff(np.log(signal)) / np.diff(np.log(ages))
    before = ages[1:] <= 2 ** (n - 1)
    assert ((slopes[before] < -0.45) & (slopes[before] > -1.05)).all(), slopes
    assert slopes[-1] < -4


def test_whole_numbers_stay_whole():
    rng = np.random.default_rng(3)
    made = ReferenceSynapses(registry.get_rule("cascade"), rng.standard_normal((4, 50)), None, rng)
    for age in range(50):
        made.touch(np.arange(4), age)
        made.accumulate(np.arange(4), rng.standard_normal((4, 50)))
    assert registry.get_rule("cascade").analysis.whole == {"strong", "depth"}
    assert set(np.unique(made.state["strong"])) == {0, 1}
    assert set(np.unique(made.state["depth"])) <= set(range(1, 11))
    assert len(np.unique(made.state["depth"])) > 4
