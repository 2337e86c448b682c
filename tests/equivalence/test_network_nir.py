"""Networks as texts in NIR: what the file says, solved as NIR defines it, fires the same spikes; and the weights come back."""

import drawn
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikemeta
from spikemeta.backends.networks import plan, reference
from spikemeta.data import datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.network import Neurons
from spikemeta.simulation import network_nir

#: A potential alone, to which spikes add, with a leak to another value, another threshold and another reset.
BARE = Neurons("dv/dt = (0.2 - v)/tau_membrane : 1", "v > 0.9", "v = 0.1")


def solved(graph, spikes):
    """Spikes of every layer by NIR's equations and metadata alone, exact over a step: what a reader of the file would make."""
    step, fired = graph.metadata["step_ms"] / 1000, {}
    neurons = {n: node for n, node in graph.nodes.items() if isinstance(node, nir.LIF | nir.CubaLIF)}
    source = next(n for n, node in graph.nodes.items() if isinstance(node, nir.Input))
    v = {n: np.zeros(len(node.v_threshold)) for n, node in neurons.items()}
    current = {n: np.zeros(len(x)) for n, x in v.items()}
    fired = {n: np.zeros((len(spikes), len(x)), bool) for n, x in v.items()} | {source: spikes}

    def sent(name, now):
        """What a node puts out at a step."""
        node = graph.nodes[name]
        if name in fired:
            return fired[name][now].astype(float) if now >= 0 else np.zeros(fired[name].shape[1])
        (before,) = [a for a, b in graph.edges if b == name]
        if isinstance(node, nir.Delay):
            return sent(before, now - round(node.delay[0] / step))
        return node.weight @ sent(before, now)

    for now in range(len(spikes)):
        for n, node in neurons.items():
            tau = node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau
            fall = np.exp(-step / tau)
            v[n] = node.v_leak + (v[n] - node.v_leak) * fall
            if isinstance(node, nir.CubaLIF):
                fade = np.exp(-step / node.tau_syn)
                v[n] = v[n] + node.r * current[n] / tau * (fade - fall) / (1 / tau - 1 / node.tau_syn)
                current[n] = current[n] * fade
            fired[n][now] = v[n] > node.v_threshold
        for n, node in neurons.items():
            charge = sum(sent(a, now) for a, b in graph.edges if b == n)
            if isinstance(node, nir.CubaLIF):
                current[n] = current[n] + node.w_in / node.tau_syn * charge
            else:
                v[n] = v[n] + node.r / node.tau * charge
            v[n] = np.where(fired[n][now], node.v_reset, v[n])
    return fired


@settings(deadline=None, max_examples=15)
@given(drawn.networks().filter(lambda n: "hidden : lif" in n.layers), st.integers(0, 2**20), st.booleans())
def test_the_graph_fires_as_the_text_does(tmp_path_factory, network, seed, bare):
    """Recurrent or not, sparse or dense, with delays: from the file, the same spikes in every layer."""
    if bare:
        layers = network.layers.replace("readout : lif", "readout : bare")
        projections = "\n".join(
            line + ", into = v" if line.strip().startswith("readout") else line for line in network.projections.split("\n")
        )
        given = {"neurons": network.neurons | {"bare": BARE}, "layers": layers, "projections": projections}
        own = {name: p for name, p in network.parameters.items() if name in drawn.PARAMETERS}
        network = drawn.written(pairs=network.pairs, parameters=own, **given)
    made = plan.make(network, 8, 6, 3, seed=seed)
    spikes = np.random.default_rng(seed).random((made.steps, 8)) < 0.1
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    network_nir.write(made, path)
    expected, seen = reference.run(made, spikes)
    found = solved(nir.read(path), spikes)
    for name, layer in made.layers.items():
        distance = layer.slope @ seen[name] + layer.offset  # two ways of solving differ in the last bits
        assert (found[name] == expected[name]).all() or np.abs(distance).min() < 1e-9, name
    weights, _ = network_nir.read(path)
    assert weights.keys() == made.weights.keys()
    assert all((weights[name] == values).all() for name, values in made.weights.items())


