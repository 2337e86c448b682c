"""Networks that are texts, in simulations and studies: torch, toy sizes."""

import json

import drawn as networks
import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter
from spikemeta.simulation import written
from spikemeta.simulation.simulation import Simulation

#: The network `surrogate`, as a text.
TWIN = networks.written(
    name="twin",
    layers="input : rate(n_input, input_rate)\nhidden : lif(n_hidden), slope = 5\nreadout : lif(n_classes), slope = 1",
    projections="""
        hidden : input -> hidden, plastic, weight = 0.15*randn()
        readout : hidden -> readout, plastic, weight = 0.2*randn()
    """,
    parameters=networks.PARAMETERS | {"step": Parameter(4.0, "ms")},
)
RECURRENT = networks.written("adaptive", ", delay = 2, probability = 0.5", pool=True)


def simulated(network, monkeypatch, rule="laplace", **how):
    """A run of a network that is not in a file; all else as in studies."""
    if not isinstance(network, str):
        monkeypatch.setattr(written, "of", lambda name: written.Written(network))
    simulation = Simulation(registry.get_rule(rule), "surrogate", n_hidden=10, engine="torch", parameters={"lr": 0.1}, batch=4)
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=24, test_limit=12)
    return simulation.run(curriculum, seed=3, **how)


def test_the_text_of_surrogate_is_surrogate_to_the_bit(monkeypatch):
    expected = simulated("surrogate", monkeypatch)
    found = simulated(TWIN, monkeypatch)
    for name in ("hidden", "readout"):
        np.testing.assert_array_equal(found.weights[name], expected.weights[name])
    for ours, theirs in zip(found.phases, expected.phases, strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)
        assert ours.hidden_rate == theirs.hidden_rate


def test_a_recurrent_sparse_network_learns_and_resumes_to_the_bit(monkeypatch, tmp_path):
    whole = simulated(RECURRENT, monkeypatch, out=tmp_path / "whole")
    assert whole.weights["memory"].ndim == 1  # a weight for each synapse
    assert not np.allclose(whole.weights["memory"], whole.weights["memory"][0])

    class Stop(Exception):
        pass

    def stop(phase, done, total):
        if done > 0.6 * total:
            raise Stop

    with pytest.raises(Stop):
        simulated(RECURRENT, monkeypatch, out=tmp_path / "part", progress=stop)
    again = simulated(RECURRENT, monkeypatch, out=tmp_path / "part", resume=True)
    for name, weights in whole.weights.items():
        np.testing.assert_array_equal(again.weights[name], weights)
    with pytest.raises(UserError, match="network text"):
        simulated(TWIN, monkeypatch, out=tmp_path / "part", resume=True)


def test_a_study_runs_a_network_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(networks.SOUND)
    out = tmp_path / "out"
    words = f"run forgetting --network {file} --engine torch --rules sgd --images 10 --tasks 2 --hidden 6 --seeds 1 --workers 1"
    done = CliRunner().invoke(cli.app, [*words.split(), "--out", str(out), "--set", "lr=0.1", "network.spread=0.5"])
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    assert 0 <= summary["rows"][0]["metrics"]["final_accuracy"]["mean"] <= 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--network surrogate", "does not run on --engine brian2: say --engine torch"),
        ("--network feedforward --engine torch", "does not run on --engine torch: say --engine brian2"),
        ("--network perceptron", "choose another with --network"),
        ("--network no/such.py --engine torch", "there is no network file"),
        ("--network surogate", "did you mean 'surrogate'"),
    ],
)
def test_a_network_that_cannot_run_is_told(words, text, tmp_path):
    done = CliRunner().invoke(cli.app, ["run", "forgetting", *words.split(), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert text in " ".join(done.output.split())


def test_a_network_whose_answer_studies_cannot_count_is_told():
    with pytest.raises(UserError, match="studies count spikes"):
        written.Written(networks.written(answer="mean(readout.v)"))
