"""Counters against recorded spikes, exactly; a chip without limits against none, to the bit; the study at toy size."""

import json
from dataclasses import replace

import brian2
import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.data import curricula
from spikemeta.errors import UserError
from spikemeta.figures import published as published_figures
from spikemeta.hardware import counters, stored
from spikemeta.language import registry
from spikemeta.runs import experiment
from spikemeta.simulation.simulation import Simulation
from spikemeta.studies import hardware, memristor, search

SIZES = 64, 12, 2
STEPS = 100  # of 1 ms in a presentation


@pytest.fixture(scope="module")
def curriculum():
    return curricula.build("split", "digits", seed=0, limit=8, test_limit=4, n_tasks=2)


@pytest.mark.parametrize("number", [0, 1], ids=["train", "test"])
def test_counters_equal_recorded_spikes(curriculum, monkeypatch, number):
    """Every spike of one phase is recorded, and events are counted one by one from the list."""
    simulation = Simulation(registry.get_rule("stable_flexible"), n_hidden=SIZES[1], mode="runtime")
    build, monitors = simulation.network.build, {}

    def recorded(*arguments, **more):
        built = build(*arguments, **more)
        monitors.update({n: brian2.SpikeMonitor(built.groups[n], name=f"{n}_recorded") for n in ("input", "hidden", "readout")})
        built.network.add(*monitors.values())
        return built

    monkeypatch.setattr(simulation.network, "build", recorded)
    phase = curriculum.phases[number]
    (result,) = simulation.run(replace(curriculum, phases=(phase,)), seed=0).phases
    n, spikes, operations, visits = len(phase.indices), 0, 0, 0
    for layer, targets, neurons in (("input", SIZES[1], SIZES[0]), ("hidden", SIZES[2], SIZES[1]), ("readout", 0, SIZES[2])):
        touched = {(n, i) for i in range(neurons)}  # all are committed when the phase ends
        if phase.boundary and phase.kind == "train":
            touched |= {(0, i) for i in range(neurons)}
        for i, t in zip(monitors[layer].i[:], monitors[layer].t[:] / brian2.ms, strict=True):
            spikes += 1
            operations += targets
            touched.add((round(t) // STEPS, int(i)))
        visits += targets * len(touched)
    expected = {
        "presentations": n,
        "spikes": spikes,
        "synaptic_operations": operations,
        "synapse_visits": visits,
        "neuron_updates": n * STEPS * (SIZES[1] + SIZES[2]),
    }
    assert spikes > 300
    assert counters.count([result], SIZES) == expected


def test_an_ideal_chip_changes_nothing(curriculum):
    rule, short = registry.get_rule("laplace"), replace(curriculum, phases=curriculum.phases[:2])
    how = {"n_hidden": SIZES[1], "mode": "runtime", "network_parameters": {"presentation": 40.0}}
    made = (Simulation(rule, hardware=h, **how) for h in (None, "ideal"))
    plain, ideal = (simulation.run(short, seed=1) for simulation in made)
    for one, other in zip(plain.phases, ideal.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
    assert plain.state.keys() == ideal.state.keys()
    for name, values in plain.state.items():
        np.testing.assert_array_equal(values, ideal.state[name])


CHIP = """
name = "my_chip"
[weight]
name = "weight"
bits = {value = 5, unit = "bit", source = "the test"}
rounding = "stochastic"
[prices.synaptic_operation]
value = 2.0
unit = "pJ"
source = "the test"
"""


def test_the_study_at_toy_size(tmp_path):
    """A profile of the user's own beside the memristor: counts, energies and fits in the summary, and three kinds of files."""
    (tmp_path / "my_chip.toml").write_text(CHIP)
    words = "run hardware --rules probabilistic --mode runtime --tasks 2 --hidden 8 --images 6 --curve-images 5 --workers 1"
    words += " --set network.presentation=40"
    chips = f"{tmp_path / 'my_chip.toml'},memristor"
    more = ["--hardware", chips, "--seeds", "1", "--curve-seeds", "0", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*words.split(), *more])
    assert result.exit_code == 0, result.output
    rows = {row["hardware"]: row for row in json.loads((tmp_path / "out" / "summary.json").read_text())["rows"]}
    assert list(rows) == ["ideal", "my_chip", "memristor"]
    assert [row["rule"] for row in rows.values()] == ["probabilistic"] * 3
    assert [row["fits"] for row in rows.values()] == [True, False, False]
    assert rows["my_chip"]["nearest"] == "spine"
    metrics = {name: {m: v["mean"] for m, v in row["metrics"].items() if m != "accuracy_matrix"} for name, row in rows.items()}
    mine = metrics["my_chip"]
    assert mine["energy_per_presentation_pj"] == pytest.approx(2 * mine["synaptic_operations"])
    assert rows["my_chip"]["energy_terms"] == {"synaptic_operation": pytest.approx(1.0)}
    assert set(rows["my_chip"]["energy_leaves_out"]) == {"neuron_update", "weight_update", "spike"}
    assert "energy_per_presentation_pj" not in metrics["ideal"]
    assert 0 < mine["weight_changes"] <= mine["weight_writes"]
    assert metrics["memristor"]["weight_writes"] == metrics["memristor"]["weight_changes"] > mine["weight_changes"]
    assert "weight_changes" not in metrics["ideal"]
    assert (tmp_path / "out" / "figures" / "chips.png").stat().st_size > 10_000
    # A visit of probabilistic: 10 sums, 8 products, a function, a random number; two words read and written.
    assert [row["visit"]["sums"] for row in rows.values()] == [10] * 3
    for row in (metrics["ideal"], mine):
        assert row["operations"] == pytest.approx(20 * row["weight_writes"])
        assert row["words_moved"] == pytest.approx(4 * row["weight_writes"])
    # Two float64; the weight's 5 bits and a word of 16 that the chip has no room for; devices hold no bits.
    assert [row["state_bits"] for row in rows.values()] == [128, 5 + 16, None]
    with xarray.open_dataset(tmp_path / "out" / "results.nc") as data:
        assert data.operations.values[:, 0] == pytest.approx([m["operations"] for m in metrics.values()])
        np.testing.assert_array_equal(data.state_bits, [128, 21, np.nan])
    assert (tmp_path / "out" / "figures" / "demands.png").stat().st_size > 10_000


def test_the_memristor_study_at_toy_size(tmp_path):
    """Three settings beside their published numbers; without consolidation, no synapse refuses a write."""
    words = "run memristor --mode runtime --tasks 2 --hidden 8 --images 5 --seeds 1 --workers 1"
    result = CliRunner().invoke(app, [*words.split(), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "out" / "summary.json").read_text())["rows"]
    assert [(row["rule"], row["hardware"], row["published"][0]) for row in rows] == [
        ("7 devices", "memristor", 83.7),
        ("1 device", "memristor_1", 81.14),
        ("1 device, no metaplasticity", "memristor_1", 57.86),
    ]
    growth = [memristor.CONSTANTS[devices]["growth"] for devices in ("7 devices", "1 device")]
    assert [row["constants"]["rule"]["hidden"]["growth"] for row in rows] == [*growth, 0.0]
    pulses = [row["metrics"]["weight_writes"]["mean"] for row in rows]
    assert 0 < pulses[1] < pulses[2]
    assert (tmp_path / "out" / "figures" / "published.png").stat().st_size > 10_000


def test_the_memristor_study_stands_beside_what_was_published_of_its_data():
    """Clothes beside the published ones of clothes, of which one setting was not shipped; other data beside none."""

    def published(dataset):
        return [entry.more["published"] for entry in memristor.entries_of(memristor.Options(dataset=dataset))]

    assert published("fashion") == [(93.23, 0.14), (92.56, 1.49), None]
    assert published("mnist") == published("digits") == [(83.7, 0.78), (81.14, 1.54), (57.86, 1.63)]
    assert published("animals") == [None] * 3


def test_a_row_without_a_published_number_is_drawn_alone():
    """Of two rows the one without has our dots and their mean alone."""
    panel = Figure().add_subplot()
    published_figures.beside(panel, 0, (93.2, 0.1), np.array([90.0, 92.0]), "theirs", "ours")
    with_theirs = len(panel.lines)
    published_figures.beside(panel, 1, None, np.array([70.0, 72.0]), "theirs", "ours")
    assert [list(line.get_xdata()) for line in panel.lines[with_theirs:]] == [[70.0, 72.0], [71.0]]


def test_constants_are_searched_on_a_chip():
    """What the study ``search`` would run carries the chip in every row."""
    options = search.Options(rules="probabilistic", hardware="memristor", grid=("growth=1e-3,3e-3",), mode="runtime")
    plan = experiment.plan_of(search.study, options)
    assert [entry.hardware.name for entry in plan.entries] == ["memristor", "memristor"]
    assert [entry.parameters for entry in plan.entries] == [{"growth": 1e-3}, {"growth": 3e-3}]


def test_the_bits_of_hidden_state_are_varied():
    """The first hidden word alone has so many bits; a rule without one has no such row, and a curve must be known."""
    options = hardware.Options(rules="sgd,bimu", hardware="ideal", curves="hidden", curve_seeds=2)
    rows = [entry for entry in hardware.entries_of(options) if entry.more["part"] != "chips"]
    assert [(entry.more["part"], entry.more["x"], entry.seeds) for entry in rows] == [
        ("hidden", b, 2) for b in hardware.HIDDEN_BITS
    ]
    stored_with = {e.more["x"]: stored.on_chip(e.rule, e.hardware).parameters for e in rows}
    for bits, parameters in stored_with.items():
        assert parameters["belief_steps"].value == max(2**bits - 2, 1)  # symmetric, with a sign
        assert parameters["learned_at_steps"].value == 2**16 - (2 if parameters["learned_at_low"].value < 0 else 1)
    with pytest.raises(UserError, match="unknown curve 'hiden'; did you mean 'hidden'"):
        hardware.entries_of(hardware.Options(curves="hiden"))
