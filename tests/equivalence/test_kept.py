"""What lasts from one presentation to the next: of neurons, of weights within limits, of classes that responses decide."""

import brian2
import drawn
import numpy as np
import pytest
import spiked

import spikemeta
from spikemeta.backends.networks import adjoint, brian_learning, lesson, plan, reference, reference_learning
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.network import Neurons
from spikemeta.language.rule import Parameter
from spikemeta.networks.signals import stdp, surrogate
from spikemeta.simulation import activity, checkpoint, program
from spikemeta.simulation.simulation import Simulation

KEEPING = Neurons(
    equations="""
        dv/dt = (current*tau_membrane/tau_synapse - v)/tau_membrane : 1
        dcurrent/dt = -current/tau_synapse : 1
        dtheta/dt = (floor - theta)/tau_theta : 1 (kept)
        tired : 1 (kept)
        met : 1 (kept)
        mean : 1 (kept)
    """,
    threshold="v > 1 + theta + tired + 0.1*mean",
    reset="""
        v = 0
        theta += raised
        tired = 0.9*tired + 0.02
        met += 1
        mean += share*(current - mean)/met
    """,
)
SHARE = 1 / 3
PARAMETERS = {
    "share": Parameter(SHARE),
    "tau_theta": Parameter(1000.0, "ms", low=1),
    "floor": Parameter(0.1),
    "presentation": Parameter(40.0, "ms"),
}


def keeping(network="given(n_input)", **more):
    layers = f"input : {network}\nhidden : keeping(n_hidden)\nreadout : lif(n_classes)"
    return drawn.written(
        name="keeping",
        neurons={"lif": drawn.LIF, "keeping": KEEPING},
        layers=layers,
        parameters=drawn.PARAMETERS | PARAMETERS,
        signal="stdp",
        **more,
    )


SHOWN = [np.random.default_rng(k).random((40, 8)) < 0.2 for k in range(4)]


def test_spikes_raise_it_and_presentations_let_it_decay():
    """By hand: what spikes do, then the closed form over a presentation of 40 ms."""
    made = plan.make(keeping(), 8, 6, 3, seed=1)
    kept = {"hidden": np.zeros((6, 6))}
    theta, tired, decay = np.zeros(6), np.zeros(6), np.exp(-40 / 1000)
    (into,) = [made.dense(name) for name, p in made.projections.items() if p.target == "hidden"]
    met, mean = np.zeros(6), np.zeros(6)
    for spikes in SHOWN:
        fired, seen = reference.run(made, spikes, None, kept)
        np.testing.assert_allclose(seen["hidden"][0, 2], theta, rtol=1e-12)  # nothing falls at its start
        for now, brought, before in zip(fired["hidden"], spikes @ into, seen["hidden"], strict=True):
            theta[now] += 0.3
            tired[now] = 0.9 * tired[now] + 0.02
            met[now] += 1
            mean[now] += (SHARE * (before[1] + brought - mean) / np.maximum(met, 1))[now]
        theta = 0.1 + (theta - 0.1) * decay
        np.testing.assert_allclose(kept["hidden"][2:], [theta, tired, met, mean], rtol=1e-12)
        assert (kept["hidden"][:2] == 0).all()
    assert theta.max() > 1
    assert len(set(tired)) > 3
    assert met.max() > 10
    assert len(set(mean)) > 3


def test_brian2_keeps_and_learns_as_the_reference_does():
    made = plan.make(keeping(), 8, 6, 3, seed=1)
    rules, parameters = {p: registry.get_rule("laplace") for p in made.plastic}, {p: {"lr": 1e-2} for p in made.plastic}
    kept = {"hidden": np.zeros((6, 6))}
    expected = reference_learning.learn(made, SHOWN, stdp.signal, rules, parameters, kept=kept)
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    built = brian_learning.build(made, SHOWN, stdp.signal, rules, parameters, lesson.make(made, stdp.signal))
    built.network.run((len(SHOWN) * made.steps + 1) * brian2.ms, namespace={})
    found = {name: np.array(getattr(*where)) for name, where in built.kept.items()}
    names = ["theta", "tired", "met", "mean"]
    assert found.keys() == {f"neurons hidden.{name}" for name in names}
    for name, values in zip(names, kept["hidden"][2:], strict=True):
        np.testing.assert_allclose(found[f"neurons hidden.{name}"], values, rtol=1e-12, err_msg=name)
    for name, ours in expected.items():
        for variable, values in ours.state.items():
            there = np.reshape(getattr(built.projections[name], variable), values.shape)
            np.testing.assert_allclose(there, values, rtol=0, atol=1e-9 * np.abs(values).max(), err_msg=f"{name}.{variable}")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    data = datasets.load(spiked.write(tmp_path_factory.mktemp("data") / "spikes"))
    return spikemeta.build_curriculum("split", data, n_tasks=2)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "keeping.py"
    path.write_text(drawn.as_file(keeping(forward=", least = 0, total = 0.7*n_pre", answer="assigned(readout, 4)")))
    return str(path)


