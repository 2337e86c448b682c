"""Networks that are texts, in simulations and studies, on both engines: toy sizes."""

import json
import tempfile

import cut_short
import drawn as networks
import numpy as np
import pytest
from cases import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.feedback import way_of
from spikemeta.runs import experiment, planning, scale
from spikemeta.runs.study import SimulationOptions, check
from spikemeta.simulation import checkpoint, executors, written
from spikemeta.simulation.simulation import Simulation

RECURRENT = networks.written("adaptive", ", delay = 2, probability = 0.5", pool=True)


def simulated(network, monkeypatch, rule="laplace", engine="torch", more=None, **how):
    """A run of a network that is not in a file; all else as in studies."""
    if not isinstance(network, str):
        made = lambda name, engine, _, feedback: written.Written(  # noqa: E731
            network,
            engine=engine,
            signal=way_of(feedback)[0] if engine == "brian2" else "",
        )
        monkeypatch.setattr(written, "of", made)
    own = {"batch": 4, "parameters": {"lr": 0.1}} if engine == "torch" else {}
    simulation = Simulation(registry.get_rule(rule), n_hidden=10, engine=engine, **own | (more or {}))
    limits = {"limit": 24, "test_limit": 12} if engine == "torch" else {"limit": 6, "test_limit": 2}
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, **limits)
    return simulation.run(curriculum, seed=3, **how)


def test_feedforward_draws_its_feedback_before_its_weights_and_others_after():
    """Which decides what a seed stands for: recorded results carry it."""
    sizes, draws = (6, 5, 3), lambda: np.random.default_rng(4)
    for feedback, first in (("tied", True), ("error_feedback", False)):
        network = written.of("feedforward", "brian2", 5, feedback)
        constants = network.parameters(overrides={"hidden_spread": 1.0, "random_spread": 1.0})
        start, rng = network.start(sizes, constants, draws()), draws()
        back = rng.standard_normal((3, 5)) if first else None
        np.testing.assert_array_equal(start["hidden"], rng.standard_normal((6, 5)))
        back = back if first else (rng.standard_normal((5, 3)), rng.standard_normal((3, 5)))[1]
        np.testing.assert_array_equal(start["feedback hidden"], back - back.mean(axis=0))


@pytest.mark.parametrize("feedback", ["tied", "surrogate"])
def test_a_compiled_text_gives_what_runtime_gives_and_resumes_to_the_bit(feedback, monkeypatch, tmp_path):
    """Sparse recurrent synapses with a delay, a pool, adaptive thresholds: stopped within a phase and gone on."""
    how = {"feedback": feedback, "network_parameters": {"presentation": 50.0}}
    how |= {"parameters": {"lr": 0.05}} if feedback == "surrogate" else {}
    whole = simulated(RECURRENT, monkeypatch, engine="brian2", more=how)
    slow = simulated(RECURRENT, monkeypatch, engine="brian2", more=how | {"mode": "runtime"})
    for name, values in slow.weights.items():
        assert np.ptp(values - values.mean()) > 0
        scale = np.abs(values).max()
        np.testing.assert_allclose(whole.weights[name], values, rtol=0, atol=1e-9 * scale)  # sums in another order
    assert whole.phases[0].events == slow.phases[0].events
    assert whole.phases[0].events["hidden_touches by synapses"] > 0

    with pytest.raises(cut_short.CutShort):
        simulated(RECURRENT, monkeypatch, engine="brian2", more=how, out=tmp_path / "part", progress=cut_short.after(0.6))
    again = simulated(RECURRENT, monkeypatch, engine="brian2", more=how, out=tmp_path / "part", resume=True)
    for name, values in whole.weights.items():
        np.testing.assert_array_equal(again.weights[name], values)


@pytest.mark.parametrize(("feedback", "rule"), [("stdp", "mesu"), ("random", "benna_fusi")])
def test_a_text_goes_on_to_the_bit_under_any_signal(feedback, rule, monkeypatch, tmp_path):
    """In runtime mode, stopped within a phase: sparse recurrent synapses with a delay, a rule with noise or many variables."""
    how = {"feedback": feedback, "mode": "runtime", "network_parameters": {"presentation": 50.0}}
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)  # a state is saved wherever one can be
    monkeypatch.setattr(executors, "RUNTIME_BLOCK", 2)
    whole = simulated(RECURRENT, monkeypatch, rule, "brian2", how)
    assert whole.phases[0].hidden_rate > 1

    with pytest.raises(cut_short.CutShort):
        simulated(RECURRENT, monkeypatch, rule, "brian2", how, out=tmp_path / "part", progress=cut_short.after(0.6))
    again = simulated(RECURRENT, monkeypatch, rule, "brian2", how, out=tmp_path / "part", resume=True)
    for name, values in whole.state.items():
        np.testing.assert_array_equal(again.state[name], values, err_msg=name)


