"""A rule as a chip runs it: the rule's own text, followed by what storing its state on the chip does to it.

The result is a rule like any other, so every backend runs it from the same text. A synapse is read, updated in the
learning engine's full precision, and written back when it is visited: at the first presynaptic spike of a later
presentation. So storing is what ``on_presentation`` does first, where random numbers may be drawn. ``cell`` is the weight's
memory, ``cell_writes`` how often it changed (for devices: the pulses it got).
"""

import numpy as np

from spikemeta.hardware.fitting import needs, slots
from spikemeta.hardware.profile import Device, Quantity, Slot
from spikemeta.language import equations
from spikemeta.language.rule import Parameter, Rule

#: What a chip has no memory for is simulated in words of this many bits, and the rule counts as one that does not fit.
BEYOND = 16
_GUARD = 1e-9  # of a level: rounding errors of a number that is on the grid already must not move it


def _beyond(chip):
    rounding = "stochastic" if isinstance(chip.weight, Device) else chip.weight.rounding
    return Slot("beyond", Quantity(BEYOND, "bit", "chosen", "chosen"), True, rounding)


def _stored(expression, name, stochastic):
    """The value on the grid of ``name``: its lowest value, its step and its number of steps are parameters."""
    dice = f"({_GUARD!r} + {1 - 2 * _GUARD!r}*rand())" if stochastic else "0.5"
    level = f"clip(({expression} - {name}_low)/{name}_step, 0, {name}_steps)"
    return f"{name}_low + {name}_step*clip(int({level} + {dice}), 0, {name}_steps)"


def _grid(name, slot, low, high, whole=False):
    """Parameters of a grid: symmetric about zero where the range has both signs, else from end to end.

    Of whole numbers the steps are whole, and small ones take all that the word can count.
    """
    bits = int(slot.bits.value)
    if whole:
        low, steps = np.floor(low), 2**bits - 1
        step = max(np.ceil((high - low) / steps), 1.0)
        values = {f"{name}_low": float(low), f"{name}_step": float(step), f"{name}_steps": float(steps)}
        return {key: Parameter(value, description="of the chip") for key, value in values.items()}
    both = low < 0
    if both:
        low, high = -max(-low, high), max(-low, high)
        steps = 2**bits - 2 if slot.signed else 2 * (2**bits - 1)
        steps = max(steps, 1)
    else:
        steps = 2**bits - 1
    values = {f"{name}_low": low, f"{name}_step": (high - low) / steps, f"{name}_steps": float(steps)}
    return {key: Parameter(value, description="of the chip") for key, value in values.items()}


def _programmed(chip, derived):
    """Statements that move the devices of a weight to ``cell_wanted``, as near as pulses do.

    The weight that is `derived` from state in words is programmed where these ask for another one than at the last visit.
    """
    d = chip.weight
    v = {name: repr(float(getattr(d, name).value)) for name in d.__dataclass_fields__ if getattr(d, name).value is not None}
    place = f"({v['slope']}*cell/cell_high + {v['offset']})"
    changed = f"int(abs(cell_wanted - cell_goal) > {_GUARD!r}*cell_pulse)*" if derived else ""
    up = f"(1 + {v['asymmetry']})*clip(1 - {v['curvature_up']}*exp({v['steepness_up']}*cell_place), 0, inf)"
    down = f"(1 - {v['asymmetry']})*clip(1 - {v['curvature_down']}*exp(-{v['steepness_down']}*cell_place), 0, inf)"
    return [
        "cell_gap = (cell_wanted - cell)/cell_pulse",
        "cell_dice = rand()",
        "cell_jolt = cell_noise*randn()",
        f"cell_count = {changed}int(abs(cell_gap) + {_GUARD!r} + {1 - 2 * _GUARD!r}*cell_dice)",
        "cell_up = int(cell_gap > 0)",
        f"cell_place = {place}",
        f"cell_curve = cell_up*{up} + (1 - cell_up)*{down}",
        "cell_move = (2*cell_up - 1)*cell_count + sqrt(cell_count)*cell_jolt",
        "cell = clip(cell + cell_pulse*cell_curve*cell_move, -cell_high, cell_high)",
        "cell_writes += cell_count",
    ]


