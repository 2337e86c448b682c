"""The study of speed at toy size: what it times, what it writes, and what it leaves out."""

import contextlib
import itertools
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.benchmarks import curves, machine, peers, speed
from spikemeta.data import datasets
from spikemeta.figures import speed as figures
from spikemeta.language import registry


@pytest.fixture
def costs(monkeypatch):
    """Programs really run; whatever that takes, a presentation is said to take 10, 11 or 12 ms in turn, and a start 3 s."""
    calls = itertools.count()

    def spent(run, count, *_):
        run(count)
        return 3 + count * (10 + next(calls) // 2 % 3) / 1e3

    monkeypatch.setattr(speed, "spent", spent)
    return 10, 11, 12


def test_a_workload_has_the_spikes_that_are_asked_for():
    work = speed.workload(datasets.load("digits"), 200, 500.0)
    assert work.images.shape == (200, 784)
    assert work.spikes == pytest.approx(500)
    enlarged, small = work.images[0].reshape(28, 28), datasets.load("digits").train_images[0].reshape(8, 8)
    np.testing.assert_array_equal(enlarged[6:-6:2, 6:-6:2], small)
    # each pixel of 200 images is rounded at random: the mean is kept to a few per mille
    assert work.dimmed(100.0).spikes == pytest.approx(100, rel=0.02)


def test_a_cost_is_a_difference_over_presentations():
    now = [0.0]

    def run(count):
        now[0] += 3.0 + 0.5 * count  # three seconds to start

    assert speed.measure(run, 100, lambda: now[0]) == pytest.approx(0.5)
    assert speed.measure(run, 384, lambda: now[0], 128) == pytest.approx(0.5)
    found = speed.in_turns({"a": run}, {"a": 40}, 3, clock=lambda: now[0])
    np.testing.assert_allclose(found["a"], 500.0)


@pytest.mark.parametrize("kind", ["ours", "brian2", "brian2, immediate", "floor"])
def test_every_program_shows_as_many_presentations_as_it_is_asked_for(kind):
    """Also when they are more than the images: the last of them, too, drive the readout, which is silent before it learns."""
    asked, work = 80, speed.workload(datasets.load("digits"), 25)
    with contextlib.ExitStack() as stack:
        programs = speed.open_programs(stack, [registry.get_rule("sgd")], work, 60, [kind])
        counts = programs[kind, "sgd"](asked)
    assert counts.shape == (asked, 10)
    assert (counts[-10:].sum(axis=1) > 0).sum() > 5


def test_a_machine_is_described(tmp_path):
    for number, values in enumerate([("1", "Data", "32K"), ("1", "Instruction", "48K"), ("2", "Unified", "512K")]):
        (tmp_path / f"index{number}").mkdir()
        for name, value in zip(("level", "type", "size"), values, strict=True):
            (tmp_path / f"index{number}" / name).write_text(value + "\n")
    (tmp_path / "index3").mkdir()  # says nothing
    assert machine.caches(tmp_path) == {"L1 data": 32, "L2": 512}
    here = machine.describe()
    assert here["compiler"]
    assert here["vectors"] in {"", *machine.VECTORS.values()}
    line = machine.sentence(here | {"caches": {"L2": 512}, "vectors": "AVX2"})
    assert line == f"{here['processor']}; AVX2; L2 512 KiB; {here['compiler']}".removeprefix("; ")


def test_bytes_of_a_synapse():
    rule = speed.of_states(4)
    assert list(rule.analysis.decays) == ["x1", "x2", "x3", "x4"]
    assert speed.expected_bytes(rule) == 8 * 4  # x1 is the weight
    assert speed.expected_bytes(registry.get_rule("laplace"), "float32") == 4 * (2 + 1)


def test_the_study_leaves_the_files_of_the_contract(tmp_path, monkeypatch, costs):
    monkeypatch.setattr(speed, "COUNTS", {"ours": 100, "brian2": 40, "floor": 400})
    monkeypatch.setattr(peers, "NEEDS", {"none, such": "no_such_module", "snntorch, batch 1": "snntorch"})
    monkeypatch.setattr(peers, "COUNTS", {"snntorch, batch 1": (3, 1)})
    run = ["run", "speed", "--rules", "sgd", "--hidden", "30", "--repeats", "3", "--no-curves", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, run)
    assert done.exit_code == 0, done.output
    assert "not installed, and left out: no_such_module" in done.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    ours, peer = summary["rows"]
    assert (ours["rule"], peer["rule"]) == ("sgd", "snntorch, batch 1")
    metrics = {name: m["mean"] for name, m in ours["metrics"].items()}
    assert metrics["ms_per_presentation"] == pytest.approx(np.median(ours["metrics"]["ms_per_presentation"]["values"]))
    assert {round(value, 9) for value in ours["metrics"]["ms_per_presentation"]["values"]} <= set(costs)
    for other in ("brian2", "floor"):  # how large they are is for the study to show
        ratios = np.divide(*[ours["metrics"][f"ms_{n}"]["values"] for n in ("per_presentation", other)])
        assert metrics[f"ratio_to_{other}"] == pytest.approx(np.median(ratios))
        assert len(ratios) == 3
    assert len(peer["metrics"]["ms_per_presentation"]["values"]) == 3
    assert (tmp_path / "figures" / "speed.png").stat().st_size > 1000
    record = json.loads((tmp_path / "provenance.json").read_text())
    assert record["load"]
    assert summary["machine"]["compiler"] == record["compiler"]


def test_every_rule_is_timed_in_every_shape(monkeypatch, costs):
    monkeypatch.setattr(speed, "COUNTS", {"ours": 100, "brian2": 40})
    work = speed.workload(datasets.load("digits"), 100)
    found = curves._shapes([registry.get_rule("sgd")], ((20, 0.5),), work, 3, lambda _: None)
    assert (found["hidden"], found["density"], list(found["rules"])) == ([20], [0.5], ["sgd"])
    row = found["rules"]["sgd"]
    assert [len(values) for values in row.values()] == [1, 1, 1]
    assert round(row["ms"][0]["mean"], 9) in costs
    assert row["ratio_to_brian2"][0]["low"] <= row["ratio_to_brian2"][0]["mean"] <= row["ratio_to_brian2"][0]["high"]


def test_the_figures_of_curves():
    def cost(x):
        return {"mean": x, "low": 0.9 * x, "high": 1.1 * x}

    kinds = ("ours", "brian2")
    measured = {
        name: {"x": [1, 4], "ms": {k: [cost(1.0), cost(2.0)] for k in kinds}} for name in ("hidden", "spikes", "states")
    }
    measured["hidden"] |= {
        "ns_per_event": {k: [1.0, 1.5] for k in kinds},
        "resident": {k: [1e7, 4e7] for k in kinds},
        "bytes_per_synapse": dict.fromkeys(kinds, 32.4),
        "expected": {"ours": 32},
    }
    rows = {rule: {"ratio_to_brian2": [cost(0.2), cost(0.3)]} for rule in ("sgd", "laplace")}
    measured["shapes"] = {"hidden": [100, 200], "density": [1.0, 0.1], "rules": rows}
    made = figures.figures_of(measured, curves.RULE)
    names = ["cost_by_hidden", "cost_by_spikes", "cost_by_states", "cost_per_event", "memory", "ratio_by_shape"]
    assert sorted(made) == names
    labels = [text.get_text() for text in made["ratio_by_shape"].legends[0].get_texts()]
    assert labels == ["100 hidden", "200 hidden, 10% of the synapses"]
    assert "32.4 bytes a synapse, 32 expected" in made["memory"].legends[0].get_texts()[0].get_text()
    assert figures.figures_of({}, curves.RULE) == {}
