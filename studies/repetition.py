"""What repeating a sequence does to its items: the Hebb repetition effect.

    spikemeta run repetition
    spikemeta run repetition --rules conventional,hybrid,hebb_repetition --dataset mnist --scale full --passes 9 --seeds 5

The sequence of `serial_position` is shown again and again, each time the same images in a new order; all items are
tested after each pass. Under the second condition the first three in ten items are a list that comes back
among fillers, as in experiments with people (Hebb 1961): does it gain on the fillers, which are shown rarely?

With ``--spacing`` the hidden list is compared with the same list massed: its repetitions in a row, where they are spaced by
fillers otherwise. The presentations are the same, and what follows the last repetition is, too. ``spacing_effect`` is recall of
the list when spaced minus when massed.

    spikemeta run repetition --spacing --rules conventional,hybrid,hebb_repetition,benna_fusi

Tests, one value per seed: recall after the last pass minus recall after the first, the same of the worst item, and
recall of the hidden list minus that of the fillers at the end, each above zero (one-sided t-test, paired within seeds).
"""

from dataclasses import dataclass

from spikemeta.runs.item_study import ItemOptions
from spikemeta.runs.study import Study, option

SHOWN = (1, 3, 6, 9)  # passes in the figure of recall by position
ORDERED, HIDDEN = "in order", "hidden list"
SPACED, MASSED = "spaced", "massed"


@dataclass(frozen=True)
class Options(ItemOptions):
    """Options of this study."""

    passes: int = option(6, "Times that the sequence of items is shown; published: 9.", low=2)
    spacing: bool = option(False, "Repetitions of a list spaced by fillers, against the same in a row.")


def run(options, console):
    """Show the sequence again and again under every rule and seed."""
    from spikemeta.analysis import items, recall
    from spikemeta.figures import items as figures
    from spikemeta.runs import item_study

    conditions = {ORDERED: {"schedule": "passes"}, HIDDEN: {"schedule": "hidden"}}
    positive = ("repetition_gain", "minimum_gain", "hidden_advantage")
    analysis = items.Analysis(recall.of_repetition, positive=positive)
    more = {"hidden_advantage": "over\nfillers\n%"}
    if options.spacing:
        conditions = {SPACED: {"schedule": "hidden"}, MASSED: {"schedule": "massed"}}
        analysis = items.SpacingAnalysis(recall.of_repetition, positive=positive[-1:], spaced=SPACED, massed=MASSED)
        more = {"repeated_recall": "of the\nlist\n%", "spacing_effect": "spaced\n- massed\n%"}
    passes = [number for number in SHOWN if number <= options.passes]
    return item_study.run(
        "repetition",
        options,
        item_study.entries_of(options, conditions),
        analysis,
        {
            "final_accuracy": "recall\n%",
            "minimum_recall": "worst\n%",
            "memorized_items": "memorized\nitems",
            "repetition_gain": "gain\n%",
        }
        | more,
        {
            "by_position": lambda results: figures.repetition(results, next(iter(conditions)), passes),
            "recall": lambda results: figures.over_passes(
                results, "recall_after_pass", "Recall of the repeated items, mean", "mean recall (%)"
            ),
            "worst_item": lambda results: figures.over_passes(
                results, "minimum_after_pass", "Recall of the repeated items, the worst", "lowest recall (%)"
            ),
        },
        console,
    )


study = Study("repetition", "What repeating a sequence does to its items (Hebb repetition).", Options, run, quick=281)
