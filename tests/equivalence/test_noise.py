"""Weight noise and block-wise thresholds: the compiled forms against NumPy."""

import brian2
import numpy as np
import pytest
from brian2 import ms
from scipy import stats

from spikemeta.backends import brian
from spikemeta.backends.noise import WEIGHT_NOISE, standard_normal
from spikemeta.simulation import standalone

N, STEPS, LEVEL = 150, 40, 1.5  # more than two blocks of the threshold template


def test_standard_normal():
    """Moments, distribution (Kolmogorov-Smirnov at 1 %) and independence (5 standard errors) of a million draws."""
    index = np.arange(10**6)
    draws = [standard_normal(seed, presentation, index) for seed, presentation in ((1, 2), (1, 3), (2, 2))]
    assert stats.kstest(draws[0], "norm").pvalue > 0.01
    for other in (draws[1], draws[2], np.roll(draws[0], 1)):
        assert abs(np.corrcoef(draws[0], other)[0, 1]) < 5e-3
    assert abs(np.corrcoef(draws[0] ** 2, draws[1] ** 2)[0, 1]) < 5e-3
    np.testing.assert_array_equal(draws[0], standard_normal(1, 2, index))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Spikes and last values of a group whose potential is the noise, from a compiled program."""
    with standalone.device() as device:
        group = brian2.NeuronGroup(
            N, "x : 1", threshold="x > level", dt=1 * ms, name="noisy", namespace={"level": LEVEL, "weight_noise": WEIGHT_NOISE}
        )
        group.thresholder["spike"].codeobj_class = brian.DenseCodeObject
        group.run_regularly("x = weight_noise(7, t_in_timesteps)", when="groups", name="noisy_draw")
        spikes = brian2.SpikeMonitor(group, name="noisy_spikes")
        program = standalone.compile_network(brian2.Network(group, spikes, name="noise_network"), device)
        read, _ = program.run(tmp_path_factory.mktemp("noise"), {}, STEPS - 1, 1, seed=0)  # one step follows
        return read("noisy_spikes.i"), read("noisy_spikes.t"), read("noisy.x")


def test_compiled_noise(compiled):
    """The same numbers; log and sin are series there, good to about 1e-14."""
    expected = standard_normal(7, STEPS - 1, np.arange(N))
    np.testing.assert_allclose(compiled[2], expected, rtol=1e-12, atol=1e-14)


def test_events_in_blocks(compiled):
    """Every neuron above the level spikes at every step, in order, and no other."""
    expected = [(step, i) for step in range(STEPS) for i in np.flatnonzero(standard_normal(7, step, np.arange(N)) > LEVEL)]
    found = list(zip(np.round(compiled[1] / 1e-3).astype(int), compiled[0], strict=True))
    assert len(expected) > 100
    assert found == expected
