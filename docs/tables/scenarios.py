"""Rules beside references: all tasks at once, and stored images that are shown again."""

from spikemeta.figures.tasks.buffers import NEAR, buffers_of
from tables.cells import markdown, share, told
from tables.recorded import summary


def scenario(name):
    """A Markdown table of a recorded run: accuracies in %, stored images, and what images and state take, in kB.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.

    Returns
    -------
    str
        The best first. What all tasks at once have just learned and forgotten means nothing, and is left out.
    """
    body = []
    for row in sorted(summary(name)["rows"], key=lambda r: -r["metrics"]["final_accuracy"]["mean"]):
        metrics = row["metrics"]
        along = (
            ["", ""]
            if row["rule"].startswith("joint (")
            else [share(metrics[m]) for m in ("just_learned_accuracy", "forgetting")]
        )
        stored = round(metrics["stored_images"]["mean"]) if "stored_images" in metrics else 0
        size = f"{metrics['footprint']['mean'] / 1000:,.0f}" if "footprint" in metrics else ""
        body.append([row["rule"], told(row), share(metrics["final_accuracy"]), *along, str(stored or ""), size])
    head = ["rule", "told of boundaries", "final accuracy (%)", "just learned (%)", "forgetting (%)"]
    return markdown([*head, "stored images", "state and images (kB)"], body)


def buffers(name):
    """A Markdown table of a recorded run: final accuracy in % by rule and number of stored images, beside all tasks at once.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.

    Returns
    -------
    str
        The last column is the smallest number of images whose mean is within `NEAR` points of that of all tasks at once, where
        the same holds for all larger numbers that were tried.
    """
    final = {row["rule"]: row["metrics"]["final_accuracy"] for row in summary(name)["rows"]}
    stored, joint = buffers_of(final)
    sizes = sorted({size for rows in stored.values() for size in rows})
    body = []
    for rule, rows in stored.items():
        near = {size: final[label]["mean"] >= final[joint]["mean"] - NEAR / 100 for size, label in rows.items()}
        enough = [size for size in rows if all(near[other] for other in rows if other >= size)]
        body.append([rule, *(share(final.get(rows.get(size))) for size in sizes), str(min(enough)) if enough else "none"])
    head = [
        "stored images",
        *(str(size) if size else "none" for size in sizes),
        f"within {NEAR} points of {share(final[joint])}",
    ]
    return markdown(head, body)
