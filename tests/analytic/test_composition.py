"""A gate over another rule, made from the texts of both."""

import numpy as np
import pytest

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

N = 40


def teach(rule, parameters=None, seed=3):
    """Weights (n, 6, 5) after each of some presentations, with three boundaries; noise from the same table."""
    rng = np.random.default_rng(seed)
    gradients, noise = rng.standard_normal((N, 6, 5)), rng.standard_normal((N + 1, 6, 5))
    made = ReferenceSynapses(rule, 0.1 * rng.standard_normal((6, 5)), parameters, np.random.default_rng(4))
    rows, here, out = np.arange(6), [0], []
    made.noise = lambda chosen: noise[here[0]][chosen]
    for age, gradient in enumerate(gradients):
        here[0] = age
        if age in (0, 13, 27):
            made.boundary(age)
        made.touch(rows, age)
        out.append(np.array(made.weight()))
        made.accumulate(rows, gradient)
    return np.array(out), made.state


def test_over_sgd_a_gate_is_its_own_rule():
    """stable_flexible's step is sgd's step times its gate; only the order of the factors differs."""
    lr = {"lr": 0.03, "displacement": 0.02}
    gated, state = teach(registry.get_rule("stable_flexible(sgd)"), lr)
    own, expected = teach(registry.get_rule("stable_flexible"), lr)
    np.testing.assert_allclose(gated, own, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state["gate"], expected["gate"], rtol=1e-9, atol=1e-14)  # of a difference of weights
    assert expected["gate"].min() < 0.5


@pytest.mark.parametrize("inner", ["mesu", "laplace", "synaptic_intelligence"])
def test_an_open_gate_changes_nothing(inner):
    """Where every synapse is flexible (f = 1) the gate is 1: the same numbers to the bit."""
    gated, state = teach(registry.get_rule(f"conventional({inner})"))
    plain, expected = teach(registry.get_rule(inner))
    np.testing.assert_array_equal(gated, plain)
    for name, values in expected.items():
        np.testing.assert_array_equal(state[name], values)


def test_a_gate_over_mesu_watches_the_mean_weight():
    """Held at a boundary: 1 - tanh^2(s (1 - f)/f (mu - w0)/d), of the mean without the noise; steps before it are mesu's."""
    parameters = {"displacement": 0.05, "least": 0.3, "most": 0.3, "lr_mu": 30.0}
    gated, state = teach(registry.get_rule("stable_flexible(mesu)"), parameters)
    plain, _ = teach(registry.get_rule("mesu"), {"lr_mu": 30.0})
    np.testing.assert_array_equal(gated[:13], plain[:13])
    assert not np.allclose(gated[14:], plain[14:])

    rule = registry.get_rule("stable_flexible(mesu)")
    made = ReferenceSynapses(rule, np.full((1, 3), 0.1), parameters, np.random.default_rng(0))
    made.accumulate(0, np.array([-1.0, 0.5, 0.0]))
    made.boundary(1)
    moved = made.state["information"] / made.state["precision"] - 0.1
    np.testing.assert_allclose(made.state["gate"], 1 - np.tanh(0.7 / 0.3 * moved / 0.05) ** 2, rtol=1e-12)
    assert made.state["gate"].min() < 0.1


def test_two_gates_keep_their_names_apart():
    rule = registry.get_rule("stable(stable_flexible(sgd))")
    assert rule.analysis.states == ("w", "w_start", "flexibility", "gate", "w_start_gate", "flexibility_gate", "gate_gate")
    assert rule.parameters["least_gate"].value == rule.parameters["most_gate"].value == 0.3
    assert rule.parameters["least"].value == 0
    assert "lr_gate" not in rule.parameters  # the gate's own step is not taken
    assert rule.needs_boundary


def test_a_gate_over_a_rule_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from spikemeta.language.rule import Rule\n"
        "rule = Rule('mine', state='w : 1', weight='w', initial='w = w_init', on_gradient='w -= 0.01*gradient')\n"
    )
    rule = registry.get_rule(f"hybrid_per_event({path})")
    assert rule.title == "hybrid_per_event_over_mine"
    assert not rule.needs_boundary


def test_what_is_no_gate_is_told():
    with pytest.raises(UserError, match="rule 'mesu' is no gate: it says by no factor"):
        registry.get_rule("mesu(sgd)")
    with pytest.raises(UserError, match="unknown rule 'msu'; did you mean 'mesu'"):
        registry.get_rule("stable_flexible(msu)")
    with pytest.raises(UserError, match="a gate must have one state variable as its weight"):
        Rule(
            "leaky",
            state="dw/dt = -w/tau : 1",
            weight="w",
            initial="w = w_init",
            on_gradient="w -= gradient",
            factor="exp(-abs(w))",
            parameters={"tau": Parameter(10, "presentation")},
        )
