"""What the tests of learning signals share: toy networks that learn in Brian2 and in the float64 reference."""

import brian2
import drawn
import numpy as np

from spikemeta.backends.networks import brian_learning, reference_learning
from spikemeta.language import registry
from spikemeta.language.equations import names_in

SIZES = {"n_input": 8, "n_hidden": 6, "n_classes": 3}
#: Networks of one and two hidden layers, dense and sparse, recurrent, with delays, pools and adaptive thresholds.
SHAPES = {
    "plain": drawn.written(),
    "adaptive": drawn.written("adaptive", ", delay = 3, where = i != j", pool=True),
    "deep": drawn.written("lif", ", probability = 0.5, delay = 2", ", delay = 2, probability = 0.7").stacked((6, 5)),
}

#: Rules whose state starts without a draw; where the weight itself is drawn, at each presentation, both sides draw 0.
DETERMINISTIC = [
    name
    for name in registry.names("rules")
    if not any({"rand"} & names_in(s.value) for b in registry.get_rule(name).analysis.blocks.values() for s in b)
]


def shown(count, seed, steps=100):
    rng = np.random.default_rng(seed)
    return [rng.random((steps, SIZES["n_input"])) < 0.1 for _ in range(count)]


def learned(made, presentations, signal, rules, parameters, taught=None, labels=None):
    """Weights by projection, of the reference and of Brian2."""
    noise = lambda rows: np.zeros((len(rows), 1))  # noqa: E731
    expected = reference_learning.learn(made, presentations, signal, rules, parameters, taught, labels, noise=noise)
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    built = brian_learning.build(made, presentations, signal, rules, parameters, taught, labels)
    for projection in rules:
        built.projections[projection].sampling = 0
    built.network.run((len(presentations) * made.steps + 1) * brian2.ms, namespace={})
    state = lambda name: {s: np.asarray(getattr(built.projections[name], s)) for s in rules[name].analysis.states}  # noqa: E731
    return {name: (found.state, state(name)) for name, found in expected.items()}
