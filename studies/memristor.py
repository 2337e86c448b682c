"""The published spiking experiment on memristors, beside ours: does probabilistic metaplasticity keep what noisy devices learn?

    spikemeta run memristor
    spikemeta run memristor --dataset mnist --scale full --seeds 5
    spikemeta run memristor --dataset fashion --scale full --seeds 5

Split MNIST or Fashion-MNIST, 784-200-2, fixed random feedback, presentations of 150 ms, input up to 250 Hz, targets of 100 Hz,
one pass, with the rule probabilistic on seven devices per weight, on one, and without consolidation. The 8x8 digits stand
beside the published numbers of MNIST, other data beside none. Written to the output folder: ``summary.json``, ``results.nc``,
``provenance.json`` and a figure.
"""

import functools
from dataclasses import dataclass, replace

from spikemeta.errors import UserError
from spikemeta.runs.study import SimulationOptions, Study, option

#: Final accuracy in %, mean and standard deviation over five runs, recomputed from the results that Zohora et al. shipped;
#: without metaplasticity they shipped none of Fashion-MNIST.
PUBLISHED = {
    "mnist": {"7 devices": (83.70, 0.78), "1 device": (81.14, 1.54), "1 device, no metaplasticity": (57.86, 1.63)},
    "fashion": {"7 devices": (93.23, 0.14), "1 device": (92.56, 1.49)},
}
#: What the network takes from theirs; and a window wide enough that a readout neuron can learn its way back when the devices'
#: noise has pushed it far below its threshold. (Theirs keeps the potential from falling so far.)
NETWORK = {"presentation": 150.0, "input_rate": 250.0, "target_rate": 100.0, "readout_width": 3.0}
#: Found on validation images under these, by the number of devices, see docs/constants.md.
CONSTANTS = {
    "7 devices": {"hidden.lr": 1e-4, "readout.lr": 2e-4, "growth": 4.5e-3, "scale": 0.05},
    "1 device": {"hidden.lr": 2e-5, "readout.lr": 3e-5, "growth": 4.5e-3, "scale": 0.05},
}


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    feedback: str = option("random", "How errors reach the hidden layer; random as published.", choices=("tied", "random"))
    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)


def published_of(dataset):
    """Published final accuracies of a data set by setting, (mean, spread) in %; the 8x8 digits have those of MNIST."""
    return PUBLISHED.get("mnist" if dataset == "digits" else dataset, {})


def entries_of(options):
    """A row for each published setting."""
    from spikemeta.hardware import profile
    from spikemeta.hardware.profile import Quantity
    from spikemeta.language import registry
    from spikemeta.runs import planning

    rule, seven = registry.get_rule("probabilistic"), profile.get("memristor")
    number = Quantity(1, "device", "Zohora et al.'s smallest number of devices per weight (n_mem of their code)")
    one = replace(seven, name="memristor_1", weight=replace(seven.weight, count=number))
    own = {"limit": options.images, "test_limit": max(options.images // 5, 1)} if options.images else {}
    rows = []
    theirs = published_of(options.dataset)
    settings = zip(PUBLISHED["mnist"], (seven, one, one), ({}, {}, {"growth": 0.0}), strict=True)
    for label, chip, changed in settings:
        constants = CONSTANTS[label.partition(",")[0]] | changed
        more = {"curriculum": own, "hardware": chip, "more": {"published": theirs.get(label), "images": options.images}}
        rows.append(planning.Entry(label, "probabilistic", rule, constants, NETWORK, **more))
    return rows


def table(rows, data):
    """Published and our accuracies, as a rich table."""
    from rich.table import Table

    from spikemeta.analysis.hardware import images_of
    from spikemeta.figures.style import describe
    from spikemeta.runs.display import cell

    made = Table(title=f"Probabilistic metaplasticity on memristors: {describe(data, images_of(rows))}", caption="%, mean ± sd")
    for head in ("setting", "published", "ours", "just learned", "most pulses per device"):
        made.add_column(head, justify="left" if head == "setting" else "right")
    for row in [row for row in rows if row["metrics"]]:
        m = row["metrics"]
        ours = cell(m["final_accuracy"]), cell(m["just_learned_accuracy"]), cell(m["most_changes"], 1)
        made.add_row(row["rule"], "{:.1f} ± {:.1f}".format(*row["published"]) if row["published"] else "", *ours)
    return made


def run(options, console):
    """Run the published setting on our devices."""
    from spikemeta.analysis import hardware
    from spikemeta.figures import hardware as figures
    from spikemeta.figures import style
    from spikemeta.hardware import counters
    from spikemeta.runs import display, experiment, pool

    if options.engine != "brian2" or options.rules:
        raise UserError("study memristor runs rule probabilistic on spiking synapses: leave out --rules and --engine torch")
    entries = entries_of(options)
    work = functools.partial(pool.execute, probe=counters.probe)
    analysis = hardware.Analysis(entries)
    outcome, store = experiment.run("memristor", options, entries, console, analysis=analysis, work=work)
    drawn = style.save(figures.beside(outcome.rows, outcome.results), store.folder / "figures", "published")
    console.print(table(outcome.rows, outcome.results))
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study("memristor", "The published spiking experiment on memristors, beside ours.", Options, run, quick=38)
