"""What a presentation costs under each rule, side by side: ours, by hand, and in other simulators."""

import contextlib
import time

from spikemeta.benchmarks import handwritten_brian, peers, speed


def rows_of(rules, work, n_hidden, repeats, say, quick=False):
    """A row for each rule, as in ``summary.json``.

    Parameters
    ----------
    rules : list of Rule
    work : Work
    n_hidden, repeats : int
    say : callable
        Told what is under way.
    quick : bool
        Only the kinds of program in `speed.QUICK`.

    Returns
    -------
    list of dict
        Metrics: ``ms_per_presentation`` of ours, ``ratio_to_brian2`` and ``ratio_to_floor``; the same of ``float32``;
        ``ms_...`` of the others, ``surrogate`` being ours by the exact gradient in place of local errors, and
        ``surrogate_to_ours`` its ratio; ``ms_phase``, of a phase of one presentation, with the reading of its data. Mean
        stands for the median, low and high for quartiles over turns.
    """
    rows, counts = [], {kind: count for kind, count in speed.COUNTS.items() if not quick or kind in speed.QUICK}
    for rule in rules:
        say(f"{rule.title}: compiling and timing")
        with contextlib.ExitStack() as stack:
            programs = speed.open_programs(stack, [rule], work, n_hidden, counts)
            found = speed.in_turns(programs, {key: counts[key[0]] for key in programs}, repeats)
            phases = [1e3 * speed.spent(programs["ours", rule.title], 1) for _ in range(repeats)]
        ms = {kind: values for (kind, _), values in found.items()}
        metrics = {speed.METRICS[kind]: speed.quartiles(values) for kind, values in ms.items()}
        metrics["ms_phase"] = speed.quartiles(phases)
        for kind, name in (("ours", ""), ("ours, float32", "float32_")):
            for other in ("brian2", "floor"):
                if kind in ms and other in ms:
                    metrics[f"{name}ratio_to_{other}"] = speed.quartiles(ms[kind] / ms[other])
        if "surrogate" in ms:
            metrics["surrogate_to_ours"] = speed.quartiles(ms["surrogate"] / ms["ours"])
        baseline = "by hand" if handwritten_brian.written(rule) else "the rule's text, as Brian2 translates it"
        rows.append({"rule": rule.title, "hardware": None, "baseline": baseline, "metrics": metrics})
    return rows


def peer_rows(work, n_hidden, repeats, say, measured=()):
    """A row for each other simulator that is installed.

    One that trains on one image at a time has ``surrogate_to_it``: the cost of ours in the rows ``measured``, by the exact
    gradient under sgd, over its cost.
    """
    sizes, rows = (work.images.shape[1], n_hidden, work.dataset.n_classes), []
    exact = [
        row["metrics"]["ms_surrogate"]["mean"] for row in measured if row["rule"] == "sgd" and "ms_surrogate" in row["metrics"]
    ]
    here = peers.available()
    missing = sorted({module for name, module in peers.NEEDS.items() if name not in here})
    if missing:
        say(f"not installed, and left out: {', '.join(missing)} (pip install 'spikemeta[peers]')")
    for name in here:
        say(name)
        try:
            run = peers.make(name, sizes, work.images[:256], work.labels[:256], work.rate)
            count, step = peers.COUNTS.get(name, (20, 1))
            ms = speed.in_turns({name: run}, {name: count}, repeats, clock=time.process_time, step=step)[name]
        except Exception as error:  # another project's version may not fit: its failure must not lose ours
            say(f"{name} failed, and is left out: {type(error).__name__}: {error}")
            continue
        metrics = {"ms_per_presentation": speed.quartiles(ms)}
        metrics |= {"surrogate_to_it": speed.quartiles(exact[0] / ms)} if exact and name.endswith("batch 1") else {}
        rows.append({"rule": name, "hardware": None, "peer": True, "metrics": metrics})
    return rows
