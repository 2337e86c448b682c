"""Metrics of the study ``stream``: what is left of the last tasks of a long stream, and of all."""

from spikemeta.analysis import metrics
from spikemeta.analysis.rows import over_seeds
from spikemeta.hardware import counters, profile

RECENT = 5  # last tasks that are scored


def metrics_of(runs, images):
    """Metrics of one rule, as in ``summary.json``.

    Parameters
    ----------
    runs : list of spikemeta.analysis.rows.FinishedRun
    images : int
        Training presentations of a task.

    Returns
    -------
    dict
        ``recent_accuracy``, at the end, mean over the last `RECENT` tasks; ``final_accuracy``, over all;
        ``just_learned_accuracy``, mean over tasks, right after each; ``prequential_accuracy``, of every training image just
        before it is learned; ``ms_per_presentation``, of training, wall clock; of a training presentation ``spikes``,
        ``synaptic_operations``, ``synapse_visits`` and ``neuron_updates``; and
        by task ``recent_along``, ``just_learned_along``, ``at_end``.
    """
    found = {
        "recent_accuracy": lambda a: a["accuracy_matrix"][-1, -RECENT:].mean(),
        "final_accuracy": lambda a: a["accuracy_matrix"][-1].mean(),
        "just_learned_accuracy": lambda a: a["just_learned"].mean(),
        "prequential_accuracy": lambda a: a["prequential"].mean(),
        "ms_per_presentation": lambda a: 1e3 * a["training_seconds"].sum() / (images * len(a["training_seconds"])),
    }
    for name in ("spikes", "synaptic_operations", "synapse_visits", "neuron_updates"):
        found[name] = lambda a, name=name: (happened := counters.named(a["counts_train"]))[name] / happened["presentations"]
    table = {}
    for name, get in found.items() if runs else ():
        table[name] = over_seeds([get(run.arrays) for run in runs])
    if runs:
        table["recent_along"] = {"values": [metrics.recent_along(run.arrays["accuracy_matrix"], RECENT) for run in runs]}
        table["just_learned_along"] = {"values": [run.arrays["just_learned"] for run in runs]}
        table["at_end"] = {"values": [run.arrays["accuracy_matrix"][-1] for run in runs]}
    return table


def energy_of(runs):
    """What the learning of a whole stream would take on chips, of what happened in the simulation without their limits.

    Parameters
    ----------
    runs : list of spikemeta.analysis.rows.FinishedRun

    Returns
    -------
    dict of str to dict
        By chip with a published price: ``joules``, over seeds, and ``leaves_out``, the terms without a price.
    """
    table = {}
    for name in profile.names() if runs else ():
        counted = [counters.named(run.arrays["counts_train"]) for run in runs]
        paid = [counters.energy(happened, happened["synapse_visits"], profile.get(name)) for happened in counted]
        if paid[0].total is not None:
            table[name] = {"joules": over_seeds([1e-12 * p.total for p in paid]), "leaves_out": paid[0].left_out}
    return table
