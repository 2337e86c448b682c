"""Which items of a sequence are remembered: the first, the last, or all of them.

    spikemeta run serial_position
    spikemeta run serial_position --rules conventional,stable,hybrid --dataset mnist --scale full --seeds 5

One class after another is learned, each once (`spikemeta.data.items`); after each, all are tested. As published, synapses
that all follow every step keep the last items, those that soon close keep the first, a mixture keeps both ends.
Written: recall by position, how many items are memorized after each, primacy and recency with their tests over seeds.

Tests, one value per seed: primacy (recency) is the mean recall of the first (last) two items minus that of the middle
ones, tested above zero (one-sided t-test, paired within seeds); the same two recalls are tested above chance. The p-values
are not corrected for the number of rules.
"""

from dataclasses import dataclass

from spikemeta.runs.item_study import ItemOptions
from spikemeta.runs.study import Study


@dataclass(frozen=True)
class Options(ItemOptions):
    """Options of this study."""


def run(options, console):
    """Teach the sequence under every rule and seed."""
    from spikemeta.analysis import items, recall
    from spikemeta.figures import items as figures
    from spikemeta.runs import item_study

    item_study.at_most(options, passes=1)
    return item_study.run(
        "serial_position",
        options,
        item_study.entries_of(options, common={"tests": "items"}),
        items.Analysis(recall.of_serial_position, positive=("primacy", "recency", "first_above_chance", "last_above_chance")),
        {
            "final_accuracy": "recall\n%",
            "memorized_items": "memorized\nitems",
            "primacy": "primacy\n%",
            "recency": "recency\n%",
        },
        {"serial_position": figures.serial_position, "items_kept": figures.items_kept},
        console,
    )


study = Study(
    "serial_position", "Which items of a sequence are remembered: the first, the last, or all.", Options, run, quick=129
)
