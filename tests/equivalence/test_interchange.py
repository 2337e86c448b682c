"""What leaves as snnTorch layers or as a NIR file fires the same spikes, and what comes back is what left."""

import nir
import numpy as np
import pytest
import torch
from snntorch.import_nir import import_from_nir

from spikemeta.backends.networks import coding, plan
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import interchange
from spikemeta.simulation.simulation import Run, Simulation

PARAMETERS = {"laplace": {"lr": 0.3, "curvature": 10.0}, "mesu": {"lr_mu": 100.0, "lr_sigma": 100.0}, "sgd": {"lr": 0.03}}


@pytest.fixture(scope="module", params=sorted(PARAMETERS))
def run(request):
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=1, limit=60, test_limit=4)
    return Simulation(
        registry.get_rule(request.param),
        engine="torch",
        n_hidden=20,
        parameters=PARAMETERS[request.param],
        network_parameters={"hidden_spread": 0.15, "readout_spread": 0.5},
    ).run(curriculum, seed=1)


def made_of(n_hidden):
    text = registry.get_network("feedforward")
    return plan.make(text, 64, n_hidden, 2, text.constants({"step": 4.0}))


@pytest.fixture(scope="module")
def given():
    data = datasets.load("digits")
    images = torch.from_numpy(data.test_images[data.test_labels < 2][:40]).float() / 255
    return coding.draw(made_of(20), images, torch.Generator().manual_seed(0))


def expected(run, given):
    weights = {name: torch.tensor(w).float() for name, w in run.weights.items()}
    return NetworkModule(made_of(20)).respond(given, weights)[0]["readout"][2:]


def stepped(layers, given):
    found = [layers(x) for x in given]
    return torch.stack([f[0] if isinstance(f, tuple) else f for f in found]).detach()[:-2]


def test_snntorch_layers_fire_the_same_spikes(run, given):
    wanted = expected(run, given)
    assert 0.01 < wanted.mean() < 0.9
    np.testing.assert_array_equal(stepped(interchange.module(run), given), wanted.detach())


