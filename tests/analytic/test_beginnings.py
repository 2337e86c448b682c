"""Runs that begin alike: where they part, and that a beginning taken over gives the same bits as one simulated anew."""

from dataclasses import replace

import numpy as np
import pytest

from spikemeta.data import datasets, items
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import shared_beginnings
from spikemeta.simulation.simulation import Simulation

SIZES = {"n_items": 3, "limit": 3, "test_limit": 1, "tests": "passes"}


@pytest.fixture(scope="module")
def curricula():
    more = {
        "long": {"passes": 3},
        "short": {"passes": 1},
        "attacked": {"passes": 2, "attack": "deranged"},
        "mixed": {"wrong": 0.5},
    }
    return {name: items.build(datasets.load("digits"), **SIZES, **own) for name, own in more.items()}


def simulation(mode, rule):
    network = {"engine": "torch"} if mode == "torch" else {"mode": mode, "network_parameters": {"presentation": 40.0}}
    return Simulation(registry.get_rule(rule), n_hidden=8, **network)


def test_forks_by_hand(curricula):
    """A pass has three presentations and three tests; two passes are common to long and attacked."""
    assert shared_beginnings.forks(curricula) == {"long": (6, 12), "short": (6,), "attacked": (6, 12), "mixed": ()}
    assert shared_beginnings.forks({"long": curricula["long"]}) == {"long": ()}


def test_a_boundary_parts_two_curricula(curricula):
    whole = curricula["short"]
    phases = [replace(phase, boundary=phase.boundary and number != 2) for number, phase in enumerate(whole.phases)]
    found = shared_beginnings.forks({"told": whole, "untold": replace(whole, phases=tuple(phases))})
    assert found == {"told": (2,), "untold": (2,)}


@pytest.mark.parametrize(("mode", "rule"), [("standalone", "mesu"), ("runtime", "hybrid"), ("torch", "mesu")])
def test_a_shared_beginning_changes_nothing(mode, rule, curricula, tmp_path):
    forks = shared_beginnings.forks(curricula)
    for name in ("long", "attacked"):
        found = simulation(mode, rule).run(curricula[name], seed=3, shared=tmp_path, forks=forks[name])
        alone = simulation(mode, rule).run(curricula[name], seed=3)
        assert found.state.keys() == alone.state.keys()
        for variable in alone.state:
            np.testing.assert_array_equal(found.state[variable], alone.state[variable], err_msg=variable)
        for one, other in zip(found.phases, alone.phases, strict=True):
            np.testing.assert_array_equal(one.counts, other.counts, err_msg=one.phase.name)
    seconds = [simulation(mode, rule).run(curricula["short"], 3, shared=tmp_path, forks=(6,)).phases[0].seconds for _ in "ab"]
    assert seconds[0] == seconds[1], "taken over, with the time that it took"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_beginning_belongs_to_its_seed_and_rule(curricula, tmp_path):
    for rule, seed in (("hybrid", 1), ("hybrid", 2), ("sgd", 1)):
        simulation("torch", rule).run(curricula["short"], seed, shared=tmp_path, forks=(6,))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_beginning_is_refused(curricula, tmp_path):
    simulation("torch", "sgd").run(curricula["short"], 1, shared=tmp_path, forks=(6,))
    (file,) = tmp_path.glob("*/state.checkpoint")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="is damaged"):
        simulation("torch", "sgd").run(curricula["short"], 1, shared=tmp_path, forks=(6,))
