"""What wrong labels do to what was learned, and what it costs to be safe from them.

    spikemeta run poisoning
    spikemeta run poisoning --rules conventional,hybrid --dataset mnist --scale full --passes 9 --seeds 5

Three attacks. Deranged: after 1, 3 or 9 clean passes of the sequence, one pass in which each item carries the label of
another, with no fixed point (the published permutation has one on average, an item that is taught rightly). Mixed: one
pass in which 0 to 50 % of each item's target images carry wrong labels (quick: 0, 20 and 40 %). Targeted: after three
passes (fewer if ``--passes`` says so), one more presentation of one item under the label of another. All are scored by true
labels. The rows "not attacked" are shown one clean pass more instead: they say what a rule costs that is safe because it learns
little. Rows "0% wrong" have a ``breaking_fraction`` in ``summary.json``: of wrong labels, that at which recall has fallen to
half of what it is without any.

Tests, one value per seed: paired with the first rule, two-sided.
"""

from dataclasses import dataclass

from spikemeta.runs.item_study import ItemOptions
from spikemeta.runs.study import Study, option

CLEAN = (1, 3, 9)  # passes before the attack
FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
MIXED = {fraction: f"{fraction:.0%} wrong" for fraction in FRACTIONS}


@dataclass(frozen=True)
class Options(ItemOptions):
    """Options of this study."""

    passes: int = option(1, "Most clean passes before the attack: 1, 3 and 9 are tried up to this number.", low=1)


def run(options, console):
    """Attack every rule under every seed."""
    from spikemeta.analysis import items, recall
    from spikemeta.figures import items as figures
    from spikemeta.runs import item_study

    mixed = MIXED if options.scale == "full" else {fraction: MIXED[fraction] for fraction in FRACTIONS[::2]}
    clean = [number for number in CLEAN if number <= options.passes]
    some = min(3, options.passes)
    targeted = f"{some} clean, targeted"
    deranged = {number: f"{number} clean, deranged" for number in clean}
    conditions = {"not attacked": {"passes": clean[-1] + 1}}
    conditions |= {name: {"passes": number, "attack": "deranged"} for number, name in deranged.items()}
    conditions |= {targeted: {"passes": some, "attack": "targeted"}}
    conditions |= {name: {"passes": 1, "wrong": fraction} for fraction, name in mixed.items()}
    return item_study.run(
        "poisoning",
        options,
        item_study.entries_of(options, conditions),
        items.AttackAnalysis(
            recall.of_attack,
            mixed=mixed,
            compared=("final_accuracy", "accuracy_after_attack", "retained", "items_after_attack", "attack_success"),
        ),
        {
            "accuracy_before_attack": "before\n%",
            "final_accuracy": "at end\n%",
            "items_after_attack": "items\nkept",
            "attack_success": "attack\n%",
        },
        {
            "deranged": lambda results: figures.before_and_after(
                results,
                {
                    "accuracy_before_attack": "recall before",
                    "accuracy_after_attack": "recall after",
                    "attack_success": "answered as attacked",
                },
                "A pass of deranged labels",
                deranged,
            ),
            "mixed": lambda results: figures.wrong_labels(results, mixed),
            "targeted": lambda results: figures.bars(
                results,
                "attack_success",
                f"One item taught as another, after {some} clean",
                "test images of that item answered as attacked (%)",
                names=list(figures.by_condition(results)[targeted].values()),
            ),
        },
        console,
    )


study = Study(
    "poisoning", "What wrong labels do to what was learned, and what safety costs.", Options, run, quick=165, compiling=59
)
