"""What a network knows about its own answers: weights drawn from each synapse's posterior, and what that tells.

A trained network sees the same images several times. Each time its weights are drawn anew, and so are the input spikes. What
the predictions say, apart and together, is measured by `spikemeta.analysis.calibration`.
"""

import functools
from dataclasses import asdict, replace

import numpy as np

from spikemeta.analysis import metrics, recall
from spikemeta.analysis.calibration import (
    BINS,
    auroc,
    calibration_error,
    decompose,
    fit_temperature,
    loss,
    reliability,
    right_of,
    softmax,
)
from spikemeta.data import datasets
from spikemeta.data.sampling import stream
from spikemeta.errors import UserError
from spikemeta.runs import pool
from spikemeta.runs.item_study import SEPARATOR

MEASURES = ("epistemic", "aleatoric", "predictive")
#: Where the weights of a showing come from; width 1 is the rule's own posterior.
WAYS = {
    "posterior": "each synapse's posterior, width chosen on validation images",
    "width 1": "each synapse's posterior as it is",
    "uniform": "the same noise on all synapses of a projection, of the posterior's mean variance",
    "uniform, own width": "the same noise on all synapses, width chosen on validation images for itself",
    "spikes alone": "no weight noise, only fresh input spikes",
}
#: Images of each kind, and for validation, with ``--scale full``.
FULL_TEST, FULL_VALIDATION = 2000, 1000
# The random streams of a seed.
_IMAGES, _WEIGHTS = 200, 201


def deviation(rule, state, projection):
    """Posterior standard deviation of the weights of a projection.

    Parameters
    ----------
    rule : Rule
    state : dict of str to ndarray
        At the end of a run.
    projection : str

    Returns
    -------
    ndarray, (n_pre, n_post)
        1/sqrt(precision), for rules that keep a ``precision``, in the units of the rule, whose prior may be 1; else zero.
    """
    precision = state.get(f"{projection}.precision", np.inf)
    return np.broadcast_to(1 / np.sqrt(precision), state[f"{projection}.transmitted"].shape)


def draw(means, spreads, width, n, rng):
    """Sets of weights: normal around the means, with ``width`` times the standard deviations.

    Parameters
    ----------
    means, spreads : dict of str to ndarray
        By projection; a spread may be a single number.
    width : float
    n : int
    rng : numpy.random.Generator

    Yields
    ------
    dict of str to ndarray
    """
    for _ in range(n):
        yield {p: mean + width * spreads[p] * rng.standard_normal(mean.shape) for p, mean in means.items()}


def kinds_of(dataset):
    """Kinds of strange images that a data set allows, and a note for each that it does not.

    Returns
    -------
    list of str, list of str
    """
    kinds, notes = ["permuted", "shuffled", "noise"], []
    if dataset.shape[0] == dataset.shape[1]:
        kinds.insert(1, "rotated")
    else:
        notes.append("rotated images are left out: the images are not square")
    other = "mnist" if dataset.name == "fashion" else "fashion"
    if (dataset.planes, *dataset.shape) == (1, 28, 28):
        try:
            datasets.load(other)
            kinds.append(other)
        except UserError as error:
            notes.append(f"images of {other} are left out: {str(error).splitlines()[0]}")
    return kinds, notes


def strange(kind, dataset, images, seed):
    """Images unlike those that were learned, as many as are given.

    Parameters
    ----------
    kind : str
        ``"permuted"``: pixels in one random order. ``"rotated"``: by 90 degrees. ``"shuffled"``: the pixels of each image in
        an order of its own, so noise of the same brightness. ``"noise"``: grey values uniform over 0 to 255, so brighter
        than digits. Else the name of a data set.
    dataset : Dataset
    images : (n, pixels) uint8
    seed : int

    Returns
    -------
    (n, pixels) uint8
    """
    rng = stream(seed, _IMAGES)
    if kind == "permuted":
        return images[:, rng.permutation(images.shape[1])]
    if kind == "rotated":
        return np.rot90(dataset.pictures(images), axes=(2, 3)).reshape(len(images), -1)
    if kind == "shuffled":
        return rng.permuted(images, axis=1)
    if kind == "noise":
        return rng.integers(0, 256, images.shape, np.uint8)
    others = pool.dataset(kind).test_images
    return others[rng.permutation(len(others))[: len(images)]]


def parse_widths(text):
    """``"3,0.1"`` as ``[0.1, 1.0, 3.0]``: in rising order, and 1, the rule's own width, is always there.

    Raises
    ------
    UserError
    """
    try:
        widths = sorted({1.0, *map(float, text.split(","))})
    except ValueError:
        widths = [np.nan]
    if not all(0 < width < np.inf for width in widths):
        raise UserError(f"--widths must be numbers above 0, separated by commas, not {text!r}; example: --widths 0.1,0.3,1")
    return widths


