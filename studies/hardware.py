"""Which rules still work on which chips, what they cost there, and what they lack.

    spikemeta run hardware
    spikemeta run hardware --hardware loihi1,my_chip.toml --rules laplace,probabilistic --dataset mnist

Every rule runs on every chip, on the same tasks under the same seeds; those that do not fit run as if the chip had 16-bit
words for the state it has no room for, and could compute what it cannot, and are marked. Then the weight's bits are varied
from 1 to 16 (other state at 16 bits, stochastic rounding), and the memristor's programming noise; or, with ``--curves``, the
bits of a rule's first hidden word, with all else at 16. How few does the belief of a binary synapse need?

    spikemeta run hardware --hardware ideal --rules bimu --set lazy=0 --curves hidden --curve-seeds 5

Written to the output folder: ``summary.json``, ``results.nc``, ``provenance.json`` and figures: every rule on every chip;
accuracy against the operations and the bits of state that a rule asks for, against priced energy, and against bits and noise.
"""

import functools
from dataclasses import dataclass

from spikemeta.errors import UserError, suggest
from spikemeta.runs.study import SimulationOptions, Study, option

BITS = (1, 2, 4, 6, 8, 16)
NOISES = (0.0, 5.0, 10.0, 20.0)
#: Of the first hidden word.
HIDDEN_BITS = (1, 2, 3, 4, 5, 6, 8, 12, 16)
CURVES = ("bits", "noise", "hidden")
#: Rules and curves at the quick size: every rule on every chip, and every curve, are as many programs to compile.
QUICK = "sgd,laplace,hebb_repetition"
QUICK_CURVES, USUAL_CURVES = "bits", "bits,noise"


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    rules: str = option(
        "",
        "Rules, variants or files of your own, separated by commas; hidden=mesu,readout=sgd is one for each projection. "
        f"Default: {QUICK}; with --scale full every rule.",
        decides=False,
    )
    hardware: str = option("", "Chips or profile files of your own, separated by commas. Default: every chip.", decides=False)
    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)
    curve_images: int = option(300, "Training images per task for the curves over bits and noise.", low=5)
    curve_seeds: int = option(1, "Seeds for these curves; 0 leaves them out.", low=0, decides=False)
    curves: str = option(
        "",
        "Curves, by commas: bits (of the weight), noise (of the memristor), hidden (bits of hidden state). Default: "
        f"{QUICK_CURVES}; with --scale full {USUAL_CURVES}.",
        decides=False,
    )


def chips_of(text):
    """Chips by a comma-separated list of names and files; every known one for an empty one, ``ideal`` always first.

    Raises
    ------
    UserError
        With every problem.
    """
    from spikemeta.hardware import profile

    found, problems = [], []
    for spec in ["ideal", *[s.strip() for s in text.split(",") if s.strip()]] if text else profile.names():
        try:
            found.append(profile.get(spec))
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    by_name = {chip.name: chip for chip in found}
    return [by_name.pop("ideal"), *by_name.values()]


def curves_of(text):
    """``"bits,noise"`` as a list, each of `CURVES`.

    Raises
    ------
    UserError
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in CURVES]
    if unknown:
        raise UserError("\n".join(suggest("curve", name, CURVES) for name in unknown))
    return names


def _word(name, bits):
    from spikemeta.hardware.profile import Quantity, Slot

    return Slot(name, Quantity(bits, "bit", "the independent variable of study hardware", "chosen"), True, "stochastic")


def with_bits(bits):
    """A chip whose weights have so many bits; all else is ample."""
    from spikemeta.hardware.profile import Hardware

    return Hardware(f"weights_of_{bits}_bits", weight=_word("weight", bits), more_state=_word("word", 16))


def with_hidden_bits(bits):
    """A chip whose first word beside the weight has so many bits; all else has 16."""
    from spikemeta.hardware.profile import Hardware

    words = {"weight": _word("weight", 16), "state": (_word("hidden", bits),), "more_state": _word("word", 16)}
    return Hardware(f"hidden_of_{bits}_bits", **words)


def with_noise(noise):
    """The memristor with another programming noise, sd per pulse in units of a pulse's mean step."""
    from dataclasses import replace

    from spikemeta.hardware import profile
    from spikemeta.hardware.profile import Quantity

    chip = profile.get("memristor")
    other = Quantity(noise, "1", "the independent variable of study hardware", "chosen")
    return replace(chip, name=f"memristor_noise_{noise:g}".replace(".", "_"), weight=replace(chip.weight, noise=other))


