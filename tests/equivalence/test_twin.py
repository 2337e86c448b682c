"""The network `feedforward` in torch, in Brian2 and as snnTorch's layers: the same spikes, and the gradient of autograd."""

import brian2
import numpy as np
import pytest
import snntorch
import torch

from spikemeta.backends.networks import coding, plan
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.backends.networks.torch_layers import Layer
from spikemeta.backends.networks.torch_whole import whole
from spikemeta.language import registry
from spikemeta.simulation import stimuli, written

SIZES = (12, 9, 3)
SHOWN = 4


def made(sizes=SIZES, **constants):
    """The network's numbers, with steps of 4 ms unless it is said."""
    text = registry.get_network("feedforward")
    return plan.make(text, *sizes, text.constants({"step": 4.0} | constants))


def layer(slope, scale):
    """The readout's layer, the place of the current there, and how both variables decay in a step."""
    step = made().layers["readout"]
    k = step.variables.index("current")
    return Layer(step, slope, scale), k, step.propagator[k, k], step.propagator[1 - k, 1 - k]


def whole_of(found, k, drive):
    """Spikes from the second step on: what arrives in a step is seen in the next."""
    return whole(found, {k: (0, drive)}, len(drive) + 1, drive.shape[-1])[0][1:]


def weights(seed, hidden=0.6, readout=0.9):
    rng = np.random.default_rng(seed)
    return {"hidden": rng.normal(0.1, hidden, SIZES[:2]), "readout": rng.normal(0.2, readout, SIZES[1:])}


def exact(given):
    return {name: torch.tensor(w, dtype=torch.float64) for name, w in given.items()}


@pytest.fixture(scope="module")
def brian():
    """Spikes of four presentations of the feedforward network: (presentation, step, neuron), 0 or 1, by group."""
    given = weights(0)
    shown = stimuli.Stimuli()
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (SHOWN, SIZES[0]), dtype=np.uint8)
    shown.load(images, np.arange(SHOWN, dtype=np.int32), np.arange(SIZES[0]), np.zeros(SHOWN, np.int32))
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    network = written.of("feedforward", "brian2")
    constants = network.parameters()
    start = network.start(SIZES, constants, rng)
    functions = shown.stimulus, shown.teacher
    built = network.build(registry.get_rule("sgd"), SIZES, constants, "tied", *functions, start=start)
    monitors = {name: brian2.SpikeMonitor(group) for name, group in built.groups.items()}
    built.network.add(*monitors.values())
    for group in built.groups.values():
        group.count = SHOWN
        if "seen" in group.variables:
            group.seen = -1
    for name, projection in built.projections.items():
        projection.w = given[name].ravel()
        projection.transmitted = given[name].ravel()
    brian2.seed(2)
    built.network.run(SHOWN * 100 * brian2.ms, namespace={})
    out = {}
    for name, monitor in monitors.items():
        spikes = np.zeros((SHOWN * 100, len(built.groups[name])))
        spikes[np.round(np.asarray(monitor.t) / 1e-3).astype(int), monitor.i] = 1
        out[name] = spikes.reshape(SHOWN, 100, -1)
    return out


def test_at_1_ms_the_spikes_are_those_of_the_feedforward_network(brian):
    """Every spike of both layers, in float64: sums in another order differ by 1e-15, potentials miss the threshold by more."""
    given = torch.tensor(brian["input"]).transpose(0, 1)
    fired, _ = NetworkModule(made(step=1.0), torch.float64).respond(given, exact(weights(0)))
    assert fired["hidden"].sum() > 200
    assert fired["readout"].sum() > 50
    for name in ("hidden", "readout"):
        np.testing.assert_array_equal(fired[name].detach().transpose(0, 1), brian[name])
    assert not brian["hidden"][:, 0].any()
    assert not brian["readout"][:, :2].any()


