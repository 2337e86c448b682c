"""Networks that learn by a signal's text: Brian2 moves every weight as the float64 reference does, under every rule."""

import brian2
import drawn
import numpy as np
import pytest

from spikemeta.backends.networks import brian_learning, lesson, plan, reference, reference_learning
from spikemeta.language import registry
from spikemeta.language.equations import names_in
from spikemeta.networks.signals import error_feedback, stdp, stdp_triplet

SIZES = {"n_input": 8, "n_hidden": 6, "n_classes": 3}
#: Rules whose state starts without a draw; where the weight itself is drawn, at each presentation, both sides draw 0.
DETERMINISTIC = [
    name
    for name in registry.names("rules")
    if not any({"rand"} & names_in(s.value) for b in registry.get_rule(name).analysis.blocks.values() for s in b)
]


def shown(count, seed, steps=100):
    rng = np.random.default_rng(seed)
    return [rng.random((steps, SIZES["n_input"])) < 0.1 for _ in range(count)]


def learned(made, presentations, signal, rules, parameters, taught=None, labels=None):
    """Weights by projection, of the reference and of Brian2."""
    noise = lambda rows: np.zeros((len(rows), 1))  # noqa: E731
    expected = reference_learning.learn(made, presentations, signal, rules, parameters, taught, labels, noise=noise)
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    built = brian_learning.build(made, presentations, signal, rules, parameters, taught, labels)
    for projection in rules:
        built.projections[projection].sampling = 0
    built.network.run((len(presentations) * made.steps + 1) * brian2.ms, namespace={})
    state = lambda name: {s: np.asarray(getattr(built.projections[name], s)) for s in rules[name].analysis.states}  # noqa: E731
    return {name: (found.state, state(name)) for name, found in expected.items()}


@pytest.mark.parametrize(
    ("signal", "names"), [(stdp.signal, DETERMINISTIC), (stdp_triplet.signal, ["laplace"])], ids=["stdp", "stdp_triplet"]
)
def test_brian2_learns_as_the_reference_does(signal, names):
    """Any rule in the hidden layer, sgd in the readout; sums in another order: 1e-9 of the largest value is ample."""
    made = plan.make(drawn.written("adaptive", pool=True), **SIZES, seed=1)
    for name in names:
        rule = registry.get_rule(name)
        rules = {"hidden": rule, "readout": registry.get_rule("sgd")}
        parameters = {p: {"lr": 1e-3} for p in rules} if "lr" in rule.parameters else {"readout": {"lr": 1e-3}}
        for projection, (ours, theirs) in learned(made, shown(3, 4), signal, rules, parameters).items():
            for variable, expected in ours.items():
                found = theirs[variable].reshape(expected.shape)
                scale = max(np.abs(expected).max(), 1e-300)
                np.testing.assert_allclose(
                    found, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{name} {projection}.{variable}"
                )


#: Networks of one and two hidden layers, dense and sparse, recurrent, with delays, pools and adaptive thresholds.
SHAPES = {
    "plain": drawn.written(),
    "adaptive": drawn.written("adaptive", ", delay = 3, where = i != j", pool=True),
    "deep": drawn.written("lif", ", probability = 0.5, delay = 2", ", delay = 2, probability = 0.7").stacked((6, 5)),
}


@pytest.mark.parametrize(
    ("shape", "feedback", "signal"),
    [
        ("plain", "tied", error_feedback.signal),
        ("adaptive", "random", error_feedback.signal),
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
