"""A network's text as a simulation runs it: constants, initial weights, stimuli as spikes, answers."""

import dataclasses

import numpy as np

from spikemeta.data import tuned
from spikemeta.errors import UserError, suggest
from spikemeta.language import limits, registry
from spikemeta.language.feedback import way_of
from spikemeta.language.network import Network
from spikemeta.simulation import responses


def of(name, engine="torch", n_hidden=None, feedback="tied"):
    """The network of a name, or of a user's file, as `spikemeta.simulation.simulation` uses it on an engine.

    Parameters
    ----------
    name : str
    engine : {"torch", "brian2"}
    n_hidden : int or tuple of int
        Hidden neurons; of several layers, a tuple.
    feedback : str
        On engine brian2 as for `spikemeta.language.feedback.way_of`.
    """
    found = registry.get_network(name)
    if not isinstance(found, Network):
        return found
    layers = n_hidden if isinstance(n_hidden, tuple) and len(n_hidden) > 1 else ()
    signal = way_of(feedback)[0] if engine == "brian2" else ""
    return Written(found, not str(name).endswith(".py"), engine, layers, signal)


def as_text(network, name):
    """A network from `of`, which must be a `Written`.

    Raises
    ------
    UserError
        For one written as code.
    """
    if not isinstance(network, Written):
        raise UserError(f"network {str(name)!r} is written as code: what is asked for needs a text")
    return network


def bases(network):
    """By projection, the one whose constants of a rule it takes where it has none of its own."""
    return getattr(network, "bases", {name: name for name in network.projections})


def sizes(network, given):
    """(n_input, neurons that neither are the input nor answer, n_classes) as a network has them.

    Parameters
    ----------
    network : network
        From `of`.
    given : tuple of int
        (n_input, n_hidden, n_classes), of which a text with numbers of its own need not take all.
    """
    if not isinstance(network, Written):
        return given
    text, found = network.network, network.network.sizes(*given)
    how, answer, _ = text.structure.answer
    if how == "assigned":  # there is no layer of classes
        return given[0], sum(found.values()) - found[text.input], 0
    between = [name for name in found if name not in (text.input, answer)]
    return given[0], sum(found[name] for name in between), given[2]


