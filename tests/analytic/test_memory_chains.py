"""Benna and Fusi's chain against a direct simulation of the published equations."""

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