def _written(chip, derived):
    """Statements that round ``cell_wanted`` into the weight's word; by chance only what no other state remembers."""
    lines = ["cell_before = cell"]
    if chip.most_levels is not None:
        reach = f"{float(chip.most_levels.value)!r}*cell_step"
        lines.append(f"cell_wanted = clip(cell_wanted, cell - {reach}, cell + {reach})")
    stochastic = chip.weight.rounding == "stochastic" and not derived
    return [
        *lines,
        f"cell = {_stored('cell_wanted', 'cell', stochastic)}",
        "cell_writes += int(abs(cell - cell_before) > 0.5*cell_step)",
    ]


def on_chip(rule, chip, ranges=None):
    """A rule as a chip runs it.

    Parameters
    ----------
    rule : Rule
    chip : Hardware
    ranges : dict of str to (float, float) or None
        Smallest and largest value that each stored variable must hold (the weight as ``cell``); see `ranges_of`. By
        default, what the rule's start suggests.

    Returns
    -------
    Rule
        The rule itself for a chip without limits. Else one with ``cell`` and ``cell_writes`` in its state, and for every stored
        variable x the grid's ``x_low``, ``x_step`` and ``x_steps`` among its parameters.
    """
    if not chip.limited:
        return rule
    need = needs(rule)
    analog = isinstance(chip.weight, Device)
    words = [(word, slot or _beyond(chip)) for word, slot in slots(rule, chip)]
    parameters = dict(rule.parameters) | grid_parameters(rule, chip, ranges)
    restored = [f"{need.implied} = {need.inverse}"] if need.implied else []

    def kept(stochastic):
        return [f"{w} = {_stored(w, w, stochastic and slot.rounding == 'stochastic')}" for w, slot in words]

    nearest = [f"cell = {_stored(need.mean_weight, 'cell', False)}"]
    if analog:
        nearest = [f"cell = clip({need.mean_weight}, -cell_high, cell_high)"]
    derived, wanted = not need.implied, f"cell_wanted = {need.mean_weight}"
    first = [*kept(False), *nearest] if derived else [*nearest, *kept(False), *restored]
    start = [*_lines(rule, "initial"), *first, "cell_writes = 0"]
    write = (_programmed if analog else _written)(chip, derived)
    if derived:  # from what the words then hold: a visit at which nothing happened asks for the same weight
        store = [*kept(True), wanted, *write, *["cell_goal = cell_wanted"] * analog]
    else:
        store = [wanted, *write, *kept(True), *restored]
    state = [line for _, line in equations.numbered(rule.state)] + ["cell : 1", "cell_writes : 1"]
    gradient = _lines(rule, "on_gradient")
    opening = _lines(rule, "on_presentation")
    more = ["cell_goal"] * (analog and derived) + ["cell_dice", "cell_jolt"] * analog
    more += ["cell_sum", "cell_epoch"] * (chip.presentations > 1)
    state += [f"{name} : 1" for name in more]
    start += [f"{name} = 0" for name in more] + [f"cell_goal = {need.mean_weight}"] * (analog and derived)
    if chip.presentations > 1:
        opening, gradient = _epoch(rule, chip, [*store, *opening]), ["cell_sum += gradient"]
    else:
        opening = [*store, *opening]
    boundary = _boundary(rule, kept(False), *(([], []) if analog else (nearest, restored)))
    own = need.drawn and (need.implied or set(need.drawn) & rule.analysis.reads["weight"])  # a noisy weight is about its cell
    weight = rule.weight if own else "cell"
    return Rule(
        rule.name,
        rule.description,
        rule.reference,
        "\n".join(state),
        weight,
        "\n".join(start),
        "\n".join(gradient),
        "\n".join(opening),
        "\n".join(boundary),
        parameters=parameters,
        variants=rule.variants,
        boundary_if=rule.boundary_if,
        variant=rule.variant,
        constants_file=rule.constants_file,
        per_visit=True,
    )


def _boundary(rule, kept, nearest, restored):
    """What a boundary does, and the words that it changes as they are stored."""
    a, lines = rule.analysis, _lines(rule, "on_boundary")
    if not lines:
        return []
    again = nearest if a.reads["weight"] & a.writes["on_boundary"] else []
    words = [line for line in kept if line.split(" = ")[0] in a.writes["on_boundary"]]
    return [*lines, *again, *words, *restored] if restored else [*lines, *words, *again]


