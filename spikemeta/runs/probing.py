"""Shows images to a trained network again and again, its weights drawn anew from each synapse's posterior every time."""

from dataclasses import replace

import numpy as np

from spikemeta.analysis.calibration import decompose, fit_temperature, loss, right_of, softmax
from spikemeta.analysis.uncertainty import MEASURES, WAYS
from spikemeta.data import strange
from spikemeta.data.sampling import stream
from spikemeta.runs import pool
from spikemeta.simulation.weights import drawn_deviations

_WEIGHTS = 201  # random stream of a seed


def draws_weights(rule):
    """Whether the weight is drawn anew at each presentation."""
    return bool(set(rule.analysis.drawn) & rule.analysis.reads["weight"])


def deviation(rule, state, projection, constants=None, age=0.0, rng=None):
    """Posterior standard deviation of the weights of a projection.

    Parameters
    ----------
    rule : Rule
    state : dict of str to ndarray
        At the end of a run.
    projection : str
    constants : dict of str to float
        Of the rule there.
    age : float
        Rule time then, presentations.
    rng : numpy.random.Generator
        The last three for a rule that draws its weights and keeps no precision.

    Returns
    -------
    ndarray, (n_pre, n_post)
        1/sqrt(precision), for rules that keep a ``precision``, in the units of the rule, whose prior may be 1; for others that
        draw their weights, that of the draws; else zero.
    """
    if "precision" not in rule.analysis.states and draws_weights(rule):
        return drawn_deviations(rule, state, {projection: constants}, age, rng)[projection]
    precision = state.get(f"{projection}.precision", np.inf)
    return np.broadcast_to(1 / np.sqrt(precision), state[f"{projection}.transmitted"].shape)


def spreads_of(rule, run, age, rng):
    """Standard deviations of the weights of each projection, by kind of noise: its own array, one number for all, or 0.

    Returns
    -------
    dict of str to dict
        ``none``, ``posterior`` and ``uniform``, of the posterior's mean variance.
    """
    own = {name: deviation(rule, run.state, name, run.constants["rule"][name], age, rng) for name in run.weights}
    return {
        "none": dict.fromkeys(own, 0.0),
        "posterior": own,
        "uniform": {name: np.sqrt(np.mean(spread**2)) for name, spread in own.items()},
    }


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
    return ("posterior", "uniform") if "precision" in rule.analysis.states or draws_weights(rule) else ()


def held_out(point):
    """Validation images of a point and their labels: never trained on, and not tested."""
    changed = point.curriculum | {"evaluate": "validation", "test_limit": point.probe["validation_images"]}
    curriculum = pool.curriculum_of(replace(point, curriculum=changed))
    return curriculum.images(curriculum.phases[-1]), curriculum.phases[-1].labels


def fits_of(counts, labels):
    """How well each choice of noise does on validation images.

    Parameters
    ----------
    counts : dict of choice to (n_showings, n, n_classes)
    labels : (n,)

    Returns
    -------
    fits : dict of choice to (float, float, float)
        Mean loss in nats, accuracy, and the temperature that was fitted.
    errors : dict of choice to float
        Standard error of the loss, over images.
    """
    fits, errors = {}, {}
    for choice, own in counts.items():
        temperature = fit_temperature(own, labels)
        losses = loss(own, labels, temperature)
        right = right_of(own, softmax(own, temperature).mean(axis=0), labels)
        fits[choice] = losses.mean(), right.mean(), temperature
        errors[choice] = losses.std(ddof=1) / np.sqrt(len(losses))
    return fits, errors


def ways_of(fits, errors, noises, widths):
    """The noise and width of each way of drawing weights, widths chosen on validation images; and the fits by width.

    Returns
    -------
    ways : dict of str to (str, float)
        In the order of `spikemeta.analysis.uncertainty.WAYS`; without a noise only ``"spikes alone"``.
    table : (n_noises, 3, n_widths)
    """
    grid = [(noise, float(width)) for noise in noises for width in widths]
    table = np.array([fits[c] for c in grid]).reshape(-1, len(widths), 3).transpose(0, 2, 1)
    spread = np.array([errors[c] for c in grid]).reshape(-1, len(widths))
    best = [widths[choose(f[0], e[np.argmin(f[0])])] for f, e in zip(table, spread, strict=True)]
    ways = {"spikes alone": ("none", 0.0)}
    if best:
        ways["posterior"], ways["width 1"] = ("posterior", best[0]), ("posterior", 1.0)
        ways["uniform"], ways["uniform, own width"] = ("uniform", best[0]), ("uniform", best[1])
    return {way: ways[way] for way in WAYS if way in ways}, table


def scores_of(counts, labels, temperature):
    """What one way says of test images and of as many of each strange kind after them.

    Parameters
    ----------
    counts : (n_showings, n_kinds*n, n_classes)
    labels : (n,)
        Of the test images.
    temperature : float

    Returns
    -------
    dict of str to ndarray
        By the names that `probe` stores.
    """
    n, p = len(labels), softmax(counts, temperature)
    mean, found = p[:, :n].mean(axis=0), decompose(p)
    return {
        "scores": [found[measure].reshape(-1, n) for measure in MEASURES],
        "silent": (counts.sum(axis=2) == 0).mean(axis=0).reshape(-1, n).mean(axis=1),
        "confidence": mean.max(axis=1),
        "right": right_of(counts[:, :n], mean, labels),
        "loss": loss(counts[:, :n], labels, temperature),
    }


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
    trained = sum(len(phase.indices) for phase in curriculum.phases)
    size = simulation.batch if simulation.engine == "torch" else 1  # a batch is one presentation of rule time
    age = sum(-(-len(phase.indices) // size) for phase in curriculum.phases if phase.kind == "train")
    spreads = spreads_of(simulation.rule, run, age, stream(point.seed, _WEIGHTS, 1))
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
    noises, widths = noises_of(simulation.rule), settings["widths"]
    tried = [("none", 0.0), *((noise, float(width)) for noise in noises for width in widths)]
    fits, errors = fits_of(shown(images, tried, "validation"), labels)
    ways, table = ways_of(fits, errors, noises, widths)

    test, labels = curriculum.images(curriculum.phases[-1]), curriculum.phases[-1].labels
    others = [strange.images_of(kind, curriculum.dataset, test, point.seed, pool.dataset) for kind in settings["kinds"]]
    counts = shown(np.concatenate([test, *others]), list(dict.fromkeys(ways.values())), "strange images")
    found = [scores_of(counts[choice], labels, fits[choice][2]) for choice in ways.values()]
    return {name: np.array([one[name] for one in found]) for name in found[0]} | {
        "ways": np.array(list(ways)),
        "width": np.array([width for _, width in ways.values()]),
        "temperature": np.array([fits[choice][2] for choice in ways.values()]),
        "validation": table,
        "validation_plain": np.array(fits["none", 0.0]),
        "kinds": np.array(["test", *map(strange.label, settings["kinds"])]),
        "widths": np.array(settings["widths"]),
    }


def execute(point, progress):
    """Train one point, then `probe` it; see `spikemeta.runs.pool.execute`."""
    more = point.probe["presentations"]
    return pool.execute(point, lambda name, done, total: progress(name, done, total + more), probe)
