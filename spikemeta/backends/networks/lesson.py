"""A learning signal in a network: its constants by layer, and how what the answer does reaches other layers."""

from dataclasses import dataclass

import brian2
import numpy as np

from spikemeta.errors import UserError, suggest
from spikemeta.language.feedback import FEEDBACK
from spikemeta.language.signal import READOUT, replaced


@dataclass(frozen=True)
class Lesson:
    """A signal in a network.

    Attributes
    ----------
    plan : Plan
    signal : Signal
    constants : dict of str to float
        Of the signal, by name, each in its unit.
    tied : dict of str to tuple of str
        By layer, the plastic projections to the answer, whose weights carry the trace back.
    random : dict of str to ndarray, (n_answers, n)
        By layer, the fixed factors that carry it.
    """

    plan: object
    signal: object
    constants: dict
    tied: dict
    random: dict

    @property
    def answer(self):
        """Name of the layer that answers."""
        return self.plan.network.structure.answer[1]

    def si(self, layer):
        """Constants in SI units, as they hold in a layer."""
        return self.signal.si(self.constants, layer == self.answer)

    @property
    def taught(self):
        """Whether there are teaching events."""
        return bool(self.signal.teach_rate.strip())

    def late(self, projection):
        """Steps for which a spike is under way before it is delivered; 0 with a delay of one step."""
        return self.plan.delays[projection] - 1


def constants_of(signal, network, constants):
    """A signal's constants: its own, or those of the network's parameters of the same name.

    Parameters
    ----------
    signal : Signal
    network : Network
    constants : dict of str to float
        Of the network.

    Returns
    -------
    dict of str to float

    Raises
    ------
    UserError
        If names of the two mean different things; for a signal that must know the right neuron, where there is none.
    """
    if network.structure.answer[0] == "assigned" and signal.labelled:
        raise UserError(
            f"network {network.name!r}, signal {signal.name!r}: neurons are given their classes by what they do, so that none "
            "is the right one: choose a signal of spikes alone, such as stdp"
        )
    clashes = [
        f"{name!r} has the unit {network.parameters[name].unit} in the network, {p.unit} in the signal"
        for name, p in signal.parameters.items()
        if name in network.parameters and network.parameters[name].unit != p.unit
    ]
    own = set(signal.moves.variables)
    clashes += [f"parameter {name!r} is a trace of the signal" for name in network.parameters if name in own]
    for kind in network.structure.kinds.values():
        shared = set(kind.dynamics.variables) & (own | signal.parameters.keys())
        clashes += [f"variable {name!r} of the neurons has the name of a trace or parameter of the signal" for name in shared]
    if clashes:
        problems = "\n".join(f"network {network.name!r}, signal {signal.name!r}: {text}: rename it" for text in sorted(clashes))
        raise UserError(problems)
    return {name: constants.get(name, p.value) for name, p in signal.parameters.items()}


def check_teaching(signal, network, constants):
    """Refuse teaching events that are more than one a step; constants of both, each in its unit.

    Raises
    ------
    UserError
    """
    if not signal.teach_rate.strip():
        return
    own = signal.si({name: value for name, value in constants.items() if name in signal.parameters})
    highest = max(float(network.value(signal.teach_rate.strip(), own | {"right": right})) for right in (0.0, 1.0))
    if highest * constants["step"] > 1000 * (1 + 1e-9):
        raise UserError(
            f"network {network.name!r}, signal {signal.name!r}: teaching events at {highest:g} Hz are more than one in a step "
            f"of {constants['step']:g} ms: at most {1000 / constants['step']:g} Hz"
        )


def told_apart(signal, rules):
    """Refuse a rule with a variable that has the name of a signal's trace: which of them is meant would be unclear.

    Parameters
    ----------
    signal : Signal
    rules : dict of str to Rule
        By projection.

    Raises
    ------
    UserError
    """
    shared = {(rule.name, name) for rule in rules.values() for name in set(rule.analysis.states) & set(signal.moves.variables)}
    problems = [
        f"rule {rule!r}, signal {signal.name!r}: both have a variable {name!r}: rename it in the rule"
        for rule, name in sorted(shared)
    ]
    if problems:
        raise UserError("\n".join(problems))


def make(plan, signal, feedback="tied", rng=None, constants=None, random=None):
    """A signal in a network.

    Parameters
    ----------
    plan : Plan
    signal : Signal
    feedback : {"tied", "random"}
        Whether the answer's weights carry back what the signal says is carried, where a layer has them.
    rng : numpy.random.Generator or None
        Draws random factors.
    constants : dict of str to float or None
        Of the signal, in place of its own.
    random : dict of str to ndarray or None
        Factors in place of drawn ones.

    Returns
    -------
    Lesson

    Raises
    ------
    UserError
        For names that clash, or an unknown feedback, or random feedback of a signal that carries nothing.
    """
    if feedback not in FEEDBACK:
        raise UserError(suggest("feedback", feedback, FEEDBACK))
    if feedback == "random" and signal.historical and not signal.carries:
        raise UserError(f"signal {signal.name!r} goes back through the network's own weights: leave out feedback 'random'")
    known = constants_of(signal, plan.network, plan.constants) | (constants or {})
    answer = plan.network.structure.answer[1]
    ways, drawn = {}, {}
    if signal.carries:
        for layer in plan.layers:
            if layer == answer or not any(plan.projections[p].plastic for p in plan.into(layer)):
                continue
            back = [p for p in plan.into(answer) if plan.projections[p].plastic and plan.projections[p].source == layer]
            if feedback == "tied" and back:
                ways[layer] = tuple(back)
            else:
                drawn[layer] = (random or {}).get(layer)
    rng = np.random.default_rng(0) if rng is None else rng
    for layer in [name for name, found in drawn.items() if found is None]:
        drawn[layer] = _centred(plan, signal, signal.si(known), layer, rng)
    return Lesson(plan, signal, known, ways, drawn)


def layers_to_reach(plan):
    """Layers that learn and do not answer."""
    answer = plan.network.structure.answer[1]
    return [name for name in plan.layers if name != answer and any(plan.projections[p].plastic for p in plan.into(name))]


def draw(plan, signal, constants, rng):
    """Random factors for every layer that learns and does not answer: by layer, (n_answers, n)."""
    si = signal.si(constants_of(signal, plan.network, plan.constants) | (constants or {}))
    return {layer: _centred(plan, signal, si, layer, rng) for layer in layers_to_reach(plan) if signal.carries}


def _centred(plan, signal, si, layer, rng):
    """Factors whose random numbers are centred over the answers: an error that all share must not drive the other layers."""
    shape = plan.sizes[plan.network.structure.answer[1]], plan.sizes[layer]
    centred = lambda drawn: drawn - drawn.mean(axis=0)  # noqa: E731
    space = si | {"randn": lambda: centred(rng.standard_normal(shape)), "rand": lambda: centred(rng.random(shape))}
    return np.array(np.broadcast_to(plan.network.value(signal.random.strip(), space), shape), float)


def quantities(lesson, layer):
    """Constants of the signal as Brian2 quantities, as they hold in a layer."""
    from spikemeta.language.neuron_checking import UNITS

    own = {n: v * UNITS[lesson.signal.parameters[n].unit] for n, v in lesson.constants.items()}
    stand_in = {replaced(n): v for n, v in own.items() if layer == lesson.answer and n.startswith(READOUT)}
    return {n: brian2.Quantity(v) for n, v in (own | stand_in).items()}
