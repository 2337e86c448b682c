"""Closed forms and published steps of others' rules: online EWC, FOO-VB, binarized, spines, binary Bayesian."""

import numpy as np
import pytest
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


def test_a_hidden_weight_falls_as_the_integral_of_its_gate():
    """dW/dt = -v (1 - tanh^2(mW)) keeps W/2 + sinh(2mW)/(4m) + v t; steps of 1e-5 follow it to about 1e-5."""
    hardness, speed, n = 1.35, 1e-5, 20_000
    start = np.array([0.4, 1.0, 1.5])
    synapses = made("binarized", start, {"lr": speed, "hardness": hardness, "scale": 1.0, "amplitude": 1.0})
    learn(synapses, np.ones((n, 3)))
    whole = lambda w: w / 2 + np.sinh(2 * hardness * w) / (4 * hardness)  # noqa: E731
    end = synapses.state["hidden"][0]
    np.testing.assert_allclose(whole(start) - whole(end), speed * n, rtol=1e-4)
    assert (end > 0).all()
    assert (synapses.weight() == 1).all()


def test_away_from_zero_a_hidden_weight_steps_whole_and_a_boundary_is_not_needed():
    synapses = made("binarized", [0.5, -0.5], {"lr": 0.1, "scale": 1.0, "amplitude": 0.3})
    learn(synapses, np.array([[-2.0, 2.0]]))
    np.testing.assert_allclose(synapses.state["hidden"][0], [0.7, -0.7], rtol=EXACT)
    np.testing.assert_array_equal(synapses.weight()[0], [0.3, -0.3])
    assert not synapses.rule.needs_boundary


def published_spine(w, descent, hardness):
    """What Shi et al. 2025 subtract for a descent: damped where weight and descent have one sign, which is towards zero."""
    return np.where(np.sign(w) * descent > 0, descent * np.exp(-np.abs(hardness * w)), descent)


def test_a_spine_takes_the_published_steps():
    """Forty presentations of five synapses, against the authors' update in NumPy; each kind of step is among them."""
    rng = np.random.default_rng(6)
    w, gradients = rng.standard_normal(5), rng.standard_normal((40, 5))
    synapses, towards = made("spine", w, {"lr": 0.1, "hardness": 2.0}), 0
    learn(synapses, gradients)
    for gradient in gradients:
        towards += (w * gradient > 0).sum()
        w = w - 0.1 * published_spine(w, gradient, 2.0)
    np.testing.assert_allclose(synapses.weight()[0], w, rtol=EXACT)
    assert 50 < towards < 150


