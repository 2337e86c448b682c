"""Rules side by side: a recorded comparison, a search, the papers' settings, memory windows."""

from spikemeta.analysis.statistics import summarise
from tables import cells
from tables.cells import heading, markdown, scaled, share, test
from tables.recorded import searches, summary


def rules(name, *metrics, told=True):
    """A Markdown table of a recorded run: a row per rule, mean ± standard deviation over seeds, in % where it is no count.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.
    *metrics : str
    told : bool
        Whether a column says which rules were told of task boundaries.

    Returns
    -------
    str
    """
    rows = sorted((r for r in summary(name)["rows"] if r["metrics"]), key=lambda r: -r["metrics"]["final_accuracy"]["mean"])
    head = ["rule", *(["told of boundaries"] if told else []), *map(heading, metrics)]
    body = []
    for row in rows:
        own = [cells.told(row)] if told else []
        body.append([row["rule"], *own, *(scaled(row["metrics"], m) for m in metrics)])
    return markdown(head, body)


def search(name):
    """A Markdown table of a recorded search: a row per setting, the best first, mean ± standard deviation over seeds."""
    settings = {}
    for row in searches()[name]:
        settings.setdefault(f"{row['rule']} {row['constants']}", []).append(row["metrics"])
    metrics = list(next(iter(settings.values()))[0])
    found = {}
    for setting, seeds in settings.items():
        columns = {m: summarise([own[m] for own in seeds]) for m in metrics}
        found[setting] = {m: {"mean": s.mean, "std": s.std if s.n > 1 else None} for m, s in columns.items()}
    order = sorted(found, key=lambda setting: -found[setting]["final_accuracy"]["mean"])
    body = [[setting, *(scaled(found[setting], m) for m in metrics)] for setting in order]
    return markdown(["rule", *map(heading, metrics)], body)


def compared(name, metric="final_accuracy"):
    """A Markdown table of a recorded comparison of studies: a metric of each rule under each, and tests against the first.

    Parameters
    ----------
    name : str
        ``STUDY/NAME``.
    metric : str

    Returns
    -------
    str
        By the mean of the first study, the best first.
    """
    found = {}
    for row in summary(name)["rows"]:
        found.setdefault(row["rule"], []).append(row)
    (by,) = next(iter(found.values()))[0]["grid"]
    names = [row["grid"][by] for row in next(iter(found.values()))]
    body = []
    for rule, rows in sorted(found.items(), key=lambda item: -item[1][0]["metrics"][metric]["mean"]):
        cells = [scaled(row["metrics"], metric) for row in rows]
        body.append([rule, *cells, *(test(row["tests"].get(metric)) for row in rows[1:])])
    head = [f"{name}: {heading(metric)}" for name in names]
    return markdown(["rule", *head, *(f"{name} less {names[0]} (p)" for name in names[1:])], body)


def published(name):
    """A Markdown table of a recorded run of the study ``published``: the papers' accuracies and ours, in %."""
    body = []
    for row in summary(name)["rows"]:
        theirs = row["published"]
        if not isinstance(theirs, str):
            theirs = f"{theirs[0]:.2f}" + (f" ± {theirs[1]:.2f}" if theirs[1] else "")
        ours = [share(row["metrics"][metric]) for metric in ("accuracy", "just_learned_accuracy")]
        body.append([row["rule"], str(row["tasks"]), theirs, *ours, str(len(row["seeds"])), row["source"]])
    return markdown(["setting", "tasks", "published (%)", "ours (%)", "just learned (%)", "seeds", "source"], body)


def triangle(name):
    """A Markdown table of a stream of ``published``: accuracy on each task after each, mean and spread over seeds, in %."""
    (row,) = summary(name)["rows"]
    found = row["metrics"]["triangle"]
    body = []
    for k, (means, spreads) in enumerate(zip(found["mean"], found["std"], strict=True)):
        cells = [share({"mean": mean, "std": std}) for mean, std in zip(means, spreads, strict=True)]
        body.append([f"after {k + 1}", *cells, *[""] * (len(found["mean"]) - len(cells))])
    return markdown(["", *(f"task {k + 1} (%)" for k in range(len(body)))], body)


def windows(name):
    """A Markdown table of ``memory_window``, in %: accuracies, the slope of just-learned ones, tests against the longest."""
    columns = {
        "recent_accuracy": ("last five (%)", 100),
        "final_accuracy": ("all (%)", 100),
        "just_learned_accuracy": ("just learned (%)", 100),
        "rigidity_slope": ("slope (% in ten tasks)", 1000),
    }
    body = []
    for row in summary(name)["rows"]:
        cells = [share(row["metrics"].get(metric), scale) for metric, (_, scale) in columns.items()]
        found = row.get("tests", {}).get("against", {})
        slope = found.get("rigidity_slope") or {"p": None}
        cells += [test(found.get("final_accuracy")), "" if slope["p"] is None else f"{slope['p']:.1g}"]
        body.append([row["rule"], *cells])
    return markdown(
        ["rule", *(text for text, _ in columns.values()), "all, less the longest window (p)", "slope, same: p"], body
    )
