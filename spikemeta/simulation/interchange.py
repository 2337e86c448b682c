"""Trained networks for other tools: snnTorch layers, and NIR files with the weights' uncertainty beside the weights.

The Neuromorphic Intermediate Representation (Pedersen et al. 2024, Nat. Commun. 15, 8122) is written by snnTorch's exporter,
which counts time in steps of 0.1 ms whatever a step lasts: ``tau = 0.1 ms/(1 - decay per step)``. The true step and time
constants, in ms, are in the graph's metadata.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError


@dataclasses.dataclass(frozen=True)
class Neurons:
    """Constants of leaky integrate-and-fire neurons of a run, in ms.

    Attributes
    ----------
    step, tau_synapse, tau_membrane : float
    """

    step: float
    tau_synapse: float
    tau_membrane: float

    @property
    def decays(self):
        """Factors by which a synaptic current and a membrane potential fall in a step."""
        return math.exp(-self.step / self.tau_synapse), math.exp(-self.step / self.tau_membrane)

    @property
    def gain(self):
        """Potential, one step later, per current: dv/dt = I/tau_synapse - v/tau_membrane, integrated exactly."""
        synapse, membrane = self.decays
        return (membrane - synapse) * self.tau_membrane / (self.tau_membrane - self.tau_synapse)


def names_of(count):
    """Names of the projections of a chain: ``hidden``, ``hidden2``, ..., ``readout``."""
    return [f"hidden{number or ''}" for number in (0, *range(2, count))] + ["readout"]


def projections(run):
    """Projections of a run from the input on, which must be a chain of layers, all-to-all.

    Raises
    ------
    UserError
        For another network: a recurrent or sparse one, or one with branches.
    """
    names = names_of(len(run.weights))
    ends = [np.shape(run.weights[name]) for name in names] if set(names) == set(run.weights) else [()]
    chain = all(len(shape) == 2 for shape in ends) and all(a[1] == b[0] for a, b in zip(ends, ends[1:], strict=False))
    if not chain or len(names) < 2:
        given = ", ".join(f"{name} {np.shape(weight)}" for name, weight in run.weights.items())
        raise UserError(f"only a chain of layers, all-to-all, can be exported, hidden, hidden2, ... and readout, not {given}")
    return names


def neurons(run):
    """Constants of a run's `Neurons`.

    Raises
    ------
    UserError
        If the hidden neurons inhibit each other, which layers of neurons cannot express; for another network than a chain.
    """
    projections(run)
    constants = run.constants["network"]
    if constants.get("inhibition"):
        raise UserError(
            f"this network's hidden neurons inhibit each other (inhibition {constants['inhibition']:g}): only networks "
            "without can be exported, such as those of the task joint, or with network_parameters={'inhibition': 0.0}"
        )
    return Neurons(**{f.name: constants[f.name] for f in dataclasses.fields(Neurons)})


def module(run):
    """A trained network as snnTorch layers that are called once per step.

    Parameters
    ----------
    run : Run
        Of network feedforward, with any number of hidden layers; its mean weights are used.

    Returns
    -------
    torch.nn.Sequential
        Linear, ``snntorch.Synaptic``, Linear, ``snntorch.Synaptic``, in float32: input spikes (batch, n_input) to readout
        spikes (batch, n_classes), with two modules more for each further hidden layer. A layer answers within the step, not one
        step later as in the networks here: the readout's spikes of step t are those of step t + 2 there, with one hidden layer.
        The layers' weights are the run's times ``gain``.
    """
    import torch

    return _layers(run, torch.float32)


def _layers(run, kind):
    """The layers, with the neurons' constants of this dtype."""
    import snntorch
    import torch

    p, layers = neurons(run), []
    for name in projections(run):
        weight = torch.tensor(p.gain * np.asarray(run.weights[name], float).T).float()
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight = torch.nn.Parameter(weight)
        synapse, membrane, threshold = (torch.full((len(weight),), value, dtype=kind) for value in (*p.decays, 1.0))
        neuron = snntorch.Synaptic(synapse, membrane, threshold, init_hidden=True, reset_mechanism="zero", reset_delay=False)
        layers += [linear, neuron]
    return torch.nn.Sequential(*layers)


def write_nir(run, path):
    """Write a trained network as a NIR file (HDF5).

    Parameters
    ----------
    run : Run
        Of network feedforward.
    path : str or Path

    Raises
    ------
    UserError
        For a network that NIR cannot express, or a file that cannot be written.

    Notes
    -----
    The graph holds the layers of `module`. Metadata of the graph: ``step_ms``, ``tau_synapse_ms``, ``tau_membrane_ms`` and
    ``gain``; of a linear node, where the rule has a precision: ``precision`` (n_post, n_pre), of the weight before the gain, in
    the rule's own unit (mesu: 1/variance; laplace: times the prior's).
    """
    import torch
    from snntorch.export_nir import export_to_nir

    p = neurons(run)
    layers = _layers(run, torch.float64)  # so that what a reader makes of the time constants is right to the last bit
    graph = export_to_nir(layers, torch.zeros(len(run.weights["hidden"])))
    values = {"step_ms": p.step, "tau_synapse_ms": p.tau_synapse, "tau_membrane_ms": p.tau_membrane, "gain": p.gain}
    graph.metadata |= values
    for name, node in zip(projections(run), _linear(graph), strict=True):
        if f"{name}.precision" in run.state:
            node.metadata["precision"] = np.ascontiguousarray(run.state[f"{name}.precision"].T, float)
    save_graph(graph, path)


def save_graph(graph, path):
    """Write a NIR graph as a file (HDF5); raises `UserError` where it cannot be written."""
    import nir

    try:
        nir.write(Path(path), graph)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error}); name a file in a folder that exists and is yours") from None


def read_nir(path):
    """Read back what `write_nir` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : dict of str to ndarray
        ``hidden`` (n_input, n_hidden), ``hidden2``, ..., ``readout`` (n_hidden, n_classes), 1: what `Simulation.run` takes as
        ``weights``.
    precision : dict of str to ndarray
        The same shapes; empty if the rule had none.

    Raises
    ------
    UserError
        If there is no such file, or it is not one of ours.
    """
    import nir

    try:
        graph = nir.read(Path(path))
        gain = float(graph.metadata["gain"])  # no other tool writes it
        nodes = _linear(graph)
        if len(nodes) < 2:
            raise ValueError(f"it has {len(nodes)} linear layers, not at least 2")
        named = dict(zip(names_of(len(nodes)), nodes, strict=True))
        weights = {name: node.weight.T.astype(float) / gain for name, node in named.items()}
        precision = {name: node.metadata["precision"].T for name, node in named.items() if "precision" in node.metadata}
    except KeyError as error:
        raise UserError(f"{path} is not a NIR file that spikemeta wrote (it has no {error})") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a NIR file that spikemeta wrote ({error})") from None
    return weights, precision


def _linear(graph):
    """The linear nodes of a graph that is a chain, from input to readout.

    Raises
    ------
    ValueError
        If the graph branches, closes on itself, or has not one input.
    """
    import nir

    starts = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1:
        raise ValueError(f"it has {len(starts)} inputs")
    follow = {}
    for source, target in graph.edges:
        if source in follow:
            raise ValueError(f"its graph branches or is recurrent: two edges leave the node {source!r}")
        follow[source] = target
    name, passed = starts[0], []
    while name is not None:
        if name in passed:
            raise ValueError(f"its graph is recurrent: it comes back to the node {name!r}")
        passed.append(name)
        name = follow.get(name)
    return [graph.nodes[name] for name in passed if isinstance(graph.nodes[name], nir.Linear)]
