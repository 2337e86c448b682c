"""What the tests of learning signals share: toy networks that learn in Brian2 and in the float64 reference."""

import brian2
import drawn
import numpy as np

from spikemeta.backends import noise
from spikemeta.backends.networks import brian_learning, reference_learning
from spikemeta.language import registry

SIZES = {"n_input": 8, "n_hidden": 6, "n_classes": 3}
#: Networks of one and two hidden layers, dense and sparse, recurrent, with delays, pools and adaptive thresholds.
SHAPES = {
    "plain": drawn.written(),
    "adaptive": drawn.written("adaptive", ", delay = 3, where = i != j", pool=True),
    "deep": drawn.written("lif", ", probability = 0.5, delay = 2", ", delay = 2, probability = 0.7").stacked((6, 5)),
}

RULES = registry.names("rules")
SEED = 11.0  # of what rules draw; further projections have the next ones, as in simulations


def shown(count, seed, steps=100):
    rng = np.random.default_rng(seed)
    return [rng.random((steps, SIZES["n_input"])) < 0.1 for _ in range(count)]


def drawing(draw, made, seeds):
    """What a rule of a projection draws for rows of synapses as a presentation begins, by the number of each synapse."""

    def drawn(name, rows, age):
        n = made.weights[name].shape[1] if made.weights[name].ndim == 2 else 1
        return draw(seeds[name], age, np.asarray(rows)[:, None] * n + np.arange(n))

    return drawn


def learned(made, presentations, signal, rules, parameters, taught=None, labels=None):
    """State by projection, of the reference and of Brian2; both draw the same numbers; ``initial`` draws Brian2's."""
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    brian2.seed(5)
    built = brian_learning.build(made, presentations, signal, rules, parameters, taught, labels)
    state = lambda name: {s: np.asarray(getattr(built.projections[name], s)) for s in rules[name].analysis.states}  # noqa: E731
    started = {name: {s: values.copy() for s, values in state(name).items()} for name in rules}
    seeds = {name: SEED + number for number, name in enumerate(rules)}
    for name, seed in seeds.items():
        built.projections[name].noise_seed = seed
    own = {"started": started, "noise": drawing(noise.standard_normal, made, seeds)}
    own["dice"] = drawing(noise.uniform, made, seeds)
    expected = reference_learning.learn(made, presentations, signal, rules, parameters, taught, labels, **own)
    built.network.run((len(presentations) * made.steps + 1) * brian2.ms, namespace={})
    return {name: (found.state, state(name)) for name, found in expected.items()}
