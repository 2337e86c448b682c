"""How long a memory should be: accuracy against the memory window N, on permuted tasks.

    spikemeta run memory_window
    spikemeta run memory_window --dataset mnist --scale full --seeds 5 --widths 200,500

Rules with a window forget what N presentations ago taught, exponentially; N is given in tasks, that is, in multiples of the
training presentations of one task, and without end ("inf"). Every window, hidden width and rule trains on the same tasks under
the same seeds. Too short a window loses early tasks, too long a one leaves no room for new ones: rigidity. That is measured
as the slope, by least squares, of just-learned accuracy over the tasks, in fraction per task; 0 is a network that learns
the last task as well as the first, a rigid one has a negative slope.

Written to the output folder: ``summary.json``, ``results.nc``, ``provenance.json`` and two figures. Each row is compared,
seed by seed, with the longest window of the same rule and width (two-sided paired t-test, not corrected for the number of
windows).
"""

from dataclasses import dataclass, replace

from spikemeta.errors import UserError
from spikemeta.runs.study import SimulationOptions, Study, option

#: Training and test images of a task, number of tasks, hidden neurons.
QUICK, FULL = (600, 60, 5, "50,100"), (10_000, 500, 10, "200,500")


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    rules: str = option("mesu,laplace", "Rules, variants or files of your own with a parameter 'window'.", decides=False)
    task: str = option(
        "permuted", "What is learned: permuted, pixels in an order of its own for each task.", choices=("permuted",)
    )
    tasks: int | None = option(None, "Number of tasks. Default: 5 (quick), 10 (full).", low=2)
    windows: str = option("1,4,inf", "Memory windows in tasks, separated by commas.", decides=False)
    widths: str = option("", "Hidden neurons, separated by commas. Default: 50,100 (quick), 200,500 (full).", decides=False)
    images: int | None = option(None, "Training images of a task. Default: 600 (quick), 10000 (full).", low=10)


def _numbers(text, option, least, kind):
    """Numbers of an option, in rising order."""
    try:
        found = sorted({kind(word) for word in text.split(",")})
    except ValueError:
        found = []
    if not found or not found[0] >= least:
        raise UserError(f"{option} must be numbers of at least {least:g}, separated by commas, not {text!r}")
    return found


def entries_of(options):
    """A row for each rule, hidden width and window.

    Parameters
    ----------
    options : Options

    Returns
    -------
    list of spikemeta.runs.planning.Entry

    Raises
    ------
    UserError
        For numbers out of range, or a rule without a window.
    """
    from spikemeta.analysis.rows import SEPARATOR
    from spikemeta.runs import planning, pool, scale

    images, test_images, tasks, widths = FULL if options.scale == "full" else QUICK
    windows = _numbers(options.windows, "--windows", 0.01, float)
    widths = _numbers(options.widths or widths, "--widths", 1, int)
    rows = planning.entries_of(options)
    for row in rows:
        if "window" not in row.rule.parameters:
            raise UserError(f"rule {row.label!r} has no parameter 'window', and nothing to vary here")
    limit = min(options.images or images, len(pool.dataset(options.dataset).train_labels))
    steps = limit * options.passes  # of rule time
    if options.engine == "torch":
        steps = -(-steps // (options.batch or scale.BATCH))
    curriculum = {"limit": limit, "test_limit": test_images, "n_tasks": options.tasks or tasks, "test_unseen": False}
    return [
        replace(
            row,
            label=f"{row.label}{SEPARATOR}{width} hidden, N = {window:g}",
            parameters={"window": window * steps},
            curriculum=curriculum,
            condition=f"{width} hidden, N = {window:g}",
            hidden=width,
        )
        for row in rows
        for width in widths
        for window in windows
    ]


def run(options, console):
    """Train under every window and compare."""
    from spikemeta.analysis import memory_window
    from spikemeta.figures import memory_window as figures
    from spikemeta.figures import style
    from spikemeta.runs import display, experiment

    analysis = memory_window.Analysis()
    outcome, store = experiment.run("memory_window", options, entries_of(options), console, analysis=analysis)
    made = {"accuracy": figures.accuracy(outcome.results), "rigidity": figures.rigidity(outcome.results)}
    drawn = style.save_all(made, store.folder / "figures")
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Memory window: {style.describe(outcome.results)}",
            caption=f"test images, seeds: {options.seeds}, mean ± sd; N in tasks; slope of just-learned accuracy",
            columns={
                "recent_accuracy": "last five\n%",
                "final_accuracy": "all\n%",
                "just_learned_accuracy": "just learned\n%",
                "rigidity_slope": "slope per\ntask, %",
            },
        )
    )
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study(
    "memory_window",
    "How long a memory should be: accuracy against the memory window.",
    Options,
    run,
    quick=45,
    vectors="AVX-512",
)
