"""Metrics of the study ``stream``: what is left of the last tasks of a long stream, and of all."""

from spikemeta.analysis import metrics
from spikemeta.analysis.rows import over_seeds

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
        before it is learned; ``ms_per_presentation``, of training, wall clock; and
        by task ``recent_along``, ``just_learned_along``, ``at_end``.
    """
    found = {
        "recent_accuracy": lambda a: a["accuracy_matrix"][-1, -RECENT:].mean(),
        "final_accuracy": lambda a: a["accuracy_matrix"][-1].mean(),
        "just_learned_accuracy": lambda a: a["just_learned"].mean(),
        "prequential_accuracy": lambda a: a["prequential"].mean(),
        "ms_per_presentation": lambda a: 1e3 * a["training_seconds"].sum() / (images * len(a["training_seconds"])),
    }
    table = {}
    for name, get in found.items() if runs else ():
        table[name] = over_seeds([get(run.arrays) for run in runs])
    if runs:
        table["recent_along"] = {"values": [metrics.recent_along(run.arrays["accuracy_matrix"], RECENT) for run in runs]}
        table["just_learned_along"] = {"values": [run.arrays["just_learned"] for run in runs]}
        table["at_end"] = {"values": [run.arrays["accuracy_matrix"][-1] for run in runs]}
    return table
