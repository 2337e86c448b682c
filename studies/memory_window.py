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

from dataclasses import dataclass

from spikemeta.runs.study import SimulationOptions, Study, option


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


def run(options, console=None):
    """Train under every window and compare.

    Parameters
    ----------
    options : Options
    console : rich.console.Console or None

    Returns
    -------
    int
        Exit code: 2 if a simulation failed, else 0.

    Raises
    ------
    UserError
        For bad options, or an output folder that is not ours to write.
    """
    from rich.console import Console

    from spikemeta.analysis import memory_window
    from spikemeta.figures import shared
    from spikemeta.runs import display, experiment, study

    study.check(options)
    console = console or Console()
    entries = memory_window.entries_of(options)
    outcome, store = experiment.run("memory_window", options, entries, console, analysis=memory_window.Analysis())
    made = {"accuracy": memory_window.accuracy, "rigidity": memory_window.rigidity}
    drawn = [p for name, make in made.items() for p in shared.save(make(outcome.results), store.folder / "figures", name)]
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Memory window: {shared.describe(outcome.results)}",
            caption=f"test images, seeds: {options.seeds}, mean ± sd; N in tasks; slope of just-learned accuracy",
            columns={
                "recent_accuracy": "last five\n%",
                "final_accuracy": "all\n%",
                "just_learned_accuracy": "just learned\n%",
                "rigidity_slope": "slope per\ntask, %",
            },
        )
    )
    display.files(console, [store.folder / n for n in ("summary.json", "results.nc", "provenance.json")] + drawn)
    display.warnings(console, outcome.warnings)
    return display.failures(console, outcome.failures)


study = Study("memory_window", "How long a memory should be: accuracy against the memory window.", Options, run)
