"""A long stream of permuted tasks, each seen once: what is kept of the last five, of all, and what can still be learned.

    spikemeta run stream
    spikemeta run stream --dataset mnist --scale full --tasks 200
    spikemeta run stream --dataset mnist --scale full --tasks 300 --resume       # more tasks on top of them

Every task shows all training images once with the pixels in an order of its own. After each task the last five are tested on a
part of the test images; at the end all tasks on that part, and the last five on all test images. The state after each task is
kept: a killed run goes on with ``--resume``, and a finished one becomes longer with a larger ``--tasks``. Only one task is held
in memory. Rules that have a memory window get one of five tasks, as published for mesu (Bonnet et al. 2025).

Spikes, synaptic operations and visits of plastic synapses are counted while tasks are learned, and priced for each chip that
has a published price; the network itself runs without the chip's limits.

Written to the output folder: ``summary.json``, ``provenance.json`` and a figure.
"""

from dataclasses import dataclass, replace

from spikemeta.runs.study import Study, first_seed, option

RULES = "sgd,laplace,mesu,synaptic_intelligence"
#: Tasks, training and test images of a task, hidden neurons.
QUICK, FULL = (8, 400, 100, 50), (200, None, 500, 200)


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    rules: str = option(RULES, "Rules, variants or files of your own, separated by commas.", decides=False)
    dataset: str = option("digits", "Images to learn: digits (comes along), mnist or fashion.")
    scale: str = option("quick", "quick (short tasks, few) or full (all images of each task).", choices=("quick", "full"))
    tasks: int | None = option(None, "Number of tasks. Default: 8 (quick), 200 (full).", low=1, decides=False)
    window: float = option(5.0, "Memory window of rules that have one, in tasks.", low=0.01)
    seeds: int = option(1, "Number of seeds, 0 to N-1: weights, permutations, order and noise.", low=1, decides=False)
    first_seed: int = first_seed()
    hidden: int | None = option(None, "Hidden neurons. Default: 50 (quick), 200 (full).", low=1)
    feedback: str = option("tied", "How errors reach the hidden layer.", choices=("tied", "random"))
    mode: str = option("standalone", "Brian2's mode.", choices=("standalone", "runtime"))
    dtype: str = option("float64", "Of the synapses' state.", choices=("float64", "float32"))
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/stream-DATASET.", decides=False)
    resume: bool = option(False, "Go on with what the output folder holds.", decides=False)


def points_of(options, folder):
    """A point for each rule and seed, and the training presentations of a task.

    Parameters
    ----------
    options : Options
    folder : Path
        Output folder.

    Returns
    -------
    list of (Point, Rule)
    int
    """
    from spikemeta.runs import pool, study
    from spikemeta.runs.results import slug

    tasks, limit, test_limit, hidden = FULL if options.scale == "full" else QUICK
    images = len(pool.dataset(options.dataset).train_labels)
    images = min(images, limit or images)
    made = []
    for seed in study.seeds_of(options):
        for spec, rule in study.resolve_rules(options.rules).items():
            curriculum = {"name": "permuted", "dataset": options.dataset, "n_tasks": options.tasks or tasks}
            curriculum |= {"limit": limit, "test_limit": test_limit}
            simulation = {
                "network": "feedforward",
                "n_hidden": options.hidden or hidden,
                "feedback": options.feedback,
                "engine": "brian2",
                "mode": options.mode,
                "parameters": {"window": options.window * images} if "window" in rule.parameters else None,
                "network_parameters": None,
            } | ({"dtype": options.dtype} if options.dtype != "float64" else {})
            state = folder / "streams" / slug(rule.title) / str(seed)
            point = pool.Point(rule.title, spec, seed, curriculum, simulation, str(state), options.resume)
            made.append((replace(point, fingerprint=pool.fingerprint(rule, point)), rule))
    return made, images


def run(options, console):
    """Run the stream under every rule and seed."""
    from spikemeta.analysis.stream import RECENT, energy_of, metrics_of
    from spikemeta.data import datasets
    from spikemeta.figures import stream as figures
    from spikemeta.figures import style
    from spikemeta.runs import display, experiment, pool, provenance, stream, study

    data = pool.dataset(options.dataset)
    store, record = provenance.begin("stream", options, data, study.resolve_rules(options.rules).values())
    found, images = points_of(options, store.folder)
    points = [point for point, _ in found]
    totals = {(p.label, p.seed): stream.total(p) for p in points}
    runs, failures = experiment.run_missing(store, points, totals, console, study.n_workers(options), stream.execute)
    rows = []
    seeds = study.seeds_of(options)
    for point, rule in found:
        if point.seed == seeds[0]:
            own = [runs[rule.title, seed] for seed in seeds if (rule.title, seed) in runs]
            head = {"rule": rule.title, "hardware": None, "needs_boundary": rule.needs_boundary, "seeds": [r.seed for r in own]}
            constants = own[0].info["constants"] if own else {}
            rows.append(head | {"constants": constants, "metrics": metrics_of(own, images), "energy": energy_of(own)})
    tasks, simulation = points[0].curriculum["n_tasks"], points[0].simulation
    head = {"engine": "brian2", "dataset": options.dataset, "scale": options.scale, "seeds": options.seeds, "tasks": tasks}
    head |= {"images": images, "window_tasks": options.window, "hidden": simulation["n_hidden"], "feedback": options.feedback}
    head |= {"dtype": options.dtype, "task": "permuted", "evaluated_on": "test images", "chance": 1 / data.n_classes}
    store.write_summary(head | {"rows": rows, "failures": failures})
    record.finish(runs, failures)
    described = f"{tasks} x {images} images, {datasets.label(options.dataset)}, {simulation['n_hidden']} hidden neurons"
    described += f", seeds: {options.seeds}"
    drawn = style.save(figures.stream(rows, described, head["chance"]), store.folder / "figures", "stream")
    columns = {
        "recent_accuracy": f"last {RECENT}\n%",
        "final_accuracy": "all\n%",
        "just_learned_accuracy": "just learned\n%",
        "prequential_accuracy": "before\nlearned %",
    }
    console.print(display.table_of(rows, f"Stream: {described}", "test images, mean ± sd over seeds", columns))
    return display.end(console, store, drawn, failures)


study = Study("stream", "A long stream of permuted tasks, each seen once.", Options, run, quick=62)
