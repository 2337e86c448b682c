"""What is recorded of neurons while a network learns: what they did in that presentation, and without a trace in the run."""

from dataclasses import replace

import cut_short
import drawn as networks
import numpy as np
import pytest

from spikemeta.backends.networks import reference
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import activity, checkpoint, recorded_neurons
from spikemeta.simulation.recording import Recording, checked
from spikemeta.simulation.simulation import Simulation

SHORT = {"presentation": 40.0}
#: Where a run of a tiny network takes place.
PLACES = {
    "standalone": {"mode": "standalone", "network_parameters": SHORT | {"inhibition": 0.05}},
    "runtime": {"mode": "runtime", "network_parameters": SHORT | {"inhibition": 0.05}},
    "torch": {"engine": "torch", "batch": 4},
    "kept": {"mode": "runtime", "network": "winner_take_all", "network_parameters": SHORT, "parameters": {"lr": 0.01}},
}
WHAT = "input.spikes, hidden.spikes, readout.spikes, hidden.v, hidden.inhibitory, readout.current"
RECORD = Recording(WHAT, presentations=(0, 5, 11, 12, 23))
CURRICULUM = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=12, test_limit=4)


def weights():
    """Such that the readout fires."""
    rng = np.random.default_rng(1)
    return {"hidden": 0.3 * rng.standard_normal((64, 8)), "readout": 1 + rng.standard_normal((8, 2))}


def run(place, rule="mesu", **how):
    """A simulation and its run."""
    simulation = Simulation(registry.get_rule(rule), n_hidden=8, **PLACES[place])
    if place != "kept":
        how["weights"] = weights()
    return simulation, simulation.run(CURRICULUM, 3, **how)


def trained(run):
    """Counts of all training presentations, in their order."""
    return np.concatenate([result.counts for result in run.phases if result.phase.kind == "train"])