def simulation(file, mode="standalone"):
    return spikemeta.Simulation(spikemeta.get_rule("sgd"), file, 6, mode=mode, parameters={"lr": 1e-3})


def test_a_simulation_keeps_through_training_and_not_through_tests(tasks, file, tmp_path):
    """Compiled, at runtime, resumed; and as the reference, shown the spikes of the two training phases."""
    whole = simulation(file).run(tasks, seed=0)
    names = [f"neurons hidden.{name}" for name in ("theta", "tired", "met", "mean")]
    network = simulation(file)
    start, _ = network.begin(tasks, (12, 6, 2), 0)
    made = network.network.started((12, 6, 2), network.network.parameters(), start)
    kept, data = {"hidden": np.zeros((6, 6))}, tasks.dataset.train_images
    rules = {p: registry.get_rule("sgd") for p in made.plastic}
    phases = [phase for phase in tasks.phases if phase.kind == "train"]
    shown = np.concatenate([data.dense(phase.indices, 1e-3, 40).transpose(1, 0, 2) for phase in phases])
    found = reference_learning.learn(made, shown, stdp.signal, rules, {p: {"lr": 1e-3} for p in rules}, kept=kept)
    for k, name in enumerate(names):
        np.testing.assert_allclose(whole.state[name], kept["hidden"][2 + k], rtol=1e-9)
    assert whole.state[names[0]].max() > 0.3
    for p in rules:
        np.testing.assert_allclose(whole.weights[p], found[p].weight(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(whole.weights[p].sum(0), 0.7 * len(whole.weights[p]), rtol=1e-12)
        assert np.abs(whole.weights[p] - made.weights[p]).max() > 0.01
        assert whole.weights[p].min() >= 0

    def stop(name, done, total):
        if name.startswith("train task 2"):
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        simulation(file, "runtime").run(tasks, seed=0, out=tmp_path, progress=stop)
    resumed = simulation(file, "runtime").run(tasks, seed=0, out=tmp_path, resume=True)
    for name, values in whole.state.items():
        np.testing.assert_allclose(resumed.state[name], values, rtol=0, atol=1e-9 * max(np.abs(values).max(), 1e-300))


def test_stopped_within_a_phase_it_goes_on_to_the_bit(tasks, file, tmp_path, monkeypatch):
    """Sums of weights, what neurons keep, and the responses that decide their classes, from before and after."""
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)
    monkeypatch.setattr(program, "BLOCK", 3)
    whole, saved = simulation(file).run(tasks, seed=1), checkpoint.Checkpoint.save

    def save(self, state, age, phases, partial=None):
        saved(self, state, age, phases, partial)
        if partial is not None and len(phases) == 3 and partial["position"] > 40 * 5:
            raise RuntimeError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "save", save)
        with pytest.raises(RuntimeError, match="stopped"):
            simulation(file).run(tasks, seed=1, out=tmp_path)
    resumed = simulation(file).run(tasks, seed=1, out=tmp_path, resume=True)
    assert [phase.phase.kind for phase in whole.phases[:4]] == ["train", "test", "test", "train"]
    for name, values in whole.state.items():
        np.testing.assert_array_equal(resumed.state[name], values)
    for ours, theirs in zip(resumed.phases, whole.phases, strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)
    mean = whole.state["responses readout.mean"]
    assert mean.shape == (2, 2)
    assert mean.min() >= 0
    assert mean.max() > 0.5
    assert not whole.phases[0].counts.any()  # no neuron had a class before
    assert whole.phases[3].counts.any()


