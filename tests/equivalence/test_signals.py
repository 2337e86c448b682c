"""Networks that learn by a signal's text: Brian2 moves every weight as the float64 reference does, under every rule."""

import drawn
import numpy as np
import pytest
import torch
from cases import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from taught import RULES, SHAPES, SIZES, learned, shown

from spikemeta.backends.networks import lesson, plan, reference, reference_learning
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry
from spikemeta.networks.signals import error_feedback, error_feedback_by_clock, instar, stdp, stdp_triplet


@pytest.mark.parametrize(
    ("signal", "names"),
    [(stdp.signal, RULES), (error_feedback.signal, RULES), (instar.signal, RULES), (stdp_triplet.signal, ["laplace"])],
    ids=["stdp", "error_feedback", "instar", "stdp_triplet"],
)
def test_brian2_learns_as_the_reference_does(signal, names):
    """Any rule in the hidden layer, sgd in the readout; sums in another order: 1e-9 of the largest value is ample."""
    made = plan.make(drawn.written("adaptive", pool=True), **SIZES, seed=1)
    for name in names:
        rule = registry.get_rule(name)
        rules = {"hidden": rule, "readout": registry.get_rule("sgd")}
        parameters = {p: {"lr": 1e-3} for p in rules} if "lr" in rule.parameters else {"readout": {"lr": 1e-3}}
        for projection, (ours, theirs) in learned(made, shown(3, 4), signal, rules, parameters, labels=[2, 0, 1]).items():
            for variable, expected in ours.items():
                found = theirs[variable].reshape(expected.shape)
                scale = max(np.abs(expected).max(), 1e-300)
                np.testing.assert_allclose(
                    found, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{name} {projection}.{variable}"
                )