@pytest.mark.parametrize("place", ["standalone", "runtime", "torch"])
def test_neurons_are_those_of_the_run_which_stays_the_same_to_the_bit(place):
    """Spikes of the answer as the run counted them; potentials and all spikes as the reference says, at the run's input."""
    (_, plain), (_, recorded) = run(place), run(place, record=RECORD)
    for name, values in plain.state.items():
        np.testing.assert_array_equal(recorded.state[name], values, err_msg=name)
    for one, other in zip(plain.phases, recorded.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        assert one.events == other.events
    found = recorded.recorded
    assert found["shown_presentation"].tolist() == [0, 5, 11, 12, 23]
    assert "presentation" not in found  # of synapses, of which nothing was asked
    np.testing.assert_array_equal(found["readout.spikes"].sum(1), trained(plain)[found["shown_presentation"]])
    assert found["readout.spikes"].any()
    np.testing.assert_array_equal(found["hidden.spikes"] == 1, found["hidden.v"] > 1)
    if place != "torch":
        assert (found["hidden.inhibitory"].max((1, 2)) > 0).all()
        assert np.ptp(found["hidden.inhibitory"], axis=2).max() == 0  # a layer has one
    assert found["time"].tolist() == ([4.0 * k for k in range(25)] if place == "torch" else list(range(40)))


@pytest.mark.parametrize("place", ["runtime", "torch"])
def test_potentials_are_those_of_the_reference(place):
    """Without noise, in the first presentation, whose weights are known; torch computes in float32."""
    simulation, found = run(place, "sgd", record=Recording(WHAT, presentations="0"))
    start, _ = simulation.begin(CURRICULUM, (64, 8, 2), 3, weights())
    made = recorded_neurons.plan_of(simulation, (64, 8, 2), simulation.constants(CURRICULUM)["network"], start)
    fired, seen = reference.run(made, found.recorded["input.spikes"][0] > 0, made.weights | weights())
    for layer, there in fired.items():
        np.testing.assert_array_equal(found.recorded[f"{layer}.spikes"][0], there, err_msg=layer)
    for name in ("hidden.v", "readout.current"):
        layer, _, variable = name.partition(".")
        there = seen[layer][:, made.layers[layer].variables.index(variable)]
        atol = (1e-5 if place == "torch" else 1e-12) * np.abs(there).max()  # sums in another order
        np.testing.assert_allclose(found.recorded[name][0], there, rtol=0, atol=atol, err_msg=name)


def test_what_neurons_keep_is_recorded_as_it_is_then():
    """Thresholds that last from one presentation to the next rise with the spikes of those before."""
    _, plain = run("kept", "sgd")
    name = next(key for key in plain.state if key.startswith("neurons ")).removeprefix("neurons ")
    _, found = run("kept", "sgd", record=Recording([name, name.partition(".")[0] + ".spikes"], presentations="every=4"))
    kept = found.recorded[name]
    assert found.recorded["shown_presentation"].tolist() == list(range(0, 24, 4))
    assert kept[0, 0].max() == 0
    assert kept[-1, 0].max() > 0
    np.testing.assert_array_equal(found.state[f"neurons {name}"], plain.state[f"neurons {name}"])


@pytest.mark.parametrize("place", ["standalone", "torch"])
def test_a_killed_run_goes_on_and_has_the_same_recording(place, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)  # a state is saved wherever one can be
    _, whole = run(place, record=RECORD)

    with pytest.raises(cut_short.CutShort):
        run(place, out=tmp_path, progress=cut_short.after(0.5), record=RECORD)
    assert np.fromfile(tmp_path / recorded_neurons.FILE).any()
    with pytest.raises(UserError, match="recording"):
        run(place, out=tmp_path, resume=True, record=replace(RECORD, presentations=(0, 5)))
    _, again = run(place, out=tmp_path, resume=True, record=RECORD)
    for name, values in whole.recorded.items():
        np.testing.assert_array_equal(again.recorded[name], values, err_msg=name)


def test_a_delayed_recurrent_network_records_on_both_engines(tmp_path):
    """The answer's counts are the run's; sparse connections are those of the seed."""
    file = tmp_path / "mine.py"
    file.write_text(networks.as_file(networks.written("adaptive", ", delay = 3, probability = 0.5", pool=True)))
    for engine, more in (("torch", {}), ("brian2", {"mode": "runtime"})):
        simulation = Simulation(
            registry.get_rule("sgd"),
            str(file),
            8,
            engine=engine,
            parameters={"lr": 1e-3},
            network_parameters={"spread": 0.2},
            **more,
        )
        found = simulation.run(CURRICULUM, 3, record=Recording("readout.spikes, hidden.adaptation", presentations=(3, 20)))
        spikes = found.recorded["readout.spikes"]
        np.testing.assert_array_equal(spikes.sum(1), trained(found)[[3, 20]])
        assert spikes.any()
        assert found.recorded["hidden.adaptation"].max() > 0


def test_it_becomes_neo_segments():
    _, found = run("torch", record=Recording("hidden.spikes, hidden.v"))
    shown = activity.recorded(found.recorded)
    assert shown.names == tuple(f"presentation {n}" for n in (0, 11, 12, 23))  # the first and the last of each phase
    block = shown.to_neo()
    assert [segment.name for segment in block.segments] == list(shown.names)
    for place, segment in enumerate(block.segments):
        assert sum(map(len, segment.spiketrains)) == found.recorded["hidden.spikes"][place].sum() > 0
        np.testing.assert_array_equal(np.asarray(segment.analogsignals[0]), found.recorded["hidden.v"][place])
    with pytest.raises(UserError, match="no neurons were recorded"):
        activity.recorded(run("torch", record="hidden.weight")[1].recorded)


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        (lambda: Recording("hiden.v, hidden.w"), ["'hiden.v'; did you mean 'hidden.v'", "'hidden.w'"]),
        (lambda: Recording("hidden.v", presentations="1,-2,x"), ["'-2', 'x'", "every=1000"]),
        (lambda: Recording("hidden.v", every=0, presentations="every=0"), ["every must be", "'every=0'"]),
        (lambda: Recording("hidden.v", presentations=(3, 24, 30)), ["24 training presentations, 0 to 23, and not 24, 30"]),
        (lambda: Recording("hidden.weight", presentations=(3,)), ["none are named"]),
    ],
)
def test_what_cannot_be_recorded_is_told_all_at_once(how, texts):
    with pytest.raises(UserError) as error:
        run("torch", record=how())
    for text in texts:
        assert text in str(error.value)


def test_a_name_of_both_is_told():
    with pytest.raises(UserError, match="'hidden.v' is a variable of a rule's synapses and of neurons"):
        checked(["hidden.v"], ["hidden.v", "hidden.weight"], ["hidden.v"], "name to record,")
