"""Weight noise and block-wise thresholds: the compiled forms against NumPy."""

import re
import subprocess

import brian2
import numpy as np
import pytest
from brian2 import ms
from scipy import stats

from spikemeta.backends import noise, paths
from spikemeta.backends.noise import WEIGHT_NOISE, standard_normal
from spikemeta.benchmarks import handwritten_floor
from spikemeta.simulation import devices, standalone
from spikemeta.system import compiler

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


DRAWS = 10**8
#: Sums over draws x, and over y: the next synapse, the one after, the next row (of 200), presentation and seed.
_STATISTICS = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
typedef float real;
GENERATOR
static const int BLOCK = 4000, ROW = 200;
static double x[BLOCK + ROW], y[BLOCK], z[BLOCK];
int main() {
    double sums[22] = {0};
    for (int64_t first = 0; first < DRAWS; first += BLOCK) {
        for (int k = 0; k < BLOCK + ROW; k++) x[k] = draw(1, 2, first + k);
        for (int k = 0; k < BLOCK; k++) { y[k] = draw(1, 3, first + k); z[k] = draw(2, 2, first + k); }
        for (int k = 0; k < BLOCK; k++) {
            const double a = x[k], s = a*a, *others[5] = {x + 1, x + 2, x + ROW, y, z};
            sums[0] += a; sums[1] += s - 1; sums[2] += a*s; sums[3] += s*s - 3;
            for (int t = 0; t < 4; t++) { sums[4 + t] += a > t + 1; sums[8 + t] += a < -t - 1; }
            for (int o = 0; o < 5; o++) {
                const double b = others[o][k];
                sums[12 + o] += a*b; sums[17 + o] += (s - 1)*(b*b - 1);
            }
        }
    }
    for (double sum : sums) std::printf("%.17g\\n", sum);
}
"""
_OWN = noise._CPP + "static double draw(double s, double p, int64_t i) { return weight_noise(s, p, i); }"
_FLOOR = handwritten_floor._NORMAL + (
    "static double draw(uint32_t s, uint32_t p, int64_t i) { return normal(mix(mix(s)*31 + p), (uint32_t)i); }"
)


def standard_scores(generator, folder):
    """Of each statistic, by the standard deviation that it has over independent standard normals."""
    (folder / "draws.cpp").write_text(_STATISTICS.replace("GENERATOR", generator).replace("DRAWS", str(DRAWS)))
    flags = ["-O3", "-march=native", "-ffast-math", "-std=c++17"]
    subprocess.run([*compiler.command(), *flags, "draws.cpp", "-o", "draws"], cwd=folder, check=True)
    sums = np.array(subprocess.run([folder / "draws"], capture_output=True, check=True).stdout.split(), float)
    tails = stats.norm.sf([1, 2, 3, 4, 1, 2, 3, 4])
    expected = np.concatenate([np.zeros(4), tails, np.zeros(10)])
    variance = np.concatenate([[1, 2, 15, 96], tails * (1 - tails), np.full(5, 1), np.full(5, 4)])
    return (sums - DRAWS * expected) / np.sqrt(DRAWS * variance)


@pytest.mark.parametrize("generator", [_OWN, _FLOOR], ids=["ours", "floor"])
def test_statistics_of_the_compiled_noise(generator, tmp_path):
    """Moments, tails to 4 sigma, correlations of draws and of their squares; all of it would fail by chance once in 1000."""
    scores = standard_scores(generator, tmp_path)
    assert np.abs(scores).max() < stats.norm.isf(1e-3 / 2 / len(scores)), scores


def test_the_statistics_find_a_weak_generator(tmp_path):
    """One mix of each number, without another after it, leaves neighbours correlated."""
    once = re.sub(r"x = mix.*;", "a = mix(index*2 ^ key), b = mix((index*2 + 1) ^ key);", _FLOOR, count=1)
    assert once != _FLOOR
    scores = standard_scores(once, tmp_path)
    assert abs(scores[12]) > stats.norm.isf(1e-3 / 2 / len(scores))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Spikes and last values of a group whose potential is the noise, from a compiled program."""
    with devices.standalone() as device:
        group = brian2.NeuronGroup(
            N, "x : 1", threshold="x > level", dt=1 * ms, name="noisy", namespace={"level": LEVEL, "weight_noise": WEIGHT_NOISE}
        )
        group.thresholder["spike"].codeobj_class = paths.DenseCodeObject
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