def test_a_spine_takes_the_published_steps_of_adam():
    """Adam of Kingma & Ba 2015, whose first moment has the sign of its step, gated likewise; ten steps in float64."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    w, gradients = rng.standard_normal(6), rng.standard_normal((10, 6))
    p = torch.nn.Parameter(torch.tensor(w))
    optimizer = registry.get_rule("spine").optimizer([p], base=lambda ps: torch.optim.Adam(ps, lr=0.05), hardness=3.0)
    first, second = np.zeros(6), np.zeros(6)
    for k, gradient in enumerate(gradients, 1):
        p.grad = torch.tensor(gradient)
        optimizer.step()
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        step = first / (1 - 0.9**k) / (np.sqrt(second / (1 - 0.999**k)) + 1e-8)
        w = w - 0.05 * published_spine(w, step, 3.0)
    optimizer.flush()
    np.testing.assert_allclose(p.detach().numpy(), w, rtol=1e-9)  # roundings of Adam's roots and quotients


def test_a_spine_shrinks_as_a_logarithm():
    """dw/dt = -v exp(-m w): exp(m w) falls by m v t; steps of 1e-5 follow it to about 1e-5. Back from zero it grows whole."""
    hardness, speed, n = 4.0, 1e-5, 20_000
    start = np.array([0.3, 0.6, 1.2])
    synapses = made("spine", start, {"lr": speed, "hardness": hardness})
    learn(synapses, np.ones((n, 3)))
    end = synapses.weight()[0].copy()
    np.testing.assert_allclose(np.exp(hardness * start) - np.exp(hardness * end), hardness * speed * n, rtol=1e-3)
    assert (np.diff(start - end) < 0).all()  # the larger, the slower
    learn(synapses, -np.ones((n, 3)), n)
    np.testing.assert_allclose(synapses.weight()[0], end + speed * n, rtol=1e-9)  # as many additions
    assert not synapses.rule.needs_boundary


def test_hard_spines_grow_under_gradients_without_a_mean():
    """All steps away from zero are taken, none of those back: the sum of the former, with exp(-500) of the latter."""
    gradients = np.random.default_rng(8).standard_normal((200, 4))
    synapses = made("spine", [0.5, -0.5, 1.0, -1.0], {"lr": 0.01, "hardness": 1000.0})
    start = synapses.weight()[0].copy()
    learn(synapses, gradients)
    away = np.maximum(-gradients * np.sign(start), 0).sum(0)
    np.testing.assert_allclose(synapses.weight()[0], start + 0.01 * away * np.sign(start), rtol=EXACT)
    assert (np.abs(synapses.weight()[0] - start) > 3 * np.abs(0.01 * gradients.sum(0))).all()  # as far as sgd would have gone


PUBLISHED = {"lr": 4.9, "likelihood": 161.3, "kl": 3.76, "lr_max": 0.0023, "window": 700}


def published_step(belief, gradient, lr, likelihood, kl, lr_max, window):
    """The step of Cottart et al. 2026 on the natural parameter, given dC/dl."""
    g = likelihood * gradient
    kept = kl * (1 - np.tanh(belief) ** 2)
    size = kept + 2 * g * np.tanh(belief) + 2 * np.abs(g) + 1 / lr_max
    return belief - (lr * g + belief * kept / window) / size


def test_bimu_takes_the_published_steps():
    """Every presentation teaches: the draw is relaxed, the gradient passes through it, and nothing was missed."""
    rng = np.random.default_rng(4)
    chances, gradients, w_init = rng.random((30, 5)), 0.1 * rng.standard_normal((30, 5)), 0.5 * rng.uniform(-1, 1, 5)
    here = {}
    synapses = made("bimu", w_init, PUBLISHED, dice=lambda rows: here["chance"][None])
    belief = np.arctanh(w_init)
    for age, (chance, gradient) in enumerate(zip(chances, gradients, strict=True)):
        here["chance"] = chance
        synapses.touch(0, age)
        drawn = np.tanh(belief + np.log(chance / (1 - chance)) / 2)
        np.testing.assert_allclose(synapses.weight()[0], drawn, rtol=1e-9)  # the logarithm of a ratio near 1, thirty times
        synapses.accumulate(0, gradient)
        belief = published_step(belief, gradient * (1 - drawn**2), **PUBLISHED)
    here["chance"] = np.full(5, 0.5)
    synapses.flush(30)
    np.testing.assert_allclose(synapses.state["belief"][0], belief, rtol=1e-9)
    np.testing.assert_allclose(synapses.weight()[0], np.tanh(belief), rtol=1e-9)  # by its mean where nothing is drawn
    assert np.abs(belief - np.arctanh(w_init)).max() > 0.1


def test_bimu_makes_up_for_presentations_that_it_missed():
    """Against the published step with a zero gradient, m times: off by about the square of m s/(N (s + 1/lr_max))."""
    w_init, gradient, strong = np.array([0.3, -0.8, 0.97]), np.full(3, 1e-3), PUBLISHED | {"lr_max": 1.0, "window": 3000}
    for missed in (0, 1, 100):
        synapses = made("bimu", w_init, strong, dice=lambda rows: np.full((1, 3), 0.5))
        synapses.touch(0, missed)
        synapses.accumulate(0, gradient)
        synapses.flush(missed + 1)
        belief = np.arctanh(w_init)
        slope = 1 - np.tanh(belief) ** 2
        for _ in range(missed):
            belief = published_step(belief, 0.0, **strong)
        faded = np.arctanh(w_init) - belief
        expected = published_step(belief, gradient * slope, **strong)
        np.testing.assert_allclose(synapses.state["belief"][0], expected, rtol=2 * (missed / 3000) ** 2 + 1e-11)
    assert (np.abs(faded) > 1e-3).all()
