"""What the study speed compares is the same computation: ours, the one by hand in Brian2 and the floor, spike for spike."""

from dataclasses import replace

import brian2
import numpy as np
import pytest

from spikemeta.backends.networks import brian_learning
from spikemeta.benchmarks import handwritten_brian, handwritten_floor
from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import executors, stimuli, written
from spikemeta.simulation.simulation import Simulation

SIZES, COUNT = (64, 12, 10), 6
#: The onset falls between two steps: where it is one, rounding of the time decides whether that step learns.
PARAMETERS = written.of("feedforward", "brian2").parameters(
    overrides={"input_rate": 400.0, "hidden_spread": 0.4, "readout_spread": 0.5, "hidden_band": 0.01, "onset": 14.5}
)
CONSTANTS = {
    "sgd": {"lr": 1e-3},
    "laplace": {"lr": 1e-3, "curvature": 1e-3, "window": 7.0},
    "mesu": {"sigma_prior": 0.02, "sigma_init": 0.02, "lr_sigma": 1.0, "window": 9.0, "guard": 0.2},
    "synaptic_intelligence": {"lr": 1e-3, "c": 3.0},
    "stable_flexible": {"lr": 1e-3, "displacement": 5e-3},
    "hebb_repetition": {"lr": 1e-3, "scale": 2e-3, "fading": 9.0},
    "probabilistic": {"lr": 1e-3, "threshold": 0.02, "growth": 3.0},
    "mesu_multiplicative": {"sigma_prior": 0.02, "sigma_init": 0.02, "window": 9.0, "guard": 0.2},
}
#: The order of a few hundred additions of weights and gradients is the same, that within a rule's text is not.
TOLERANCE = 1e-9
DICE = 0.6  # instead of uniform random numbers


@pytest.fixture(scope="module", autouse=True)
def numpy_mode():
    brian2.set_device("runtime")
    kept, brian2.prefs.codegen.target = brian2.prefs.codegen.target, "numpy"
    yield
    brian2.prefs.codegen.target = kept


def ours(name, connect=None):
    """State at the start and at the end, readout counts, and the input's spikes (steps, n_input), of our own network."""
    rule, data = registry.get_rule(name), datasets.load("digits")
    curriculum = curricula.build("permuted", data, n_tasks=1, limit=COUNT, test_limit=10)
    simulation = Simulation(
        rule, n_hidden=SIZES[1], mode="runtime", parameters=CONSTANTS[name], network_parameters=vars(PARAMETERS)
    )
    constants = simulation.constants(curriculum)
    start, state = simulation.begin(curriculum, SIZES, 0)
    rng = np.random.default_rng(7)
    if name == "synaptic_intelligence":  # as after a boundary
        for p in ("hidden", "readout"):
            state[f"{p}.importance"] = rng.uniform(0, 20, state[f"{p}.importance"].shape)
            state[f"{p}.w_reference"] = state[f"{p}.w"] + 0.05 * rng.standard_normal(state[f"{p}.w"].shape)
    if connect:
        state |= {k: v[connect["i"], connect["j"]] for k, v in state.items() if k.startswith("hidden.")}
    shown, pairs = stimuli.Stimuli(), {"hidden": connect} if connect else None
    built = simulation.network.build(rule, SIZES, PARAMETERS, "tied", shown.stimulus, shown.teacher, start=start, connect=pairs)
    seen = brian2.SpikeMonitor(built.groups["input"])
    built.network.add(seen)
    executor = executors.Runtime(built, shown)
    executor.setup(simulation, SIZES, constants, start)
    kept = executor.settings
    silent = {(p, "sampling"): 0.0 for p in built.projections.values()}  # each program draws noise in its own way
    executor.settings = lambda *given: kept(*given) | silent
    phase = replace(curriculum.phases[0], boundary=False)
    counts, _, after = executor(phase, data, state, 0, 1, lambda _: None)
    raster = np.zeros((COUNT * 100, SIZES[0]))
    step = np.round(np.asarray(seen.t / brian2.ms)).astype(int)
    raster[step[step < len(raster)], np.asarray(seen.i)[step < len(raster)]] = 1
    images = data.train_images[phase.indices][:, phase.permutation]
    return constants["rule"], state, after, counts, raster, images, phase.labels


def compare(found, after, name, prefix=""):
    for p in ("hidden", "readout"):
        for state in ("transmitted", *handwritten_brian.COMMITS[name][0]):
            expected = after[f"{p}.{state}"].ravel()
            floor = TOLERANCE * np.abs(expected).max()
            np.testing.assert_allclose(found(p, state), expected, TOLERANCE, floor, err_msg=f"{name}: {p}.{state}")