def choose(losses, error):
    """Index of the width: the widest noise whose loss is at most one standard error above the least.

    Where the loss is flat, the least of all would be an accident, and the least noise tells least; the rule is that of
    Breiman et al. 1984, Classification and Regression Trees, section 3.4.3.

    Parameters
    ----------
    losses : (n_widths,)
        From narrow to wide.
    error : float
        Standard error of the least of them, over images.

    Returns
    -------
    int
    """
    return int(np.flatnonzero(losses <= np.min(losses) + error)[-1])


def noises_of(rule):
    """Kinds of weight noise that a rule allows besides none."""
    return ("posterior", "uniform") if "precision" in rule.analysis.states else ()


def held_out(point):
    """Validation images of a point and their labels: never trained on, and not tested."""
    changed = point.curriculum | {"evaluate": "validation", "test_limit": point.probe["validation_images"]}
    curriculum = pool.curriculum_of(replace(point, curriculum=changed))
    return curriculum.images(curriculum.phases[-1]), curriculum.phases[-1].labels


def probe(point, simulation, curriculum, run, progress):
    """Show validation, test and strange images to a trained network; see `spikemeta.runs.pool.execute`.

    Returns
    -------
    dict of str to ndarray
        ``ways`` (n_ways,) str; ``width``, ``temperature`` (n_ways,); ``scores`` (n_ways, 3, n_kinds, n), nats, the kind at
        0 being the test images; ``silent`` (n_ways, n_kinds), fraction of presentations without a readout spike;
        ``confidence``, ``right``, ``loss`` (n_ways, n); ``validation`` (n_noises, 3, n_widths): loss in nats, accuracy,
        temperature; ``validation_plain`` (3,), the same without weight noise; ``kinds`` (n_kinds,) str; ``widths`` (n_widths,).
    """
    settings, rng = point.probe, stream(point.seed, _WEIGHTS)
    spreads = {"none": {}, "posterior": {}, "uniform": {}}
    for name in run.weights:
        own = deviation(simulation.rule, run.state, name)
        spreads["none"][name], spreads["posterior"][name], spreads["uniform"][name] = 0.0, own, np.sqrt(np.mean(own**2))
    trained = sum(len(phase.indices) for phase in curriculum.phases)
    done = 0

    def shown(images, choices, label):
        """Counts (samples, n, n_classes) of each choice, a noise and a width."""
        nonlocal done
        sets = (s for noise, width in choices for s in draw(run.weights, spreads[noise], width, settings["samples"], rng))
        tick = lambda n, base=trained + done: progress(label, base + n, trained)  # noqa: E731
        counts = simulation.respond(curriculum, run.state, images, sets, point.seed, tick)
        done += counts.shape[0] * counts.shape[1]
        return dict(zip(choices, counts.reshape(len(choices), settings["samples"], *counts.shape[1:]), strict=True))

    images, labels = held_out(point)
    grid = [(noise, float(width)) for noise in noises_of(simulation.rule) for width in settings["widths"]]
    fitted, errors = {}, {}
    for choice, counts in shown(images, [("none", 0.0), *grid], "validation").items():
        temperature = fit_temperature(counts, labels)
        losses = loss(counts, labels, temperature)
        right = right_of(counts, softmax(counts, temperature).mean(axis=0), labels)
        fitted[choice] = losses.mean(), right.mean(), temperature
        errors[choice] = losses.std(ddof=1) / np.sqrt(len(losses))
    table = np.array([fitted[c] for c in grid]).reshape(-1, len(settings["widths"]), 3).transpose(0, 2, 1)
    spread = np.array([errors[c] for c in grid]).reshape(-1, len(settings["widths"]))
    best = [settings["widths"][choose(f[0], e[np.argmin(f[0])])] for f, e in zip(table, spread, strict=True)]
    ways = {"spikes alone": ("none", 0.0)}
    if best:
        ways["posterior"], ways["width 1"] = ("posterior", best[0]), ("posterior", 1.0)
        ways["uniform"], ways["uniform, own width"] = ("uniform", best[0]), ("uniform", best[1])
    ways = {way: ways[way] for way in WAYS if way in ways}

    test, labels = curriculum.images(curriculum.phases[-1]), curriculum.phases[-1].labels
    others = [strange(kind, curriculum.dataset, test, point.seed) for kind in settings["kinds"]]
    counts = shown(np.concatenate([test, *others]), list(dict.fromkeys(ways.values())), "strange images")
    arrays, n = {name: [] for name in ("scores", "silent", "confidence", "right", "loss")}, len(test)
    for choice in ways.values():
        spikes, p = counts[choice], softmax(counts[choice], fitted[choice][2])
        mean, found = p[:, :n].mean(axis=0), decompose(p)
        arrays["scores"].append([found[measure].reshape(-1, n) for measure in MEASURES])
        arrays["silent"].append((spikes.sum(axis=2) == 0).mean(axis=0).reshape(-1, n).mean(axis=1))
        arrays["confidence"].append(mean.max(axis=1))
        arrays["right"].append(right_of(spikes[:, :n], mean, labels))
        arrays["loss"].append(loss(spikes[:, :n], labels, fitted[choice][2]))
    return {name: np.array(values) for name, values in arrays.items()} | {
        "ways": np.array(list(ways)),
        "width": np.array([width for _, width in ways.values()]),
        "temperature": np.array([fitted[choice][2] for choice in ways.values()]),
        "validation": table,
        "validation_plain": np.array(fitted["none", 0.0]),
        "kinds": np.array(["test", *settings["kinds"]]),
        "widths": np.array(settings["widths"]),
    }


