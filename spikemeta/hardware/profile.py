"""What a chip allows and what it costs: a `Hardware` profile, every number of it with its source, checked at construction."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from spikemeta.errors import UserError, suggest
from spikemeta.language import python_files, registry

BASES = ("measured", "simulated", "derived", "specified", "chosen")
ROUNDINGS = ("nearest", "stochastic")
EVENTS = ("presynaptic", "boundary")
OPERATIONS = ("division", "functions", "random")
PRICES = ("synaptic_operation", "neuron_update", "weight_update", "spike")
#: Energies in pJ.
ENERGY = {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3, "uJ": 1e6}
UNITS = ("bit", "1", "level", "presentation", "device", "pulse", *ENERGY)
MOST_BITS = 24  # levels are counted in 32-bit integers
DEVICE = {
    "count": "device",
    "step": "1",
    "asymmetry": "1",
    "slope": "1",
    "offset": "1",
    "steepness_up": "1",
    "steepness_down": "1",
    "curvature_up": "1",
    "curvature_down": "1",
    "noise": "1",
    "endurance": "pulse",
}


@dataclass(frozen=True)
class Quantity:
    """A published number.

    Attributes
    ----------
    value : float or None
        None where nobody published it: never zero.
    unit : str
        One of `UNITS`.
    source : str
        Paper with table or section; for None, what was looked for.
    basis : str
        ``measured``, ``simulated``, ``derived`` (from other numbers of the source), ``specified`` (what a design fixes, such as
        bits) or ``chosen`` (by us; the source says why).
    conditions : str
        Operating point.
    """

    value: float | None
    unit: str
    source: str = ""
    basis: str = "specified"
    conditions: str = ""


@dataclass(frozen=True)
class Slot:
    """A word of synaptic memory.

    Attributes
    ----------
    name : str
    bits : Quantity
    signed : bool
        Without a sign a signed weight takes two synapses, one excitatory and one inhibitory.
    rounding : {"nearest", "stochastic"}
        How what is computed becomes what is stored.
    """

    name: str
    bits: Quantity
    signed: bool = True
    rounding: str = "nearest"


@dataclass(frozen=True)
class Device:
    """An analog memory cell that is programmed by pulses, open loop; a weight is the mean of ``count`` of them.

    A pulse moves a cell at x (-1 to 1, of the weight's range) by ``step*(1 +- asymmetry)*(1 - A*exp(+-g*z))``, with
    z = slope*x + offset, A = curvature and g = steepness of its direction, and by as much times ``noise`` times a normal
    draw. All are a `Quantity`.
    """

    count: Quantity
    step: Quantity
    asymmetry: Quantity
    slope: Quantity
    offset: Quantity
    steepness_up: Quantity
    steepness_down: Quantity
    curvature_up: Quantity
    curvature_down: Quantity
    noise: Quantity
    endurance: Quantity


@dataclass(frozen=True)
class Hardware:
    """A chip.

    Attributes
    ----------
    name, description : str
    weight : Slot, Device or None
        Where the transmitted weight is kept; None for a computer without limits.
    state : tuple of Slot
        Further words of a synapse, in the order in which they are given to a rule's state.
    more_state : Slot or None
        A word that a synapse may have any number of, because learning is software.
    update_every : Quantity or None
        Presentations per update; what a synapse gathers meanwhile is summed. None: one.
    most_levels : Quantity or None
        Largest change of a weight in one write.
    events : tuple of str
        What a synapse may react to, of `EVENTS`: a presynaptic spike, and a boundary, which the host signals.
    operations : tuple of str
        What its learning can compute besides sums and products, of `OPERATIONS`.
    prices : dict of str to Quantity
        Energies, by the names in `PRICES`; ``weight_update`` is per pulse for a `Device`.
    notes : str
        What the model leaves out.

    Raises
    ------
    UserError
        With every problem: a missing source, an unknown unit, impossible bits, a misspelt name.
    """

    name: str
    description: str = ""
    weight: Slot | Device | None = None
    state: tuple = ()
    more_state: Slot | None = None
    update_every: Quantity | None = None
    most_levels: Quantity | None = None
    events: tuple = EVENTS
    operations: tuple = OPERATIONS
    prices: dict = field(default_factory=dict)
    notes: str = ""

    def __post_init__(self):
        problems = list(_problems(self))
        if problems:
            raise UserError("\n".join(f"hardware {self.name!r}: {problem}" for problem in problems))

    @property
    def limited(self):
        """Whether it stores anything otherwise than an ideal computer."""
        return self.weight is not None

    @property
    def presentations(self):
        """Presentations per update."""
        return 1 if self.update_every is None else int(self.update_every.value)


def _number(where, quantity, unit, low=None, high=None, whole=False, optional=False):
    """Problems of one quantity; ``unit``: those that it may have."""
    if not isinstance(quantity, Quantity):
        yield f"{where} must be a Quantity(value, unit, source, basis), not {quantity!r}"
        return
    value = quantity.value
    if not isinstance(quantity.source, str) or not quantity.source.strip():
        yield f"{where} has no source: name the paper and its table, or for value None what was looked for"
    if quantity.basis not in BASES:
        yield suggest(f"basis of {where},", quantity.basis, BASES)
    if quantity.unit not in UNITS:
        yield suggest(f"unit of {where},", quantity.unit, UNITS)
    elif quantity.unit not in unit:
        yield f"{where} must be in {' or '.join(unit)}, not in {quantity.unit}"
    if value is None:
        if not optional:
            yield f"{where} must have a value: the model cannot do without it"
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) == float("inf"):
        yield f"{where} must be a finite number or None, not {value!r}"
        return
    if whole and value != int(value):
        yield f"{where} must be a whole number, not {value:g}"
    if (low is not None and value < low) or (high is not None and value > high):
        yield f"{where} must be {f'at least {low:g}' if high is None else f'from {low:g} to {high:g}'}, not {value:g}"


def _slot(where, slot):
    if not isinstance(slot, Slot):
        yield f"{where} must be a Slot(name, bits, signed, rounding), not {slot!r}"
        return
    yield from _number(f"{where}.bits", slot.bits, ("bit",), 1, MOST_BITS, whole=True)
    if slot.rounding not in ROUNDINGS:
        yield suggest(f"rounding of {where},", slot.rounding, ROUNDINGS)
    if not isinstance(slot.signed, bool):
        yield f"{where}.signed must be true or false, not {slot.signed!r}"


def _problems(chip):
    if not isinstance(chip.name, str) or not chip.name.isidentifier():
        yield "the name must be a word of letters, digits and underscores"
    if isinstance(chip.weight, Device):
        for name, unit in DEVICE.items():
            low = {"count": 1, "step": 1e-9, "noise": 0, "endurance": 1}.get(name)
            value = getattr(chip.weight, name)
            yield from _number(f"weight.{name}", value, (unit,), low, whole=name == "count", optional=name == "endurance")
    elif chip.weight is not None:
        yield from _slot("weight", chip.weight)
    for number, slot in enumerate(chip.state):
        yield from _slot(f"state[{number}]", slot)
    if chip.more_state is not None:
        yield from _slot("more_state", chip.more_state)
    if chip.weight is None and (chip.state or chip.more_state):
        yield "state words without a weight: say how the weight is stored"
    if chip.update_every is not None:
        yield from _number("update_every", chip.update_every, ("presentation",), 1, whole=True)
    if chip.most_levels is not None:
        yield from _number("most_levels", chip.most_levels, ("level",), 1, whole=True)
        if isinstance(chip.weight, Device):
            yield "most_levels has no meaning for a Device, which has no levels"
    for what, given, valid in (("events", chip.events, EVENTS), ("operations", chip.operations, OPERATIONS)):
        yield from (suggest(f"entry of {what}", name, valid) for name in given if name not in valid)
    for name, price in chip.prices.items():
        if name not in PRICES:
            yield suggest("price", name, PRICES)
            continue
        yield from _number(f"prices.{name}", price, tuple(ENERGY), 0, optional=True)


def names():
    """Names of the chips that come along."""
    return registry.names("hardware")


def get(name):
    """A chip by name, or from a user's file: ``my_chip.py`` with one `Hardware` in it, or ``my_chip.toml``.

    Raises
    ------
    UserError
        For an unknown name or a file that cannot be used, with every problem.
    """
    if Path(name).suffix not in (".py", ".toml"):
        return registry.load("hardware", name)
    problems, found = read(name)
    if problems:
        raise UserError("\n".join(problems))
    return found


def is_profile(path):
    """Whether a file is meant as a hardware profile rather than a rule."""
    if path.suffix != ".py":
        return path.suffix == ".toml"
    text = python_files.read_source(path)
    return "Hardware(" in text or any(line.startswith("hardware =") for line in text.splitlines())  # or made from another


def read(path):
    """A profile file: every problem, each with the file's name, and the `Hardware` where there is none."""
    path = Path(path)
    if not path.is_file():
        return [f"there is no hardware file {str(path)!r}"], None
    try:
        if path.suffix == ".toml":
            problems, found = _of_toml(tomllib.loads(path.read_text(encoding="utf-8")))
            return [f"{path}: {problem}" for problem in problems], found
        space = python_files.run(path)
    except UserError as error:
        lines = str(error).split("\n")
        return [line if line.startswith(f"{path}:") else f"{path}: {line}" for line in lines], None
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        return [f"{path}: {type(error).__name__}: {error}" if path.suffix == ".toml" else python_files.told(path, error)], None
    found = [value for value in space.values() if isinstance(value, Hardware)]
    if len({id(chip) for chip in found}) != 1:
        return [f"{path}: the file must define exactly one Hardware, as in 'hardware = Hardware(...)'"], None
    return [], found[0]


def _made(kind, table, where, problems):
    """A dataclass from a TOML table; unknown and missing keys are problems, and give None."""
    if not isinstance(table, dict):
        problems.append(f"{where or 'the file'} must be a table, not {table!r}")
        return None
    known = [f.name for f in fields(kind)]
    before = len(problems)
    problems += [suggest(f"key of {where or 'the file'},", key, known) for key in table if key not in known]
    needed = {Quantity: ("unit",), Slot: ("name", "bits"), Device: tuple(DEVICE), Hardware: ("name",)}[kind]
    problems += [f"{where + ': ' if where else ''}{key} is missing" for key in needed if key not in table]
    if len(problems) > before:
        return None
    return {key: value for key, value in table.items() if key in known}


def _of_toml(table):
    problems = []

    def quantity(given, where):
        found = _made(Quantity, given, where, problems)
        return Quantity(**({"value": None} | found)) if found else None

    def slot(given, where):
        found = _made(Slot, given, where, problems)
        if not found:
            return None
        return Slot(**found | {"bits": quantity(found["bits"], f"{where}.bits")})

    values = _made(Hardware, table, "", problems)
    if values is None:
        return problems, None
    if "weight" in values:
        given = values["weight"]
        if isinstance(given, dict) and "step" in given:
            found = _made(Device, given, "weight", problems)
            values["weight"] = Device(**{k: quantity(v, f"weight.{k}") for k, v in found.items()}) if found else None
        else:
            values["weight"] = slot(given, "weight")
    values["state"] = tuple(slot(s, f"state[{k}]") for k, s in enumerate(values.get("state", [])))
    if "more_state" in values:
        values["more_state"] = slot(values["more_state"], "more_state")
    for name in ("update_every", "most_levels"):
        if name in values:
            values[name] = quantity(values[name], name)
    for name in ("events", "operations"):
        if name in values:
            values[name] = tuple(values[name])
    values["prices"] = {k: quantity(v, f"prices.{k}") for k, v in values.get("prices", {}).items()}
    complete = not problems
    try:
        made = Hardware(**values)
    except UserError as error:  # those that follow from a table that was already refused are left out
        problems += [line for line in str(error).split("\n") if complete or "not None" not in line]
        return problems, None
    return problems, made if not problems else None
