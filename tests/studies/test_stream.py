"""The stream of permuted tasks: files of the contract, resuming and growing to the bit, tasks as the curriculum has them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.analysis import stream as analysis
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.hardware import counters
from spikemeta.language import registry
from spikemeta.runs import pool, stream

CURRICULUM = {"name": "permuted", "dataset": "digits", "limit": 30, "test_limit": 20}
SIMULATION = {
    "network": "feedforward",
    "n_hidden": 12,
    "feedback": "tied",
    "engine": "brian2",
    "mode": "standalone",
    "parameters": {"lr": 1e-3},
    "network_parameters": None,
}


def point(folder, tasks, resume=False, rule="sgd"):
    made = pool.Point(rule, rule, 0, CURRICULUM | {"n_tasks": tasks}, SIMULATION, str(folder), resume)
    return replace(made, fingerprint=pool.fingerprint(registry.get_rule(rule), made))


def quiet(*_):
    pass


def same(one, other):
    for name in ("accuracy_matrix", "just_learned", "hidden_rate", "counts_train"):
        np.testing.assert_array_equal(one.arrays[name], other.arrays[name])


@pytest.mark.parametrize("limit", [None, 30])
def test_a_task_is_that_of_the_curriculum(limit):
    data = datasets.load("digits")
    whole = curricula.build("permuted", data, seed=3, n_tasks=3, limit=limit, test_limit=20)
    for task in range(3):
        for made in curricula.permuted_task(data, task, 3, limit, 20):
            expected = next(p for p in whole.phases if (p.kind, p.task, p.after) == (made.kind, task, task + 1))
            for name in ("name", "split", "boundary"):
                assert getattr(made, name) == getattr(expected, name)
            for name in ("indices", "labels", "permutation"):
                np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))


def test_what_is_tested(tmp_path, monkeypatch):
    for module in (stream, analysis):
        monkeypatch.setattr(module, "RECENT", 2)
    seen = []
    run = stream.execute(point(tmp_path, 4), lambda name, done, total: seen.append((done, total)))
    measured = np.isfinite(run.arrays["accuracy_matrix"])
    assert measured.tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [False, True, True, False],
        [True, True, True, True],
    ]
    done, total = np.array(seen).T
    assert (np.diff(done) >= 0).all()
    assert done[-1] == total[-1] == stream.total(point(tmp_path, 4))
    assert 0 < done[-2] <= total[-1]
    table = analysis.metrics_of([run], 30)
    last = run.arrays["accuracy_matrix"][-1]
    assert table["recent_accuracy"]["mean"] == pytest.approx(last[2:].mean())
    assert table["final_accuracy"]["mean"] == pytest.approx(last.mean())
    assert table["just_learned_accuracy"]["mean"] == pytest.approx(run.arrays["just_learned"].mean())
    assert table["recent_along"]["values"][0][2] == pytest.approx(run.arrays["accuracy_matrix"][2, 1:3].mean())


def test_a_stream_resumes_and_grows_to_the_bit(tmp_path):
    whole = stream.execute(point(tmp_path / "whole", 3), quiet)

    class Killed(Exception):
        pass

    def kill(name, *_):
        if name == "train task 2":
            raise Killed

    with pytest.raises(Killed):
        stream.execute(point(tmp_path / "cut", 3), kill)
    names = []
    same(stream.execute(point(tmp_path / "cut", 3, True), lambda name, *_: names.append(name)), whole)
    assert not any(name.startswith("train task 1") for name in names)
    short = stream.execute(point(tmp_path / "grown", 1), quiet)
    assert len(short.arrays["accuracy_matrix"]) == 1
    same(stream.execute(point(tmp_path / "grown", 3, True), quiet), whole)
    with pytest.raises(UserError, match="holds 3 tasks, more than the 2"):
        stream.execute(point(tmp_path / "grown", 2, True), quiet)
    with pytest.raises(UserError, match="holds another run"):
        stream.execute(replace(point(tmp_path / "grown", 3, True), seed=1), quiet)


def test_what_happened_is_counted_and_state_may_be_single(tmp_path):
    run, made = stream.execute(point(tmp_path / "double", 2), quiet), point(tmp_path / "single", 2)
    counted = counters.named(run.arrays["counts_train"])
    assert counted["presentations"] == 2 * 30
    assert counted["neuron_updates"] == 2 * 30 * 100 * (12 + 10)  # 100 steps, hidden and readout neurons
    assert 2 * 30 * 12 < counted["synapse_visits"] < 2 * 30 * (64 * 12 + 12 * 10)  # a synapse at most once a presentation
    assert counted["synaptic_operations"] > counted["synapse_visits"]
    single = replace(made, simulation=SIMULATION | {"dtype": "float32"})
    stream.execute(single, quiet)
    for kept, dtype in ((replace(made, state=str(tmp_path / "double")), "float64"), (single, "float32")):
        held = stream._Stream(kept, quiet)
        assert held.load() == 2
        assert {variable.dtype for variable in held.state.values()} == {np.dtype(dtype)}


def test_the_study_leaves_the_files_of_the_contract(tmp_path):
    run = ["run", "stream", "--rules", "sgd,mesu", "--tasks", "6", "--workers", "1", "--hidden", "20", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, run)
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    rows = {row["rule"]: row for row in summary["rows"]}
    assert list(rows) == ["sgd", "mesu"]
    assert summary["tasks"] == 6
    # a window of five tasks of 400 images
    assert rows["mesu"]["constants"]["rule"]["hidden"]["window"] == 2000
    for row in rows.values():
        values = {name: row["metrics"][name]["mean"] for name in ("recent_accuracy", "final_accuracy", "just_learned_accuracy")}
        assert 0.15 < values["final_accuracy"] < values["just_learned_accuracy"] < 1
        assert len(row["metrics"]["at_end"]["values"][0]) == 6
        assert row["metrics"]["ms_per_presentation"]["mean"] > 0
    assert rows["sgd"]["metrics"]["at_end"] != rows["mesu"]["metrics"]["at_end"]
    for row in rows.values():
        happened = {
            name: row["metrics"][name]["mean"] for name in ("spikes", "synaptic_operations", "synapse_visits", "neuron_updates")
        }
        shown, energy = 6 * 400, row["energy"]
        # Davies et al. 2018, Table 2; what a spike's way costs is not published.
        prices = {"synaptic_operations": 23.6, "neuron_updates": 81, "synapse_visits": 120}
        paid = 1e-12 * shown * sum(price * happened[name] for name, price in prices.items())
        assert energy["loihi1"]["joules"]["mean"] == pytest.approx(paid)
        assert energy["loihi1"]["leaves_out"] == ["spike"]
        assert "ideal" not in energy
    assert (tmp_path / "figures" / "stream.png").stat().st_size > 1000
    again = CliRunner().invoke(cli.app, [*run, "--resume"])
    assert "2 of 2 runs are there already" in again.output