def execute(point, progress):
    """Train one point, then `probe` it; see `spikemeta.runs.pool.execute`."""
    more = point.probe["presentations"]
    return pool.execute(point, lambda name, done, total: progress(name, done, total + more), probe)


def evaluated_on(options):
    """``"test"`` or ``"validation"`` images."""
    return "validation" if options.validation else "test"


def entries_of(options):
    """A row for each rule, with what it is probed by.

    Parameters
    ----------
    options : spikemeta.studies.uncertainty.Options

    Returns
    -------
    entries : list of spikemeta.runs.experiment.Entry
    notes : list of str
        Kinds of strange images that are left out, and why.
    """
    from spikemeta.runs import experiment

    kinds, notes = kinds_of(pool.dataset(options.dataset))
    full = options.scale == "full"
    n_probed = options.probed or (FULL_TEST if full else None)
    curriculum = {"chunks": 1, "validation": 0.1} | ({"test_limit": n_probed} if n_probed else {})
    shared = experiment.curriculum_arguments(options, evaluated_on(options)) | curriculum
    settings = {
        "samples": options.samples,
        "widths": parse_widths(options.widths),
        "kinds": kinds,
        "validation_images": min(FULL_VALIDATION, shared["test_limit"]) if full else shared["test_limit"],
    }
    trial = pool.Point("", "", 0, shared, {}, probe=settings)
    n_held_out, n_test = len(held_out(trial)[0]), len(pool.curriculum_of(trial).phases[-1].indices)
    entries = []
    for entry in experiment.entries_of(options):
        noises = len(noises_of(entry.rule))
        shown = n_held_out * (1 + noises * len(settings["widths"])) + n_test * (1 + len(kinds)) * (1 + 2 * noises)
        probed = settings | {"presentations": options.samples * shown}
        entries.append(replace(entry, curriculum=curriculum, probe=probed))
    return entries, notes


def of_way(way, run, chance):
    """Metrics of one way of drawing weights, of a finished run.

    Parameters
    ----------
    way : str
    run : spikemeta.runs.results.FinishedRun
    chance : float
        Unused.

    Returns
    -------
    dict of str to float
        ``accuracy``, ``nll`` and ``calibration_error`` on test images; ``auroc_MEASURE_KIND`` for each measure and kind of
        strange images, and ``auroc_MEASURE``, its mean over kinds; ``MEASURE_KIND`` in nats; ``silent_KIND``; ``width`` and
        ``temperature``.
    """
    a = run.arrays
    k, kinds = list(a["ways"]).index(way), [str(kind) for kind in a["kinds"]]
    out = {
        "accuracy": float(a["right"][k].mean()),
        "nll": float(a["loss"][k].mean()),
        "calibration_error": calibration_error(a["confidence"][k], a["right"][k]),
        "width": float(a["width"][k]),
        "temperature": float(a["temperature"][k]),
    }
    for measure, scores in zip(MEASURES, a["scores"][k], strict=True):
        areas = {kind: auroc(scores[0], other) for kind, other in zip(kinds[1:], scores[1:], strict=True)}
        out[f"auroc_{measure}"] = float(np.mean(list(areas.values())))
        out |= {f"auroc_{measure}_{kind}": area for kind, area in areas.items()}
        out |= {f"{measure}_{kind}": float(values.mean()) for kind, values in zip(kinds, scores, strict=True)}
    return out | {f"silent_{kind}": float(value) for kind, value in zip(kinds, a["silent"][k], strict=True)}