def brian2_by_hand(name, given, monkeypatch, connect=None):
    """Compare the network by hand in Brian2 with what `ours` gave."""
    constants, state, after, counts, raster, images, labels = given
    assert raster.sum() > 1000
    assert counts.sum() > 20
    assert np.abs(after["hidden.transmitted"] - state["hidden.transmitted"]).max() > 1e-3
    states, text = handwritten_brian.COMMITS[name]
    text = text.replace("randn()", "0").replace("rand()", repr(DICE))
    monkeypatch.setitem(handwritten_brian.COMMITS, name, (states, text))
    network = handwritten_brian.build(name, SIZES, PARAMETERS, constants, images, labels, raster=raster, connect=connect)
    for place, values in handwritten_brian.start_of(name, state).items():
        owner, variable = place.split(".")
        setattr(network[owner], variable, values)
    for owner in ("input", "hidden", "readout"):
        network[owner].count = COUNT
    network.run((COUNT * 100 + 1) * brian2.ms, namespace={})
    compare(lambda p, s: getattr(network[f"to_{p}"], "w" if s == "transmitted" else s)[:], after, name)
    spikes = network["readout_spikes"]
    shown = ((np.asarray(spikes.t) + 0.5e-3) / 0.1).astype(int)
    by_hand = np.zeros_like(counts)
    np.add.at(by_hand, (shown[shown < COUNT], np.asarray(spikes.i)[shown < COUNT]), 1)
    np.testing.assert_array_equal(by_hand, counts)


@pytest.fixture
def dice(monkeypatch):
    """Every uniform number is `DICE`: each program draws in its own way."""
    constant = brian2.Function(lambda *_: DICE, arg_units=[1, 1], return_unit=1, stateless=False)
    monkeypatch.setattr(brian_learning, "WEIGHT_DICE", constant)


@pytest.mark.parametrize("name", handwritten_brian.COMMITS)
def test_the_network_by_hand_in_brian2_is_ours(name, dice, monkeypatch):
    brian2_by_hand(name, ours(name), monkeypatch)


def test_so_is_the_sparse_one(monkeypatch):
    connect = dict(zip("ij", np.nonzero(np.random.default_rng(3).random(SIZES[:2]) < 0.4), strict=True))
    brian2_by_hand("laplace", ours("laplace", connect), monkeypatch, connect)


@pytest.mark.parametrize("name", handwritten_floor.COMMITS)
def test_the_floor_is_ours(name, tmp_path, monkeypatch):
    constants, state, after, counts, raster, images, labels = ours(name)
    still = handwritten_floor.COMMITS[name].replace("normal(key, (uint32_t)(i*H + k))", "0")
    monkeypatch.setitem(handwritten_floor.COMMITS, name, still)
    program = handwritten_floor.compile_floor(name, "double")
    handwritten_floor.prepare(tmp_path, name, SIZES, PARAMETERS, constants, state, images, labels, raster, "double")
    handwritten_floor.run(program, tmp_path, COUNT)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "counts", np.int32).reshape(-1, SIZES[2]), counts)

    def read(p, s):
        place = "w" if s == "transmitted" else f"s{handwritten_floor.STATES[name].index(s)}"
        return np.fromfile(tmp_path / f"{p}.{place}.out")

    compare(read, after, name)


def test_the_floor_learns_from_spikes_of_its_own(tmp_path):
    """Single precision and random input of its own; chance is 0.1."""
    name, data = "laplace", datasets.load("digits")
    sizes, network = (64, 60, 10), written.of("feedforward", "brian2")
    parameters = network.parameters(overrides={"input_rate": 480.0, "hidden_spread": 0.15})
    constants = {p: {"lr": 1e-3, "curvature": 3e-4, "window": 1e5} for p in ("hidden", "readout")}
    rng = np.random.default_rng(0)
    start = {
        "hidden.transmitted": 0.15 * rng.standard_normal(sizes[:2]),
        "readout.transmitted": 0.03 * rng.standard_normal(sizes[1:]),
    }
    for p in ("hidden", "readout"):
        start |= {f"{p}.precision": np.ones_like(start[f"{p}.transmitted"]), f"{p}.information": start[f"{p}.transmitted"]}
    handwritten_floor.prepare(tmp_path, name, sizes, parameters, constants, start, data.train_images, data.train_labels)
    program = handwritten_floor.compile_floor(name)
    found = []
    for seed in range(3):
        handwritten_floor.run(program, tmp_path, len(data.train_images), seed)
        counts = np.fromfile(tmp_path / "counts", np.int32).reshape(-1, 10)
        found.append((counts.argmax(1) == data.train_labels)[-400:].mean())
    assert len(set(found)) > 1
    assert min(found) > 0.8