def test_the_spikes_are_those_of_snntorch():
    """Bit for bit: the layers computed as a whole, and snntorch.Synaptic called step after step."""
    torch.manual_seed(0)
    drive = 0.4 * torch.randn(40, 7, 30)
    found, k, synapse, membrane = layer(5.0, 1.0)
    neuron = snntorch.Synaptic(synapse, membrane, init_hidden=True, reset_mechanism="zero", reset_delay=False)
    stepped = torch.stack([neuron(x) for x in drive])
    fired = whole_of(found, k, drive)
    assert 0.01 < fired.mean() < 0.5
    np.testing.assert_array_equal(fired, stepped.detach())


class Spike(torch.autograd.Function):
    """A threshold at 0 whose derivative is scale/(1 + slope*|x|)^2."""

    @staticmethod
    def forward(ctx, x, slope, scale):
        ctx.save_for_backward(x)
        ctx.constants = slope, scale
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        slope, scale = ctx.constants
        return grad * scale / (1 + slope * ctx.saved_tensors[0].abs()) ** 2, None, None


def test_the_gradient_is_that_of_backpropagation_through_time():
    """Written out as a graph of single steps and left to autograd, in float64; sums in another order differ by 1e-15."""
    torch.manual_seed(0)
    drive = (0.4 * torch.randn(40, 3, 10, dtype=torch.float64)).requires_grad_()
    target = torch.randn(40, 3, 10, dtype=torch.float64)
    ours, k, synapse, membrane = layer(3.0, 0.7)
    (whole_of(ours, k, drive) * target).sum().backward()
    found, drive.grad = drive.grad, None
    current = v = torch.zeros(3, 10, dtype=torch.float64)
    loss = 0.0
    for x, wanted in zip(drive, target, strict=True):
        current = synapse * current + x
        v = membrane * v + current
        spikes = Spike.apply(v - 1, 3.0, 0.7)
        v = v * (1 - spikes.detach())
        loss = loss + (spikes * wanted).sum()
    loss.backward()
    assert found.abs().max() > 0.1
    torch.testing.assert_close(found, drive.grad, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("step", [1.0, 2.0, 4.0])
def test_a_weight_fires_a_neuron_from_the_peak_of_its_potential_on(step):
    """One spike, weight w: v(t) = w tau_m/(tau_m - tau_s) (exp(-t/tau_m) - exp(-t/tau_s)), seen at whole steps."""
    network = made((1, 1, 1), step=step)
    t = step * np.arange(1, network.steps)
    v = 20 / (20 - 5) * (np.exp(-t / 20) - np.exp(-t / 5))
    spikes = torch.zeros(network.steps, 1, 1, dtype=torch.float64)
    spikes[0] = 1
    for factor, fired in ((1 - 1e-9, 0), (1 + 1e-9, 1)):
        given = {"hidden": torch.full((1, 1), factor / v.max(), dtype=torch.float64), "readout": torch.zeros(1, 1).double()}
        hidden = NetworkModule(network, torch.float64).respond(spikes, given)[0]["hidden"][1:]
        assert hidden.sum() == fired
        if fired:
            assert hidden[:, 0, 0].argmax() == v.argmax()


def test_input_spikes_have_their_rate():
    """Bernoulli with p = brightness x rate x step: 4 standard deviations of the mean of 20,000 draws."""
    images = torch.tensor([0.0, 0.25, 1.0]).expand(800, 3)
    drawn = coding.draw(made((3, 9, 3)), images, torch.Generator().manual_seed(0))
    assert drawn.shape == (25, 800, 3)
    chance = np.array([0.0, 0.2, 0.8])
    np.testing.assert_allclose(drawn.mean((0, 1)), chance, atol=4 * np.sqrt(0.25 / 20000))
    assert drawn[..., 0].sum() == 0
    per_step = drawn[..., 2].mean(1)
    assert per_step.std() < 3 * np.sqrt(0.16 / 800)  # no step is special