@settings(max_examples=EXAMPLES or 2)
@given(
    networks.networks(),
    st.sampled_from(registry.names("rules")),
    st.sampled_from(["tied", "random", "stdp", "torch"]),
    st.floats(0.2, 0.8),
)
def test_a_network_drawn_from_the_language_goes_on_to_the_bit(network, rule, feedback, moment):
    """Stopped at any moment, in runtime mode or torch, under any rule: the state of every synapse, and all answers."""
    engine = "torch" if feedback == "torch" else "brian2"
    how = {"network_parameters": {"presentation": 40.0}, "parameters": {}}
    how |= {} if engine == "torch" else {"mode": "runtime", "feedback": feedback}
    with tempfile.TemporaryDirectory() as out, pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "INTERVAL", 0.0)  # a state is saved wherever one can be
        patch.setattr(executors, "RUNTIME_BLOCK", 2)
        words = network, patch, rule, engine, how
        whole = simulated(*words)
        with pytest.raises(cut_short.CutShort):
            simulated(*words, out=f"{out}/part", progress=cut_short.after(moment))
        again = simulated(*words, out=f"{out}/part", resume=True)
    for name, values in whole.state.items():
        np.testing.assert_array_equal(again.state[name], values, err_msg=f"{rule} {name}")
    for ours, theirs in zip(again.phases, whole.phases, strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)


def test_a_recurrent_sparse_network_learns_and_resumes_to_the_bit(monkeypatch, tmp_path):
    whole = simulated(RECURRENT, monkeypatch, out=tmp_path / "whole")
    assert whole.weights["memory"].ndim == 1  # a weight for each synapse
    assert not np.allclose(whole.weights["memory"], whole.weights["memory"][0])

    with pytest.raises(cut_short.CutShort):
        simulated(RECURRENT, monkeypatch, out=tmp_path / "part", progress=cut_short.after(0.6))
    again = simulated(RECURRENT, monkeypatch, out=tmp_path / "part", resume=True)
    for name, weights in whole.weights.items():
        np.testing.assert_array_equal(again.weights[name], weights)
    with pytest.raises(UserError, match="network text"):
        simulated(registry.get_network("feedforward"), monkeypatch, out=tmp_path / "part", resume=True)


def test_several_hidden_layers_take_the_place_of_one(tmp_path):
    """``--hidden 8,6``: the text of the network, with the rules' constants of the first hidden layer in the second."""
    out = tmp_path / "out"
    words = "run forgetting --engine torch --rules sgd --images 10 --tasks 2 --hidden 8,6 --seeds 1 --workers 1"
    done = CliRunner().invoke(cli.app, [*words.split(), "--out", str(out), "--set", "hidden.lr=0.5"])
    assert done.exit_code == 0, done.output
    row = json.loads((out / "summary.json").read_text())["rows"][0]
    assert {name: values["lr"] for name, values in row["constants"]["rule"].items()} == {
        "hidden": 0.5,
        "hidden2": 0.5,
        "readout": 0.03,
    }
    assert row["constants"]["network"]["step"] == 4.0  # of torch
    assert row["metrics"]["footprint"]["mean"] == 4 * (64 * 8 + 8 * 6 + 6 * 2)


