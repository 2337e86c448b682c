"""How much each rule forgets when tasks come one after another.

    spikemeta run forgetting
    spikemeta run forgetting --rules sgd,laplace --dataset mnist --task split --scale full --seeds 5
    spikemeta run forgetting --scenario class --references joint,replay=200,laplace+replay=200

Every rule trains the same network on the same tasks under the same seeds; after each task all tasks are
tested. Written to the output folder: ``summary.json``, ``results.nc``, ``provenance.json`` and five figures.
Rules that are told of task boundaries are marked, because they solve an easier problem than those that see an
unbroken stream.
"""

from dataclasses import dataclass

from spikemeta.runs.study import Study, TaskOptions, option


@dataclass(frozen=True)
class Options(TaskOptions):
    """Options of this study."""

    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)
    hardware: str = option("", "A chip that all rules run on, or a profile file of your own; see 'spikemeta list hardware'.")


def run(options, console):
    """Train and compare the rules."""
    from spikemeta.figures import style
    from spikemeta.language import registry
    from spikemeta.runs import display, experiment, references

    outcome, store = experiment.run("forgetting", options, references.entries_of(options), console)
    made = {name: registry.load("figures", name)(outcome.results) for name in registry.names("figures")}
    drawn = style.save_all(made, store.folder / "figures")
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Forgetting: {style.describe(outcome.results)}" + (f", on {options.hardware}" * bool(options.hardware)),
            caption=f"test images, seeds: {options.seeds}, mean ± sd; chance {outcome.results.chance:.0%}",
        )
    )
    for line in references.describe(outcome.rows):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study(
    "forgetting", "How much each rule forgets when tasks come one after another.", Options, run, quick=67, compiling=42
)
