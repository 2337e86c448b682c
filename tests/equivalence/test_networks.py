"""Every network drawn from the language fires the same spikes on Brian2, in torch and in the float64 reference."""

import brian2
import drawn as networks
import numpy as np
import pytest
import torch
from cases import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from spikemeta.backends.networks import brian, plan, reference
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.simulation import devices, standalone

STEPS = 100
SIZES = {"n_input": 10, "n_hidden": 8, "n_classes": 3}


def case(network, seed):
    """A plan, input spikes, and the reference's spikes."""
    made = plan.make(network, **SIZES, seed=seed)
    spikes = np.random.default_rng(seed).random((STEPS, SIZES["n_input"])) < 0.2
    return made, spikes, reference.run(made, spikes)[0]


@settings(max_examples=EXAMPLES or 6)
@given(networks.networks(), st.integers(0, 2**20))
def test_torch_fires_the_spikes_of_the_reference(network, seed):
    """Every spike of every layer, in float64: sums in another order differ by 1e-15, potentials miss the threshold by more."""
    made, spikes, expected = case(network, seed)
    found, _ = NetworkModule(made, torch.float64).respond(torch.tensor(spikes, dtype=torch.float64)[:, None])
    for layer, there in expected.items():
        np.testing.assert_array_equal(found[layer][:, 0].detach().numpy(), there, err_msg=layer)


@settings(max_examples=EXAMPLES or 2)
@given(networks.networks(), st.integers(0, 2**20))
def test_brian2_fires_the_spikes_of_the_reference(network, seed):
    """As above, of Brian2's own exact integration and queues of delayed spikes, in runtime mode."""
    made, spikes, expected = case(network, seed)
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    built = brian.build(made, spikes)
    built.network.run(STEPS * brian2.ms, namespace={})
    for layer, there in expected.items():
        np.testing.assert_array_equal(brian.counted(built, layer, STEPS, 1e-3), there, err_msg=layer)


def test_compiled_networks_fire_the_spikes_of_the_reference(tmp_path):
    """As above, in C++: adaptive thresholds, a pool, and a sparse recurrent projection with a delay."""
    network = networks.written("adaptive", ", delay = 3, where = i != j", pool=True)
    made, spikes, expected = case(network, 5)
    assert all(there.any() for there in expected.values())
    with devices.standalone() as device:
        built = brian.build(made, spikes)
        program = standalone.compile_network(built.network, device)
    read, _ = program.run(tmp_path, {}, STEPS, 1, 0)
    for layer, there in expected.items():
        found = np.zeros((STEPS + 1, there.shape[1]), bool)  # a last step follows
        found[np.round(read(f"{layer}_spikes.t") / 1e-3).astype(int), read(f"{layer}_spikes.i")] = True
        np.testing.assert_array_equal(found[:STEPS], there, err_msg=layer)


def test_drawn_networks_are_of_every_kind_and_fire():
    """What the tests above compare is not silence."""
    for seed, (kind, memory, pool) in enumerate(
        [("lif", "", False), ("lif", ", delay = 2", False), ("adaptive", ", delay = 5", True)]
    ):
        made, spikes, expected = case(networks.written(kind, memory, pool=pool).stacked((8, 7, 6)), seed)
        for layer, there in expected.items():
            assert there.sum() > 5, layer


@pytest.mark.parametrize("answer", ["count(readout)", "first(readout)", "mean(readout.v)"])
def test_the_answer_is_read_from_the_readout(answer):
    made, spikes, expected = case(networks.written(answer=answer), 1)
    found = NetworkModule(made, torch.float64)(torch.tensor(spikes, dtype=torch.float64)[:, None])[0].detach().numpy()
    there, seen = expected["readout"], reference.run(made, spikes)[1]["readout"]
    first = np.where(there.any(0), there.argmax(0), STEPS)
    wanted = {"count": there.sum(0), "first": STEPS - first, "mean": seen[:, 0].mean(0)}[answer.partition("(")[0]]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)  # sums in another order
