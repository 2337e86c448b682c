"""Networks against what can be computed by hand: exact steps, gradients, connections, several layers in place of one."""

import drawn as networks
import numpy as np
import pytest
import torch

from spikemeta.backends.networks import plan, reference, rendering, torch_whole
from spikemeta.backends.networks.torch import NetworkModule, module
from spikemeta.figures import network_diagram
from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

SIZES = {"n_input": 6, "n_hidden": 7, "n_classes": 3}


@pytest.mark.parametrize("step", [0.5, 1.0, 4.0])
def test_a_potential_follows_its_closed_form(step):
    """One spike, weight w: v(t) = w tau_m/(tau_m - tau_s) (exp(-t/tau_m) - exp(-t/tau_s)), exact at any step."""
    network = networks.written()
    constants = network.constants(overrides={"step": step})
    made = plan.make(network, 1, 1, 1, constants, weights={"hidden": np.full((1, 1), 0.9), "readout": np.zeros((1, 1))})
    spikes = np.zeros((20, 1))
    spikes[0] = 1
    v = reference.run(made, spikes)[1]["hidden"][:, 0, 0]
    t = step * np.arange(20)
    expected = 0.9 * 20 / 15 * (np.exp(-t / 20) - np.exp(-t / 5))
    np.testing.assert_allclose(v, expected, rtol=1e-13, atol=1e-15)


def test_the_step_of_feedforward_is_that_of_its_formula():
    """Decays exp(-dt/tau) and gain (m - s) tau_m/(tau_m - tau_s), to the last bits."""
    made = plan.make(networks.written(), **SIZES).layers["hidden"]
    m, s = np.exp(-1 / 20), np.exp(-1 / 5)
    np.testing.assert_allclose(made.propagator, [[m, (m - s) * 20 / 15], [0, s]], rtol=5e-16)
    assert made.variables == ("v", "current")


def test_neurons_see_a_shared_variable_as_it_was_before_the_step():
    made = plan.make(networks.written("adaptive", pool=True), **SIZES).layers["hidden"]
    v, pool = made.variables.index("v"), made.variables.index("inhibitory")
    m = np.exp(-1 / 20)
    np.testing.assert_allclose(made.propagator[v, pool], -(1 - m) * 20 / 5, rtol=1e-14)
    np.testing.assert_allclose(made.propagator[pool, pool], np.exp(-1 / 5), rtol=1e-15)


@pytest.mark.parametrize("shape", ["lif", "adaptive"])
def test_tensors_that_numpy_does_not_reach_are_stepped_alike(shape, monkeypatch):
    """As on another device: the same spikes, and the same gradient but for an order of additions, 1e-12 of the largest."""
    made = plan.make(networks.written(shape).stacked((7, 5)), **SIZES, seed=3)
    spikes = torch.tensor(np.random.default_rng(0).random((60, 4, 6)) < 0.3, dtype=torch.float64)

    def found():
        network = NetworkModule(made, torch.float64)
        fired, seen = network.respond(spikes, potential=("readout", "v"))
        (fired["readout"].sum() + (seen**2).sum()).backward()
        return fired["readout"].detach(), {name: weight.grad for name, weight in network.weights.items()}

    fired, gradients = found()
    monkeypatch.setattr(torch_whole, "_way", lambda _: torch_whole._Tensors)
    again, others = found()
    assert fired.sum() > 5
    torch.testing.assert_close(again, fired, rtol=0, atol=0)
    for name, gradient in gradients.items():
        assert gradient.abs().max() > 0
        torch.testing.assert_close(others[name], gradient, rtol=0, atol=1e-12 * gradient.abs().max().item())


@pytest.mark.parametrize("kind", ["lif", "adaptive"])
def test_the_gradient_written_out_is_that_of_single_steps(kind, monkeypatch):
    """Layers computed whole against autograd step by step, in float64; sums in another order differ by 1e-15."""
    made = plan.make(networks.written(kind).stacked((7, 5)), **SIZES, seed=3)
    spikes = torch.tensor(np.random.default_rng(0).random((60, 4, 6)) < 0.3, dtype=torch.float64)
    target = torch.tensor(np.random.default_rng(1).standard_normal((60, 4, 3)))

    def gradients():
        network = NetworkModule(made, torch.float64)
        fired, seen = network.respond(spikes, potential=("readout", "v"))
        ((fired["readout"] + seen**2) * target).sum().backward()
        assert fired["readout"].sum() > 5
        return {name: weight.grad for name, weight in network.weights.items()}

    whole = gradients()
    monkeypatch.setattr(plan.Plan, "looped", lambda self, component: True)
    for name, expected in gradients().items():
        assert expected.abs().max() > 0.01
        torch.testing.assert_close(whole[name], expected, rtol=1e-11, atol=1e-12)


def test_what_a_reset_adds_passes_its_gradient_to_the_spike():
    """An adaptive neuron whose first spike delays its second: with the adaptation's share, the gradient is another one."""
    spikes = torch.ones(40, 1, 6, dtype=torch.float64)
    found = []
    for raised in (1e-12, 0.5):
        network = networks.written("adaptive")
        made = plan.make(network, **SIZES, constants=network.constants(overrides={"raised": raised}), seed=0)
        network = NetworkModule(made, torch.float64)
        network(spikes).sum().backward()
        found.append(network.weights["hidden"].grad.abs().sum())
    assert not torch.isclose(*found, rtol=0.01)


