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

from dataclasses import dataclass, replace

from spikemeta.errors import UserError
from spikemeta.runs.study import SimulationOptions, Study, option

#: Images of each kind, and for validation, with ``--scale full``.
FULL_TEST, FULL_VALIDATION = 2000, 1000


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    rules: str = option(
        "mesu,laplace,sgd",
        "Rules, variants or files of your own, separated by commas; a precision, or a weight that is drawn, makes a posterior.",
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
    strange: str = option(
        "",
        "Other data sets whose images are strange, by name or path, separated by commas. Default: Fashion-MNIST for images of "
        "its size, MNIST for Fashion-MNIST, CIFAR-10 and CIFAR-100 for each other.",
    )
    widths: str = option(
        "0.01,0.02,0.05,0.1,0.2,0.5,1,2,5,10",
        "Standard deviations of the weight noise to choose from, in those of the posterior, by commas; 1 is always tried.",
    )


def parse_widths(text):
    """``"3,0.1"`` as ``[0.1, 1.0, 3.0]``: in rising order, and 1, the rule's own width, is always there.

    Raises
    ------
    UserError
    """
    try:
        widths = sorted({1.0, *map(float, text.split(","))})
    except ValueError:
        widths = [float("nan")]
    if not all(0 < width < float("inf") for width in widths):
        raise UserError(f"--widths must be numbers above 0, separated by commas, not {text!r}; example: --widths 0.1,0.3,1")
    return widths


def _names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def evaluated_on(options):
    """``"test"`` or ``"validation"`` images."""
    return "validation" if options.validation else "test"


def entries_of(options):
    """A row for each rule, with what it is probed by.

    Parameters
    ----------
    options : Options

    Returns
    -------
    entries : list of spikemeta.runs.planning.Entry
    notes : list of str
        Kinds of strange images that are left out, and why.
    """
    from spikemeta.data import strange
    from spikemeta.runs import planning, pool, probing, scale

    kinds, notes = strange.kinds_of(pool.dataset(options.dataset), pool.dataset, _names(options.strange))
    full = options.scale == "full"
    n_probed = options.probed or (FULL_TEST if full else None)
    curriculum = {"chunks": 1, "validation": 0.1} | ({"test_limit": n_probed} if n_probed else {})
    shared = scale.curriculum_arguments(options, evaluated_on(options)) | curriculum
    settings = {
        "samples": options.samples,
        "widths": parse_widths(options.widths),
        "kinds": kinds,
        "validation_images": min(FULL_VALIDATION, shared["test_limit"]) if full else shared["test_limit"],
    }
    trial = pool.Point("", "", 0, shared, {}, probe=settings)
    n_held_out, n_test = len(probing.held_out(trial)[0]), len(pool.curriculum_of(trial).phases[-1].indices)
    entries = []
    for entry in planning.entries_of(options):
        noises = len(probing.noises_of(entry.rule))
        shown = n_held_out * (1 + noises * len(settings["widths"])) + n_test * (1 + len(kinds)) * (1 + 2 * noises)
        probed = settings | {"presentations": options.samples * shown}
        entries.append(replace(entry, curriculum=curriculum, probe=probed))
    return entries, notes


def run(options, console):
    """Train the rules and probe them."""
    from spikemeta.analysis import uncertainty
    from spikemeta.figures import style
    from spikemeta.figures import uncertainty as figures
    from spikemeta.runs import display, experiment, probing

    entries, notes = entries_of(options)
    outcome, store = experiment.run(
        "uncertainty",
        options,
        entries,
        console,
        evaluate=evaluated_on(options),
        analysis=uncertainty.Analysis(),
        work=probing.execute,
    )
    made = {name: make(outcome.results) for name, make in figures.FIGURES.items()}
    drawn = style.save_all(made, store.folder / "figures")
    columns = {"accuracy": "accuracy\n%", "calibration_error": "ECE\n%"}
    columns |= {"auroc_epistemic": "epistemic\nAUROC %", "auroc_predictive": "predictive\nAUROC %"}
    console.print(
        display.table_of(
            outcome.rows,
            title=f"Uncertainty: {style.describe(outcome.results)}",
            caption=f"{evaluated_on(options)} images, seeds: {options.seeds}, mean ± sd; AUROC: mean over kinds",
            columns=columns,
        )
    )
    return display.end(console, store, drawn, outcome.failures, outcome.warnings + notes)


study = Study(
    "uncertainty", "What a network knows about its answers, and whether it notices strange images.", Options, run, quick=89
)
