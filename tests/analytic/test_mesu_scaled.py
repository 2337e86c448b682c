"""docs/mesu_scaled.py against the authors' code of Bonnet et al. 2025: multipliers of the whole step, forgetting too."""

from pathlib import Path

import numpy as np
import pytest

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry

SCALED = str(Path(__file__).parents[2] / "docs" / "mesu_scaled.py")
PRIOR = {"mu_prior": 0.2, "sigma_prior": 0.5, "sigma_init": 0.1}
CODE = {"lr_mu": 0.46, "lr_sigma": 1.58}  # of the published ten permuted tasks


def step(mu, sigma, g, noise, window, lr_mu, lr_sigma):
    """One step of the authors' code, with dC/dmu = g and dC/dsigma = g*noise."""
    forget = window * 0.5**2
    return (
        mu + lr_mu * (sigma**2 * (0.2 - mu) / forget - sigma**2 * g),
        sigma + lr_sigma * (sigma * (0.5**2 - sigma**2) / (2 * forget) - sigma**2 / 2 * g * noise),
    )


def synapses(name, mu, noise=0.0, **more):
    shape = np.shape(mu)[1]
    return ReferenceSynapses(registry.get_rule(name), mu, PRIOR | more, noise=lambda n: np.broadcast_to(noise, (len(n), shape)))


def moments(made):
    ratio = made.parameters["lr_mu"] / made.parameters["lr_sigma"]
    return 0.2 + made.state["pull"] / made.state["precision"] ** ratio, 1 / np.sqrt(made.state["precision"])


@pytest.mark.parametrize("multipliers", [CODE, {"lr_mu": 5.0, "lr_sigma": 0.7}])
def test_forgetting_is_the_limit_of_the_codes_steps(multipliers):
    """After half a window without gradients; steps of 1/N are off by the order of 1/N (slope fitted, to 0.02)."""
    windows, errors = [100, 200, 400, 800, 1600], []
    for window in windows:
        made = synapses(SCALED, np.array([[0.8]]), window=window, **multipliers)
        made.flush(window / 2)
        mu, sigma = 0.8, 0.1
        for _ in range(window // 2):
            mu, sigma = step(mu, sigma, 0.0, 0.0, window, **multipliers)
        errors.append([abs(mu - moments(made)[0].item()), abs(sigma - moments(made)[1].item())])
    for column in np.array(errors).T:
        assert np.polyfit(np.log(windows), np.log(column), 1)[0] == pytest.approx(-1, abs=0.02)


def test_the_data_term_is_the_codes():
    """Without forgetting it is no approximation: equal to rounding (1e-12)."""
    mu, g, noise = np.random.default_rng(1).standard_normal((3, 1, 200))
    made = synapses(SCALED, mu, noise, window=np.inf, guard=np.inf, **CODE)
    made.touch(0, 0)
    made.accumulate(0, g[0])
    made.touch(0, 1)
    expected = step(mu, 0.1, g, noise, np.inf, **CODE)
    np.testing.assert_allclose(moments(made)[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(moments(made)[1], expected[1], rtol=1e-12)


def test_without_multipliers_it_is_mesu():
    """Both hold the same two integrators then: equal to the rounding of forty visits (1e-12)."""
    mu, noise = np.random.default_rng(2).standard_normal((2, 1, 50))
    weights = []
    for name in ("mesu", SCALED):
        made, rng = synapses(name, mu, noise, window=30), np.random.default_rng(3)
        for age in range(0, 80, 2):
            made.touch(0, age)
            made.accumulate(0, rng.standard_normal(50))
        made.flush()
        weights.append([made.weight(), made.state["precision"]])
    np.testing.assert_allclose(*weights, rtol=1e-12)
