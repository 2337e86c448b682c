"""Weights within limits under every rule: by hand, and in Brian2 as in the float64 reference."""

from dataclasses import replace

import drawn
import numpy as np
import pytest
import torch
from taught import RULES, SIZES, learned, shown

import spikemeta
from spikemeta.backends.networks import plan, reference, reference_learning, rendering
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import UserError
from spikemeta.language import limits, registry
from spikemeta.networks.signals import error_feedback, stdp, stdp_offset

#: Rules whose weight is a sign, a level, or drawn from a belief.
WITHOUT = ("bimu", "binarized", "cascade")


def test_weights_are_cut_and_scaled_after_each_presentation_by_hand():
    made = plan.make(drawn.written(forward=", least = 0, total = 3"), **SIZES, seed=1)
    sgd = {"hidden": registry.get_rule("sgd")}
    w = made.weights["hidden"]
    np.testing.assert_allclose(w.sum(0), 3)
    assert w.min() == 0  # of the initial ones, some were below
    free = plan.make(drawn.written(), **SIZES, seed=1, weights=made.weights)
    for spikes in shown(3, 4):
        moved = reference_learning.learn(free, [spikes], stdp.signal, sgd, {"hidden": {"lr": 0.05}})["hidden"].weight()
        assert (moved < 0).any()
        w = np.maximum(moved, 0)
        w = 3 * w / w.sum(0)
        free = plan.make(drawn.written(), **SIZES, seed=1, weights=made.weights | {"hidden": w})
    found = reference_learning.learn(made, shown(3, 4), stdp.signal, sgd, {"hidden": {"lr": 0.05}})["hidden"].weight()
    np.testing.assert_allclose(found, w, rtol=1e-12)


@pytest.mark.parametrize("options", [", least = 0, total = 0.5*n_pre", ", probability = 0.6, delay = 2, least = 0, total = 2"])
def test_brian2_holds_weights_as_the_reference_does(options):
    """Sums in another order: 1e-9 of the largest value is ample."""
    made = plan.make(drawn.written(forward=options), **SIZES, seed=1)
    for name in ("hebb_repetition", "mesu"):
        rule = registry.get_rule(name)
        parameters = {"hidden": {"lr": 0.05} if "lr" in rule.parameters else {}, "readout": {"lr": 0.05}}
        rules = {"hidden": rule, "readout": registry.get_rule("sgd")}
        for projection, (ours, theirs) in learned(made, shown(3, 4), stdp.signal, rules, parameters).items():
            for variable, expected in ours.items():
                there, scale = theirs[variable].reshape(expected.shape), max(np.abs(expected).max(), 1e-300)
                np.testing.assert_allclose(
                    there, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{name} {projection}.{variable}"
                )


def test_every_rule_that_can_be_held_is():
    """Half of the weights begin below; a sparse projection has a list of targets."""
    rng, held = np.random.default_rng(0), limits.Limits(0.0, 2.0)
    targets = rng.integers(0, 3, 20)
    for name in sorted(set(RULES) - set(WITHOUT)):
        for shape, own in (((8, 3), None), ((20, 1), targets)):
            made = ReferenceSynapses(registry.get_rule(name), rng.standard_normal(shape), noise=lambda rows: 0.0)
            made.flush(1.0)
            below = np.broadcast_to(made.weight(), shape) < 0
            held.bring(made.rule, made.state, made.parameters, own, 3)
            found = made.weight()
            sums = found.sum(0) if own is None else np.bincount(own, found[:, 0], 3)
            np.testing.assert_allclose(sums, 2, rtol=1e-12, err_msg=name)
            assert below.any()
            np.testing.assert_array_equal(found[below], 0, err_msg=name)


def test_a_least_weight_alone_holds_with_any_signal():
    made = plan.make(drawn.written(forward=", least = 0.1"), **SIZES, seed=1)
    rules = {p: registry.get_rule("laplace") for p in made.plastic}
    parameters = {p: {"lr": 0.3} for p in rules}
    for ours, theirs in learned(made, shown(3, 4), error_feedback.signal, rules, parameters, labels=[2, 0, 1]).values():
        weights = {k: found["information"] / found["precision"] for k, found in enumerate((ours, theirs))}
        np.testing.assert_allclose(weights[1].reshape(weights[0].shape), weights[0], rtol=1e-9)
        assert weights[0].min() == pytest.approx(0.1, rel=1e-12)
        assert (weights[0] > 0.2).any()


def test_a_spike_of_the_target_asks_by_the_trace_of_the_source_alone():
    """The trace is set, not raised, by a spike; it is seen as it was before the step's spikes."""
    made = plan.make(drawn.written(), **SIZES, seed=0)
    rules, parameters = {"hidden": registry.get_rule("sgd")}, {"hidden": {"lr": 0.01}}
    (spikes,) = shown(1, 0)
    found = reference_learning.learn(made, [spikes], stdp_offset.signal, rules, parameters)["hidden"].weight()
    fired, early, change = reference.run(made, spikes)[0], np.zeros(SIZES["n_input"]), 0
    for before, after in zip(fired["input"], fired["hidden"], strict=True):
        early *= np.exp(-1 / 20)
        change = change + (early - 0.2)[:, None] * after
        early[before] = 1
    assert np.abs(change).max() > 1
    np.testing.assert_allclose(found, made.weights["hidden"] + 0.01 * change, rtol=1e-12)


@pytest.mark.parametrize("name", WITHOUT)
def test_a_rule_that_cannot_be_held_is_told(name, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(drawn.as_file(drawn.written(forward=", least = 0", signal="stdp")))
    with pytest.raises(UserError, match=f"projection 'hidden': rule '{name}': its weight, .*, is not proportional to state"):
        spikemeta.Simulation(registry.get_rule(name), str(file))
    with pytest.raises(UserError, match="no model of a chip does: leave out the chip"):
        spikemeta.Simulation(registry.get_rule("sgd"), str(file), hardware="loihi1")


def test_what_is_scaled_of_a_rule_is_what_its_weight_is_proportional_to():
    scaled = {
        name: limits.hold(registry.get_rule(name)).scaled for name in ("mesu", "hebb_repetition", "stable_flexible(laplace)")
    }
    assert scaled == {
        "mesu": ("information",),
        "hebb_repetition": ("slow", "fast"),
        "stable_flexible(laplace)": ("information",),
    }


@pytest.mark.parametrize("options", ["", ", probability = 0.5"])
@pytest.mark.parametrize("total", ["sum_of_weights", "0.1*n_pre*n_post"])
def test_what_torch_is_shown_for_holds_weights_within_the_limits(options, total):
    """The code of ``show --as torch``, executed, against `Limits.of`; of float32."""
    text = registry.get_network("winner_take_all")
    text = replace(text, projections=text.projections.replace("total = sum_of_weights", f"total = {total}{options}"))
    made = plan.make(text, 9, 6, 2, seed=3)
    weights = np.random.default_rng(0).standard_normal(made.weights["hidden"].shape).astype(np.float32)
    pairs = made.connections["hidden"]
    if pairs is None:
        weights[:, 2] = -1  # adds up to nothing
    module = NetworkModule(replace(made, weights=made.weights | {"hidden": weights}))
    code = rendering.show(text, "torch")
    exec(code[code.index("with torch.no_grad") :], {"torch": torch, "module": module})
    expected = made.limits("hidden").of(weights, None if pairs is None else pairs[1], 6)
    np.testing.assert_allclose(module.weights["hidden"].detach().numpy(), expected, rtol=1e-6)
    assert expected.max() > weights.max()