def entries_of(options):
    """Rows: every rule on every chip, then the curves."""
    from spikemeta.hardware import fitting
    from spikemeta.runs import planning, study

    quick = options.scale == "quick"
    rules = study.resolve_rules(options.rules or (QUICK if quick else ""))
    wanted = curves_of(options.curves or (QUICK_CURVES if quick else USUAL_CURVES))
    chips = chips_of(options.hardware)
    own = {"limit": options.images, "test_limit": max(options.images // 5, 1)} if options.images else {}
    few = {"limit": options.curve_images, "test_limit": max(options.curve_images // 5, 1)}
    rows = []

    def row(spec, rule, chip, part, x, curriculum, seeds=None):
        found = fitting.fit(rule, chip)
        more = {
            "part": part,
            "x": x,
            "images": curriculum.get("limit"),
            "rule": rule.title,
            "fits": found.fits,
            "missing": list(found.missing),
        }
        label = f"{rule.title} on {chip.name}" if part == "chips" else f"{rule.title}, {part} {x:g}"
        more |= {"nearest": found.nearest, "label": label}
        rows.append(planning.Entry(label, spec, rule, curriculum=curriculum, hardware=chip, seeds=seeds, more=more))

    for spec, rule in rules.items():
        for chip in chips:
            row(spec, rule, chip, "chips", None, own)
    points = {"bits": (with_bits, BITS), "noise": (with_noise, NOISES), "hidden": (with_hidden_bits, HIDDEN_BITS)}
    for spec, rule in rules.items() if options.curve_seeds else ():
        for part in CURVES:
            if part not in wanted or (part == "hidden" and not fitting.needs(rule).words):
                continue
            chip_with, values = points[part]
            for x in values:
                row(spec, rule, chip_with(x), part, x, few, options.curve_seeds)
    return rows


def table(rows, data):
    """Final accuracy of every rule on every chip, in %, as a rich table; rules that do not fit in brackets."""
    from rich.table import Table

    from spikemeta.analysis.hardware import images_of, of_chips
    from spikemeta.figures.style import describe
    from spikemeta.runs.display import cell

    rules, chips, cells = of_chips(rows)
    made = Table(
        title=f"Rules on chips: {describe(data, images_of(rows))}",
        caption="final accuracy, %, mean ± sd over seeds; in brackets: the rule does not fit the chip",
    )
    made.add_column("rule", overflow="fold")
    for chip in chips:
        made.add_column(chip, justify="right")
    for rule in rules:
        texts = []
        for chip in chips:
            row = cells.get((rule, chip))
            text = cell(row["metrics"]["final_accuracy"]) if row else "failed"
            texts.append(text if not row or row["fits"] else f"({text})")
        made.add_row(rule, *texts)
    return made


def run(options, console):
    """Run the rules on the chips and compare."""
    from spikemeta.analysis import hardware
    from spikemeta.figures import hardware as figures
    from spikemeta.figures import style
    from spikemeta.hardware import counters
    from spikemeta.runs import display, experiment, pool

    if options.engine != "brian2":
        raise UserError("study hardware counts the events of spiking synapses: leave out --engine torch")
    entries = entries_of(options)
    analysis = hardware.Analysis(entries)
    work = functools.partial(pool.execute, probe=counters.probe)
    outcome, store = experiment.run("hardware", options, entries, console, analysis=analysis, work=work)
    drawn = style.save_all(figures.figures_of(outcome.rows, outcome.results), store.folder / "figures")
    console.print(table(outcome.rows, outcome.results))
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study(
    "hardware",
    "Which rules still work on which chips, what they cost there, and what they lack.",
    Options,
    run,
    quick=80,
    compiling=26,
    vectors="AVX-512",
)
