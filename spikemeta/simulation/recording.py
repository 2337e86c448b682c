"""What a run records while it learns, of single synapses and of neurons: which, when, and on disk as soon as it is known."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError, suggest
from spikemeta.simulation import recorded_neurons
from spikemeta.simulation import weights as synaptic
from spikemeta.simulation.rows_on_disk import Rows

DRAWN = 200  # synapses of each projection, unless others are asked for
FILE = "recorded.f8"  # in the folder of a run's state: a row of numbers for each moment


@dataclass(frozen=True)
class Recording:
    """What to record of the synapses and neurons of a run.

    Parameters
    ----------
    names : sequence of str, or str
        ``"hidden.precision"``: a state variable of the rule in a projection, or ``"hidden.weight"``, its weight with the weight
        noise at zero; ``"hidden.spikes"`` or ``"hidden.v"``, of the neurons of a layer. As one text, separated by commas.
    every : int
        Training presentations between two moments. The start and the end of each training phase are moments, too.
    synapses : int, or dict of str to sequence of (int, int)
        How many to draw in each projection, the same under every rule and seed; or by projection the pairs (source, target).
        All of them where there are no more; projections that a dict leaves out have `DRAWN`.
    presentations : sequence of int, or str
        Training presentations in which neurons are recorded, counted from 0 through the run; ``"every=1000"`` for every
        thousandth. Empty: the first and the last of each training phase.

    Raises
    ------
    UserError
        For numbers below 1 of what is drawn or skipped; for presentations that are no numbers.
    """

    names: tuple
    every: int = 1000
    synapses: int | dict = DRAWN
    presentations: tuple | str = ()

    def __post_init__(self):
        names = self.names.split(",") if isinstance(self.names, str) else self.names
        object.__setattr__(self, "names", tuple(dict.fromkeys(name.strip() for name in names if name.strip())))
        drawn = () if isinstance(self.synapses, dict) else (("synapses", self.synapses),)
        problems = [
            f"to record: {what} must be a whole number of at least 1, not {value!r}"
            for what, value in (("every", self.every), *drawn)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1
        ]
        if not self.names:
            problems.append("to record: name what, as in 'hidden.weight,readout.weight'")
        try:
            object.__setattr__(self, "presentations", recorded_neurons.presentations_of(self.presentations))
        except UserError as error:
            problems.append(str(error))
        if problems:
            raise UserError("\n".join(problems))


def of(given):
    """A `Recording` of what a user gives: one, names, or None for none."""
    return given if given is None or isinstance(given, Recording) else Recording(given)


def synapses_of(text):
    """What ``--record-synapses`` says: ``200``, or pairs of source and target, ``hidden=3-7,hidden=10-4``.

    Returns
    -------
    int or dict of str to list of (int, int)

    Raises
    ------
    UserError
    """
    if str(text).isdigit() and int(text) > 0:
        return int(text)
    out = {}
    for word in str(text).split(","):
        match = re.fullmatch(r"\s*(\w+)=(\d+)-(\d+)\s*", word)
        if not match:
            raise UserError(
                f"--record-synapses {text!r}: write how many to draw, as in 200, or which, from-to: hidden=3-7,hidden=10-4"
            )
        out.setdefault(match[1], []).append((int(match[2]), int(match[3])))
    return out


def valid(rule, projections):
    """Names that can be recorded of synapses."""
    return [f"{p}.{v}" for p in projections for v in dict.fromkeys((*rule.of(p).analysis.states, "weight"))]


def moments(phases, every, batch=1):
    """When synapses are recorded.

    Parameters
    ----------
    phases : sequence of Phase
    every : int
        Training presentations.
    batch : int
        Presentations between which nothing can be read; a moment waits for the next whole batch.

    Returns
    -------
    list of (int, int, int)
        Number of the phase (-1 at the start), presentations of it so far, training presentations of the run so far.
    """
    out, before = [(-1, 0, 0)], 0
    for number, phase in enumerate(phases):
        if phase.kind == "train":
            length = len(phase.indices)
            whole = (-(-(m - before) // batch) * batch for m in range((before // every + 1) * every, before + length, every))
            out += [(number, stop, before + stop) for stop in sorted({*(min(stop, length) for stop in whole), length})]
            before += length
    return out


class Recorder:
    """Records one run.

    Parameters
    ----------
    recording : Recording
    simulation : Simulation
    curriculum : Curriculum
    start, state : dict of str to ndarray
        From `Simulation.begin`.
    constants : dict
        From `Simulation.constants`.
    out : Path or None
        Folder of the run's state; None to keep all in memory.
    finished : int or None
        Phases whose recording is there already; None to begin anew.

    Raises
    ------
    UserError
        With every name and synapse that does not exist; for a file that lacks something.
    """

    def __init__(self, recording, simulation, curriculum, start, state, constants, out=None, finished=None):
        self.rule, self.constants = simulation.rule, constants["rule"]
        network = simulation.network, simulation.network_name
        self.names, neurons = _checked_names(
            recording, self.rule, simulation.network.projections, recorded_neurons.valid(*network)
        )
        self.places = {p: _places(recording, p, start, state[f"{p}.transmitted"].shape) for p in self.names}
        problems = [text for found in self.places.values() if isinstance(found, list) for text in found]
        if problems:
            raise UserError("\n".join(problems))
        self.batch = simulation.batch if simulation.engine == "torch" else 1
        self.moments = moments(curriculum.phases, recording.every, self.batch) if self.names else []
        out = Path(out) if out else None
        sizes = curriculum.dataset.train_images.shape[1], simulation.n_hidden, curriculum.n_classes
        how = simulation, curriculum.phases, sizes, start, constants["network"], out, finished
        self.neurons = recorded_neurons.Neurons(neurons, recording.presentations, *how) if neurons else None
        width = 1 + sum(len(variables) * len(self.places[p][0]) for p, variables in self.names.items())
        self.rows = Rows((len(self.moments), width), out / FILE if out and self.names else None)
        if finished is not None:
            self.rows.look([number < finished for number, *_ in self.moments])
        elif self.names:
            self.rows.begin()
            self.take(-1, 0, state, 0)

    @property
    def watched(self):
        """Names of what is recorded of neurons."""
        return self.neurons.names if self.neurons else ()

    def of_phase(self, number, age):
        """What to read within a phase that begins at a rule time."""
        return Watch(self, number, age)

    def take(self, number, position, state, age):
        """Record this moment.

        Parameters
        ----------
        number, position : int
            As in `moments`.
        state : dict of str to ndarray
            Of every synapse, by ``projection.variable``.
        age : float
            Rule time.
        """
        row = []
        for p, variables in self.names.items():
            flat, states = self.places[p][0], (*self.rule.of(p).analysis.states, "transmitted")
            here = {f"{p}.{s}": np.ravel(state[f"{p}.{s}"])[flat] for s in states}
            if "weight" in variables:
                here |= {f"{p}.weight": synaptic.mean_weights(self.rule, here, {p: self.constants[p]}, age)[p]}
            row += [here[f"{p}.{variable}"] for variable in variables]
        self.rows.write(next(k for k, (n, at, _) in enumerate(self.moments) if (n, at) == (number, position)), row)

    def arrays(self):
        """All that was recorded.

        Returns
        -------
        dict of str to ndarray
            ``presentation`` (n_moments,), training presentations before each; by name (n_moments, n_synapses), in the unit of
            the variable; ``PROJECTION.source`` and ``PROJECTION.target`` (n_synapses,). Of neurons, as `Neurons.arrays` says.
        """
        out = self.neurons.arrays() if self.neurons else {}
        if not self.names:
            return out
        self.rows.look([True] * len(self.moments))
        rows, first = self.rows.all(), 1
        out |= {"presentation": np.array([shown for *_, shown in self.moments])}
        for p, variables in self.names.items():
            flat, source, target = self.places[p]
            for variable in variables:
                out[f"{p}.{variable}"] = rows[:, first : first + len(flat)].copy()
                first += len(flat)
            out |= {f"{p}.source": source, f"{p}.target": target}
        return out


@dataclass(frozen=True)
class Watch:
    """A training phase as an executor records it.

    Parameters
    ----------
    recorder : Recorder
    number : int
        Of the phase.
    age : float
        Rule time when it began.
    """

    recorder: Recorder
    number: int
    age: float

    @property
    def _synapses(self):
        """Presentations after which synapses are read, the last of them at the phase's end."""
        return [p for n, p, _ in self.recorder.moments if n == self.number]

    @property
    def _neurons(self):
        """Presentations before each of those whose neurons are recorded."""
        return self.recorder.neurons.places(self.number) if self.recorder.neurons else []

    def after(self, position, neurons=True):
        """Presentations of the phase after which to stop next, for synapses or neurons; None if not before its end."""
        ahead = [p for p in (*self._synapses[:-1], *(self._neurons if neurons else ())) if p > position]
        return min(ahead, default=None)

    def takes(self, position):
        """Whether synapses are read after so many presentations."""
        return position in self._synapses

    def shows(self, position, stop=None):
        """Those of the presentations from ``position`` to before ``stop``, or this one alone, whose neurons are recorded."""
        return [p for p in self._neurons if position <= p < (position + 1 if stop is None else stop)]

    def show(self, position, seen):
        """Record neurons in the presentation before which there were so many; as for `Neurons.take`."""
        self.recorder.neurons.take(self.number, position, seen)

    @property
    def shapes(self):
        """Steps and neurons of what is recorded of neurons, by name."""
        return self.recorder.neurons.shapes

    def take(self, position, state):
        """Record the state of every synapse after so many presentations, if this is a moment to."""
        if not self.takes(position):
            return
        self.recorder.take(self.number, position, state, self.age + -(-position // self.recorder.batch))


def checked(names, synapses, neurons, what):
    """Those of the names that are of neurons.

    Parameters
    ----------
    names, synapses, neurons : sequence of str
        Asked for, and known of either.
    what : str
        Of a message.

    Raises
    ------
    UserError
        With every name that neither has, or both have.
    """
    known = [*synapses, *neurons]
    problems = [suggest(what, name, known) for name in names if name not in known]
    problems += [
        f"to record: {name!r} is a variable of a rule's synapses and of neurons: give one of them another name in its text"
        for name in names
        if name in synapses and name in neurons
    ]
    if problems:
        raise UserError("\n".join(problems))
    return [name for name in names if name in neurons]


def _checked_names(recording, rule, projections, of_neurons):
    """Variables of synapses to record, by projection, and names of neurons' variables."""
    out, neurons = {}, checked(recording.names, valid(rule, projections), of_neurons, "name to record,")
    if recording.presentations and not neurons:
        raise UserError(
            "to record: presentations are chosen for neurons, and none are named: add some, as hidden.spikes, or leave them out"
        )
    owners = recording.synapses if isinstance(recording.synapses, dict) else {}
    strange = [owner for owner in owners if owner not in projections]
    if strange:
        raise UserError("\n".join(suggest("projection of synapses to record,", owner, projections) for owner in strange))
    for name in recording.names:
        projection, _, variable = name.partition(".")
        if name not in neurons:
            out.setdefault(projection, []).append(variable)
    return out, neurons


def _places(recording, projection, start, shape):
    """Flat places of the synapses to record, their sources and targets; or a list of what is wrong with them."""
    pairs = start.get(f"pairs {projection}")
    n = int(np.prod(shape))
    ends = lambda flat: np.asarray(pairs)[:, flat] if pairs is not None else np.unravel_index(flat, shape)  # noqa: E731
    if not isinstance(recording.synapses, dict) or projection not in recording.synapses:
        wanted = DRAWN if isinstance(recording.synapses, dict) else recording.synapses
        flat = np.sort(np.random.default_rng([4, n, *projection.encode()]).permutation(n)[:wanted])
        return flat, *map(np.array, ends(flat))
    source, target = map(np.asarray, ends(np.arange(n)))
    known = {pair: place for place, pair in enumerate(zip(source.tolist(), target.tolist(), strict=True))}
    asked = [tuple(map(int, pair)) for pair in recording.synapses[projection]]
    missing = [pair for pair in asked if pair not in known]
    if missing:
        there = f"sources 0 to {source.max()}, targets 0 to {target.max()}" + (", sparse" if pairs is not None else "")
        return [f"to record: projection {projection!r} has no synapse from {i} to {j}; it has {there}" for i, j in missing]
    flat = np.array([known[pair] for pair in asked], int)
    return flat, source[flat], target[flat]
