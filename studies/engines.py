"""Event-driven and gradient-trained synapses side by side: do the rules come out alike?

    spikemeta run engines
    spikemeta run engines --dataset mnist --scale full --seeds 3 --workers 2

Runs other studies under both engines, each into a folder of its own inside the output folder, and sets the headline number of
every row from spiking networks that learn by local errors against that from the same networks trained by surrogate gradients.
Rules may have constants of their own for each engine. How far the engines agree is a rank correlation over the rows of a study.
Written: ``summary.json``, ``provenance.json`` and a figure; and what each study writes, in ``STUDY-ENGINE``. With ``--compare``
nothing is run: studies that were run on their own, with options of their own, are compared as they lie there.
"""

from dataclasses import dataclass

from spikemeta.runs.study import Study, option

#: Studies that train under both engines, and the number of each that is compared.
HEADLINES = {
    "forgetting": "final_accuracy",
    "serial_position": "final_accuracy",
    "poisoning": "retained",
    "uncertainty": "auroc_epistemic",
}


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    studies: str = option(",".join(HEADLINES), "Studies to compare, separated by commas.", decides=False)
    rules: str = option("", "Rules for each study, separated by commas. Default: each study's own.", decides=False)
    dataset: str = option("digits", "Images to learn: digits (comes along), mnist or fashion.")
    scale: str = option("quick", "quick (a part of the data, to look around) or full (all of it).", choices=("quick", "full"))
    hidden: int | None = option(None, "Hidden neurons. Default: each study's own.", low=1)
    passes: int | None = option(None, "Passes of each study that has several. Default: each study's own.", low=1)
    seeds: int = option(2, "Number of seeds, 0 to N-1.", low=1, decides=False)
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/engines-DATASET.", decides=False)
    resume: bool = option(False, "Keep what the output folder holds.", decides=False)
    compare: bool = option(False, "Run nothing; compare what lies in STUDY-ENGINE of the output folder.", decides=False)


def run(options, console=None):
    """Run the studies under both engines and compare.

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
        For bad options, an unknown study, an output folder that is not ours to write, or with ``compare`` a study that is
        missing there or was run on another engine or other images.
    """
    from dataclasses import fields

    from rich.console import Console

    from spikemeta.analysis import engine_agreement
    from spikemeta.figures import shared
    from spikemeta.language import registry
    from spikemeta.runs import display, pool, results, study
    from spikemeta.runs.provenance import Record
    from spikemeta.system import files

    study.check(options)
    console = console or Console()
    names = [name.strip() for name in options.studies.split(",") if name.strip()]
    engine_agreement.known(names, HEADLINES)
    store = results.Store(
        options.out or f"results/engines-{options.dataset}", "engines", study.settings(options), options.resume
    )
    record = Record(store, "engines", options, pool.dataset(options.dataset))
    given = {n: getattr(options, n) for n in ("rules", "dataset", "scale", "hidden", "passes", "seeds", "workers")}
    rows, code = [], 0
    for name in names:
        module, found = registry.load("studies", name), {}
        has = {f.name for f in fields(module.options)}
        for engine in ("brian2", "torch"):
            folder = store.folder / f"{name}-{engine}"
            if options.compare:
                found[engine] = engine_agreement.finished(folder, name, engine, options)
                continue
            own = {n: v for n, v in given.items() if n in has and v not in ("", None)}
            own |= {"engine": engine, "out": str(folder), "resume": options.resume and folder.exists()}
            console.rule(f"{name}, {engine}")
            code = max(code, module.run(module.options(**own), console))
            found[engine] = files.read_json(folder / "summary.json")
        rows += engine_agreement.pairs(name, HEADLINES[name], found)
    agreement = engine_agreement.agreement(rows)
    seeds = sorted({len(row["metrics"][engine]["values"]) for row in rows for engine in engine_agreement.ENGINES})
    head = {"engine": "both", "dataset": options.dataset, "scale": options.scale, "seeds": seeds[-1] if seeds else 0}
    head["fewest_seeds"] = seeds[0] if seeds else 0
    store.write_summary(head | {"rows": rows, "agreement": agreement})
    record.finish()
    drawn = shared.save(engine_agreement.figure(rows, agreement, head), store.folder / "figures", "engines")
    console.print(engine_agreement.table(rows, agreement))
    display.files(console, [store.folder / n for n in ("summary.json", "provenance.json")] + drawn)
    return code


study = Study("engines", "Event-driven and gradient-trained synapses side by side.", Options, run)
