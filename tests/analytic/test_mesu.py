"""mesu against its paper (Bonnet et al. 2025): the published updates and the fixed point of the uncertainty."""

import numpy as np
import pytest

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry

PRIOR = {"mu_prior": 0.2, "sigma_prior": 0.5}


def published(mu, sigma, g, noise, window, mu_prior=0.2, sigma_prior=0.5):
    """One step of the published update, with dC/dmu = g and dC/dsigma = g*noise."""
    return (
        mu - sigma**2 * g + sigma**2 * (mu_prior - mu) / (window * sigma_prior**2),
        sigma - sigma**2 / 2 * g * noise + sigma * (sigma_prior**2 - sigma**2) / (2 * window * sigma_prior**2),
    )


def synapses(mu, window, sigma_init=0.1, noise=0.0, **more):
    return ReferenceSynapses(
        registry.get_rule("mesu"),
        np.atleast_2d(mu),
        PRIOR | {"window": window, "sigma_init": sigma_init} | more,
        noise=lambda rows: np.broadcast_to(noise, (len(rows), np.atleast_2d(mu).shape[1])),
    )


def moments(made):
    return made.state["information"] / made.state["precision"], 1 / np.sqrt(made.state["precision"])


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def test_forgetting_is_the_limit_of_the_published_euler_steps():
    """After half a window without gradients; a first-order integrator is off by 1/N (slope fitted, to 0.02)."""
    windows, errors = [50, 100, 200, 400, 800, 1600], []
    for window in windows:
        made = synapses(0.8, window)
        made.flush(window / 2)
        mu, sigma = 0.8, 0.1
        for _ in range(window // 2):
            mu, sigma = published(mu, sigma, 0.0, 0.0, window)
        errors.append([np.abs(mu - moments(made)[0]).item(), np.abs(sigma - moments(made)[1]).item()])
    assert slope(windows, np.array(errors)[:, 0]) == pytest.approx(-1, abs=0.02)
    assert slope(windows, np.array(errors)[:, 1]) == pytest.approx(-1, abs=0.02)
    assert max(errors[-1]) < 1e-4


def test_the_data_term_is_the_published_one():
    """In natural parameters it is not an approximation: equal to rounding (1e-12) as long as the guard is silent."""
    rng = np.random.default_rng(1)
    mu, g, noise = rng.standard_normal((3, 1, 200))
    made = synapses(mu, np.inf, noise=noise)
    made.touch(0, 0)
    made.accumulate(0, g[0])
    made.touch(0, 1)
    expected = published(mu, 0.1, g, noise, np.inf)
    assert (np.abs(0.1 * g * noise / 2) < 0.5).all()
    np.testing.assert_allclose(moments(made)[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(moments(made)[1], expected[1], rtol=1e-12)


def test_the_guard_bounds_the_step_of_sigma():
    made = synapses([[0.0, 0.0]], np.inf, noise=np.array([1.0, -1.0]), guard=0.5)
    made.touch(0, 0)
    made.accumulate(0, np.array([1e6, 1e6]))
    made.touch(0, 1)
    np.testing.assert_allclose(moments(made)[1], [[0.05, 0.15]], rtol=1e-12)


def test_without_a_guard_sigma_is_the_published_one_beyond_zero_too():
    """The published sigma may become negative, which is the same synapse with the sign of its noise turned."""
    g, noise = np.array([[30.0, 300.0, -300.0, 3000.0]]), np.array([[1.0, 0.5, 0.5, 1.0]])
    made = synapses(np.full((1, 4), 0.8), np.inf, noise=noise, guard=np.inf)
    made.touch(0, 0)
    made.accumulate(0, g[0])
    made.touch(0, 1)
    mu, sigma = published(0.8, 0.1, g, noise, np.inf)
    assert sigma.min() < 0 < sigma.max()
    np.testing.assert_allclose(moments(made)[0], mu, rtol=1e-12)  # rounding, as above
    np.testing.assert_allclose(moments(made)[1], np.abs(sigma), rtol=1e-12)


def test_a_whole_presentation_is_the_published_one_to_first_order():
    """Data term and forgetting scaled down together: what is left is their product, of second order."""
    scales, errors = [0.1, 0.05, 0.025, 0.0125], []
    for scale in scales:
        made = synapses(0.8, 1 / scale, noise=0.7)
        made.touch(0, 0)
        made.accumulate(0, 20 * scale)
        made.touch(0, 1)
        found = np.array(moments(made)).ravel()
        errors.append(np.abs(found - published(0.8, 0.1, 20 * scale, 0.7, 1 / scale)))
    assert slope(scales, np.array(errors)[:, 0]) == pytest.approx(2, abs=0.1)
    assert slope(scales, np.array(errors)[:, 1]) == pytest.approx(2, abs=0.1)


def test_uncertainty_settles_at_the_curvature():
    """On a quadratic loss of curvature H, 1/sigma^2 = N*H + 1/sigma_prior^2, and the mean lies between data and prior.

    A presentation adds H to the precision with a relative noise of 2*H*sigma^2, remembered for N/2 presentations: one
    synapse scatters by sqrt(2/N): 4.5 %. The step is of finite size: 1/(1 - s)^2 is 1 + 2s + 3s^2, which adds
    0.75*H*(3*sigma^2 + (mu - w*)^2), 0.23 %, to a mean step of one. The average of 2000 synapses must lie within four
    standard errors and that bias.
    """
    curvature, window, sigma_prior, wanted, n = 1.0, 1000, 0.05, 0.1, 2000
    rng = np.random.default_rng(2)
    made = ReferenceSynapses(
        registry.get_rule("mesu"),
        np.full((1, n), wanted),
        {"window": window, "sigma_prior": sigma_prior, "sigma_init": 0.04},
        rng,
    )
    for age in range(8 * window):  # what is left of the start: exp(-8)
        made.touch(0, age)
        made.accumulate(0, curvature * (made.weight()[0] - wanted))
    made.flush()
    mean, sigma = moments(made)
    expected = window * curvature + 1 / sigma_prior**2
    tolerance = 4 * np.sqrt(2 / window / n) + 0.75 * curvature * (3 / expected + (wanted * 400 / expected) ** 2)
    assert (1 / sigma**2).mean() == pytest.approx(expected, rel=tolerance)
    assert tolerance < 0.01
    between = wanted * window * curvature / expected
    assert mean.mean() == pytest.approx(between, abs=tolerance * wanted)
