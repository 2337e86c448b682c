"""NAME: how much the width of the hidden layer matters.

    spikemeta run NAME.py --engine torch --rules sgd,laplace --seeds 2

In the folder studies/ of a checkout it is found by its name: spikemeta run NAME.
"""

from dataclasses import dataclass, replace

from spikemeta.runs.study import SimulationOptions, Study, option


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study: those of every simulation, and its own. Each is an option of the command line."""

    widths: str = option("20,50", "Numbers of hidden neurons, separated by commas.")


def run(options, console):
    """Train every rule at every width; write summary.json, results.nc and provenance.json, and print a table."""
    from spikemeta.figures import style
    from spikemeta.runs import display, experiment, planning

    # A row of the study: a label of its own, and what sets it apart from the others.
    entries = [
        replace(entry, label=f"{entry.label} {width}", hidden=int(width))
        for width in options.widths.split(",")
        for entry in planning.entries_of(options)
    ]
    outcome, store = experiment.run("NAME", options, entries, console)
    drawn = style.save_all({"accuracy": accuracy(outcome.results)}, store.folder / "figures")
    console.print(display.table_of(outcome.rows, "Accuracy by width", f"seeds: {options.seeds}, mean ± sd"))
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


def accuracy(results):
    """The study's figure, from the xarray.Dataset of ``results.nc``."""
    from spikemeta.figures.style import blank, chance_line

    made = blank(6, 3.5, results, "Accuracy by width", "mean")
    panel = made.add_subplot()
    panel.plot(results.rule.values, 100 * results.final_accuracy.mean("seed"), "o")
    chance_line(panel, results.chance)
    panel.set_ylabel("test accuracy (%)")
    return made


study = Study("NAME", "How much the width of the hidden layer matters.", Options, run)
