"""What makes a network's text sound: neurons linear below threshold, layers of known sizes, projections between layers.

All problems are collected, each with its field and line. Parsing and units are Brian2's.
"""

import ast
import re
from dataclasses import dataclass

import brian2
import numpy as np
from brian2.units import second
from brian2.units.fundamentalunits import DIMENSIONLESS, get_dimensions

from spikemeta.errors import suggest
from spikemeta.language.checking import names_in_or_empty
from spikemeta.language.equations import numbered
from spikemeta.language.neuron_checking import SIZES, NeuronChecker

#: How stimuli become spikes, and the constant that each needs.
CODINGS = {"rate": "the rate at full brightness, in Hz", "latency": "the time of the latest spike, in ms", "given": None}
ANSWERS = ("count", "first", "mean", "assigned")
_OPTIONS = ("weight", "delay", "probability", "where", "pairs", "into", "least", "total")
_ARROW = re.compile(r"^(\w+)\s*:\s*(\w+)\s*->\s*(\w+)$")
_LAYER = re.compile(r"^(\w+)\s*:\s*(\w+)\s*\((.*)\)$")
_ANSWER = re.compile(r"^(\w+)\s*\(\s*(\w+)(?:\s*\.\s*(\w+))?(?:\s*,(.+))?\)$")
_PLACES = {"i": DIMENSIONLESS, "j": DIMENSIONLESS, "n_pre": DIMENSIONLESS, "n_post": DIMENSIONLESS}


@dataclass(frozen=True)
class Layer:
    """``name : kind(size, argument), slope = ...``; a kind of neurons, or of input. Line from 0."""

    name: str
    kind: str
    size: str
    argument: str
    slope: str
    line: int

    @property
    def is_input(self):
        """Whether stimuli make its spikes."""
        return self.kind in CODINGS


@dataclass(frozen=True)
class Projection:
    """``name : source -> target, plastic or fixed, weight = ..., ...``; see `Network`. Line from 0."""

    name: str
    source: str
    target: str
    plastic: bool
    weight: str
    delay: str
    probability: str
    where: str
    pairs: str
    into: str
    least: str
    total: str
    line: int

    @property
    def sparse(self):
        """Whether some pairs have no synapse."""
        return bool(self.probability or self.where or self.pairs)


@dataclass(frozen=True)
class Structure:
    """What a network's text says.

    Attributes
    ----------
    kinds : dict of str to Kind
    layers : dict of str to Layer
    projections : dict of str to Projection
    answer : tuple of (str, str, str)
        How the answer is read, of which layer, and of which of its variables (``"mean"``), or from how many presentations of a
        class (``"assigned"``).
    """

    kinds: dict
    layers: dict
    projections: dict
    answer: tuple