def test_a_nir_file_fires_the_same_spikes(run, given, tmp_path):
    """Written, read and built by snnTorch: every readout spike of 40 stimuli, two steps earlier than in the network."""
    interchange.write_nir(run, tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir")
    np.testing.assert_array_equal(stepped(import_from_nir(graph), given), expected(run, given).detach())
    assert graph.metadata["step_ms"] == 4
    assert graph.metadata["tau_membrane_ms"] == 20
    assert graph.metadata["tau_synapse_ms"] == 5


def test_weights_and_precision_come_back(run, tmp_path):
    interchange.write_nir(run, tmp_path / "net.nir")
    weights, precision = interchange.read_nir(tmp_path / "net.nir")
    for name, values in run.weights.items():
        # the file holds gain*w in float32, rounded once
        np.testing.assert_allclose(weights[name], values, rtol=1e-7)
    assert set(precision) == {name for name in run.weights if f"{name}.precision" in run.state}
    for name, values in precision.items():
        np.testing.assert_array_equal(values, run.state[f"{name}.precision"])
        assert values.std() > 0


def test_what_cannot_be_written_or_read_is_named(run, tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        interchange.write_nir(run, tmp_path / "no" / "net.nir")
    with pytest.raises(UserError, match="is not a NIR file"):
        interchange.read_nir(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("text")
    with pytest.raises(UserError, match="is not a NIR file"):
        interchange.read_nir(tmp_path / "text.nir")
    nir.write(tmp_path / "foreign.nir", nir.NIRGraph.from_list(nir.Linear(np.ones((2, 3)))))
    with pytest.raises(UserError, match="is not a NIR file that spikemeta wrote"):
        interchange.read_nir(tmp_path / "foreign.nir")
    graph = nir.read(tmp_path / "foreign.nir")
    graph.metadata["gain"] = "?"
    nir.write(tmp_path / "gain.nir", graph)
    with pytest.raises(UserError, match="is not a NIR file that spikemeta wrote"):
        interchange.read_nir(tmp_path / "gain.nir")
    inhibited = Run(1, {"network": {"presentation": 100.0, "inhibition": 0.07}}, weights=run.weights)
    with pytest.raises(UserError, match="inhibit each other"):
        interchange.module(inhibited)


def test_several_hidden_layers_leave_and_come_back(given, tmp_path):
    """Two hidden layers and what a NIR file says: the same spikes, three steps earlier."""
    text, constants = (
        registry.get_network("feedforward").stacked((12, 8)),
        {"step": 4.0, "hidden_spread": 0.4, "hidden2_spread": 1.0, "readout_spread": 2.0},
    )
    made = plan.make(text, 64, 20, 2, text.constants(constants), seed=1)
    weights = {name: made.weights[name] for name in made.plastic}
    run = Run(1, {"network": made.constants}, weights=weights)
    wanted = NetworkModule(made).respond(given)[0]["readout"][3:].detach()
    assert 0.01 < wanted.mean() < 0.9
    found = [x[0] if isinstance(x, tuple) else x for x in map(interchange.module(run), given)]
    np.testing.assert_array_equal(torch.stack(found).detach()[:-3], wanted)
    interchange.write_nir(run, tmp_path / "net.nir")
    back, _ = interchange.read_nir(tmp_path / "net.nir")
    assert list(back) == ["hidden", "hidden2", "readout"]
    for name, values in weights.items():
        np.testing.assert_allclose(back[name], values, rtol=1e-7)  # gain*w in float32, rounded once


@pytest.mark.parametrize(
    "weights",
    [
        {"hidden": np.ones((3, 2)), "memory": np.ones((2, 2)), "readout": np.ones((2, 2))},
        {"hidden": np.ones(3), "readout": np.ones((2, 2))},
        {"hidden": np.ones((3, 2)), "hidden2": np.ones((3, 2)), "readout": np.ones((2, 2))},
    ],
    ids=["recurrent", "sparse", "broken"],
)
def test_what_is_no_chain_is_told(weights):
    with pytest.raises(UserError, match="only a chain of layers, all-to-all, can be exported"):
        interchange.module(Run(1, {"network": {"presentation": 100.0}}, weights=weights))


def _foreign(path, edges, metadata, inputs=1):
    """Another tool's file: two layers of three neurons, joined by these edges."""
    ones = np.ones(3)
    nodes = {f"input{k}": nir.Input({"input": np.array([3])}) for k in range(inputs)}
    nodes |= {name: nir.Linear(np.ones((3, 3))) for name in ("first", "second", "back")}
    nodes |= {name: nir.LIF(ones, ones, 0 * ones, ones) for name in ("lif1", "lif2")}
    nodes["output"] = nir.Output({"output": np.array([3])})
    joined = [tuple(edge.split("-")) for edge in edges.split()]
    nodes = {name: node for name, node in nodes.items() if any(name in edge for edge in joined)}
    graph = nir.NIRGraph(nodes, joined, metadata=metadata, type_check=False)
    nir.write(path, graph)


@pytest.mark.parametrize("metadata", [{}, {"gain": 2.0}], ids=["foreign", "with a gain"])
@pytest.mark.parametrize(
    ("edges", "problem"),
    [
        ("input0-first first-lif1 lif1-output lif1-lif1", "recurrent: two edges leave the node 'lif1'"),
        ("input0-first first-lif1 lif1-output lif1-back back-lif1", "recurrent: two edges leave the node 'lif1'"),
        ("input0-first first-lif1 lif1-back back-lif1 lif1-second second-lif2 lif2-output", "recurrent: two edges"),
        ("input0-first first-lif1 lif1-output", "1 linear layers, not at least 2"),
        ("input0-first first-lif1 lif1-output input1-second second-lif2 lif2-output", "2 inputs"),
    ],
)
def test_a_graph_of_another_shape_is_told_at_once(edges, problem, metadata, tmp_path):
    """Some of these had no end: a loop was followed for ever."""
    _foreign(tmp_path / "net.nir", edges, metadata, inputs=1 + (problem == "2 inputs"))
    message = problem if metadata else "it has no 'gain'"
    with pytest.raises(UserError, match=f"is not a NIR file that spikemeta wrote.*{message}"):
        interchange.read_nir(tmp_path / "net.nir")


def test_a_loop_without_a_way_out_is_no_walk_without_an_end():
    """No file holds such a graph, as it has no output; a graph in memory may."""
    nodes = {"in": nir.Input({"input": np.array([3])}), "a": nir.Linear(np.ones((3, 3))), "b": nir.Linear(np.ones((3, 3)))}
    with pytest.raises(ValueError, match="recurrent: it comes back to the node 'a'"):
        interchange._linear(nir.NIRGraph(nodes, [("in", "a"), ("a", "b"), ("b", "a")], type_check=False))
