"""Event-driven and gradient-trained synapses side by side: do the rules come out alike?

    spikemeta run engines
    spikemeta run engines --dataset mnist --scale full --seeds 3 --workers 2

Runs other studies under both engines, each into a folder of its own inside the output folder, and sets the headline number of
every row from spiking networks that learn by local errors against that from the same networks trained by surrogate gradients.
Rules may have constants of their own for each engine. How far the engines agree is a rank correlation over the rows of a study.
Written: ``summary.json``, ``provenance.json`` and a figure; and what each study writes, in ``STUDY-ENGINE``. With ``--compare``
nothing is run: studies that were run on their own, with options of their own, are compared as they lie there.
"""

from dataclasses import dataclass, fields

from spikemeta.errors import UserError, suggest
from spikemeta.runs.study import Study, option

#: Studies that train under both engines, and the number of each that is compared.
HEADLINES = {
    "forgetting": "final_accuracy",
    "serial_position": "final_accuracy",
    "poisoning": "retained",
    "uncertainty": "auroc_epistemic",
}

#: Rules at the quick size: all rules in four studies under two engines would take a quarter of an hour.
QUICK = "sgd,laplace,mesu"


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    studies: str = option(",".join(HEADLINES), "Studies to compare, separated by commas.", decides=False)
    rules: str = option(
        "", f"Rules for each study, separated by commas. Default: {QUICK}; with --scale full each study's own.", decides=False
    )
    dataset: str = option("digits", "Images to learn: digits (comes along), mnist or fashion.")
    scale: str = option("quick", "quick (a part of the data, to look around) or full (all of it).", choices=("quick", "full"))
    hidden: int | None = option(None, "Hidden neurons. Default: each study's own.", low=1)
    passes: int | None = option(None, "Passes of each study that has several. Default: each study's own.", low=1)
    seeds: int = option(2, "Number of seeds, 0 to N-1.", low=1, decides=False)
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/engines-DATASET.", decides=False)
    resume: bool = option(False, "Keep what the output folder holds.", decides=False)
    compare: bool = option(False, "Run nothing; compare what lies in STUDY-ENGINE of the output folder.", decides=False)


def known(names, have):
    """Refuse studies that cannot be compared.

    Raises
    ------
    UserError
        With every unknown name.
    """
    problems = [suggest("study of both engines", name, have) for name in names if name not in have]
    if problems or not names:
        raise UserError("\n".join(problems) or f"--studies names no study: choose of {', '.join(have)}")


def finished(folder, study, engine, options):
    """The summary of a study that was run before.

    Parameters
    ----------
    folder : Path
    study, engine : str
    options : object
        With ``dataset`` and ``scale``.

    Returns
    -------
    dict

    Raises
    ------
    UserError
        If it is missing, or holds another study, or one run on another engine or other images.
    """
    from spikemeta.system.files import read_json

    found = read_json(folder / "summary.json")
    wanted = {"study": study, "engine": engine, "dataset": options.dataset, "scale": options.scale}
    other = [f"{name} {found.get(name)} there, {value} here" for name, value in wanted.items() if found.get(name) != value]
    if other:
        raise UserError(f"{folder} cannot be compared: {', '.join(other)}")
    return found


def table(rows, agreement):
    """A printed table, a line per row."""
    from rich.table import Table

    from spikemeta.analysis import statistics
    from spikemeta.analysis.engines import ENGINES
    from spikemeta.runs.display import percent

    ranks = {s: "-" if a["rank_correlation"] is None else f"{a['rank_correlation']:.2f}" for s, a in agreement.items()}
    made = Table(title="Both engines", caption="rank correlations: " + ", ".join(f"{s} {r}" for s, r in ranks.items()))
    for name in ("study", "rule", "event-driven\n%", "surrogate\ngradients %"):
        made.add_column(name, justify="right" if "%" in name else "left", overflow="fold")
    for row in rows:
        seen = [statistics.summarise([v for v in row["metrics"][e]["values"] if v is not None]) for e in ENGINES]
        made.add_row(row["study"], row["rule"], *map(percent, seen))
    return made


def run(options, console):
    """Run the studies under both engines and compare."""
    from spikemeta.analysis import engines
    from spikemeta.figures import engines as figures
    from spikemeta.figures import style
    from spikemeta.language import registry
    from spikemeta.runs import display, pool, provenance
    from spikemeta.system import files

    names = [name.strip() for name in options.studies.split(",") if name.strip()]
    known(names, HEADLINES)
    store, record = provenance.begin("engines", options, pool.dataset(options.dataset))
    given = {n: getattr(options, n) for n in ("rules", "dataset", "scale", "hidden", "passes", "seeds", "workers")}
    given["rules"] = options.rules or (QUICK if options.scale == "quick" else "")
    rows, code = [], 0
    for name in names:
        module, found = registry.load("studies", name), {}
        has = {f.name for f in fields(module.options)}
        for engine in ("brian2", "torch"):
            folder = store.folder / f"{name}-{engine}"
            if options.compare:
                found[engine] = finished(folder, name, engine, options)
                continue
            own = {n: v for n, v in given.items() if n in has and v not in ("", None)}
            own |= {"engine": engine, "out": str(folder), "resume": options.resume and folder.exists()}
            console.rule(f"{name}, {engine}")
            code = max(code, module.run(module.options(**own), console))
            found[engine] = files.read_json(folder / "summary.json")
        rows += engines.pairs(name, HEADLINES[name], found)
    agreement = engines.agreement(rows)
    seeds = sorted({len(row["metrics"][engine]["values"]) for row in rows for engine in engines.ENGINES})
    head = {"engine": "both", "dataset": options.dataset, "scale": options.scale, "seeds": seeds[-1] if seeds else 0}
    head["fewest_seeds"] = seeds[0] if seeds else 0
    store.write_summary(head | {"rows": rows, "agreement": agreement})
    record.finish()
    drawn = style.save(figures.engines(rows, agreement, head), store.folder / "figures", "engines")
    console.print(table(rows, agreement))
    return max(code, display.end(console, store, drawn))


study = Study(
    "engines",
    "Event-driven and gradient-trained synapses side by side.",
    Options,
    run,
    quick=143,
    compiling=19,
    vectors="AVX-512",
)
