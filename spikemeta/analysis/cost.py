"""What a run cost, whatever it reached: memory, updates of synapses, stored images; in NeuroBench's terms where it has them.

References
----------
- Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems", Nature Communications
  16, 1545, 2025 (footprint, connection sparsity, activation sparsity, synaptic operations).
"""

import numpy as np

from spikemeta.hardware import counters

#: Metrics of `of_run`, and what each is counted in.
NAMES = {
    "bytes_per_synapse": "B",
    "footprint": "B",
    "plastic_events": "1",
    "stored_images": "1",
    "connection_sparsity": "1",
    "activation_sparsity": "1",
    "synaptic_operations": "1",
}


def of_run(run, sizes, n_states, itemsize, batch=1, stored_images=0):
    """Costs of a finished run.

    Parameters
    ----------
    run : spikemeta.simulation.simulation.Run
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    n_states : float
        Variables that the rule keeps for each synapse; a mean, where each projection has its own rule.
    itemsize : int
        Bytes of each.
    batch : int
        Images of an update, on the torch engine.
    stored_images : int
        Images that are kept to be shown again.

    Returns
    -------
    dict of str to float
        ``bytes_per_synapse``, of the rule's state; ``footprint``, that of all synapses, and a byte for each pixel of a stored
        image; ``plastic_events``, updates of single synapses in the whole training; ``stored_images``;
        ``connection_sparsity``, fraction of weights that are zero at the end; ``activation_sparsity``, fraction of neurons and
        steps without a spike, in tests; ``synaptic_operations`` of a test presentation, NaN where the engine does not count
        input spikes.
    """
    train, test = ([r for r in run.phases if r.phase.kind == kind] for kind in ("train", "test"))
    n_synapses = sum(weight.size for weight in run.weights.values())
    zero = sum(int((weight == 0).sum()) for weight in run.weights.values())
    if all(result.events for result in train):
        updates = counters.count(train, sizes)["synapse_visits"]
    else:
        updates = n_synapses * sum(-(-len(result.phase.indices) // batch) for result in train)
    operations = np.nan
    if test and all(result.events for result in test):
        counted = counters.count(test, sizes)
        operations = counted["synaptic_operations"] / counted["presentations"]
    return {
        "bytes_per_synapse": float(n_states * itemsize),
        "footprint": float(n_states * itemsize * n_synapses + stored_images * sizes[0]),
        "plastic_events": float(updates),
        "stored_images": float(stored_images),
        "connection_sparsity": zero / n_synapses,
        "activation_sparsity": 1 - _active(test, sizes, run.constants["network"]) if test else np.nan,
        "synaptic_operations": float(operations),
    }


def _active(results, sizes, network):
    """Fraction of hidden and readout neurons that spike in a step."""
    _, n_hidden, n_classes = sizes
    spikes, steps = 0.0, 0.0
    for result in results:
        n, duration = len(result.phase.indices), network["presentation"]
        spikes += n * (result.hidden_rate * n_hidden * duration / 1000 + result.readout_spikes * n_classes)
        steps += result.events["steps"] if result.events else n * duration / network["step"]
    return spikes / (steps * (n_hidden + n_classes))


def metrics_of_arrays(arrays):
    """Costs of a stored run, by the names in `NAMES`; empty if none were stored."""
    return {name: float(arrays[f"cost_{name}"]) for name in NAMES if f"cost_{name}" in arrays}