def _epoch(rule, chip, opening):
    """What a presentation opens with on a chip that learns once in several: the rule on the sum, then ``opening``."""
    a = rule.analysis
    late = [
        f"{s.target} = {equations.substituted(s.value, {'gradient': 'cell_due*cell_sum'})}" for s in a.blocks["on_gradient"]
    ]
    head = [f"cell_now = int(age/({chip.presentations}*presentation))", "cell_due = int(cell_now > cell_epoch)"]
    held = [_when_due(line, {*a.states, "cell", "cell_writes", "cell_goal"}) for line in opening]
    return [*head, "cell_epoch = cell_now", *late, *held, "cell_sum = (1 - cell_due)*cell_sum"]


def _lines(rule, block):
    return [f"{s.target} = {s.value}" for s in rule.analysis.blocks[block]]


def _when_due(line, states):
    """A statement that leaves a state variable as it is unless the synapse is due."""
    target, op, value = line.partition(" = ")
    if not op:
        target, _, value = line.partition(" += ")
        return f"{target} += cell_due*({value})"
    return f"{target} = cell_due*({value}) + (1 - cell_due)*{target}" if target in states else line


def grid_parameters(rule, chip, ranges=None):
    """The chip's own parameters of a rule, by name, each a `Parameter`."""
    ranges = _guessed(rule) | (ranges or {})
    if isinstance(chip.weight, Device):
        high = max(map(abs, ranges["cell"]))
        pulse = 2 * high * chip.weight.step.value / 2 / chip.weight.count.value
        values = {"cell_high": high, "cell_pulse": pulse, "cell_noise": chip.weight.noise.value}
        out = {key: Parameter(float(value), description="of the chip") for key, value in values.items()}
    else:
        out = _grid("cell", chip.weight, *ranges["cell"])
    for word, slot in slots(rule, chip):
        out |= _grid(word, slot or _beyond(chip), *ranges[word], word in rule.analysis.whole)
    return out


def _guessed(rule):
    """Ranges from the rule's start on made-up synapses: for rules shown and tested without a network."""
    rng = np.random.default_rng(0)
    space = {p: v.value for p, v in rule.parameters.items()} | {"w_init": np.clip(0.1 * rng.standard_normal(64), -0.3, 0.3)}
    space |= {"rand": lambda: rng.random(64), "randn": lambda: rng.standard_normal(64)}
    started = equations.compile_statements(rule.analysis.blocks["initial"])(space)
    weight = equations.compile_expression(needs(rule).mean_weight)(started)
    found = {"cell": weight} | {word: started[word] for word in needs(rule).words}
    return {name: _range(name, rule, np.broadcast_to(x, 64)) for name, x in found.items()}


def _range(name, rule, values):
    low, high = float(np.min(values)), float(np.max(values))
    if name == "cell" or name in _like_weight(rule):
        return -4 * max(abs(low), abs(high), 1e-3), 4 * max(abs(low), abs(high), 1e-3)
    return (low / 2, 2 * high + (high == 0)) if low >= 0 and high > 0 else (-1.0 + 4 * low, 1.0 + 4 * high)


def _like_weight(rule):
    """Stored variables that start as the weight does, and share its range: a reference to compare it with."""
    return {s.target for s in rule.analysis.blocks["initial"] if s.value.strip() == "w_init"}


#: Part of the synapses that a chip's range may cut off, at either end: of weights, and of other state, whose few largest
#: values may be a thousand times the rest (a precision's are).
CUT, CUT_STATE = 1e-3, 0.05


def ranges_of(rule, first, last):
    """Ranges of the stored variables of one projection, from a run of the rule without a chip.

    Parameters
    ----------
    rule : Rule
    first, last : dict of str to ndarray
        State of the synapses before and after, by variable, and the weight with its noise at zero as ``cell``.

    Returns
    -------
    dict of str to (float, float)
        All but a thousandth of the weights at either end of the run, symmetric, also for what starts as the weight does; all
        but a twentieth of other state; all of whole numbers, which are few.
    """
    out = {}
    for name in ("cell", *needs(rule).words):
        cut = CUT if name == "cell" or name in _like_weight(rule) else 0 if name in rule.analysis.whole else CUT_STATE
        values = [np.quantile(s[name], [cut, 1 - cut]) for s in (first, last)]
        low, high = min(v[0] for v in values), max(v[1] for v in values)
        out[name] = (float(low), float(high) if high > low else float(low) + 1.0)
    wide = max(map(abs, out["cell"]))
    return {n: (-wide, wide) if n == "cell" or n in _like_weight(rule) else r for n, r in out.items()}