class NetworkChecker(NeuronChecker):
    """Collects every problem of a network's text, with its field and line."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.layers, self.projections = {}, {}

    def say(self, line, text):
        """A problem of a projection."""
        self.problem("projections", line, text)

    def layer(self, line, source):
        head, *options = _split(source)
        match = _LAYER.match(head)
        if not match:
            self.problem("layers", line, f"{source!r} is not 'name : kind(size)', as in 'hidden : lif(n_hidden)'")
            return
        name, kind, inside = match.groups()
        size, *arguments = _split(inside)
        self.new("layers", line, name, "layer", self.layers)
        if kind not in self.kinds and kind not in CODINGS:
            if not any(p[0].startswith(f"neurons.{kind}.") for p in self.problems):
                self.problem("layers", line, suggest("kind of neurons or input", kind, [*self.kinds, *CODINGS]))
        if size not in SIZES and not (size.isdigit() and int(size) > 0):
            self.problem(
                "layers", line, f"the size of {name!r} must be a whole number or one of {', '.join(SIZES)}, not {size!r}"
            )
        needs = CODINGS.get(kind)
        if bool(needs) != (len(arguments) == 1) or len(arguments) > 1:
            text = f"{kind}(size, ...) needs {needs}" if needs else f"{kind}(...) takes a size only"
            self.problem("layers", line, text)
        elif needs:
            self.expression("layers", line, arguments[0], get_dimensions(brian2.Hz if kind == "rate" else second))
        slope = ""
        for option in options:
            key, _, value = (part.strip() for part in option.partition("="))
            if key != "slope" or kind in CODINGS:
                self.problem(
                    "layers", line, f"unknown option {option!r}; valid, for neurons: slope = ..., of the surrogate gradient"
                )
            elif self.expression("layers", line, value):
                slope = value
        self.layers[name] = Layer(name, kind, size, arguments[0] if arguments else "", slope, line)

    def projection(self, line, source, lists):
        head, *options = _split(source)
        match = _ARROW.match(head)
        if not match:
            self.say(
                line,
                f"{source!r} is not 'name : source -> target, ...', as in 'hidden : input -> hidden, plastic, weight = 0.1'",
            )
            return
        name, pre, post = match.groups()
        self.new("projections", line, name, "projection", self.projections)
        broken = any(p[0] == "layers" for p in self.problems)
        ends = {end: self.layers.get(end) for end in (pre, post)}
        for end, found in ends.items():
            if found is None and not broken:
                self.say(line, suggest("layer", end, self.layers))
        if ends[post] is not None and ends[post].is_input:
            self.say(line, f"{post!r} is an input: no projection can end there")
        given, kinds = dict.fromkeys(_OPTIONS, ""), []
        for option in options:
            key, equals, value = (part.strip() for part in option.partition("="))
            if not equals and key in ("plastic", "fixed"):
                kinds.append(key)
            elif key in _OPTIONS and equals and not given[key]:
                given[key] = value
            elif key in _OPTIONS and equals:
                self.say(line, f"{key!r} is given twice")
            else:
                self.say(line, suggest("option", key, [*_OPTIONS, "plastic", "fixed"]))
        if len(kinds) != 1:
            self.say(line, f"say of {name!r} whether it is plastic or fixed, once")
        into = self.into(line, name, ends[post], given["into"])
        self.values(line, name, given, ends[post], into, kinds, lists)
        delay = given["delay"] or "1"
        plastic = kinds == ["plastic"]
        self.projections[name] = Projection(
            *(name, pre, post, plastic, given["weight"], delay, given["probability"], given["where"], given["pairs"], into),
            *(given["least"], given["total"], line),
        )

    def into(self, line, name, target, chosen):
        """The variable to which a spike adds the weight."""
        kind = self.kinds.get(target.kind) if target is not None else None
        if kind is None:
            return chosen
        if chosen and chosen not in kind.dimensions:
            self.say(line, suggest(f"variable of {target.name!r} in into,", chosen, kind.dimensions))
        elif not chosen and "current" not in kind.dimensions:
            valid = ", ".join(kind.dimensions)
            self.say(line, f"say to which variable {name!r} adds, as in 'into = v'; valid: {valid}")
        if (chosen or "current") in dict(kind.dynamics.kept):
            self.say(
                line, f"{name!r} cannot add to {chosen or 'current'!r}, which is kept: only its own neuron's spikes change it"
            )
        return chosen or "current"

    def values(self, line, name, given, layer, into, kinds, lists):
        """Weight, delay, probability and pairs of a projection."""
        kind = self.kinds.get(layer.kind) if layer is not None else None
        target = kind.dimensions.get(into, DIMENSIONLESS) if kind else DIMENSIONLESS
        self.known = dict(_PLACES)
        if not given["weight"]:
            self.say(line, f"{name!r} has no weight: say its value or how it is drawn, as in 'weight = 0.1*randn()'")
        elif (
            self.expression("projections", line, given["weight"], target)
            and target is not DIMENSIONLESS
            and kinds == ["plastic"]
        ):
            self.say(line, f"{name!r} is plastic: a rule's weights have no unit, but {into!r} has")
        if (
            kind
            and into in kind.dynamics.shared
            and (kinds == ["plastic"] or any(given[k] for k in ("where", "probability", "pairs")))
        ):
            self.say(line, f"{name!r} ends at {into!r}, of which there is one: it must be fixed, and from all")
        for key in ("delay", "probability", "least", "total"):
            if given[key]:
                self.expression("projections", line, given[key])
                if names_in_or_empty(given[key]) & {"rand", "randn", "i", "j"}:
                    self.say(line, f"{key} is one number for all synapses: it cannot be drawn or depend on i or j")
        if kinds == ["fixed"] and (given["least"] or given["total"]):
            self.say(line, f"{name!r} is fixed: least and total are for weights that a rule moves; write them into its weight")
        elif given["total"] and not given["least"]:
            self.say(line, f"a total is of weights of one sign: let {name!r} have 'least = 0', too")
        if given["where"]:
            self.condition(line, given["where"])
        if given["pairs"] and given["pairs"] not in lists:
            self.say(
                line,
                suggest("list in pairs,", given["pairs"], lists)
                if lists
                else f"pairs = {given['pairs']}: there is no such list; give it as pairs={{{given['pairs']!r}: [(0, 1), ...]}}",
            )
        self.known = {}

    def condition(self, line, text):
        """A condition on i and j."""
        try:
            sound = self.dimension(f"int({text})") is DIMENSIONLESS
        except Exception:  # whatever Brian2's parser raises; what is wrong is said below
            sound = False
        truth = isinstance(getattr(_parsed(text), "body", None), (ast.Compare, ast.BoolOp, ast.UnaryOp))
        if not sound or not truth or names_in_or_empty(text) & {"rand", "randn"}:
            self.say(line, f"where = {text}: must be a condition on i and j, such as 'i != j' or 'abs(i - j) <= 2'")

    def answer(self, text):
        match = _ANSWER.match(text.strip())
        wanted = match and (match[1] == "mean", match[1] == "assigned")
        if not match or match[1] not in ANSWERS or wanted != (bool(match[3]), bool(match[4])):
            valid = "count(LAYER), first(LAYER), mean(LAYER.VARIABLE) or assigned(LAYER, PRESENTATIONS)"
            self.problem("answer", 0, f"{text!r} must be {valid}")
            return None
        how, name, variable, recent = match.groups()
        if recent and self.expression("answer", 0, recent.strip()):
            variable = recent.strip()
        layer = self.layers.get(name)
        if layer is None or layer.is_input:
            if not any(p[0] == "layers" for p in self.problems):
                self.problem(
                    "answer",
                    0,
                    suggest("layer of neurons in answer,", name, [n for n, found in self.layers.items() if not found.is_input]),
                )
        elif how == "mean" and layer.kind in self.kinds and variable not in self.kinds[layer.kind].dimensions:
            self.problem("answer", 0, suggest(f"variable of {name!r} in answer,", variable, self.kinds[layer.kind].dimensions))
        elif how != "assigned" and layer.size != "n_classes" and not layer.size.isdigit():
            self.problem("answer", 0, f"{name!r} answers, so its size must be n_classes or a number, not {layer.size}")
        return how, name, variable or ""

    def whole(self):
        """Problems of layers and projections together."""
        inputs = [n for n, layer in self.layers.items() if layer.is_input]
        if len(inputs) != 1 and not any(p[0] == "layers" for p in self.problems):
            valid = ", ".join(f"{c}(...)" for c in CODINGS)
            self.problem("layers", 0, f"there must be one input, of a kind {valid}; there are {len(inputs)}")
        if self.problems or not inputs:
            return
        reached, before = {inputs[0]}, 0
        while len(reached) > before:
            before = len(reached)
            reached |= {p.target for p in self.projections.values() if p.source in reached}
        for name, layer in self.layers.items():
            if name not in reached:
                self.problem("layers", layer.line, f"no projection leads from the input to {name!r}")
        if not any(p.plastic for p in self.projections.values()):
            self.problem("projections", 0, "no projection is plastic: there is nothing for a rule to do")


def _parsed(text):
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _split(text):
    """Parts of a line between commas that stand in no parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def analyse(neurons, layers, projections, answer, pairs, parameters):
    """Analyse a network's text.

    Parameters
    ----------
    neurons : dict of str to Neurons
    layers, projections, answer : str
    pairs : dict of str to list of (int, int)
    parameters : dict of str to Parameter

    Returns
    -------
    Structure or None
        None if there are problems.
    list of (str, int, str)
        Field, line in the field from 0, and message of every problem.
    """
    checker = NetworkChecker(parameters)
    for name in parameters:
        checker.name(f"parameters.{name}", 0, name)
    for name, text in neurons.items():
        checker.new(f"neurons.{name}", 0, name, "kind", CODINGS)
        checker.neurons(name, text)
        checker.known = {}
    for name, found in pairs.items():
        array = np.asarray(found) if isinstance(found, (list, tuple)) else np.empty(0)
        if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu" or (array < 0).any():
            checker.problem(f"pairs.{name}", 0, f"{name!r} must be a list of (source, target), as [(0, 1), (0, 2)]")
        elif len({tuple(pair) for pair in array.tolist()}) < len(array):
            checker.problem(f"pairs.{name}", 0, f"{name!r} holds a pair twice")
    for line, source in numbered(layers):
        checker.layer(line, source)
    for line, source in numbered(projections):
        checker.projection(line, source, pairs)
    read = checker.answer(answer)
    checker.whole()
    if checker.problems:
        return None, checker.problems
    return Structure(checker.kinds, checker.layers, checker.projections, read), []
