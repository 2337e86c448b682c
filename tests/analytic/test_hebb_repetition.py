"""Rule hebb_repetition in closed form: one exposure fades, repetition stays, a contradiction costs less and less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry

RULE = registry.get_rule("hebb_repetition")
EXACT = 1e-12  # a few dozen operations in float64
P = 0.01  # size of a proposal: lr 0.01, gradient -1 for the truth and 1 for the contradiction
START = 0.3
OFF = {"lr": P, "scale": np.inf, "fading": np.inf}


def live(events, parameters, gap=1):
    """A synapse after gradients `gap` presentations apart, as of the commit of the last one."""
    made = ReferenceSynapses(RULE, np.full((1, 1), START), {"lr": P} | parameters)
    for k, gradient in enumerate(events):
        made.touch(0, gap * k)
        made.accumulate(0, gradient)
    made.flush(gap * (len(events) - 1) + 1)
    return made


def moved(made):
    return made.weight().item() - START


def harmonic(n, a):
    """Sum of 1/(1 + j a) for j = 0..n-1."""
    return (special.digamma(n + 1 / a) - special.digamma(1 / a)) / a


def test_it_needs_no_boundary():
    assert not RULE.needs_boundary


@pytest.mark.parametrize("gap", [10, 50])
@pytest.mark.parametrize("n", [1, 3, 6, 9])
def test_one_exposure_fades_and_repetition_stays(n, gap):
    """Without hardening the fast part is p right after every exposure, since it loses what it hands over: the
    q p that is left of the last exposure, q = exp(-gap/fading). So slow = (n - 1) q p, and the fast p fades."""
    fading = 100.0
    made = live([-1] * n, {"scale": np.inf, "fading": fading}, gap)
    q = np.exp(-gap / fading)
    np.testing.assert_allclose(moved(made), (n - 1) * q * P + P, rtol=EXACT / P)
    delay = 50 * fading
    made.flush(made.age + delay)
    np.testing.assert_allclose(moved(made), (n - 1) * q * P + P * np.exp(-delay / fading), rtol=EXACT / P, atol=EXACT)


@pytest.mark.parametrize("hardening", [0.1, 1.5])
def test_retention_grows_with_repetition_also_where_it_hardens(hardening):
    """With a = (p/scale)^2 and repetition faster than the fading, the step of exposure n >= 2 is p/(1 + (n - 2) a),
    all of it agreed, so slow is a harmonic sum and strength (n - 1) a."""
    kept = []
    for n in (1, 3, 6, 9):
        made = live([-1] * n, {"scale": P / np.sqrt(hardening), "fading": np.inf})
        np.testing.assert_allclose(made.state["strength"], (n - 1) * hardening, rtol=EXACT)
        kept.append(made.state["slow"].item() - START)
        np.testing.assert_allclose(kept[-1], P * harmonic(n - 1, hardening), rtol=EXACT / P, atol=EXACT)
    assert kept[0] == 0
    assert np.all(np.diff(kept) > 0)


@pytest.mark.parametrize("hardening", [0.1, 1.5])
def test_a_contradiction_costs_less_the_more_often_the_truth_was_repeated(hardening):
    """One opposite event takes p/(1 + (n - 1) a) from p (1 + harmonic sum): for n > 1 less than the 1/n of sgd.
    It comes out of the fast part alone, so what is left after a long delay is untouched."""
    costs = []
    for n in (1, 3, 6, 9):
        constants = {"scale": P / np.sqrt(hardening), "fading": np.inf}
        before, after = live([-1] * n, constants), live([-1] * n + [1], constants)
        costs.append(1 - moved(after) / moved(before))
        expected = 1 / (1 + (n - 1) * hardening) / (1 + harmonic(n - 1, hardening))
        np.testing.assert_allclose(costs[-1], expected, rtol=EXACT / P)
        assert n == 1 or costs[-1] < 1 / n
        assert after.state["slow"] == before.state["slow"]
    assert np.all(np.diff(costs) < 0)


@pytest.mark.parametrize("n", [1, 3, 6, 9])
def test_a_poisoned_pass(n):
    """n passes of m true events, then m opposite ones. While the fast part, p, is being used up, at p/(1 + A) an event
    with A = (n m - 1) a, nothing agrees with the contradiction: for m <= 1 + A the pass costs m p/(1 + A)."""
    m, a = 20, 1.5
    strength = (n * m - 1) * a
    assert m <= 1 + strength
    constants = {"scale": P / np.sqrt(a), "fading": np.inf}
    before, after = live([-1] * n * m, constants), live([-1] * n * m + [1] * m, constants)
    cost = m / (1 + strength) / (1 + harmonic(n * m - 1, a))
    np.testing.assert_allclose(1 - moved(after) / moved(before), cost, rtol=EXACT / P)
    assert after.state["slow"] == before.state["slow"]


gradients = st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=30)


@given(gradients, st.floats(1e-3, 1.0))
def test_handing_over_moves_no_weight_and_strength_is_bounded(events, scale):
    """A step moves the weight by p/(1 + strength) however much of it agrees; strength gains at most (p/scale)^2."""
    made = ReferenceSynapses(RULE, np.full((1, 1), START), {"lr": P, "scale": scale, "fading": np.inf})
    for age, gradient in enumerate(events):
        weight, strength = made.weight().copy(), made.state["strength"].copy()
        made.accumulate(0, gradient)
        made.touch(0, age + 1)
        np.testing.assert_allclose(made.weight() - weight, -P * gradient / (1 + strength), rtol=1e-9, atol=EXACT)
        gained = made.state["strength"] - strength
        assert 0 <= gained <= (P * gradient / scale) ** 2 * (1 + 1e-9) + EXACT * (1 + strength)


@given(gradients)
def test_truth_and_contradiction_are_mirror_images(events):
    """No sign is preferred: opposite gradients give the opposite displacement, so noise deposits nothing on average."""
    constants = {"lr": P, "fading": 7.0, "scale": 0.02}
    for name, sign in (("slow", -1), ("fast", -1), ("strength", 1)):
        one, other = (live(e, constants).state[name] - START * (name == "slow") for e in (events, [-g for g in events]))
        np.testing.assert_allclose(other, sign * one, rtol=1e-9, atol=EXACT)


def test_switched_off_it_is_sgd():
    events = np.random.default_rng(5).standard_normal(60)
    np.testing.assert_allclose(moved(live(list(events), OFF)), -P * events.sum(), rtol=0, atol=EXACT)
