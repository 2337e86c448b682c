"""What weights lose when they are carried from one network to the other: surrogate gradients to spikes, and back.

    spikemeta run carry
    spikemeta run carry --dataset mnist --scale full --seeds 3

A network is trained by the rule on all classes at once, then tested as it is, and in the other networks with the same
weights and no learning, each with input spikes of its own. Written to the output folder: ``summary.json``, ``results.nc`` and
``provenance.json``.
"""

import dataclasses
import time
from dataclasses import dataclass

from spikemeta.runs.study import Study, option

#: Where a network is tested: its name, its engine and the network's parameters.
PLACES = {
    "torch, 4 ms": ("feedforward", "torch", {"step": 4.0}),
    "torch, 1 ms": ("feedforward", "torch", {"step": 1.0}),
    "brian2": ("feedforward", "brian2", {}),
}
TRAINED = ("torch, 4 ms", "brian2")


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    rule: str = option("sgd", "The rule that trains.")
    dataset: str = option("digits", "Images to learn: digits (comes along), mnist or fashion.")
    scale: str = option("quick", "quick (a part of the data) or full (all of it, once).", choices=("quick", "full"))
    seeds: int = option(3, "Number of seeds, 0 to N-1.", low=1, decides=False)
    hidden: int | None = option(None, "Hidden neurons. Default: 100 (quick), 200 (full).", low=1)
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/carry-DATASET.", decides=False)
    resume: bool = option(False, "Keep the finished runs of the output folder.", decides=False)


@dataclass(frozen=True)
class Point:
    """One training, under one seed."""

    label: str
    seed: int
    rule: str
    curriculum: dict
    hidden: int
    fingerprint: str


def execute(point, progress):
    """Train in one network and test in all; ``accuracy`` (places,), fraction."""
    import numpy as np

    from spikemeta.analysis.rows import FinishedRun
    from spikemeta.language import registry
    from spikemeta.runs import pool
    from spikemeta.simulation import simulation

    curriculum, rule = pool.curriculum_of(point), registry.get_rule(point.rule)
    began, found, weights = time.perf_counter(), {}, None
    only_tests = dataclasses.replace(curriculum, phases=tuple(p for p in curriculum.phases if p.kind == "test"))
    for place in sorted(PLACES, key=lambda place: place != point.label):  # first where it is trained
        network, engine, parameters = PLACES[place]
        made = simulation.Simulation(rule, network, point.hidden, engine=engine, network_parameters=parameters)
        shown = curriculum if weights is None else only_tests
        run = made.run(shown, seed=point.seed, weights=weights, progress=progress if weights is None else None)
        weights = run.weights if weights is None else weights
        found[place] = run.phases[-1].accuracy
    accuracy = np.array([found[place] for place in PLACES])
    arrays = {"accuracy": accuracy, "accuracy_matrix": np.array([[found[point.label]]])}
    info = {"rule": point.rule, "seconds": time.perf_counter() - began}
    return FinishedRun(point.label, point.seed, point.fingerprint, arrays, info)


def run(options, console):
    """Train, carry the weights, and compare."""
    import xarray
    from rich.table import Table

    from spikemeta.analysis import statistics
    from spikemeta.data import datasets
    from spikemeta.language import registry
    from spikemeta.runs import display, experiment, pool, provenance, study

    rule, data = registry.get_rule(options.rule), pool.dataset(options.dataset)
    store, record = provenance.begin("carry", options, data, [rule])
    some = {"limit": 1500, "test_limit": 300} if options.scale == "quick" else {}
    hidden = options.hidden or (100 if options.scale == "quick" else 200)
    points, totals = [], {}
    for seed in range(options.seeds):
        for label in TRAINED:
            curriculum = {"name": "joint", "dataset": options.dataset} | some
            network, engine, own = PLACES[label]
            simulation = {"network": network, "feedback": "tied", "engine": engine, "parameters": None}
            probe = pool.Point(
                label, options.rule, seed, curriculum, simulation | {"network_parameters": own, "n_hidden": hidden}
            )
            points.append(Point(label, seed, options.rule, curriculum, hidden, pool.fingerprint(rule, probe)))
            totals[label, seed] = sum(len(phase.indices) for phase in pool.curriculum_of(probe).phases)
    runs, failures = experiment.run_missing(store, points, totals, console, study.n_workers(options), execute)
    rows, cells = [], []
    table = Table(
        title=f"Weights carried: {datasets.label(options.dataset)} ({options.scale}), {rule.title}", caption="test images, %"
    )
    for head in ("trained in", *PLACES):
        table.add_column(head, justify="right" if head in PLACES else "left")
    for label in TRAINED:
        own = [runs[label, seed].arrays["accuracy"] for seed in range(options.seeds) if (label, seed) in runs]
        cells.append(
            [runs[label, s].arrays["accuracy"] if (label, s) in runs else [float("nan")] * 3 for s in range(options.seeds)]
        )
        values = {place: [float(a[k]) for a in own] for k, place in enumerate(PLACES)}
        summaries = {place: statistics.summarise(found) for place, found in values.items()}
        found = {p: {"mean": s.mean, "std": s.std, "values": values[p]} for p, s in summaries.items()}
        rows.append({"rule": label, "hardware": None, "metrics": found})
        table.add_row(label, *[display.percent(s) for s in summaries.values()])
    coordinates = {"trained": list(TRAINED), "seed": list(range(options.seeds)), "tested": list(PLACES)}
    store.write_results(xarray.Dataset({"accuracy": (("trained", "seed", "tested"), cells)}, coordinates))
    head = {"engine": "both", "dataset": options.dataset, "scale": options.scale, "seeds": options.seeds}
    store.write_summary(head | {"rows": rows, "failures": failures})
    record.finish(runs, failures)
    console.print(table)
    return display.end(console, store, [], failures)


study = Study("carry", "What weights lose when they are carried from one network to the other.", Options, run, quick=52)
