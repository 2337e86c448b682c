"""How much each rule forgets when tasks come one after another.

    spikemeta run forgetting
    spikemeta run forgetting --rules sgd,laplace --dataset mnist --task split --scale full --seeds 5

Every rule trains the same network on the same tasks under the same seeds; after each task all tasks are
tested. Written to the output folder: ``summary.json``, ``results.nc``, ``provenance.json`` and four figures.
Rules that are told of task boundaries are marked, because they solve an easier problem than those that see an
unbroken stream.
"""

from dataclasses import dataclass

from spikemeta.runs.study import SimulationOptions, Study, option


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)
    hardware: str = option("", "A chip that all rules run on, or a profile file of your own; see 'spikemeta list hardware'.")


def run(options, console=None):
    """Train and compare the rules.

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

    from spikemeta.figures import shared
    from spikemeta.runs import display, experiment

    console = console or Console()
    outcome, store = experiment.run("forgetting", options, experiment.entries_of(options), console)
    drawn = shared.draw(outcome.results, store.folder / "figures")
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Forgetting: {shared.describe(outcome.results)}" + (f", on {options.hardware}" * bool(options.hardware)),
            caption=f"test images, seeds: {options.seeds}, mean ± sd; chance {outcome.results.chance:.0%}",
        )
    )
    display.files(console, [store.folder / n for n in ("summary.json", "results.nc", "provenance.json")] + drawn)
    display.warnings(console, outcome.warnings)
    return display.failures(console, outcome.failures)


study = Study("forgetting", "How much each rule forgets when tasks come one after another.", Options, run)
