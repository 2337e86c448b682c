"""What is recorded of single synapses while they learn: exact at every moment, on both engines, without a trace in the run."""

import copy
from dataclasses import replace

import cut_short
import numpy as np
import pytest

from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import checkpoint
from spikemeta.simulation.recording import FILE, Recording, moments, synapses_of
from spikemeta.simulation.simulation import Simulation

#: Where a run of a tiny network takes place.
PLACES = {
    "standalone": {"mode": "standalone", "network_parameters": {"presentation": 40.0}},
    "runtime": {"mode": "runtime", "network_parameters": {"presentation": 40.0}},
    "torch": {"engine": "torch", "batch": 4},
    "surrogate": {"mode": "standalone", "network_parameters": {"presentation": 40.0}, "feedback": "surrogate"},
    "eprop": {"mode": "standalone", "network_parameters": {"presentation": 40.0}, "feedback": "eprop"},
}
RECORD = Recording("hidden.precision, hidden.weight, readout.information", every=8, synapses=20)


def simulation(place, rule="laplace"):
    return Simulation(registry.get_rule(rule), n_hidden=8, **PLACES[place])


def shown(n=12, tasks=2):
    """A curriculum; a shorter one shows the first images of a longer one."""
    return curricula.build("split", datasets.load("digits"), n_tasks=tasks, limit=n, test_limit=4)


def cut(curriculum, n):
    """The first n presentations of the first phase of a curriculum."""
    made = copy.copy(curriculum)
    first = curriculum.phases[0]
    phase = replace(first, indices=first.indices[:n], labels=first.labels[:n])
    object.__setattr__(made, "phases", [phase])
    return made


@pytest.mark.parametrize("place", PLACES)
def test_a_run_is_the_same_and_every_moment_is_its_state_then(place):
    """To the bit: a recorded run and one that is not; and what is recorded after 8 presentations and a run that ends there."""
    curriculum = shown()
    plain, recorded = simulation(place).run(curriculum, 3), simulation(place).run(curriculum, 3, record=RECORD)
    for name, values in plain.state.items():
        np.testing.assert_array_equal(recorded.state[name], values, err_msg=name)
    for one, other in zip(plain.phases, recorded.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        assert one.events == other.events
    found = recorded.recorded
    assert found["presentation"].tolist() == [0, 8, 12, 16, 24]
    assert plain.recorded == {}
    ends = {0: None, 8: simulation(place).run(cut(curriculum, 8), 3), int(found["presentation"][-1]): plain}
    for n, then in ends.items():
        (row,) = (found["presentation"] == n).nonzero()[0]
        for name in ("hidden.precision", "readout.information", "hidden.weight"):
            projection, _, variable = name.partition(".")
            i, j = found[f"{projection}.source"], found[f"{projection}.target"]
            if then is None:
                expected = 1.0 if variable == "precision" else found[name][row]
            else:
                expected = then.weights[projection][i, j] if variable == "weight" else then.state[name][i, j]
            np.testing.assert_array_equal(found[name][row], expected, err_msg=f"{name} after {n}")
    assert np.ptp(found["hidden.precision"][-1]) > 0
    assert len(set(zip(found["hidden.source"], found["hidden.target"], strict=True))) == 20


@pytest.mark.parametrize("rule", ["mesu", "benna_fusi", "stable_flexible"])
def test_recording_changes_nothing_of_a_rule_with_noise_or_fading(rule):
    """On torch reading the state brings it up to date, which must leave no trace."""
    plain = simulation("torch", rule).run(shown(), 1)
    recorded = simulation("torch", rule).run(shown(), 1, record=Recording("hidden.weight", every=4))
    for name, values in plain.state.items():
        np.testing.assert_array_equal(recorded.state[name], values, err_msg=name)


@pytest.mark.parametrize("place", ["standalone", "surrogate", "torch"])
def test_a_killed_run_goes_on_and_has_the_same_recording(place, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)  # a state is saved wherever one can be
    whole = simulation(place).run(shown(), 3, record=RECORD).recorded

    with pytest.raises(cut_short.CutShort):
        simulation(place).run(shown(), 3, out=tmp_path, progress=cut_short.after(0.5), record=RECORD)
    assert np.fromfile(tmp_path / FILE).any()
    with pytest.raises(UserError, match="recording"):
        simulation(place).run(shown(), 3, out=tmp_path, resume=True)
    again = simulation(place).run(shown(), 3, out=tmp_path, resume=True, record=RECORD).recorded
    assert again.keys() == whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)


def test_a_recording_that_was_lost_is_told(tmp_path):
    def kill(name, done, total):
        if done > 0.9 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulation("torch").run(shown(), 3, out=tmp_path, progress=kill, record=RECORD)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:100])
    with pytest.raises(UserError, match="lacks what was recorded before"):
        simulation("torch").run(shown(), 3, out=tmp_path, resume=True, record=RECORD)


def test_moments_are_multiples_and_ends_of_training_phases():
    class Phase:
        def __init__(self, kind, n):
            self.kind, self.indices = kind, np.arange(n)

    phases = [Phase("train", 10), Phase("test", 7), Phase("train", 4)]
    assert moments(phases, 6) == [(-1, 0, 0), (0, 6, 6), (0, 10, 10), (2, 2, 12), (2, 4, 14)]
    assert moments(phases, 6, batch=4) == [(-1, 0, 0), (0, 8, 8), (0, 10, 10), (2, 4, 14)]
    assert moments(phases, 1000) == [(-1, 0, 0), (0, 10, 10), (2, 4, 14)]


def test_chosen_synapses_are_those():
    chosen = {"hidden": [(3, 7), (10, 4)]}
    assert synapses_of("hidden=3-7, hidden=10-4") == chosen
    found = simulation("torch").run(shown(), 3, record=Recording("hidden.weight", synapses=chosen)).recorded
    assert found["hidden.source"].tolist() == [3, 10]
    assert found["hidden.target"].tolist() == [7, 4]
    whole = simulation("torch").run(shown(), 3)
    np.testing.assert_array_equal(found["hidden.weight"][-1], whole.weights["hidden"][[3, 10], [7, 4]])


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        (
            lambda: Recording("hiden.weight, readout.precission"),
            ["'hiden.weight'; did you mean 'hidden.weight'", "'readout.prec"],
        ),
        (
            lambda: Recording("hidden.weight", synapses={"hidden": [(64, 0), (0, 8)]}),
            ["from 64 to 0", "from 0 to 8", "0 to 63"],
        ),
        (lambda: Recording("hidden.weight", synapses={"hiden": [(0, 0)]}), ["'hiden'; did you mean 'hidden'"]),
        (lambda: Recording("hidden.weight", every=0, synapses=0), ["every must be", "synapses must be"]),
        (lambda: Recording(" , "), ["name what"]),
        (lambda: synapses_of("hidden=3"), ["from-to"]),
        (lambda: synapses_of("0"), ["from-to"]),
    ],
)
def test_what_cannot_be_recorded_is_told_all_at_once(how, texts):
    with pytest.raises(UserError) as error:
        simulation("torch").run(shown(), record=how())
    for text in texts:
        assert text in str(error.value)
