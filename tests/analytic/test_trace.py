"""One synapse followed event by event: against closed forms, against the reference, and refused input."""

import numpy as np
import pytest

import spikemeta
from spikemeta.backends import trace
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import UserError
from spikemeta.language.rule import Parameter, Rule

FADING = Rule(
    "fading",
    state="dw/dt = -w/tau : 1\nage_seen : 1",
    weight="w",
    initial="w = w_init\nage_seen = 0",
    on_gradient="w -= lr*gradient",
    on_boundary="age_seen += 1",
    parameters={"lr": Parameter(0.5), "tau": Parameter(4, "presentation", low=1)},
)


def test_a_step_waits_for_the_next_event_and_fading_is_made_up_for():
    events = [(1, "spike", -1.0), (1, "spike", -3.0), (4, "boundary", 0.0), (4, "spike", 2.0)]
    found = spikemeta.trace(FADING, events, presentations=6, w_init=1.0)
    after = np.exp(-1 / 4)  # one presentation of fading
    w = [1.0, after, after**2 + 2]  # both gradients of presentation 1 arrive at its end
    w += [w[2] * after, w[2] * after**2, w[2] * after**3 - 1]
    np.testing.assert_allclose(found.weight, [*w, w[5] * after], rtol=1e-12)
    np.testing.assert_array_equal(found.state["age_seen"], [0, 0, 0, 0, 1, 1, 1])
    table = found.table
    assert list(table.event) == ["start", "spike", "spike", "boundary", "spike", "end"]
    np.testing.assert_allclose(table.w, [1.0, after, after, w[4], w[4], w[5] * after], rtol=1e-12)


@pytest.mark.parametrize("name", ["mesu", "stable_flexible", "synaptic_intelligence"])
def test_reading_leaves_the_synapse_as_it_was(name):
    """Followed or not, a synapse ends in the same state, to the bit; noise is drawn at its own events alone."""
    rule, events = spikemeta.get_rule(name), trace.draw(30, seed=3)
    found = spikemeta.trace(rule, events, 30, seed=3)
    noise = np.random.default_rng([3, 1])
    plain = ReferenceSynapses(
        rule,
        np.array([[0.1]]),
        rng=np.random.default_rng([3, 0]),
        noise=lambda rows: noise.standard_normal((1, 1)),
        dice=lambda rows: noise.random((1, 1)),
    )
    for k, kind, gradient in events:
        if kind == "boundary":
            plain.boundary(k)
        else:
            plain.touch([0], k)
            plain.accumulate(0, gradient)
    assert found.events[-2] | {"event": "", "gradient": 0} == {
        "presentation": events[-1][0],
        "event": "",
        "gradient": 0,
        **{name: value[0, 0] for name, value in plain.state.items()},
        "weight": plain.weight()[0, 0],
    }


def test_drawn_trains():
    events = trace.draw(2000, rate=0.25, gradient=1.0, noise=0.0, boundaries=(500,), seed=1)
    spikes = np.array([(k, g) for k, kind, g in events if kind == "spike"])
    # 5 standard deviations of a binomial count
    assert abs(len(spikes) - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)
    np.testing.assert_array_equal(spikes[:, 1], np.where(spikes[:, 0] < 500, -1.0, 1.0))
    assert events == trace.draw(2000, rate=0.25, gradient=1.0, noise=0.0, boundaries=(500,), seed=1)
    assert events != trace.draw(2000, rate=0.25, gradient=1.0, noise=0.0, boundaries=(500,), seed=2)


def test_problems_are_told_at_once():
    with pytest.raises(UserError) as told:
        trace.draw(10, rate=2, noise=-1, boundaries=(10,))
    assert [line.split()[0:2] for line in str(told.value).splitlines()] == [
        ["the", "rate"],
        ["the", "gradient"],
        ["no", "presentation"],
    ]
    events = [(3, "spike", 1.0), (1, "spike", float("nan")), (2, "spik", 1.0), (9, "boundary", 0.0)]
    with pytest.raises(UserError) as told:
        spikemeta.trace(FADING, events, presentations=5, w_init=float("inf"))
    text = str(told.value)
    assert "initial weight must be finite" in text
    assert "event 2: the gradient of a spike must be finite" in text
    assert "event 2: presentation 1 comes after 3" in text
    assert "event 3: 'spik' is neither" in text
    assert "event 4: presentation 9 is not one of 0 to 4" in text
    with pytest.raises(UserError, match="unknown parameter of rule 'fading' 'lrr'"):
        spikemeta.trace(FADING, parameters={"lrr": 1})
