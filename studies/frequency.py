"""Whether items that were shown often, or lately, are remembered best.

    spikemeta run frequency
    spikemeta run frequency --rules conventional,hybrid --dataset mnist --scale full --seeds 10

Item k of n is shown k times (ten items: 55 presentations), in an order in which frequent items do not tend to come
late. A seed decides the order, the images and a new network (the published script goes on with the network of the
profile before).

Tests, one value per seed: Spearman's correlation over items of final recall with frequency, and with the rank of the
last showing, each above zero (one-sided t-test over seeds).
"""

from dataclasses import dataclass

from spikemeta.runs.item_study import ItemOptions
from spikemeta.runs.study import Study


@dataclass(frozen=True)
class Options(ItemOptions):
    """Options of this study."""


def run(options, console):
    """Show the items under every rule and seed."""
    from spikemeta.analysis import items, recall
    from spikemeta.figures import items as figures
    from spikemeta.runs import item_study

    item_study.at_most(options, passes=1)
    return item_study.run(
        "frequency",
        options,
        item_study.entries_of(options, common={"schedule": "frequency", "tests": "end"}),
        items.Analysis(recall.of_frequency, positive=("frequency_correlation", "recency_correlation")),
        {
            "final_accuracy": "recall\n%",
            "memorized_items": "memorized\nitems",
            "frequency_correlation": "frequency\ncorrelation",
            "recency_correlation": "recency\ncorrelation",
        },
        {"frequency": figures.frequency},
        console,
    )


study = Study(
    "frequency",
    "Whether items that were shown often, or lately, are remembered best.",
    Options,
    run,
    quick=72,
    compiling=49,
    vectors="AVX-512",
)