def test_what_cannot_keep_says_so(tasks, file):
    with pytest.raises(
        UserError, match="not run on engine 'torch', but on 'brian2': torch shows images side by side, and what neurons keep"
    ):
        spikemeta.Simulation(spikemeta.get_rule("sgd"), file, 6, engine="torch")
    with pytest.raises(
        UserError, match=r"keeps hidden.theta, hidden.tired, hidden.met, hidden.mean from one presentation to the next"
    ):
        activity.show(simulation(file), tasks, {}, tasks.dataset.test_images[:1])


def test_only_what_is_kept_may_change_as_it_likes():
    """A potential that a spike sets to a quotient is refused, also by way of a kept variable; so is a gradient through one."""
    for bent in ("v = v/(1 + met)", "met = met/(1 + met)\nv = met"):
        changed = Neurons(KEEPING.equations, KEEPING.threshold, bent)
        with pytest.raises(UserError, match="the new 'v' must be linear in 'v', 'current', 'theta', 'tired', 'met', 'mean'"):
            drawn.written(name="bent", neurons={"lif": drawn.LIF, "keeping": changed}, parameters=drawn.PARAMETERS | PARAMETERS)
    made = plan.make(keeping(), 8, 6, 3, seed=1)
    with pytest.raises(UserError, match="what a spike makes of hidden.mean is not linear, and its gradient is not known"):
        adjoint.Adjoint(lesson.make(made, surrogate.signal))


def test_what_is_new_recruits_a_fresh_neuron_and_what_was_learned_is_kept():
    """Two patterns, ten presentations each: each ends with a neuron of its own, and the second leaves the first alone."""
    network = registry.get_network("recruiting")
    made = plan.make(network, 200, 6, 2, seed=3)
    rng = np.random.default_rng(0)
    patterns = [np.repeat([1.0, 0.0], 100), np.repeat([0.0, 1.0], 100)]
    seen = lambda number: rng.random((100, 200)) < 0.18 * patterns[number]  # noqa: E731
    rules = {p: registry.get_rule("laplace") for p in made.plastic}
    parameters = {p: {"lr": 2.0, "curvature": 2000.0} if p == "hidden" else {"lr": 0.03} for p in rules}
    signal, kept, weights, winners = registry.get_signal("instar"), {}, [], []
    labels, shown = [0] * 10 + [1] * 10, [seen(0) for _ in range(10)] + [seen(1) for _ in range(10)]
    for count in (10, 20):
        kept = {"hidden": np.zeros((4, 6))}
        learned = reference_learning.learn(made, shown[:count], signal, rules, parameters, labels=labels[:count], kept=kept)
        weights.append({p: s.weight() for p, s in learned.items()})
        fired = [
            reference.run(made, seen(n), weights[-1], {"hidden": kept["hidden"].copy()})[0]["hidden"].sum(0) for n in (0, 1)
        ]
        winners.append([spikes.argmax() for spikes in fired])
        share = [spikes.max() / spikes.sum() for spikes in fired]
    (first, _), (still, second) = winners
    assert first == still != second
    assert min(share) > 1 / 3  # twice what each of six that are alike would have
    change = np.abs(weights[1]["hidden"][:, first] - weights[0]["hidden"][:, first]).max()
    assert change < 0.1 * weights[0]["hidden"][:, first].max()
    height = 0.0075 * 0.18 / (np.exp(1 / 20) - 1)  # of a weight, when its trace has risen; spikes fall while it rises, too
    assert 0.6 * height < weights[1]["hidden"][:, second][patterns[1] > 0].mean() < height


def test_rows_and_brian2s_own_loop_learn_alike_where_a_signal_reads_weights():
    """Weights are read and added in the same order on both; only what is rounded within a rule's text may differ."""
    tasks = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=40, test_limit=20)
    own = {"hidden.lr": 2.0, "hidden.curvature": 230.0, "readout.lr": 0.03}
    how = {"network": "recruiting", "n_hidden": 12, "parameters": own, "network_parameters": {"imprint": 0.015}}
    rows, usual = (Simulation(registry.get_rule("laplace"), dense=d, **how).run(tasks, seed=0) for d in ("auto", False))
    for one, other in zip(rows.phases, usual.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
    for name, state in rows.state.items():
        np.testing.assert_allclose(usual.state[name], state, 1e-9, 1e-12, err_msg=name)
    assert rows.state["neurons hidden.expected"].max() > 0.1