class Analysis:
    """One row per rule and way of drawing weights; see `spikemeta.analysis.recall.Analysis`, of which it has the methods."""

    compared = ("accuracy", "nll", "calibration_error", *(f"auroc_{measure}" for measure in MEASURES))

    def metrics_of(self, runs, chance):
        """Metrics of all ways, by way."""
        return {
            str(way): recall.Analysis(functools.partial(of_way, way)).metrics_of(runs, chance)
            for way in (runs[0].arrays["ways"] if runs else ())
        }

    def add_tests(self, rows):
        """Replace each row by one per way, compared, seed by seed, with uniform noise of the same variance."""
        made = []
        for row in rows:
            for way, found in row["metrics"].items():
                label = f"{row['rule']}{SEPARATOR}{way}"
                made.append(row | {"rule": label, "condition": way, "metrics": found, "tests": {}})
                control = row["metrics"].get("uniform")
                if control and way != "uniform":
                    names = [n for n in found if n.startswith(self.compared)]
                    tests = {n: asdict(metrics.paired(found[n]["values"], control[n]["values"])) for n in names}
                    made[-1]["tests"]["against"] = {"rule": f"{row['rule']}{SEPARATOR}uniform"} | tests
            if not row["metrics"]:
                made.append(row)
        rows[:] = made

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """All runs as one xarray.Dataset; parameters as in `spikemeta.runs.results.to_dataset`.

        Returns
        -------
        xarray.Dataset
            Every number of `of_way` that has no measure (rule, way, seed); ``auroc`` (rule, way, seed, measure, kind);
            ``uncertainty`` (rule, way, seed, measure, image), nats, mean over images; ``silent`` (rule, way, seed, image);
            ``reliability`` (rule, way, seed, of, bin), of ``share``, ``confidence`` and ``accuracy``; ``validation``
            (rule, noise, seed, of, width). Ways and noises that a rule does not have are nan.
        """
        import xarray

        first = next(iter(runs.values())).arrays
        rules, ways, kinds = [label for label, _ in entries], list(WAYS), [str(kind) for kind in first["kinds"]]
        numbers = ("accuracy", "nll", "calibration_error", "width", "temperature")
        shapes = {
            "auroc": (("measure", "kind"), (len(MEASURES), len(kinds) - 1), "1"),
            "uncertainty": (("measure", "image"), (len(MEASURES), len(kinds)), "nat"),
            "silent": (("image",), (len(kinds),), "1"),
            "reliability": (("of", "bin"), (3, BINS), "1"),
        }
        shapes |= {name: ((), (), {"nll": "nat", "temperature": "spike"}.get(name, "1")) for name in numbers}
        made = {name: np.full((len(rules), len(ways), len(seeds), *shape), np.nan) for name, (_, shape, _) in shapes.items()}
        fits = np.full((len(rules), 2, len(seeds), 3, len(first["widths"])), np.nan)
        for (label, seed), run in runs.items():
            r, s, a = rules.index(label), seeds.index(seed), run.arrays
            for noise, table in enumerate(a["validation"]):
                fits[r, noise, s] = table
            for k, way in enumerate(a["ways"]):
                at, found = (r, ways.index(way), s), of_way(way, run, chance)
                for name in numbers:
                    made[name][at] = found[name]
                made["auroc"][at] = [[found[f"auroc_{m}_{kind}"] for kind in kinds[1:]] for m in MEASURES]
                made["uncertainty"][at] = [[found[f"{m}_{kind}"] for kind in kinds] for m in MEASURES]
                made["silent"][at] = a["silent"][k]
                made["reliability"][at] = reliability(a["confidence"][k], a["right"][k])
        data = {n: (("rule", "way", "seed", *shapes[n][0]), values, {"units": shapes[n][2]}) for n, values in made.items()}
        data["validation"] = (("rule", "noise", "seed", "fit", "tried"), fits)
        coords = {
            "rule": rules,
            "way": ways,
            "seed": np.array(seeds, np.int32),
            "measure": list(MEASURES),
            "kind": kinds[1:],
            "image": kinds,
            "of": ["share", "confidence", "accuracy"],
            "noise": ["posterior", "uniform"],
            "fit": ["nll", "accuracy", "temperature"],
            "tried": first["widths"],
            "needs_boundary": ("rule", np.array([told for _, told in entries], np.int8)),
        }
        return xarray.Dataset(data, coords, {"chance": chance} | attributes)
