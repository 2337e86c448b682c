"""One synapse under the microscope: its state, event by event, under spikes, gradients and boundaries of one's own or drawn."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import UserError

KINDS = ("boundary", "spike")


@dataclass(frozen=True)
class Trace:
    """What a synapse went through.

    Attributes
    ----------
    rule : Rule
    parameters : dict of str to float
        Constants in force.
    age : ndarray, shape (n + 1,), presentations
        Rule time: 0 before the first presentation, n after the last.
    state : dict of str to ndarray, shape (n + 1,)
        Each state variable, brought up to date at these times; at a boundary, after it.
    weight : ndarray, shape (n + 1,), 1
        The weight that a spike would transmit then, without weight noise.
    events : list of dict
        One for each event, in order: ``presentation``, ``event`` (``"start"``, ``"boundary"``, ``"spike"`` or ``"end"``),
        ``gradient`` (of a spike, dLoss/dw), each state variable and ``weight``, as they are stored right after it: a
        synapse commits a gradient when it is touched in a later presentation, not before.
    """

    rule: object
    parameters: dict
    age: np.ndarray
    state: dict
    weight: np.ndarray
    events: list

    @property
    def table(self):
        """The events as a pandas.DataFrame."""
        import pandas

        return pandas.DataFrame(self.events)


def draw(presentations=120, rate=0.5, gradient=1.0, noise=1.0, boundaries=None, seed=0):
    """A train of events: spikes at random, with gradients whose mean changes its sign at each boundary.

    Parameters
    ----------
    presentations : int
    rate : float
        Probability of a spike in a presentation.
    gradient, noise : float
        Mean of the gradient, negative at first so that the weight grows, and its standard deviation.
    boundaries : iterable of int or None
        Presentations at whose beginning a task ends. Default: after a third and two thirds.
    seed : int

    Returns
    -------
    list of (int, str, float)
        As for `trace`.

    Raises
    ------
    UserError
        For values that make no sense.
    """
    boundaries = [presentations // 3, 2 * presentations // 3] if boundaries is None else boundaries
    boundaries, problems = sorted(set(boundaries)), []
    if presentations < 1:
        problems.append(f"there must be at least 1 presentation, not {presentations}")
    if not 0 <= rate <= 1:
        problems.append(f"the rate must be a probability, 0 to 1, not {rate:g}")
    if not (np.isfinite(gradient) and np.isfinite(noise) and noise >= 0):
        problems.append(f"the gradient must have a finite mean and spread, not {gradient:g} and {noise:g}")
    problems += [f"no presentation {b} to end a task at" for b in boundaries if not 0 <= b < presentations]
    if problems:
        raise UserError("\n".join(problems))
    rng, events, sign = np.random.default_rng(seed), [], -1
    for k in range(presentations):
        if k in boundaries:
            events.append((k, "boundary", 0.0))
            sign = -sign
        spiked, drawn = rng.random() < rate, rng.standard_normal()
        if spiked:
            events.append((k, "spike", sign * gradient + noise * drawn))
    return events


def trace(rule, events=None, presentations=None, w_init=0.1, parameters=None, seed=0, **drawn):
    """Follow one synapse through a train of events.

    Parameters
    ----------
    rule : Rule
    events : iterable of (int, str, float) or None
        Presentation, ``"spike"`` or ``"boundary"``, and the gradient that a spike brings (dLoss/dw; of a boundary ignored),
        in the order of time. A presentation may hold several spikes, whose gradients add up. Default: from `draw`.
    presentations : int or None
        How many are shown. Default: up to the last event; 120 where the events are drawn.
    w_init : float, 1
        The network's initial weight.
    parameters : dict of str to float or None
        Values that replace the rule's; times in presentations.
    seed : int
        Of everything that is drawn: events, ``initial``, and the noise of ``on_presentation``.
    **drawn
        As for `draw`.

    Returns
    -------
    Trace

    Raises
    ------
    UserError
        For events that are out of order or of no kind, numbers that are not finite, and constants that the rule does not have.
    """
    if events is None:
        presentations = presentations or 120
        events = draw(presentations, seed=seed, **drawn)
    events = [(int(k), str(kind), float(value)) for k, kind, value in events]
    n = presentations or max((k for k, *_ in events), default=0) + 1
    _check(events, n, w_init)
    noise = np.random.default_rng([seed, 1])
    synapse = ReferenceSynapses(
        rule,
        np.array([[w_init]], float),
        parameters,
        np.random.default_rng([seed, 0]),
        noise=lambda rows: noise.standard_normal((len(rows), 1)),
        dice=lambda rows: noise.random((len(rows), 1)),
    )
    found = [_row(synapse, 0, "start")]
    read = [_read(synapse, 0)]
    by_time = iter(events)
    event = next(by_time, None)
    for k in range(n):
        touched = False
        while event and event[0] == k:
            _, kind, gradient = event
            if kind == "boundary":
                synapse.boundary(k)
                read[k] = _read(synapse, k)
            else:
                if not touched:
                    synapse.touch([0], k)
                synapse.accumulate(0, gradient)
                touched = True
            found.append(_row(synapse, k, kind, gradient if kind == "spike" else np.nan))
            event = next(by_time, None)
        read.append(_read(synapse, k + 1))
    synapse.noise, synapse.dice = _still
    synapse.flush(n)
    found.append(_row(synapse, n, "end"))
    names = rule.analysis.states
    return Trace(
        rule,
        synapse.parameters,
        np.arange(n + 1, dtype=float),
        {name: np.array([row[name] for row in read]) for name in names},
        np.array([row["weight"] for row in read]),
        found,
    )


#: Draws of weight noise at its mean.
_still = (lambda rows: np.zeros((len(rows), 1)), lambda rows: np.full((len(rows), 1), 0.5))


def _row(synapse, presentation, kind, gradient=np.nan):
    values = {name: float(value[0, 0]) for name, value in synapse.state.items()}
    weight = {"weight": float(synapse.weight()[0, 0])}
    return {"presentation": presentation, "event": kind, "gradient": gradient} | values | weight


def _read(synapse, age):
    """State at an age of a synapse that is brought up to date for it, without touching the synapse."""
    copy = object.__new__(type(synapse))
    copy.__dict__ |= synapse.__dict__ | {name: deepcopy(getattr(synapse, name)) for name in ("state", "gradient", "touched")}
    copy.noise, copy.dice = _still
    copy.flush(age)
    return _row(copy, age, "")


def _check(events, n, w_init):
    problems, before = [], 0
    if not np.isfinite(w_init):
        problems.append(f"the initial weight must be finite, not {w_init:g}")
    for number, (k, kind, gradient) in enumerate(events, 1):
        if kind not in KINDS:
            problems.append(f"event {number}: {kind!r} is neither 'spike' nor 'boundary'")
        if kind == "spike" and not np.isfinite(gradient):
            problems.append(f"event {number}: the gradient of a spike must be finite, not {gradient:g}")
        if not 0 <= k < n:
            problems.append(f"event {number}: presentation {k} is not one of 0 to {n - 1}")
        elif k < before:
            problems.append(f"event {number}: presentation {k} comes after {before}; write events in the order of time")
        before = max(before, k)
    if problems:
        raise UserError("\n".join(problems))
