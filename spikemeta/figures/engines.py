"""The figure of the study ``engines``."""

from spikemeta.analysis import statistics
from spikemeta.analysis.engines import ENGINES
from spikemeta.analysis.rows import SEPARATOR
from spikemeta.data import datasets
from spikemeta.figures.style import canvas, grid, legend_of_all, look, placed, shape_of

NAMES = {"auroc_epistemic": "epistemic area", "retained": "recall retained"}


@placed
def engines(rows, agreement, head):
    """A panel per study: event-driven across, surrogate gradients up, mean and 95 % interval over seeds.

    Returns
    -------
    matplotlib.figure.Figure
    """
    studies = list(agreement)
    lines, columns = shape_of(len(studies), 2)
    made = canvas(4.3 * columns + 1.8, 4.5 * lines + 0.4)
    fewest, most = head.get("fewest_seeds", head["seeds"]), head["seeds"]
    seeds = most if fewest == most else f"{fewest} to {most}"
    made.suptitle(
        f"Both engines: {datasets.label(head['dataset'])} ({head['scale']}), {seeds} seeds, 95 % intervals", fontsize=12
    )
    rules = list(dict.fromkeys(row["rule"].partition(SEPARATOR)[0] for row in rows))
    for panel, study in zip(grid(made, len(studies), columns), studies, strict=True):
        own = [row for row in rows if row["study"] == study]
        for row in own:
            k = rules.index(row["rule"].partition(SEPARATOR)[0])
            seen = [statistics.summarise([v for v in row["metrics"][e]["values"] if v is not None]) for e in ENGINES]
            (x, dx), (y, dy) = ((100 * s.mean, 100 * (s.high - s.mean) if s.n > 1 else 0) for s in seen)
            panel.errorbar(x, y, xerr=dx, yerr=dy, lw=0, elinewidth=0.8, ms=6, label=rules[k], **look(k))
        ends = panel.dataLim.intervalx.tolist() + panel.dataLim.intervaly.tolist()
        low, high = max(-1, min(ends) - 3), min(103, max(ends) + 3)  # room for a marker at either end
        panel.plot([low, high], [low, high], color="0.6", lw=0.8, ls=":", zorder=0)
        rank = agreement[study]["rank_correlation"]
        panel.set_title(f"{study}\nrank correlation {'-' if rank is None else f'{rank:.2f}'}, {len(own)} rows", fontsize=10)
        metric = own[0]["metric"] if own else ""
        what = NAMES.get(metric, metric.replace("_", " "))
        panel.set(xlabel=f"{what}, event-driven (%)", ylabel=f"{what}, surrogate gradients (%)")
        panel.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    legend_of_all(made, made.axes)
    return made
