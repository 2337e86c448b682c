"""A whole run on each path through the compiled code: contiguous rows, Brian2's own loop, single precision."""

import numpy as np
import pytest

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation.simulation import Simulation


def run(**how):
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=150, test_limit=60)
    return Simulation(registry.get_rule("laplace"), n_hidden=30, **how).run(curriculum, seed=0)


@pytest.fixture(scope="module")
def rows():
    return run()


def test_rows_and_brian2s_own_loop_give_the_same_spikes(rows):
    """Weights are added in the same order on both, so nothing is rounded in another way but within a rule's text."""
    usual = run(dense=False)
    for one, other in zip(rows.phases, usual.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
    for name, state in rows.state.items():
        np.testing.assert_allclose(usual.state[name], state, 1e-9, 1e-12, err_msg=name)


def test_single_precision_gives_accuracies_within_the_spread_of_seeds(rows):
    """Rounding at 6e-8 may move spikes; what is learned is the same to a few of 60 images."""
    single = run(dtype="float32")
    assert single.state["hidden.precision"].dtype == np.float32
    difference = np.abs(single.state["hidden.precision"] - rows.state["hidden.precision"]).max()
    assert 0 < difference < 1e-3
    np.testing.assert_allclose(single.accuracy_matrix, rows.accuracy_matrix, atol=0.1)
    assert rows.accuracy_matrix[0, 0] > 0.8
