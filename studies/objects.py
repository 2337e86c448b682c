"""Objects that come pair after pair: clothes, animals or photographs, in either scenario, or families over domains.

    spikemeta run objects --dataset fashion --scenario class
    spikemeta run objects --dataset animals --families --scale full --seeds 5
    spikemeta run objects --dataset cifar10 --engine torch --scale full --seeds 5

Beside the rules stand what a rule without any forgetting could reach (all tasks at once) and what stored images, shown
again between new ones, repair. With ``--families`` the animals are told apart by family, carnivores (bear, cat, dog)
from hoofed ones (cow, horse, sheep), in three domains of one species of each; all domains are tested after each. In kind
this is what Bonnet et al. 2025 did with features of a trained network and 20 species in five families: not the same data.
"""

from dataclasses import dataclass

from spikemeta.errors import UserError
from spikemeta.runs.study import Study, TaskOptions, option

#: A species of each family in every domain.
FAMILIES = (("bear", "cow"), ("cat", "horse"), ("dog", "sheep"))
#: Bonnet et al. 2025, Nat. Commun. 16, 9614, fig. 2: mean of the authors' stored runs 0 to 9, and their deviation; %.
PUBLISHED = (
    "published in kind, four domains of five families, by features of a trained network: MESU 91.8 ± 1.4 %, SGD 76.6 ± 5.6 %"
)


@dataclass(frozen=True)
class Options(TaskOptions):
    """Options of this study."""

    dataset: str = option("fashion", "Images to learn: one of 'spikemeta list datasets', or the path of your own.")
    references: str = option("joint,replay=200", TaskOptions.__dataclass_fields__["references"].metadata["help"], decides=False)
    families: bool = option(False, "Of animals: two families over three domains, in place of pairs of classes.")
    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)


def groups_of(options):
    """The classes of every task with ``--families``, by number; else None.

    Raises
    ------
    UserError
        Where the data know no such species, or the tasks are no pairs that share their answers.
    """
    if not options.families:
        return None
    from spikemeta.runs import pool

    names = pool.dataset(options.dataset).class_names
    problems = []
    if not {name for pair in FAMILIES for name in pair} <= set(names):
        problems.append(f"--families are those of --dataset animals; {options.dataset} has no such classes")
    if options.task != "split" or options.scenario != "domain":
        problems.append("--families are domains that share two answers: leave --task and --scenario as they are")
    if problems:
        raise UserError("\n".join(problems))
    return tuple(tuple(names.index(name) for name in pair) for pair in FAMILIES)


def run(options, console):
    """Train and compare the rules and the references."""
    from dataclasses import replace

    from spikemeta.figures import style
    from spikemeta.language import registry
    from spikemeta.runs import display, experiment, references

    if options.task == "items":
        raise UserError("objects come in tasks, not in --task items: see the studies of items")
    groups, entries = groups_of(options), references.entries_of(options)
    if groups:
        entries = [replace(entry, curriculum=entry.curriculum | {"groups": groups}) for entry in entries]
    outcome, store = experiment.run("objects", options, entries, console)
    made = {name: registry.load("figures", name)(outcome.results) for name in registry.names("figures")}
    drawn = style.save_all(made, store.folder / "figures")
    what = "families over domains" if groups else style.describe(outcome.results)
    caption = f"test images, seeds: {options.seeds}, mean ± sd; chance {outcome.results.chance:.0%}"
    console.print(display.table_of(outcome.rows, title=f"Objects: {what}", caption=caption))
    for line in [*references.describe(outcome.rows), *[PUBLISHED] * bool(groups)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study(
    "objects",
    "Objects that come pair after pair, in either scenario, beside all at once and replay.",
    Options,
    run,
    quick=119,
    compiling=30,
    vectors="AVX-512",
)
