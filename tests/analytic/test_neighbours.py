"""Closed forms and published steps of rules that others proposed: online EWC."""

import numpy as np

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
