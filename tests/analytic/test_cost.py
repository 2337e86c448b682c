"""Costs and prequential accuracy, against cases worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from spikemeta.analysis import cost, metrics
from spikemeta.simulation.simulation import PhaseResult

SIZES = (5, 4, 2)
WEIGHTS = {"hidden": np.ones((5, 4)), "readout": np.array([[0.0, 1.0]] * 4)}  # 28 synapses, 4 of them zero
NETWORK = {"presentation": 100.0, "step": 4.0}


def result(kind, n, events=None):
    """Ten hidden spikes a second, and 3 and 2 spikes of the readout in each presentation."""
    phase = SimpleNamespace(kind=kind, indices=np.arange(n), labels=np.zeros(n, int), allowed=None)
    return PhaseResult(phase, np.tile([3, 2], (n, 1)).astype(np.int32), 10.0, 0.0, events or {})


def costs(phases, **more):
    run = SimpleNamespace(phases=phases, weights=WEIGHTS, constants={"network": NETWORK})
    return cost.of_run(run, SIZES, n_states=3, itemsize=8, **more)


def test_of_events():
    """A test presentation: 7 input and 4 hidden spikes to 4 and 2 targets; two training presentations touch 6 and 3 sources."""
    counted = {"input_spikes": 14, "hidden_spikes": 8, "readout_spikes": 10, "steps": 200}
    train = result("train", 2, counted | {"input_touches": 6, "hidden_touches": 3})
    test = result("test", 2, counted | {"input_touches": 0, "hidden_touches": 0})
    found = costs([train, test])
    assert found["synaptic_operations"] == 7 * 4 + 4 * 2
    assert found["plastic_events"] == 6 * 4 + 3 * 2
    assert found["activation_sparsity"] == pytest.approx(1 - 2 * (4 + 5) / (200 * 6))
    assert (found["bytes_per_synapse"], found["footprint"], found["stored_images"]) == (24, 24 * 28, 0)
    assert found["connection_sparsity"] == 4 / 28
    assert set(found) == set(cost.NAMES)


def test_of_batches():
    """Seven images in batches of 3 update every synapse thrice; steps are of 4 ms; input spikes are not counted."""
    found = costs([result("train", 7), result("test", 2)], batch=3, stored_images=10)
    assert found["plastic_events"] == 3 * 28
    assert found["activation_sparsity"] == pytest.approx(1 - (4 + 5) / (25 * 6))
    assert np.isnan(found["synaptic_operations"])
    assert (found["footprint"], found["stored_images"]) == (24 * 28 + 10 * 5, 10)


def test_prequential():
    right = [True, False, True, True]
    assert metrics.prequential_accuracy(right) == 0.75
    np.testing.assert_allclose(metrics.prequential_along(right, 2), [1, 0.5, 0.5, 1])
    np.testing.assert_allclose(metrics.prequential_along(right, 9), [1, 1 / 2, 2 / 3, 3 / 4])
    assert np.isnan(metrics.prequential_accuracy([]))
