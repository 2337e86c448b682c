"""Sets the rows that two engines gave to the same study side by side."""

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.errors import UserError, suggest
from spikemeta.figures import shared
from spikemeta.system.files import read_json

NAMES = {"auroc_epistemic": "epistemic area", "retained": "recall retained"}
ENGINES = {"brian2": "event-driven", "torch": "surrogate gradients"}


def known(names, have):
    """Refuse studies that cannot be compared.

    Raises
    ------
    UserError
        With every unknown name.
    """
    problems = [suggest("study of both engines", name, have) for name in names if name not in have]
    if problems or not names:
        raise UserError("\n".join(problems) or f"--studies names no study: choose of {', '.join(have)}")


def finished(folder, study, engine, options):
    """The summary of a study that was run before.

    Parameters
    ----------
    folder : Path
    study, engine : str
    options : object
        With ``dataset`` and ``scale``.

    Returns
    -------
    dict

    Raises
    ------
    UserError
        If it is missing, or holds another study, or one run on another engine or other images.
    """
    found = read_json(folder / "summary.json")
    wanted = {"study": study, "engine": engine, "dataset": options.dataset, "scale": options.scale}
    other = [f"{name} {found.get(name)} there, {value} here" for name, value in wanted.items() if found.get(name) != value]
    if other:
        raise UserError(f"{folder} cannot be compared: {', '.join(other)}")
    return found


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


def figure(rows, agreement, head):
    """A panel per study: event-driven across, surrogate gradients up, mean and 95 % interval over seeds.

    Returns
    -------
    matplotlib.figure.Figure
    """
    studies = list(agreement)
    columns = min(2, len(studies))
    lines = -(-len(studies) // columns)
    made = shared.canvas(4.3 * columns + 1.8, 4.5 * lines + 0.4)
    fewest, most = head.get("fewest_seeds", head["seeds"]), head["seeds"]
    seeds = most if fewest == most else f"{fewest} to {most}"
    made.suptitle(f"Both engines: {head['dataset']} ({head['scale']}), {seeds} seeds, 95 % intervals", fontsize=12)
    rules = list(dict.fromkeys(row["rule"].partition(": ")[0] for row in rows))
    panels = made.subplots(lines, columns, squeeze=False)
    for panel in panels.flat[len(studies) :]:
        panel.remove()
    for panel, study in zip(panels.flat, studies, strict=False):
        own = [row for row in rows if row["study"] == study]
        for row in own:
            k = rules.index(row["rule"].partition(": ")[0])
            seen = [metrics.summarise([v for v in row["metrics"][e]["values"] if v is not None]) for e in ENGINES]
            (x, dx), (y, dy) = ((100 * s.mean, 100 * (s.high - s.mean) if s.n > 1 else 0) for s in seen)
            look = {"color": shared.PALETTE[k % 8], "marker": shared.MARKERS[k % 8], "mfc": "none" if k > 7 else None}
            panel.errorbar(x, y, xerr=dx, yerr=dy, lw=0, elinewidth=0.8, ms=6, label=rules[k], **look)
        ends = panel.dataLim.intervalx.tolist() + panel.dataLim.intervaly.tolist()
        low, high = max(-1, min(ends) - 3), min(103, max(ends) + 3)  # room for a marker at either end
        panel.plot([low, high], [low, high], color="0.6", lw=0.8, ls=":", zorder=0)
        rank = agreement[study]["rank_correlation"]
        panel.set_title(f"{study}\nrank correlation {'-' if rank is None else f'{rank:.2f}'}, {len(own)} rows", fontsize=10)
        metric = own[0]["metric"] if own else ""
        what = NAMES.get(metric, metric.replace("_", " "))
        panel.set(xlabel=f"{what}, event-driven (%)", ylabel=f"{what}, surrogate gradients (%)")
        panel.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    handles = {label: h for p in made.axes for h, label in zip(*p.get_legend_handles_labels(), strict=True)}
    made.legend(handles.values(), handles, loc="outside right center", fontsize=8, frameon=False)
    return made


def table(rows, agreement):
    """A printed table, a line per row."""
    from rich.table import Table

    from spikemeta.runs.display import percent

    ranks = {s: "-" if a["rank_correlation"] is None else f"{a['rank_correlation']:.2f}" for s, a in agreement.items()}
    made = Table(title="Both engines", caption="rank correlations: " + ", ".join(f"{s} {r}" for s, r in ranks.items()))
    for name in ("study", "rule", "event-driven\n%", "surrogate\ngradients %"):
        made.add_column(name, justify="right" if "%" in name else "left", overflow="fold")
    for row in rows:
        seen = [metrics.summarise([v for v in row["metrics"][e]["values"] if v is not None]) for e in ENGINES]
        made.add_row(row["study"], row["rule"], *map(percent, seen))
    return made
