"""What a network did, counted by the simulation, and what that costs on a chip."""

from dataclasses import dataclass

import numpy as np

from spikemeta.hardware.profile import ENERGY, PRICES, Device

COUNTS = ("presentations", "spikes", "synaptic_operations", "synapse_visits", "neuron_updates")


def count(results, sizes):
    """Events of several phases.

    A spike is as many synaptic operations as its source has targets: where projections are sparse, or there are others than
    between input, hidden and readout neurons, the simulation has counted these. A synapse is visited
    (read, updated, written) at the first spike of its source in a presentation, and when a phase ends or a boundary is
    signalled. A neuron is updated at every step. What carries the error back is not counted.

    Parameters
    ----------
    results : iterable of PhaseResult
    sizes : tuple of int
        (n_input, n_hidden, n_classes).

    Returns
    -------
    dict of str to int
        By `COUNTS`; ``spikes`` are those of all neurons.
    """
    _, n_hidden, n_classes = sizes
    out = dict.fromkeys(COUNTS, 0)
    for result in results:
        e = result.events
        out["presentations"] += len(result.phase.indices)
        out["spikes"] += sum(number for name, number in e.items() if name.endswith("_spikes"))
        out["neuron_updates"] += e["steps"] * e.get("neurons", n_hidden + n_classes)
        if "neurons" in e:
            out["synaptic_operations"] += sum(n for name, n in e.items() if name.endswith("_spikes by synapses"))
            out["synapse_visits"] += sum(n for name, n in e.items() if name.endswith("_touches by synapses"))
            continue
        out["synaptic_operations"] += e["input_spikes"] * n_hidden + e["hidden_spikes"] * n_classes
        out["synapse_visits"] += e["input_touches"] * n_hidden + e["hidden_touches"] * n_classes
    return out


def named(counts):
    """Stored counts by their names: an array in the order of `COUNTS`, as a dict."""
    return dict(zip(COUNTS, counts, strict=True))


@dataclass(frozen=True)
class Energy:
    """What events cost.

    Attributes
    ----------
    terms : dict of str to float
        pJ, by the names in `spikemeta.hardware.profile.PRICES`, largest first.
    left_out : tuple of str
        Terms whose price nobody published.
    """

    terms: dict
    left_out: tuple

    @property
    def total(self):
        """pJ of all terms that have a price; None if none has."""
        return sum(self.terms.values()) if self.terms else None


def energy(counted, weight_writes, chip):
    """Energy of counted events on a chip.

    Parameters
    ----------
    counted : dict of str to int
        From `count`.
    weight_writes : float
        Synapse visits that learn or, for devices, pulses.
    chip : Hardware

    Returns
    -------
    Energy
    """
    times = {
        "synaptic_operation": counted["synaptic_operations"],
        "neuron_update": counted["neuron_updates"],
        "weight_update": weight_writes,
        "spike": counted["spikes"],
    }
    terms, left_out = {}, []
    for name in PRICES:
        price = chip.prices.get(name)
        if price is None or price.value is None:
            left_out.append(name)
        else:
            terms[name] = float(price.value * ENERGY[price.unit] * times[name])
    return Energy(dict(sorted(terms.items(), key=lambda item: -item[1])), tuple(left_out))


def probe(point, simulation, curriculum, run, progress):
    """Counts of a finished run, as arrays to be stored.

    Returns
    -------
    dict of str to ndarray
        ``counts_train`` and ``counts_test`` by `COUNTS`; ``weight_changes``: how often a stored weight changed (of devices:
        pulses), summed over all synapses, and ``most_changes``: that of the synapse, or device, that changed most; NaN
        without a chip.
    """
    sizes = (curriculum.dataset.train_images.shape[1], simulation.n_hidden, curriculum.n_classes)
    out = {}
    for kind in ("train", "test"):
        counted = count([r for r in run.phases if r.phase.kind == kind], sizes)
        out[f"counts_{kind}"] = np.array([counted[name] for name in COUNTS], float)
    writes = [run.state[f"{p}.cell_writes"] for p in simulation.network.projections if f"{p}.cell_writes" in run.state]
    chip = simulation.hardware
    devices = chip.weight.count.value if chip and isinstance(chip.weight, Device) else 1
    out["weight_changes"] = np.array(float(sum(w.sum() for w in writes)) if writes else np.nan)
    out["most_changes"] = np.array(max(float(w.max()) for w in writes) / devices if writes else np.nan)
    return out


def metrics_of_run(arrays, chip, n_tasks):
    """Metrics of one run, from what `probe` stored.

    Returns
    -------
    dict of str to float
        Per learning presentation: ``synaptic_operations``, ``weight_writes``, ``weight_changes``, ``neuron_updates``,
        ``spikes``, ``energy_per_presentation_pj``; ``energy_per_task_pj``; ``energy_per_test_presentation_pj``;
        ``most_changes``, of the synapse or device that changed most in the whole run. NaN where unknown.
    """
    train, test = (named(arrays[f"counts_{kind}"]) for kind in ("train", "test"))
    shown, changes = train["presentations"], float(arrays["weight_changes"])
    writes = changes if isinstance(chip.weight, Device) else train["synapse_visits"]
    paid, tested = energy(train, writes, chip).total, energy(test, 0, chip).total
    out = {name: train[name] / shown for name in ("synaptic_operations", "neuron_updates", "spikes")}
    out |= {"weight_writes": writes / shown, "weight_changes": changes / shown, "most_changes": float(arrays["most_changes"])}
    out["energy_per_presentation_pj"] = np.nan if paid is None else paid / shown
    out["energy_per_task_pj"] = np.nan if paid is None else paid / n_tasks
    out["energy_per_test_presentation_pj"] = np.nan if tested is None else tested / test["presentations"]
    return {name: float(value) for name, value in out.items()}


def shares(runs, chip):
    """Part of each priced term in the energy of learning, mean over runs, largest first; and the terms left out."""
    found, left_out = {}, PRICES
    for run in runs:
        train = named(run.arrays["counts_train"])
        changes = float(run.arrays["weight_changes"])
        paid = energy(train, changes if isinstance(chip.weight, Device) else train["synapse_visits"], chip)
        left_out = paid.left_out
        for name, value in paid.terms.items():
            found[name] = found.get(name, 0.0) + value / paid.total / len(runs)
    return dict(sorted(found.items(), key=lambda item: -item[1])), tuple(left_out)