def test_a_network_learns_in_an_ordinary_training_loop():
    """Two patterns, 30 steps of Adam: the loss falls to less than half."""
    torch.manual_seed(0)
    network = module(networks.written("adaptive", ", delay = 2", pool=True), 6, 12, 2, seed=1)
    spikes = torch.zeros(100, 2, 6)
    spikes[::4, 0, :3] = 1
    spikes[::4, 1, 3:] = 1
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=0.02), []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(0.25 * network(spikes), torch.tensor([1, 0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert set(dict(network.named_parameters())) == {"weights.hidden", "weights.memory", "weights.readout"}


def test_connections_are_those_of_the_text():
    network = networks.written(memory=", where = i < j", forward=", probability = 0.5")
    made = plan.make(network, n_input=40, n_hidden=30, n_classes=3, seed=2)
    i, j = made.connections["memory"]
    assert (i < j).all()
    assert len(i) == 30 * 29 / 2
    share = len(made.connections["hidden"][0]) / (40 * 30)
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / (40 * 30))  # four standard deviations
    again = plan.make(network, n_input=40, n_hidden=30, n_classes=3, seed=2)
    np.testing.assert_array_equal(made.weights["hidden"], again.weights["hidden"])


def test_several_hidden_layers_take_the_place_of_one():
    network = networks.written("adaptive", ", delay = 2", pool=True).stacked((20, 10))
    made = plan.make(network, **SIZES)
    assert made.sizes == {"input": 6, "hidden": 20, "hidden2": 10, "readout": 3}
    ends = {name: (p.source, p.target) for name, p in made.projections.items()}
    assert ends == {
        "hidden": ("input", "hidden"),
        "hidden2": ("hidden", "hidden2"),
        "memory": ("hidden", "hidden"),
        "memory2": ("hidden2", "hidden2"),
        "inhibition": ("hidden", "hidden"),
        "inhibition2": ("hidden2", "hidden2"),
        "readout": ("hidden2", "readout"),
    }
    assert made.components() == [["hidden"], ["hidden2"], ["readout"]]


def test_layers_that_act_on_each_other_are_computed_together():
    layers = "input : given(4)\na : lif(3)\nb : lif(3)\nout : lif(2)"
    lines = "x : input -> a, plastic, weight = 1\ny : a -> b, fixed, weight = 1\n"
    lines += "z : b -> a, fixed, weight = -1\no : b -> out, plastic, weight = 1"
    network = networks.written(layers=layers, projections=lines, answer="count(out)")
    assert plan.make(network, **SIZES).components() == [["a", "b"], ["out"]]


def test_units_are_those_of_brian2():
    """A neuron in millivolts fires when the same one without units does."""
    volts = Neurons("dv/dt = (drive - v)/tau_membrane : volt\ndrive : volt", "v > height", "v = 0")
    plain = Neurons("dv/dt = (drive - v)/tau_membrane : 1\ndrive : 1", "v > height", "v = 0")
    lines = "a : input -> hidden, fixed, weight = {w}, into = drive\no : hidden -> readout, plastic, weight = 1"
    fired = []
    for neurons, unit in ((volts, "mV"), (plain, "1")):
        parameters = networks.PARAMETERS | {"height": Parameter(15.0, unit), "w": Parameter(6.0, unit)}
        kinds = {"lif": networks.LIF, "adaptive": neurons}
        network = networks.written("adaptive", neurons=kinds, projections=lines.format(w="w"), parameters=parameters)
        spikes = np.random.default_rng(0).random((100, 6)) < 0.02
        fired.append(reference.run(plan.make(network, **SIZES), spikes)[0]["hidden"])
    assert fired[0].sum() > 10
    np.testing.assert_array_equal(*fired)


def test_a_network_is_shown_in_every_form():
    network = networks.written("adaptive", ", delay = 2", pool=True)
    text = rendering.show(network)
    assert all(line in text for line in ("threshold: v > 1 + adaptation", "hidden : adaptive(n_hidden)", "tau_synapse"))
    assert "inhibitory_post += w" in rendering.show(network, "brian2")
    shown = rendering.show(network, "torch")
    assert "hidden = spike(v - adaptation - 1, slope=5)" in shown
    assert "current = current + hidden[now - (2 - 1)] @ memory" in shown
    assert r"\mathrm{adaptation} &\leftarrow \mathrm{adaptation} + \mathrm{raised}" in rendering.show(network, "latex")


def test_a_diagram_has_every_layer_and_projection():
    network = networks.written("adaptive", ", delay = 2", pool=True)
    drawn = network_diagram.draw(network)
    written = " ".join(text.get_text() for text in drawn.axes[0].texts)
    assert all(word in written for word in ("input", "adaptive, n_hidden", "delay 2", "into inhibitory"))
    assert isinstance(network, Network)
