"""What a rule does when a synapse is visited, counted from its text: words of memory and operations; and the bits it keeps."""

import ast
from dataclasses import asdict, dataclass

from spikemeta.hardware.fitting import needs, slots
from spikemeta.hardware.profile import Device
from spikemeta.hardware.stored import BEYOND
from spikemeta.language.equations import relaxation
from spikemeta.language.remembered import by_text

_COMPARISONS = {"abs": 1, "sign": 1, "clip": 2, "int": 0, "floor": 0}
_DRAWS = {"rand", "randn"}
_FLOAT = 64  # bits of a word without limits


@dataclass(frozen=True)
class Visit:
    """What a visit reads, computes and writes, for each synapse.

    Attributes
    ----------
    words_read, words_written : int
        Of the synapse's own memory, the weight's included; the sum of the presentation's gradient comes on top, for every rule.
    sums : int
        And differences and comparisons.
    products, divisions, functions, draws : int
        Functions are exp, log, sqrt, tanh and the like, and powers that are no whole numbers; draws are random numbers.
    """

    words_read: int
    words_written: int
    sums: int = 0
    products: int = 0
    divisions: int = 0
    functions: int = 0
    draws: int = 0

    @property
    def operations(self):
        """All of them, each counted as one."""
        return self.sums + self.products + self.divisions + self.functions + self.draws

    def __str__(self):
        several = {name: count for name, count in asdict(self).items() if not name.startswith("words") and count}
        done = [f"{count} {name if count > 1 else name.removesuffix('s')}" for name, count in several.items()]
        return f"reads {self.words_read}, writes {self.words_written}: {', '.join(done) or 'no operation'}"


@by_text
def of_visit(rule):
    """A visit of one synapse: what fades until the end of the presentation that taught it, the commit, what fades since.

    What depends on constants, on time and on the source alone is the same for all synapses of a neuron, and is not counted; a
    quotient by such a number is a product. All else is counted as the text writes it, once for each time that it stands there.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    Visit
    """
    analysis, own = rule.analysis, needs(rule)
    fades = [(s.target, s.value) for s in relaxation(analysis.decays)]
    commit, anew = ([(s.target, s.value) for s in analysis.blocks[b]] for b in ("on_gradient", "on_presentation"))
    counter = _Counter({*analysis.states, "gradient"})
    for target, text in [*fades, *commit, *fades, *anew, ("", rule.weight)]:
        if counter.count(ast.parse(text.strip(), mode="eval").body):
            counter.varying.add(target)
    changed = {*analysis.decays, *analysis.writes["on_gradient"], *analysis.writes["on_presentation"]} - {*own.drawn}
    held = {node.id for node in ast.walk(ast.parse(rule.weight.strip(), mode="eval")) if isinstance(node, ast.Name)}
    written = sum(word in changed for word in own.words) + bool(changed & held)
    return Visit(own.count, written, **counter.found)


def bits_of(rule, chip):
    """Bits of state of one synapse, as a chip stores it.

    Without a sign bit a signed weight is a pair of synapses, and counts twice. State that the chip has no room for counts as
    what it is simulated in, `spikemeta.hardware.stored.BEYOND` bits a word; without limits every word is a float64.

    Parameters
    ----------
    rule : Rule
    chip : Hardware

    Returns
    -------
    int or None
        None on analog devices, which hold a weight in no number of bits.
    """
    if not chip.limited:
        return _FLOAT * needs(rule).count
    if isinstance(chip.weight, Device):
        return None
    words = [BEYOND if slot is None else slot.bits.value for _, slot in slots(rule, chip)]
    return int(chip.weight.bits.value * (1 if chip.weight.signed else 2) + sum(words))


class _Counter:
    """Counts the operations of expressions, where an operand differs from synapse to synapse.

    Parameters
    ----------
    varying : set of str
        Names that do.
    """

    def __init__(self, varying):
        self.varying = varying
        self.found = dict.fromkeys(("sums", "products", "divisions", "functions", "draws"), 0)

    def count(self, node):
        """Whether a node differs from synapse to synapse; counts what is done to get it."""
        if isinstance(node, ast.Name):
            return node.id in self.varying
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            return self._pair(node)
        parts = [self.count(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, (ast.Compare, ast.BoolOp)) and any(parts):
            self.found["sums"] += len(parts) - 1
        return any(parts)

    def _call(self, node):
        if node.func.id in _DRAWS:
            self.found["draws"] += 1
            return True
        varies = any([self.count(argument) for argument in node.args])
        if varies and node.func.id in _COMPARISONS:
            self.found["sums"] += _COMPARISONS[node.func.id]
        elif varies:
            self.found["functions"] += 1
        return varies

    def _pair(self, node):
        left, right = self.count(node.left), self.count(node.right)
        idle = {ast.Add: 0, ast.Sub: 0, ast.Mult: 1}.get(type(node.op))
        if not (left or right) or (idle is not None and idle in (_number(node.left), _number(node.right))):
            return left or right  # nothing is done: a constant, or 0 added, or a product with 1
        if isinstance(node.op, ast.Pow):
            self._power(node.right)
        else:
            kinds = {ast.Add: "sums", ast.Sub: "sums", ast.Mult: "products", ast.Div: "divisions" if right else "products"}
            self.found[kinds.get(type(node.op), "functions")] += 1
        return True

    def _power(self, exponent):
        number = _number(exponent)
        if number is None or number != int(number):
            self.found["functions"] += 1
            return
        self.found["products"] += max(abs(int(number)) - 1, 0)
        self.found["divisions"] += number < 0


def _number(node):
    """A number that is written out; None for anything else."""
    try:
        return float(ast.literal_eval(node))
    except ValueError:
        return None
