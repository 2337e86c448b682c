"""Sets the rows that two engines gave to the same study side by side, and says how far they agree."""

import numpy as np

ENGINES = {"brian2": "event-driven", "torch": "surrogate gradients"}


def pairs(study, metric, summaries):
    """Rows that both engines have.

    Parameters
    ----------
    study, metric : str
    summaries : dict of str to dict
        ``summary.json`` of the study by engine, ``"brian2"`` and ``"torch"``.

    Returns
    -------
    list of dict
        ``study``, ``metric``, ``rule`` and ``metrics``: mean, std and values by engine.
    """
    tables = {engine: {row["rule"]: row["metrics"] for row in summary["rows"]} for engine, summary in summaries.items()}
    both = [label for label in tables["brian2"] if all(metric in table.get(label, {}) for table in tables.values())]
    return [
        {
            "study": study,
            "metric": metric,
            "rule": label,
            "hardware": None,
            "metrics": {engine: table[label][metric] for engine, table in tables.items()},
        }
        for label in both
    ]


def agreement(rows):
    """Spearman's rank correlation between the engines over the rows of each study (Spearman 1904).

    Returns
    -------
    dict of str to dict
        By study: ``rank_correlation`` (None with fewer than three rows, or if one engine tells none apart), ``rows``, and
        ``difference``, the mean of surrogate gradients minus event-driven.
    """
    from scipy import stats

    found = {}
    for study in dict.fromkeys(row["study"] for row in rows):
        means = np.array([[row["metrics"][e]["mean"] for e in ENGINES] for row in rows if row["study"] == study], float)
        means = means[np.isfinite(means).all(1)]
        told_apart = len(means) > 2 and np.ptp(means, axis=0).all()
        found[study] = {
            "rank_correlation": float(stats.spearmanr(*means.T).statistic) if told_apart else None,
            "rows": len(means),
            "difference": float((means[:, 1] - means[:, 0]).mean()) if len(means) else None,
        }
    return found
