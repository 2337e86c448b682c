"""The immediate commit in Brian2's runtime mode: the rule at every spike, against loops written out by hand."""

import brian2
import numpy as np
import pytest
from brian2 import ms

from spikemeta.backends import brian
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

N_PRE, N_POST, STEPS, DURATION = 4, 3, 60, 10  # steps and duration of a presentation in ms
#: The same operations in another order of rounding (see test_backends); these loops are shorter.
TOLERANCE = 1e-11


def by_hand(step, state, spikes, slope, noise):
    """Run ``step(state row, gradient, noise, elapsed, age)`` at every spike; returns the sum of transmitted weights."""
    received, last = np.zeros(N_POST), np.zeros(N_PRE)
    for t in range(STEPS):
        for i in np.flatnonzero(spikes[t]):
            row = {name: values[i] for name, values in state.items()}
            row, weight = step(row, slope[t], noise[t, i], (t / DURATION) - last[i], t / DURATION)
            for name in state:
                state[name][i] = row[name]
            last[i] = t / DURATION
            received += weight
    return received


def sgd(row, g, noise, elapsed, age):
    w = row["w"] - 0.1 / (1 + age / 3) * g
    return {"w": w}, w


def laplace(row, g, noise, elapsed, age):
    fade = np.exp(-elapsed / 5)
    precision, information = 1 + (row["precision"] - 1) * fade, row["information"] * fade
    mean = information / precision
    precision_after = precision + 0.2 * g**2
    information = precision_after * mean - 0.1 * g
    return {"precision": precision_after, "information": information}, information / precision_after


def mesu(row, g, noise, elapsed, age):
    """The published pair of updates, on (mu, sigma): the gradient meets the noise of the weight sent before it."""
    fade = np.exp(-elapsed / 5)
    precision = 1 / 0.5**2 + (row["precision"] - 1 / 0.5**2) * fade
    mu, sigma = row["information"] * fade / precision, 1 / np.sqrt(precision)
    mu, sigma = mu - sigma**2 * g, sigma * (1 - np.clip(sigma * g * row["noise"] / 2, -0.5, 0.5))
    return {"precision": 1 / sigma**2, "information": mu / sigma**2, "noise": noise}, mu + sigma * noise


#: Temporaries that are assigned again: a number first and one for each synapse then, the other way round, and in both blocks.
AGAIN = Rule(
    name="again",
    description="A step of twice the rate, and the weight is copied at three times the rate.",
    reference="made up",
    state="w : 1\nshadow : 1",
    weight="w + shadow",
    initial="start = 2*lr\nstart *= 0.5\nw = w_init\nshadow = start",
    on_gradient="""
        rate = lr
        rate *= 2
        size = rate*gradient
        rate = rate*size
        w -= size + 0.1*rate
        size = lr
        w -= size*gradient
    """,
    on_presentation="""
        rate = 3*lr
        shadow = rate*w
    """,
    parameters={"lr": Parameter(0.1, low=0, description="learning rate")},
)


def again(row, g, noise, elapsed, age):
    w = row["w"] - 0.2 * g - 0.1 * 0.2 * 0.2 * g - 0.1 * g
    return {"w": w, "shadow": 0.3 * w}, w + 0.3 * w


HAND = {
    "again": (again, {}),
    "sgd": (sgd, {"lr": 0.1, "halving": 3.0}),
    "laplace": (laplace, {"lr": 0.1, "curvature": 0.2, "window": 5.0}),
    "mesu": (mesu, {"window": 5.0, "sigma_prior": 0.5, "sigma_init": 0.4}),
}


def table(values):
    """An array as a Brian2 function of its indices."""
    return brian2.Function(
        lambda *index: values[index], arg_units=[1] * values.ndim, return_unit=1, arg_types=["integer"] * values.ndim
    )


@pytest.mark.parametrize("name", HAND)
def test_every_spike_runs_the_rule(name):
    step, parameters = HAND[name]
    rule = AGAIN if name == AGAIN.name else registry.get_rule(name)
    rng = np.random.default_rng(3)
    spikes = rng.random((STEPS, N_PRE)) < 0.2
    slope, noise = rng.uniform(-1, 1, (STEPS, N_POST)), rng.standard_normal((STEPS, N_PRE, N_POST))
    w_init = 0.1 * rng.standard_normal((N_PRE, N_POST))

    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    times, which = np.nonzero(spikes)
    source = brian2.SpikeGeneratorGroup(N_PRE, which, times * ms, dt=1 * ms)
    target = brian2.NeuronGroup(N_POST, "received : 1", dt=1 * ms)
    made = brian.synapses(
        rule,
        source,
        target,
        "slope_at(t_in_timesteps, j)",
        "received_post += weight",
        commit="immediate",
        parameters=parameters,
        duration=DURATION * ms,
        randn="noise_at(t_in_timesteps, i, j)",
    )
    made.namespace.update(slope_at=table(slope), noise_at=table(noise), w_at=table(w_init))
    brian.start(made, rule, "w_at(i, j)")
    state = {s: np.array(getattr(made, s)[:]).reshape(N_PRE, N_POST) for s in rule.analysis.states}
    before = {s: v.copy() for s, v in state.items()}
    brian2.Network(source, target, made).run(STEPS * ms, namespace={})

    received = by_hand(step, state, spikes, slope, noise)
    for s, expected in state.items():
        assert not np.allclose(expected, before[s], rtol=1e-3)
        np.testing.assert_allclose(np.reshape(getattr(made, s)[:], (N_PRE, N_POST)), expected, TOLERANCE, TOLERANCE)
    np.testing.assert_allclose(target.received[:], received, TOLERANCE, TOLERANCE)


@pytest.mark.parametrize("name", ["synaptic_intelligence", "hybrid"])
def test_a_rule_that_needs_boundaries_is_refused(name):
    """Its on_boundary would never run: synaptic_intelligence would silently be sgd."""
    source = brian2.SpikeGeneratorGroup(1, [], [] * ms)
    with pytest.raises(UserError, match="needs no boundary"):
        brian.synapses(
            registry.get_rule(name),
            source,
            brian2.NeuronGroup(1, "v : 1"),
            "1",
            "v_post += weight",
            commit="immediate",
            duration=10 * ms,
        )


def test_a_random_threshold_is_refused():
    with pytest.raises(UserError, match="draw first"):
        brian.presynaptic_events("rand() < rate*dt")


def test_a_source_that_cannot_commit_is_named():
    source = brian2.NeuronGroup(1, "v : 1", threshold="v > 1", name="eyes")
    with pytest.raises(UserError, match="'eyes' cannot commit once per presentation"):
        brian.synapses(registry.get_rule("sgd"), source, source, "1", "v_post += weight")
    with pytest.raises(UserError, match="duration"):
        brian.synapses(registry.get_rule("sgd"), source, source, "1", "v_post += weight", commit="immediate")
