"""The headlines of the front page: ours beside the published number, each from a recorded result."""

from tables.cells import markdown, share
from tables.recorded import summary

_SPIKING = "spiking (Zohora et al. 2024)"
_PERCEPTRON = "not spiking, ten epochs (Bonnet et al. 2025)"
_SAME = ("forgetting/200", "final_accuracy")
_CLOTHES = ("forgetting/fashion-binarized-found", "final_accuracy")
_STREAM = ("stream/mnist", "recent_accuracy")
_POISONED = ("poisoning/mnist", "retained")
_PUBLISHED = ("published/all", "accuracy")
#: What was asked; run and metric of the answer; its row; the published number.
_HEADLINES = (
    ("Split MNIST, domain-incremental, one pass, 200 hidden", _SAME, "hebb_repetition", f"83.7 ± 0.8, {_SPIKING}"),
    ("the same, a Bayesian synapse", _SAME, "laplace", f"83.7 ± 0.8, {_SPIKING}"),
    ("the same, plain gradient descent", _SAME, "sgd", f"57.9 ± 1.6, {_SPIKING}"),
    ("the same, slowed until it ends best", ("forgetting/sgd-slow", "final_accuracy"), "sgd", ""),
    (
        "the same, 500 neurons recruited by what is new, a quarter of the images",
        ("forgetting/recruiting", "final_accuracy"),
        "laplace",
        f"83.7 ± 0.8, 200 hidden, {_SPIKING}",
    ),
    (
        "the same network, class after class, no stored images",
        ("forgetting/recruiting-class", "final_accuracy"),
        "laplace",
        "",
    ),
    (
        "Split Fashion-MNIST, domain-incremental, one pass, 200 hidden",
        _CLOTHES,
        "binarized",
        f"93.2 ± 0.1, {_SPIKING}",
    ),
    (
        "Ten permuted tasks, all 60,000 images each, one pass, 500 hidden",
        ("forgetting/permuted-500-all", "final_accuracy"),
        "laplace",
        f"92.46 ± 0.58, {_PERCEPTRON}",
    ),
    ("All ten digits at once, one pass, 200 hidden, three seeds", ("forgetting/joint-tied", "final_accuracy"), "laplace", ""),
    ("200 permuted tasks, the last five, one seed", _STREAM, "laplace", "91.34, not spiking (Bonnet et al. 2025)"),
    (
        "A thousand permuted tasks, the last five, 100 hidden, one seed",
        ("stream/thousand", "recent_accuracy"),
        "laplace",
        "91.69 ± 0.58 (MESU), not spiking (Cottart et al. 2026)",
    ),
    (
        "Recall kept through a pass of wrong labels, stable and flexible synapses mixed",
        _POISONED,
        "hybrid: 9 clean, deranged",
        "all items held (Cho et al. 2025)",
    ),
    ("the same, synapses that all follow", _POISONED, "conventional: 9 clean, deranged", ""),
    ("Not spiking, as published: ten permuted tasks, one seed", _PUBLISHED, "mesu-10", "92.46 ± 0.58 (Bonnet et al. 2025)"),
    ("the same for Synaptic Intelligence", _PUBLISHED, "synaptic_intelligence", "96.94 (Zenke et al. 2017)"),
)
#: The page of a run whose study has none of its own.
_PAGES = {"stream": "speed", "forgetting/fashion": "scenarios", "forgetting/recruiting": "networks"}


def headlines(pages=""):
    """A Markdown table: setting, rule, ours, published, page.

    Parameters
    ----------
    pages : str
        Where the pages are, as seen from the table.

    Returns
    -------
    str
    """
    body = []
    for setting, (run, metric), name, theirs in _HEADLINES:
        (row,) = (r for r in summary(run)["rows"] if r["rule"] == name)
        page = next((page for start, page in _PAGES.items() if run.startswith(start)), run.partition("/")[0])
        ours = share(row["metrics"][metric])
        body.append([setting, f"`{name.partition(':')[0]}`", ours, theirs, f"[{page}]({pages}{page}.md)"])
    return markdown(["setting", "rule", "ours (%)", "published (%)", "page"], body)