def test_a_trained_run_leaves_with_what_it_knows(tmp_path):
    """A sparse recurrent network of a user, trained; weights and precisions come back as the run has them."""
    network = drawn.written("lif", ", delay = 3, probability = 0.5, where = i != j")
    file = tmp_path / "mine.py"
    file.write_text(drawn.as_file(network))
    tasks = spikemeta.build_curriculum("joint", datasets.load("digits"), limit=32, test_limit=10)
    simulation = spikemeta.Simulation(spikemeta.get_rule("laplace"), str(file), 6, engine="torch")
    run = simulation.run(tasks, seed=3)
    made = network_nir.plan_of(simulation, tasks, seed=3)
    precision = {name: run.state[f"{name}.precision"] for name in run.weights}
    network_nir.write(made, tmp_path / "net.nir", run.weights, precision)
    weights, known = network_nir.read(tmp_path / "net.nir")
    assert weights["memory"].ndim == 1
    for name, values in run.weights.items():
        assert (weights[name] == values).all()
        assert (known[name] == precision[name]).all()


def test_what_nir_cannot_say_is_told_at_once(tmp_path):
    made = plan.make(drawn.written("adaptive", pool=True), 8, 6, 3)
    with pytest.raises(
        UserError, match=r"'drawn' cannot be said in NIR:\n  hidden: NIR has no shared variable 'inhibitory'"
    ) as told:
        network_nir.graph(made)
    assert "the threshold looks at v, adaptation; in NIR at the potential alone" in str(told.value)
    counting = Neurons("dv/dt = (current - v)/tau_membrane : 1\ndcurrent/dt = -current/tau_synapse : 1", "v > 1", "v -= 1")
    still = Neurons("dv/dt = current/tau_membrane : 1\ndcurrent/dt = -current/tau_synapse : 1", "v > 1", "v = 0")
    under = Neurons("dv/dt = (current - v)/tau_membrane : 1\ndcurrent/dt = -current/tau_synapse : 1", "-v > 1", "v = 0")
    biased = Neurons("dv/dt = (current - v)/tau_membrane : 1\ndcurrent/dt = (0.1 - current)/tau_synapse : 1", "v > 1", "v = 0")
    for kind in (under, biased):
        with pytest.raises(UserError, match="NIR's neurons fire above a threshold, and their current decays to 0"):
            network_nir.graph(plan.make(drawn.written(neurons={"lif": kind}), 8, 6, 3))
    for kind, message in (
        (counting, "a spike of NIR's neurons sets the potential"),
        (still, "a variable of NIR's neurons decays"),
    ):
        with pytest.raises(UserError, match=message):
            network_nir.graph(plan.make(drawn.written(neurons={"lif": kind}), 8, 6, 3))
    direct = drawn.written(projections=drawn.written().projections.replace("0.3 + spread*randn()", "0.3, into = v"))
    with pytest.raises(UserError, match="projection 'hidden' adds to 'v'; in NIR spikes add to 'current'"):
        network_nir.graph(plan.make(direct, 8, 6, 3))
    with pytest.raises(UserError, match="is not a NIR file that spikemeta wrote"):
        network_nir.read(tmp_path / "none.nir")
    nir.write(tmp_path / "foreign.nir", nir.NIRGraph.from_list(nir.Linear(np.ones((2, 3)))))
    with pytest.raises(UserError, match="its metadata lack step_ms or answer"):
        network_nir.read(tmp_path / "foreign.nir")
    chain = plan.make(registry.get_network("feedforward"), 8, 6, 3)  # whose pool nothing feeds
    assert set(network_nir.graph(chain).nodes) == {"input", "hidden", "readout", "to hidden", "to readout", "output"}
    with pytest.raises(UserError, match="cannot write"):
        network_nir.write(chain, tmp_path / "no" / "net.nir")
