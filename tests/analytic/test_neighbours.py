"""Closed forms and published steps of the rules that others proposed: online EWC and FOO-VB."""

import numpy as np
from scipy import optimize

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry

EXACT = 1e-12  # a few dozen operations in float64


def made(name, w_init, parameters, **draws):
    return ReferenceSynapses(registry.get_rule(name), np.atleast_2d(w_init), parameters, np.random.default_rng(1), **draws)


def learn(synapses, gradients, start=0):
    """One presentation for each gradient (n, n_post), on the one row that there is; the age after the last."""
    for age, gradient in enumerate(gradients, start):
        synapses.touch(0, age)
        synapses.accumulate(0, gradient)
    synapses.flush(start + len(gradients))
    return start + len(gradients)


def test_importance_of_online_ewc_is_the_mean_square_of_each_task_and_what_is_kept():
    """F = gamma (mean g1^2) + (mean g2^2), silent presentations counted; the weight of the boundary is held."""
    one, two = np.random.default_rng(2).standard_normal((2, 6, 3))
    synapses = made("ewc_online", [0.1, -0.2, 0.3], {"lr": 0.01, "strength": 0.0, "kept": 0.4})
    learn(synapses, one)
    synapses.boundary(10)  # four presentations without a spike
    learn(synapses, two, 10)
    synapses.boundary(16)
    np.testing.assert_allclose(synapses.state["importance"][0], 0.4 * (one**2).sum(0) / 10 + (two**2).mean(0), rtol=EXACT)
    np.testing.assert_allclose(synapses.weight()[0], [0.1, -0.2, 0.3] - 0.01 * (one + two).sum(0), rtol=EXACT)
    np.testing.assert_array_equal(synapses.state["w_reference"], synapses.weight())
    assert (synapses.state["squares"] == 0).all()


def test_the_pull_of_online_ewc_is_an_exponential_and_its_gradient_descent():
    """Displaced by d: d exp(-lr lambda F t), whose slope at d is the step -lr lambda F d of the penalty (lambda/2) F d^2."""
    synapses = made("ewc_online", np.zeros(3), {"lr": 0.01, "strength": 5.0})
    importance, d = np.array([0.0, 0.3, 40.0]), 0.25
    synapses.state["importance"][:], synapses.state["w"][:] = importance, d
    for age in (1e-6, 3, 41):  # what is left near zero carries the rounding of d
        synapses.touch(0, age)
        np.testing.assert_allclose(synapses.weight()[0], d * np.exp(-0.01 * 5.0 * importance * age), rtol=EXACT, atol=EXACT * d)


def test_foo_vb_minimises_the_free_energy():
    """The new Gaussian is the minimum of KL(q || old) + mu dC/dmu + sigma dC/dsigma, found here by a search.

    With the sign of the root reversed it is another one, by far more than the search is off.
    """
    mean, spread, gradient, noise = 0.3, 0.8, 0.7, np.array([-1.5, 0.4, 2.0])
    synapses = made("foo_vb", np.full(3, mean), {"sigma_init": spread}, noise=lambda rows: noise[None])
    learn(synapses, np.full((1, 3), gradient))
    for k, eps in enumerate(noise):

        def energy(q, eps=eps):
            kl = np.log(spread) - q[1] + (np.exp(2 * q[1]) + (q[0] - mean) ** 2) / (2 * spread**2)
            return kl + q[0] * gradient + np.exp(q[1]) * gradient * eps

        found = optimize.minimize(energy, [mean, np.log(spread)], method="BFGS", options={"gtol": 1e-10}).x
        # the search ends where its gradient, of differences, is about 1e-8
        np.testing.assert_allclose(synapses.state["mean"][0, k], found[0], rtol=1e-5)
        np.testing.assert_allclose(synapses.state["spread"][0, k], np.exp(found[1]), rtol=1e-5)
        half = spread * gradient * eps / 2
        assert abs(spread * (2 - np.sqrt(1 + half**2) - half) - np.exp(found[1])) > 0.01


def test_foo_vb_stays_positive_under_any_gradient():
    noise = np.array([3.0, -3.0])
    synapses = made("foo_vb", np.zeros(2), {"sigma_init": 1.0}, noise=lambda rows: noise[None])
    learn(synapses, np.full((5, 2), 100.0))
    assert (synapses.state["spread"] > 0).all()