@pytest.mark.parametrize(
    ("shape", "feedback", "signal"),
    [
        ("plain", "tied", error_feedback.signal),
        ("adaptive", "random", error_feedback.signal),
        ("plain", "random", error_feedback_by_clock.signal),
        ("deep", "tied", error_feedback.signal),
        ("deep", "random", error_feedback.signal),
        ("deep", "tied", stdp.signal),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_layer_learns_as_in_the_reference(shape, feedback, signal):
    """Errors by events, spike times and delayed spikes in Brian2; sums in another order: 1e-9 of the largest value is ample."""
    made = plan.make(SHAPES[shape], **SIZES, seed=2)
    taught = lesson.make(made, signal, feedback, np.random.default_rng(1))
    for names in (("sgd", "laplace"), ("mesu", "sgd")):
        rules = {p: registry.get_rule(names[p == "readout"]) for p in made.plastic}
        parameters = {p: {"lr": 1e-2} for p, rule in rules.items() if "lr" in rule.parameters}
        for projection, (ours, theirs) in learned(made, shown(3, 4), signal, rules, parameters, taught, [2, 0, 1]).items():
            for variable, expected in ours.items():
                found = theirs[variable].reshape(expected.shape)
                scale = max(np.abs(expected).max(), 1e-300)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{projection}.{variable}")
            moved = np.abs(ours[next(iter(ours))].ravel() - made.weights[projection].ravel())
            assert moved.max() > 1e-3, projection  # every layer learns


@settings(max_examples=EXAMPLES or 3)
@given(
    drawn.networks(),
    st.integers(0, 2**20),
    st.sampled_from(RULES),
    st.sampled_from(["tied", "random"]),
    st.sampled_from([error_feedback.signal, stdp.signal, instar.signal]),
)
def test_networks_drawn_from_the_language_learn_as_in_the_reference(network, seed, name, feedback, signal):
    """Any depth, recurrence, delays and sparseness; sums in another order: 1e-9 of the largest value is ample."""
    made = plan.make(network, **SIZES, seed=seed)
    taught = lesson.make(made, signal, feedback, np.random.default_rng(seed))
    rules = {p: registry.get_rule(name) for p in made.plastic}
    parameters = {p: {"lr": 1e-2} for p in rules if "lr" in rules[p].parameters}
    for projection, (ours, theirs) in learned(made, shown(2, seed), signal, rules, parameters, taught, [2, 0]).items():
        for variable, expected in ours.items():
            found, scale = theirs[variable].reshape(expected.shape), max(np.abs(expected).max(), 1e-300)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{name} {projection}.{variable}")


@settings(max_examples=EXAMPLES or 3)
@given(drawn.networks(), st.integers(0, 2**20), st.sampled_from(["sgd", "laplace"]))
def test_networks_drawn_from_the_language_learn_on_torch_as_step_by_step(network, seed, name):
    """Whole layers, with the gradient by hand, under a rule's optimizer; against single steps under autograd and the reference.

    In float64, sums in another order: 1e-9 of the largest weight is ample.
    """
    made, rule = plan.make(network, **SIZES, seed=seed), registry.get_rule(name)
    rng, labels = np.random.default_rng(seed), torch.tensor([2, 0])
    whole, single = (dict(NetworkModule(made, torch.float64).weights.items()) for _ in range(2))
    module = NetworkModule(made, torch.float64)
    optimizer = rule.optimizer(list(whole.values()), lr=0.05)
    rows = {p: w.detach().numpy().reshape(len(w), -1) for p, w in single.items()}
    expected = {p: ReferenceSynapses(rule, w, {"lr": 0.05}) for p, w in rows.items()}

    def loss(weights, spikes):
        fired, _ = module.respond(spikes, weights)
        return torch.nn.functional.cross_entropy(fired["readout"].sum(0), labels)

    for age in range(2):
        spikes = torch.tensor(rng.random((made.steps, 2, SIZES["n_input"])) < 0.1, dtype=torch.float64)
        optimizer.zero_grad()
        loss(whole, spikes).backward()
        optimizer.step()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan.Plan, "looped", lambda *_: True)
            found = torch.autograd.grad(loss(single, spikes), list(single.values()))
        for (p, synapses), gradient in zip(expected.items(), found, strict=True):
            synapses.touch(np.arange(len(rows[p])), age)
            for row, values in enumerate(gradient.numpy().reshape(rows[p].shape)):
                synapses.accumulate(row, values)
            synapses.flush(age + 1)
            with torch.no_grad():
                single[p].copy_(torch.tensor(synapses.weight().reshape(single[p].shape)))
            there = single[p].detach().numpy()
            np.testing.assert_allclose(whole[p].detach().numpy(), there, rtol=0, atol=1e-9 * np.abs(there).max(), err_msg=p)


def test_stdp_is_the_sum_over_all_pairs():
    """Each pair of spikes adds exp(-distance/tau), depression where the source comes later."""
    made = plan.make(drawn.written(), **SIZES, seed=0)
    (spikes,) = shown(1, 0)
    found = reference_learning.learn(
        made, [spikes], stdp.signal, {"hidden": registry.get_rule("sgd")}, {"hidden": {"lr": 0.01}}
    )
    fired, _ = reference.run(made, spikes)
    gradient = np.zeros((SIZES["n_input"], SIZES["n_hidden"]))
    for i, j in np.ndindex(gradient.shape):
        apart = fired["hidden"][:, j].nonzero()[0][None] - fired["input"][:, i].nonzero()[0][:, None]
        gradient[i, j] = 1.05 * np.exp(apart[apart < 0] / 20).sum() - np.exp(-apart[apart > 0] / 20).sum()
    assert np.abs(gradient).max() > 1
    np.testing.assert_allclose(found["hidden"].weight(), made.weights["hidden"] - 0.01 * gradient, rtol=1e-12, atol=1e-14)


def test_instar_draws_weights_to_the_trace_of_their_sources():
    """By hand: each spike of a target asks for the weight less a multiple of its source's trace, whether that fired or not."""
    made = plan.make(drawn.written(), **SIZES, seed=0)
    rules, parameters = {p: registry.get_rule("sgd") for p in made.plastic}, {p: {"lr": 0.01} for p in made.plastic}
    (spikes,) = shown(1, 0)
    spikes[:, 3] = False
    found = reference_learning.learn(made, [spikes], instar.signal, rules, parameters, labels=[0])["hidden"].weight()
    fired, _ = reference.run(made, spikes)
    start = made.weights["hidden"]
    gradient, present = np.zeros_like(start), np.zeros(SIZES["n_input"])
    for now in range(made.steps):
        present *= np.exp(-1 / 20)
        for j in fired["hidden"][now].nonzero()[0]:
            gradient[:, j] += start[:, j] - 0.0075 * present
        present += fired["input"][now]
    assert (gradient[3] != 0).any()
    np.testing.assert_allclose(found, start - 0.01 * gradient, rtol=1e-12, atol=1e-14)


def test_a_weight_that_a_signal_reads_is_never_one_that_waits_for_its_step():
    """A source that was silent for long has its synapses committed all the same: weights fall by each presentation's factor.

    By hand in the same order, and in Brian2 in another one: 1e-9 is ample.
    """
    made = plan.make(drawn.written(), **SIZES, seed=0)
    rules, parameters = {p: registry.get_rule("sgd") for p in made.plastic}, {p: {"lr": 1e-3} for p in made.plastic}
    presentations = shown(4, 1)
    for spikes in presentations[:3]:
        spikes[:, 3] = False
    state = learned(made, presentations, instar.signal, rules, parameters, labels=[0, 1, 2, 0])["hidden"]
    weights = made.weights["hidden"][3].copy()
    for number, spikes in enumerate(presentations[:3]):
        before = reference_learning.learn(
            made, presentations[:number], instar.signal, rules, parameters, labels=[0, 1, 2][:number]
        )
        fired, _ = reference.run(made, spikes, {p: s.weight() for p, s in before.items()})
        weights -= 1e-3 * weights * fired["hidden"].sum(0)
    before = reference_learning.learn(made, presentations[:3], instar.signal, rules, parameters, labels=[0, 1, 2])
    np.testing.assert_allclose(before["hidden"].weight()[3], weights, rtol=1e-12)
    np.testing.assert_allclose(state[1]["w"].reshape(state[0]["w"].shape), state[0]["w"], rtol=1e-9, atol=1e-12)
