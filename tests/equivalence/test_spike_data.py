"""Spikes as data: laid on steps as a loop would, the same in all three executions, learned from, resumable, in a study."""

import json

import numpy as np
import pytest
import spiked
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import spikemeta
from spikemeta.cli import app
from spikemeta.data import datasets, rehearsal
from spikemeta.data.trains import Trains
from spikemeta.simulation import activity

LOUD = {"step": 1.0, "hidden_spread": 1.5, "readout_spread": 1.0}
WAYS = (("torch", "standalone"), ("brian2", "standalone"), ("brian2", "runtime"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return spiked.write(tmp_path_factory.mktemp("data") / "spikes")


@pytest.fixture(scope="module")
def tasks(folder):
    return spikemeta.build_curriculum("split", datasets.load(folder), n_tasks=2)


def simulation(engine, mode="standalone", **more):
    return spikemeta.Simulation(spikemeta.get_rule("sgd"), "spikes", 15, "tied", engine, mode, network_parameters=LOUD, **more)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5e-3, 1e-3, 4e-3]), st.integers(2, 50))
def test_spikes_lie_in_their_steps(seed, step, steps):
    rng, n_units = np.random.default_rng(seed), 6
    counts = rng.integers(0, 20, 5)
    times = np.round(rng.random(counts.sum()) * 0.06, 3)  # many at the edge of a step
    units, starts = rng.integers(0, n_units, counts.sum()), np.concatenate([[0], np.cumsum(counts)])
    trains, rows, places = Trains(times, units, starts, n_units), rng.integers(0, 5, 4), rng.permutation(n_units)
    wanted = np.zeros((steps, 4, n_units), np.uint8)
    for at, row in enumerate(rows):
        for k in range(starts[row], starts[row + 1]):
            now = int(round(times[k] * 1e6)) // int(round(step * 1e6))
            if now < steps:
                wanted[now, at, units[k]] = 1
    assert (trains.dense(rows, step, steps) == wanted).all()
    assert (trains.dense(rows, step, steps, places) == wanted[:, :, places]).all()
    assert (trains[rows].dense(np.arange(4), step, steps) == wanted).all()
    orders = np.stack([rng.permutation(n_units) for _ in rows])
    each = np.stack([wanted[:, k, order] for k, order in enumerate(orders)], axis=1)
    assert (trains[rows].reordered(orders).dense(np.arange(4), step, steps) == each).all()
    assert trains.steps(step) == max(int(round(times.max(initial=0) * 1e6)) // int(round(step * 1e6)) + 1, 2)


def test_all_executions_see_the_same_spikes(tasks):
    runs = [simulation(*way, parameters={"lr": 0.0}).run(tasks, seed=0) for way in WAYS]
    assert {run.constants["network"]["presentation"] for run in runs} == {40.0}  # as long as the data
    for number, result in enumerate(runs[1].phases):
        assert all((run.phases[number].counts == result.counts).all() for run in runs)
        rows, images = result.phase.indices, getattr(tasks.dataset, f"{result.phase.split}_images")
        for run in runs[1:]:
            assert run.phases[number].events["input_spikes"] == len(images.codes(rows, 1e-3, 40)[0])
    assert sum(result.counts.sum() for result in runs[0].phases) > 50
    shown = activity.show(simulation("torch"), tasks, runs[0].weights, tasks.dataset.test_images[:4])
    assert (shown.spikes["input"] == tasks.dataset.test_images.dense(np.arange(4), 1e-3, 40).transpose(1, 0, 2)).all()


def test_orders_of_units_are_the_same_in_all_executions(folder):
    tasks = spikemeta.build_curriculum("permuted", datasets.load(folder), n_tasks=2, limit=10, test_limit=8)
    tasks = rehearsal.mixed(tasks, np.random.default_rng(0))  # every stimulus in an order of its own
    counts = [[p.counts for p in simulation(*way, parameters={"lr": 0.0}).run(tasks, seed=0).phases] for way in WAYS[:2]]
    assert all((a == b).all() for a, b in zip(*counts, strict=True))


@pytest.mark.parametrize(("engine", "mode"), WAYS)
def test_resumed_as_if_never_stopped(tasks, tmp_path, engine, mode):
    whole = simulation(engine, mode).run(tasks, seed=1)

    def stop(name, done, total):
        if name.startswith("train task 2"):
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        simulation(engine, mode).run(tasks, seed=1, out=tmp_path, progress=stop)
    again = simulation(engine, mode).run(tasks, seed=1, out=tmp_path, resume=True)
    assert all((again.state[name] == value).all() for name, value in whole.state.items())
    assert (again.accuracy_matrix == whole.accuracy_matrix).all()


def test_a_stated_presentation_counts(tasks):
    short = simulation("torch")
    short.network_parameters = LOUD | {"presentation": 20.0}
    run = short.run(tasks, seed=0)
    assert run.constants["network"]["presentation"] == 20.0


def test_spikes_are_learned_by_the_study(tmp_path):
    data = spiked.write(tmp_path / "spikes", 240, 60)
    constants = "sgd.lr=0.01", "network.step=1", "network.hidden_spread=0.8", "network.readout_spread=0.5"
    command = ["run", "forgetting", "--rules", "sgd", "--network", "spikes", "--dataset", str(data), "--tasks", "2"]
    command += [word for constant in constants for word in ("--set", constant)]
    command += ["--hidden", "30", "--seeds", "1", "--out", str(tmp_path / "out"), "--workers", "1"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "out" / "summary.json").read_text())["rows"]
    assert row["metrics"]["just_learned_accuracy"]["mean"] > 0.8  # of two answers
