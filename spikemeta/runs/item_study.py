"""What the studies of items share: their options, the curriculum these stand for, and the way from rows to files."""

from dataclasses import dataclass, replace

from spikemeta.analysis.rows import SEPARATOR
from spikemeta.errors import UserError
from spikemeta.runs.study import SimulationOptions, option

POPULATIONS = ("conventional", "stable", "hybrid", "biased_flexible", "biased_stable")


@dataclass(frozen=True)
class ItemOptions(SimulationOptions):
    """Options shared by the studies of items."""

    rules: str = option(
        "",
        "Rules, variants or files of your own, separated by commas; the others are compared with the first. "
        "Default: the populations of flexibilities, then every other rule.",
        decides=False,
    )
    dataset: str = option("digits", "Images to learn: one of 'spikemeta list datasets', or the path of your own.")
    task: str = option("items", "What is learned: items, one class each.", choices=("items",))
    hidden: int | None = option(None, "Hidden neurons. Default: 100 (quick), 500 (full).", low=1)
    passes: int = option(1, "Times that the sequence of items is shown.", low=1)
    tasks: int | None = option(None, "Number of items. Default: 10, but 6 with quick.", low=3)
    out: str = option("", "Output folder. Default: results/STUDY-DATASET-items.", decides=False)


def entries_of(options, conditions=None, common=None):
    """A row for each rule, or for each rule and condition.

    Parameters
    ----------
    options : ItemOptions
    conditions : dict of str to dict or None
        Arguments of the curriculum by what they mean.
    common : dict or None
        Arguments of the curriculum that all rows share.

    Returns
    -------
    list of spikemeta.runs.planning.Entry
        Conditions outermost.
    """
    from spikemeta.language import registry
    from spikemeta.runs import planning

    if not options.rules:
        others = [name for name in registry.names("rules") if name != "stable_flexible"]
        options = replace(options, rules=",".join([*POPULATIONS, *others]))
    rows = [replace(row, curriculum=common or {}) for row in planning.entries_of(options)]
    if conditions is None:
        return rows
    return [
        replace(row, label=f"{row.label}{SEPARATOR}{condition}", curriculum=row.curriculum | more, condition=condition)
        for condition, more in conditions.items()
        for row in rows
    ]


def run(name, options, entries, analysis, columns, drawings, console):
    """Run a study of items: simulate, write every file, print the table and the paths.

    Parameters
    ----------
    name : str
    options : ItemOptions
    entries : list of spikemeta.runs.planning.Entry
    analysis : spikemeta.analysis.items.Analysis
    columns : dict of str to str
        Metrics in the printed table, and the head of each column. A head that ends in "%" shows per cent.
    drawings : dict of str to callable
        Figures by the names of their files, each made from the results.
    console : rich.console.Console

    Returns
    -------
    int
        Exit code: 2 if a simulation failed, else 0.

    Raises
    ------
    UserError
        For bad options, or an output folder that is not ours to write.
    """
    from spikemeta.figures import style
    from spikemeta.runs import display, experiment

    outcome, store = experiment.run(name, options, entries, console, analysis=analysis)
    drawn = style.save_all({file: make(outcome.results) for file, make in drawings.items()}, store.folder / "figures")
    console.print(
        display.table_of(
            outcome.rows,
            title=f"{name}: {style.describe(outcome.results)}",
            caption=f"test images, seeds: {options.seeds}, mean ± sd; chance {outcome.results.chance:.0%}",
            columns=columns,
        )
    )
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


def at_most(options, **limits):
    """Refuse options above what a study can do.

    Raises
    ------
    UserError
    """
    problems = [
        f"--{k} must be at most {most}, not {getattr(options, k)}" for k, most in limits.items() if getattr(options, k) > most
    ]
    if problems:
        raise UserError("\n".join(problems))