@pytest.mark.parametrize("engine", ["torch", "brian2 --mode runtime"])
def test_a_study_runs_a_network_file(engine, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(networks.SOUND)
    out = tmp_path / "out"
    words = f"run forgetting --network {file} --engine {engine} --rules sgd --images 8 --tasks 2 --hidden 6,5 --seeds 1"
    own = ["network.tau_error=40", "network.presentation=40"] if "brian2" in engine else []
    done = CliRunner().invoke(
        cli.app, [*words.split(), "--workers", "1", "--out", str(out), "--set", "lr=0.1", "network.spread=0.5", *own]
    )
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    assert 0 <= summary["rows"][0]["metrics"]["final_accuracy"]["mean"] <= 1


def test_a_network_without_labels_runs_in_a_study(tmp_path):
    """Five competing neurons, given their classes by what they did; what they add up to, and what they cost."""
    out = tmp_path / "out"
    words = "run forgetting --network winner_take_all --mode runtime --rules sgd,stable_flexible(laplace) --images 12 --tasks 2"
    own = ["lr=0.01", "network.presentation=30", "network.least_threshold=5"]
    done = CliRunner().invoke(
        cli.app, [*words.split(), "--hidden", "5", "--seeds", "1", "--workers", "1", "--out", str(out), "--set", *own]
    )
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["signal"] == "stdp_offset"
    assert "feedback" not in summary  # no error is fed back
    assert "5 hidden neurons of network winner_take_all, signal stdp_offset" in " ".join(done.output.split())
    first, gated = summary["rows"]
    assert gated["rule"] == "stable_flexible_over_laplace"
    for row in (first, gated):
        assert row["metrics"]["footprint"]["mean"] == 8 * 64 * 5 * (1 if row is first else 5)
        assert 0 < row["metrics"]["activation_sparsity"]["mean"] < 1
        assert row["metrics"]["final_accuracy"]["mean"] > 0


@pytest.mark.parametrize(
    ("words", "feedback"),
    [
        ({"network": "winner_take_all"}, {"signal": "stdp_offset"}),
        ({"network": "winner_take_all", "feedback": "stdp"}, {"signal": "stdp"}),
        ({"network": "recurrent"}, {"feedback": "tied"}),
        ({"network": "recurrent", "feedback": "eprop,random"}, {"feedback": "eprop,random"}),
        ({"network": "recurrent", "engine": "torch"}, {"feedback": "backpropagated"}),
        ({"feedback": "random"}, {"feedback": "random"}),
    ],
)
def test_titles_say_how_the_network_learns(words, feedback):
    assert scale.learning(SimulationOptions(**words)) == feedback


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        ({"network": "winner_take_all", "scenario": "class"}, ()),
        ({"network": "winner_take_all", "scenario": "domain"}, ("its constants are those of the class scenario",)),
        ({"scenario": "domain"}, ()),
        ({"scenario": "class"}, ("its constants are those of the domain scenario",)),
        ({"network": "winner_take_all", "task": "joint", "rules": "laplace"}, ("for task joint with signal stdp_offset",)),
        ({"task": "joint"}, ()),
        ({"rules": "hidden=laplace,readout=sgd", "scenario": "class"}, ("domain scenario",)),
    ],
)
def test_constants_found_in_another_scenario_are_told(words, texts):
    options = SimulationOptions(**{"rules": "sgd"} | words)
    found = experiment._warnings(planning.entries_of(options), options, [], {})
    assert len(found) == len(texts), found
    assert all(text in line for text, line in zip(texts, found, strict=True)), found


def test_a_network_of_its_own_size_costs_the_same_whatever_hidden_says(tmp_path):
    """Silence is counted over the neurons that are there."""
    (tmp_path / "mine.py").write_text(networks.SOUND.replace("lif(n_hidden)", "lif(7)").replace("0.3)", "1.0)"))
    words = (
        f"run forgetting --network {tmp_path / 'mine.py'} --engine torch --rules sgd --images 8 --tasks 2 --seeds 1 --workers 1"
    )
    found = []
    for hidden in ("5", "50"):
        out = tmp_path / hidden
        done = CliRunner().invoke(cli.app, [*words.split(), "--set", "lr=0.1", "--hidden", hidden, "--out", str(out)])
        assert done.exit_code == 0, done.output
        found.append(json.loads((out / "summary.json").read_text())["rows"][0]["metrics"])
    assert found[0]["activation_sparsity"]["mean"] == found[1]["activation_sparsity"]["mean"] < 1
    network = written.of(str(tmp_path / "mine.py"), "torch", 50)
    assert written.sizes(network, (64, 50, 2)) == (64, 7, 2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--network perceptron", "choose another with --network"),
        ("--network winner_take_all --engine torch", "does not run on --engine torch: say --engine brian2"),
        ("--network winner_take_all --feedback eprop", "none is the right one: choose a signal of spikes alone, such as stdp"),
        ("--network winner_take_all --hidden 8,6", "its hidden layer answers, so that there can be only one"),
        ("--network winner_take_all --rules binarized", "is not proportional to state of the synapse"),
        ("--network no/such.py --engine torch", "there is no network file"),
        ("--hidden 8,", "--hidden '8,': write a whole number, or several, as in 200,100"),
        ("--hidden 0", "--hidden must be at least 1"),
        ("--network recurent", "did you mean 'recurrent'"),
    ],
)
def test_a_network_that_cannot_run_is_told(words, text, tmp_path):
    done = CliRunner().invoke(cli.app, ["run", "forgetting", *words.split(), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert text in " ".join(done.output.split())


def test_a_network_whose_answer_studies_cannot_count_is_told():
    with pytest.raises(UserError, match="studies count spikes"):
        written.Written(networks.written(answer="mean(readout.v)"))


@pytest.mark.parametrize("hidden", [(8, 6), 2.5])
def test_hidden_layers_from_python_are_a_number_or_a_text(hidden):
    for sound in (None, 8, "8", "8,6"):
        check(SimulationOptions(hidden=sound))
    with pytest.raises(UserError, match="write a whole number, or several, as in 200,100"):
        check(SimulationOptions(hidden=hidden))
