"""Other simulators on the workload of the study ``speed``: what a presentation costs there. The algorithms differ.

Each function gives ``run(count)``, which trains on ``count`` presentations in this process, on one thread.
"""

import importlib.util

import numpy as np

#: What must be importable for each.
NEEDS = {
    "snntorch, batch 1": "snntorch",
    "snntorch, batch 128": "snntorch",
    "spikingjelly, batch 1": "spikingjelly",
    "spikingjelly, batch 128": "spikingjelly",
    "bindsnet, PostPre": "bindsnet",
    "nest, stdp_synapse": "nest",
}
#: Presentations of a long run, and of a batch, where they are not 20 and 1.
COUNTS = {"snntorch, batch 128": (384, 128), "spikingjelly, batch 128": (384, 128)}


def available():
    """Names of those that can be imported here."""
    return [name for name, module in NEEDS.items() if importlib.util.find_spec(module)]


def make(name, sizes, images, labels, rate, steps=100):
    """A peer's ``run(count)``.

    Parameters
    ----------
    name : str
        One of `NEEDS`.
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    images : (n, n_input) uint8
    labels : (n,) int
    rate : float
        Hz, at full brightness.
    steps : int
        Of 1 ms in a presentation.

    Returns
    -------
    callable
    """
    probability = images / 255 * rate * 1e-3
    kind, _, variant = name.partition(", ")
    if kind == "nest":
        return _nest(sizes, probability, steps)
    if kind == "bindsnet":
        return _bindsnet(sizes, probability, steps)
    return {"snntorch": _snntorch, "spikingjelly": _spikingjelly}[kind](
        sizes, probability, np.asarray(labels), steps, int(variant.split()[-1])
    )


def _trained(forward, parameters, probability, labels, steps, batch):
    """Backpropagation through time with torch's SGD: ``forward(spikes)`` (steps, batch, n_input) gives spike counts."""
    import torch

    p, y = torch.tensor(probability, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)
    optimizer = torch.optim.SGD(parameters, lr=0.01)

    def run(count):
        kept = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for first in range(0, count, batch):
                chosen = torch.arange(first, first + batch) % len(p)
                loss = torch.nn.functional.cross_entropy(forward(torch.rand(steps, batch, p.shape[1]) < p[chosen]), y[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        finally:
            torch.set_num_threads(kept)

    return run


def _snntorch(sizes, probability, labels, steps, batch):
    import snntorch
    import torch

    layers = [torch.nn.Linear(sizes[k], sizes[k + 1], bias=False) for k in range(2)]
    neurons = [snntorch.Synaptic(alpha=0.82, beta=0.95) for _ in range(2)]

    def forward(spikes):
        states, counts = [neuron.init_synaptic() for neuron in neurons], 0
        for x in spikes.float():
            for k in range(2):
                x, *states[k] = neurons[k](layers[k](x), *states[k])
            counts = counts + x
        return counts

    return _trained(forward, [p for layer in layers for p in layer.parameters()], probability, labels, steps, batch)


def _spikingjelly(sizes, probability, labels, steps, batch):
    import torch
    from spikingjelly.activation_based import functional, layer, neuron

    linear = [layer.Linear(sizes[k], sizes[k + 1], bias=False) for k in range(2)]
    network = torch.nn.Sequential(linear[0], neuron.LIFNode(tau=20.0), linear[1], neuron.LIFNode(tau=20.0))

    def forward(spikes):
        functional.reset_net(network)
        counts = 0
        for x in spikes.float():
            counts = counts + network(x)
        return counts

    return _trained(forward, list(network.parameters()), probability, labels, steps, batch)


def _bindsnet(sizes, probability, steps):
    import torch
    from bindsnet.learning import PostPre
    from bindsnet.network import Network
    from bindsnet.network.nodes import Input, LIFNodes
    from bindsnet.network.topology import Connection

    network = Network(dt=1.0, learning=True)
    layers = [Input(n=sizes[0], traces=True), *(LIFNodes(n=n, traces=True, thresh=-64.0) for n in sizes[1:])]
    names = ("input", "hidden", "readout")
    for name, made in zip(names, layers, strict=True):
        network.add_layer(made, name=name)
    for k in range(2):
        w = 0.05 * torch.rand(sizes[k], sizes[k + 1])
        made = Connection(layers[k], layers[k + 1], w=w, update_rule=PostPre, nu=(1e-5, 1e-4), wmin=0.0, wmax=1.0)
        network.add_connection(made, source=names[k], target=names[k + 1])
    p = torch.tensor(probability, dtype=torch.float32)

    def run(count):
        kept = torch.get_num_threads()
        torch.set_num_threads(1)
        for k in range(count):
            spikes = (torch.rand(steps, 1, sizes[0]) < p[k % len(p)]).byte()
            network.run(inputs={"input": spikes}, time=steps)
            network.reset_state_variables()
        torch.set_num_threads(kept)

    return run


def _nest(sizes, probability, steps):
    import nest

    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": 1.0, "local_num_threads": 1})
    source = nest.Create("poisson_generator", sizes[0])
    relay = nest.Create("parrot_neuron", sizes[0])
    nest.Connect(source, relay, "one_to_one")
    layers = [relay, *(nest.Create("iaf_psc_exp", n) for n in sizes[1:])]
    for k in range(2):
        nest.Connect(layers[k], layers[k + 1], "all_to_all", {"synapse_model": "stdp_synapse", "weight": 5.0})
    rates = probability * 1000

    def run(count):
        for k in range(count):
            source.set(rate=rates[k % len(rates)])
            nest.Simulate(float(steps))

    return run
