"""What a network knows about its own answers, and whether it notices images of a kind that it never saw.

    spikemeta run uncertainty
    spikemeta run uncertainty --rules mesu,laplace,sgd --dataset mnist --scale full --seeds 5

After training on all classes at once, each test image is shown ten times with weights drawn anew from the posterior of each
synapse, and so are strange images: permuted and rotated pixels, noise as bright as the images and brighter noise, another data
set if it is there. Epistemic, aleatoric and predictive entropy (`spikemeta.analysis.calibration`) are scored by the area
under the ROC curve, test images against strange ones. Written to the output folder: ``summary.json``, ``results.nc``,
``provenance.json`` and three figures.

Controls: the same noise on all synapses, of the posterior's mean variance or of a width of its own; no weight noise, only fresh
input spikes, which is all that rules without a posterior have; the rule's own posterior, unscaled. Temperatures and widths
are chosen on validation images, the width as the widest whose loss is within a standard error of the least. One value per
seed; each way is compared with uniform noise of the same variance under the same seeds (two-sided paired t-test, not
corrected for the number of measures).

Too little noise, and strange images that silence the readout find all showings in agreement, so that the area falls below one
half: the fraction of silent presentations stands beside every area.
"""

from dataclasses import dataclass

from spikemeta.runs.study import SimulationOptions, Study, option


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    rules: str = option(
        "mesu,laplace,sgd",
        "Rules, variants or files of your own, separated by commas; a precision makes a posterior.",
        decides=False,
    )
    task: str = option("joint", "What is learned: joint, all classes at once.", choices=("joint",))
    samples: int = option(10, "Showings of each image, each with other weights.", low=2)
    probed: int | None = option(
        None, "Test images to measure on, and as many of each strange kind. Default: 300 (quick), 2000 (full).", low=10
    )
    validation: bool = option(
        False, "Measure on images held out of the training data, not on test images: to look for constants with 'sweep'."
    )
    widths: str = option(
        "0.01,0.02,0.05,0.1,0.2,0.5,1,2,5,10",
        "Standard deviations of the weight noise to choose from, in those of the posterior, by commas; 1 is always tried.",
    )


def run(options, console=None):
    """Train the rules and probe them.

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

    from spikemeta.analysis import uncertainty
    from spikemeta.figures import shared, uncertainty_figures
    from spikemeta.runs import display, experiment, study

    study.check(options)
    console = console or Console()
    entries, notes = uncertainty.entries_of(options)
    outcome, store = experiment.run(
        "uncertainty",
        options,
        entries,
        console,
        evaluate=uncertainty.evaluated_on(options),
        analysis=uncertainty.Analysis(),
        work=uncertainty.execute,
    )
    made = {name: make(outcome.results) for name, make in uncertainty_figures.FIGURES.items()}
    drawn = [path for name, one in made.items() if one for path in shared.save(one, store.folder / "figures", name)]
    columns = {"accuracy": "accuracy\n%", "calibration_error": "ECE\n%"}
    columns |= {"auroc_epistemic": "epistemic\nAUROC %", "auroc_predictive": "predictive\nAUROC %"}
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Uncertainty: {shared.describe(outcome.results)}",
            caption=f"{uncertainty.evaluated_on(options)} images, seeds: {options.seeds}, mean ± sd; AUROC: mean over kinds",
            columns=columns,
        )
    )
    display.files(console, [store.folder / n for n in ("summary.json", "results.nc", "provenance.json")] + drawn)
    display.warnings(console, outcome.warnings + notes)
    return display.failures(console, outcome.failures)


study = Study("uncertainty", "What a network knows about its answers, and whether it notices strange images.", Options, run)
