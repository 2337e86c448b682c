"""Rules beside references: all tasks at once, and stored images that are shown again."""

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