class Written:
    """A `Network` as simulations use it, as they do networks written as code.

    Parameters
    ----------
    network : Network
    ours : bool
        Whether constants were found for it, in ``networks/tuned/NAME.toml``.
    engine : {"torch", "brian2"}
        Where it will run: on brian2 it has the constants of its learning signal, too.
    layers : tuple of int
        Neurons of several hidden layers in place of one.
    signal : str
        A learning signal in place of the network's own, on brian2.

    Attributes
    ----------
    projections : tuple of str
        The plastic ones.
    engines : tuple of str
    text : str
        All that decides what it does.
    takes_spikes : bool
        Whether it is shown spikes, not images.
    bases : dict of str to str
        As from `bases`: further hidden layers take what the first one has.
    """

    engines = ("brian2", "torch")

    def __init__(self, network, ours=False, engine="torch", layers=(), signal=""):
        names = network.structure.projections
        network = network.stacked(layers) if layers else network
        self.network, self.ours, self.engine = network, ours, engine
        self.signal = registry.get_signal(signal or network.signal) if engine == "brian2" else None
        self.projections = tuple(name for name, p in network.structure.projections.items() if p.plastic)
        self.defaults = {name: p.value for name, p in network.parameters.items()}
        self.bases = {name: name if name in names else name.rstrip("0123456789") for name in self.projections}
        self.defaults |= self._of_signal(self.defaults)
        self.defaults |= self._found()
        fields = [(name, float, dataclasses.field(default=value)) for name, value in self.defaults.items()]
        self._constants = dataclasses.make_dataclass("Constants", fields, frozen=True)
        self.text = repr((network, self.signal))
        self.takes_spikes = network.structure.layers[network.input].kind == "given"
        self.limited = [name for name in self.projections if network.structure.projections[name].least]
        after = "what neurons keep" * any(kind.dynamics.kept for kind in network.structure.kinds.values())
        after = after or "limits of weights" * bool(self.limited) or "an assigned answer" * self.assigned
        if after:
            self.engines, self.why = ("brian2",), f": torch shows images side by side, and {after} needs one after another"
        answer = network.structure.answer[0]
        if answer == "mean":
            raise UserError(f"network {network.name!r}: studies count spikes; let the answer be count(...) or first(...)")

    def parameters(self, task="", dataset="", overrides=None):
        """Constants for a task: defaults, then those that a search found, then overrides; each in its unit.

        Raises
        ------
        UserError
            For an override that names no constant of the network, or a value that makes no sense.
        """
        layers = self._found(task, dataset), overrides or {}
        for name in layers[1].keys() - self.defaults.keys():
            raise UserError(suggest(f"parameter of network {self.network.name!r}", name, self.defaults))
        only = self.defaults.keys() - self.network.parameters.keys()
        of_signal = {name: value for given in layers for name, value in given.items() if name in only}
        problems = [
            f"{name} {text}" for name, value in of_signal.items() if (text := self.signal.parameters[name].problem(value))
        ]
        if problems:
            raise UserError("\n".join(f"signal {self.signal.name!r}: {problem}" for problem in problems))
        kept, given = ({name: value for name, value in layer.items() if name not in only} for layer in layers)
        constants = self.network.constants(given, kept)
        made = self.defaults | constants | {name: float(value) for name, value in of_signal.items()}
        if self.signal is not None:
            from spikemeta.backends.networks import lesson

            lesson.check_teaching(self.signal, self.network, made)
        return self._constants(**made)

    def _found(self, task="", dataset=""):
        """Constants that a search found: of a gradient from the history in brian2 those of torch, which has the same one."""
        if not self.ours:
            return {}
        historical = self.signal is not None and self.signal.historical
        known = dict.fromkeys([*self.network.parameters, *registry.get_signal(self.network.signal).parameters])
        found = tuned.network_constants(self.network.name, "torch" if historical else self.engine, known, task, dataset)
        return {name: value for name, value in found.items() if name in self.defaults}

    def _of_signal(self, constants):
        """Constants of the learning signal that the network has not."""
        if self.signal is None:
            return {}
        from spikemeta.backends.networks import lesson

        return {n: v for n, v in lesson.constants_of(self.signal, self.network, constants).items() if n not in constants}

    def _plan(self, sizes, parameters, **how):
        from spikemeta.backends.networks import plan

        constants = {name: value for name, value in dataclasses.asdict(parameters).items() if name in self.network.parameters}
        return plan.make(self.network, *sizes, constants, **how)

    def _values_of_signal(self, parameters):
        return {name: value for name, value in dataclasses.asdict(parameters).items() if name in self.signal.parameters}

    def start(self, sizes, parameters, rng):
        """Initial weights, and what is drawn with them.

        Parameters
        ----------
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Constants
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray
            By projection, (n_pre, n_post) or (n,), 1; ``pairs NAME`` of sparse projections, (2, n); on brian2
            ``feedback LAYER``, the random factors of what its signal carries, (n_answers, n).
        """
        first = self._drawn(self._plan(sizes, parameters), parameters, rng) if self.signal and self.signal.drawn_first else {}
        made = self._plan(sizes, parameters, rng=rng)
        out = made.weights | {f"pairs {name}": np.array(found) for name, found in made.connections.items() if found is not None}
        return out | (first or self._drawn(made, parameters, rng))

    def _drawn(self, plan, parameters, rng):
        """What the learning signal draws, by ``feedback LAYER``."""
        if self.signal is None:
            return {}
        from spikemeta.backends.networks import lesson

        own = self._values_of_signal(parameters)
        return {f"feedback {layer}": values for layer, values in lesson.draw(plan, self.signal, own, rng).items()}

    @property
    def assigned(self):
        """Whether neurons that answer are given their classes by what they did."""
        return self.network.structure.answer[0] == "assigned"

    def check(self, rule, hardware=None):
        """Refuse a rule whose weights cannot be held within the limits of a projection; and chips, which do not store them so.

        Raises
        ------
        UserError
        """
        if self.limited and hardware:
            raise UserError(
                f"network {self.network.name!r} holds weights within limits (least, total of {', '.join(self.limited)}), which "
                "no model of a chip does: leave out the chip"
            )
        problems = []
        for name in self.limited:
            try:
                limits.hold(rule.of(name))
            except UserError as error:
                problems.append(f"network {self.network.name!r}, projection {name!r}: {error}")
        if problems:
            raise UserError("\n".join(problems))

    def responses(self, sizes, constants):
        """The `Responses` of neurons that are given their classes by them; None for another answer.

        Parameters
        ----------
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        constants : dict of str to float
            Of the network, each in its unit.
        """
        _, layer, recent = self.network.structure.answer
        if not self.assigned:
            return None
        own = {name: value for name, value in constants.items() if name in self.network.parameters}
        shown = int(self.network.value(recent, self.network.si(own)))
        return responses.Responses(layer, self.network.sizes(*sizes)[layer], sizes[2], shown)

    def kept(self, sizes, parameters=None):
        """What lasts from one presentation to the next, before the first: by ``neurons LAYER.VARIABLE``, (n,) zeros.

        With constants also the `Responses` of an answer that is assigned.
        """
        from spikemeta.backends.networks.built import KEPT

        found, structure = self.network.sizes(*sizes), self.network.structure
        kinds = {name: structure.kinds[layer.kind].dynamics for name, layer in structure.layers.items() if not layer.is_input}
        out = {f"{KEPT}{name}.{v}": np.zeros(found[name]) for name, kind in kinds.items() for v, _ in kind.kept}
        own = self.responses(sizes, dataclasses.asdict(parameters)) if parameters is not None else None
        return out | (own.begin() if own else {})

    def started(self, sizes, parameters, start):
        """The plan (`spikemeta.backends.networks.plan.Plan`) with what `start` drew."""
        made = self._plan(sizes, parameters)
        pairs = {name: tuple(start[f"pairs {name}"]) if found is not None else None for name, found in made.connections.items()}
        weights = {name: start[name] for name in made.weights}
        return dataclasses.replace(made, connections=pairs, weights=weights)

    def build(
        self, rule, sizes, parameters, feedback, stimulus, teacher, dtype="float64", dense="auto", start=None, connect=None
    ):
        """Brian2 objects of the network that learns by its signal.

        Parameters
        ----------
        rule : Rule
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Constants
        feedback : str
            As for `spikemeta.language.feedback.way_of`.
        stimulus, teacher : brian2.Function
            ``stimulus(presentation, i)``: brightness of an input, 0 to 1. ``teacher(presentation)``: label, or -1.
        dtype : {"float64", "float32"}
            Of the synapses' state and of the variables of neurons.
        dense : {"auto", False}
            Whether standalone code walks rows and finds events in blocks, or is all Brian2's own.
        start : dict of str to ndarray
            From `start`: decides which synapses there are; values come with each phase.
        connect : dict of str to dict or None
            By projection, places ``i`` and ``j`` of its synapses in place of those that the text says.

        Returns
        -------
        Built
        """
        from spikemeta.backends.networks import brian_input, brian_learning, lesson

        made = self.started(sizes, parameters, start)
        pairs = {name: tuple(np.asarray(given[end]) for end in "ij") for name, given in (connect or {}).items()}
        made = dataclasses.replace(made, connections=made.connections | pairs)
        random = {name.partition(" ")[2]: v for name, v in start.items() if name.startswith("feedback ")}
        taught = lesson.make(
            made, self.signal, way_of(feedback)[1], constants=self._values_of_signal(parameters), random=random
        )
        source = (
            brian_input.of_trains(stimulus, teacher) if self.takes_spikes else brian_input.of_images(made, stimulus, teacher)
        )
        return brian_learning.network(taught, {p: rule.of(p) for p in self.projections}, source, dtype=dtype, dense=dense)

    def ready(self, sizes, parameters, start):
        """The network for torch, with what `start` drew.

        Returns
        -------
        Ready
        """
        from spikemeta.simulation.ready import Ready

        return Ready(self.started(sizes, parameters, start))
