"""The float64 NumPy reference: a rule's text run one event at a time, the oracle for every other backend."""

import numpy as np

from spikemeta.language import equations


class ReferenceSynapses:
    """A rule on a matrix of synapses, with the deferred commit.

    Within a presentation a presynaptic spike adds its gradient to a sum; the rule runs on that sum when the synapse
    is first touched in a later presentation, after decaying it to the end of the presentation that the sum belongs to.

    Parameters
    ----------
    rule : Rule
    w_init : ndarray, shape (n_pre, n_post), 1
        Initial weights.
    parameters : dict of str to float or None
        Values that replace the rule's defaults; times in presentations.
    rng : numpy.random.Generator or None
        Draws ``rand()`` and ``randn()`` of ``initial``, and of ``on_presentation`` unless ``noise`` is given.
    noise : callable or None
        ``noise(rows)`` gives the weight noise of these rows, shape (len(rows), n_post), at the current age.
    dice : callable or None
        ``dice(rows)`` gives ``rand()`` of ``on_presentation``, likewise.
    """

    def __init__(self, rule, w_init, parameters=None, rng=None, noise=None, dice=None):
        self.rule = rule
        self.shape = np.shape(w_init)
        self.parameters = rule.constants(overrides=parameters)
        rng = np.random.default_rng() if rng is None else rng
        self.noise = noise or (lambda rows: rng.standard_normal((len(rows), self.shape[1])))
        self.dice = dice or (lambda rows: rng.random((len(rows), self.shape[1])))
        self.age = 0.0
        self._run = {b: equations.compile_statements(s) for b, s in rule.analysis.blocks.items()}
        self._weight = equations.compile_expression(rule.weight.strip())
        self._decay = equations.compile_statements(equations.relaxation(rule.analysis.decays))
        space = self.parameters | {
            "w_init": np.asarray(w_init, float),
            "rand": lambda: rng.random(self.shape),
            "randn": lambda: rng.standard_normal(self.shape),
        }
        started = self._run["initial"](space)
        self.state = {s: np.array(np.broadcast_to(started[s], self.shape), float) for s in rule.analysis.states}
        self.gradient = np.zeros(self.shape)
        self.touched = np.zeros(self.shape[0])

    def weight(self):
        """Transmitted weights at the current age, as of the last touch; shape (n_pre, n_post), 1."""
        return np.broadcast_to(self._weight(self.parameters | self.state), self.shape)

    def _space(self, rows, **more):
        return self.parameters | {s: v[rows] for s, v in self.state.items()} | {"age": self.age} | more

    def _apply(self, block, rows, **more):
        space = self._run[block](self._space(rows, **more))
        for s in self.rule.analysis.writes[block]:
            self.state[s][rows] = space[s]

    def _relax(self, rows, elapsed):
        space = self._decay(self._space(rows, elapsed=elapsed[:, None]))
        for name in self.rule.analysis.decays:
            self.state[name][rows] = space[name]

    def touch(self, rows, age=None):
        """Bring synapses up to date: first touch in a presentation.

        Parameters
        ----------
        rows : array of int
            Presynaptic neurons.
        age : float or None
            Rule time now, in learning presentations; None keeps the present one.
        """
        rows = np.atleast_1d(np.asarray(rows, int))
        self.age = self.age if age is None else float(age)
        elapsed = self.age - self.touched[rows]
        inside = np.minimum(elapsed, 1.0)
        self._relax(rows, inside)
        self._apply("on_gradient", rows, gradient=self.gradient[rows], age=self.touched[rows, None])
        self._relax(rows, elapsed - inside)
        self._apply("on_presentation", rows, randn=lambda: self.noise(rows), rand=lambda: self.dice(rows))
        self.gradient[rows] = 0.0
        self.touched[rows] = self.age

    def accumulate(self, row, gradient):
        """Add the local gradient of one presynaptic spike; ``gradient`` has shape (n_post,), unit of the loss per weight."""
        self.gradient[row] += gradient

    def flush(self, age=None):
        """Commit every synapse, as when state is read."""
        self.touch(np.arange(self.shape[0]), age)

    def boundary(self, age=None):
        """Signal a new task or item: everything is committed, then ``on_boundary`` runs."""
        self.flush(age)
        self._apply("on_boundary", np.arange(self.shape[0]))
