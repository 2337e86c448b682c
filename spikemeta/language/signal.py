"""The language of learning signals: where the gradient of a plastic projection comes from, as a short text."""

from dataclasses import dataclass, field

import brian2
import sympy
from brian2.parsing.sympytools import str_to_sympy
from brian2.units import second
from brian2.units.fundamentalunits import DIMENSIONLESS, get_dimensions

from spikemeta.errors import RuleError, suggest
from spikemeta.language import dynamics
from spikemeta.language.checking import STATEMENT, names_in_or_empty
from spikemeta.language.equations import Statement, names_in, numbered
from spikemeta.language.neuron_checking import UNITS, NeuronChecker
from spikemeta.language.rule import Parameter

READOUT, HIDDEN = "readout_", "hidden_"
THROUGH = ("network", "neuron")
#: Fields that speak of traces and events.
_EVENTFUL = ("traces", "on_spike", "on_pre", "on_post", "on_answer", "on_teach", "teach_rate", "carried")
_PLACES = {"distance_post": DIMENSIONLESS, "weight": DIMENSIONLESS, "elapsed": second.dim, "elapsed_by_clock": second.dim}


def replaced(name):
    """The constant whose place ``readout_x`` takes in the layer that answers: ``hidden_x``."""
    return HIDDEN + name.removeprefix(READOUT)


class SignalError(RuleError):
    """A signal's text cannot be run; as `RuleError`."""

    kind = "signal"


@dataclass(frozen=True)
class Signal:
    """A learning signal: traces that neurons carry, and what a spike at either end of a synapse adds to its gradient.

    Or, with a ``derivative``, a gradient from the history of a presentation: when it is over, the sensitivity of the answer's
    evidence to what arrives at a neuron in each step is followed backwards through the neurons' equations, and a synapse's
    gradient is its sum over the arrivals of the source's spikes. Such a text says nothing of traces and events.

    The gradient of a presentation goes to the rule, which lowers the weight for a positive one. Traces are 0 at the start of a
    presentation; spikes of a step see them as they were before that step's spikes.

    Parameters
    ----------
    name, description, reference : str
    traces : str
        Variables of every neuron at either end, a line each: ``dx/dt = -x/tau : 1``.
    on_spike : str
        What a neuron's own spike does to them, after its synapses have seen them: ``x += 1``.
    on_pre, on_post : str
        What a spike of the source, as it arrives, or of the target adds: ``gradient += depress*x_post``; ``x_pre`` and
        ``x_post`` are the traces of either end, ``distance_post`` how far the target is beyond its
        threshold, as this saw it, ``weight`` what the synapse transmits in this presentation (all synapses are then committed
        as one begins), ``elapsed`` the time since the presentation began, exact at whole steps;
        ``elapsed_by_clock`` is the same as a difference of rounded times, which compiled code rounds otherwise.
    on_answer, on_teach : str
        What a spike of the layer that answers, and a teaching event of it, do to its neuron's traces: ``error += 1``.
    teach_rate : str
        Rate of the teaching events of a neuron, which come regularly; ``right`` is 1 for that of the label, 0 for others.
    carried : str
        The trace to which ``on_answer`` and ``on_teach`` add in all other layers, too, that learn: each event times
    tied : str
        this, ``tied_factor*weight``, in a layer that plastic synapses lead from to the answer, or
    random : str
        this, ``random_spread*randn()``, drawn once and centred over the answers: in others; or in all layers.
    derivative : str
        What stands for the derivative of a spike, of ``distance``, how far the neuron is beyond its threshold, and ``slope``,
        its layer's.
    evidence : str
        What ``count`` spikes of an answer's neuron say for it: ``logit*count``; the loss is the cross-entropy of its softmax.
    through : {"network", "neuron"}
        Whether sensitivity goes on from neuron to neuron through all weights, as they are at the end of the presentation; or
        through each neuron alone: what an answer's neuron feels is then carried to others by ``tied`` or ``random`` factors.
    parameters : dict of str to Parameter
        In any of Brian2's usual units. ``readout_x`` takes the place of ``hidden_x`` in the layer that answers and the
        projections to it.
    drawn_first : bool
        Whether random factors are drawn before the network's weights: with the same seed, other ones.

    Raises
    ------
    SignalError
        With every problem of the text.
    """

    name: str
    description: str = ""
    reference: str = ""
    traces: str = ""
    on_spike: str = ""
    on_pre: str = ""
    on_post: str = ""
    on_answer: str = ""
    on_teach: str = ""
    teach_rate: str = ""
    carried: str = ""
    tied: str = ""
    random: str = ""
    derivative: str = ""
    evidence: str = ""
    through: str = "network"
    parameters: dict = field(default_factory=dict)
    drawn_first: bool = False
    moves: dynamics.Dynamics = field(init=False, repr=False, compare=False, default=None)
    additions: dict = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self):
        problems = [
            (f"parameters.{n}", 0, f"{n}: write Parameter(20.0, 'ms')")
            for n, p in self.parameters.items()
            if not isinstance(p, Parameter)
        ]
        problems = problems or [
            (f"parameters.{n}", 0, f"{n}: unit must be one of {', '.join(UNITS)}, not {p.unit!r}")
            for n, p in self.parameters.items()
            if p.unit not in UNITS
        ]
        if not problems:
            checker = _SignalChecker(self.parameters)
            found = checker.signal(self)
            problems = checker.problems
        if problems:
            raise SignalError(str(self.name), problems)
        object.__setattr__(self, "moves", found[0])
        object.__setattr__(self, "additions", found[1])

    @property
    def historical(self):
        """Whether the gradient comes from the history of a whole presentation."""
        return bool(self.derivative.strip())

    @property
    def of_targets(self):
        """Whether what a spike adds depends on its target and the step alone: one number for all synapses of a neuron.

        Compiled code then keeps it by steps, and makes a row's gradient from the steps in which its source fired.
        """
        return self.historical or (self.whole and not self.additions["on_post"])

    @property
    def whole(self):
        """Whether what a spike of the source adds depends on its target alone: one number for all synapses of that."""
        blocks = [names_in(s.expression) for s in self.additions["on_pre"]]
        return bool(blocks) and not any(name.endswith("_pre") or name == "weight" for names in blocks for name in names)

    def reads(self, name):
        """Whether what a spike adds to a gradient depends on ``name``, such as ``weight`` or ``distance_post``."""
        added = [*self.additions["on_pre"], *self.additions["on_post"]]
        return any(name in names_in(s.expression) for s in added)

    @property
    def of_sources(self):
        """Whether a trace of the source is read anywhere."""
        read = set().union(*(names_in(s.expression) for found in self.additions.values() for s in found))
        return any(f"{trace}_pre" in read for trace in self.moves.variables)

    @property
    def carries(self):
        """Whether something of the answer is carried directly to other layers, by ``tied`` or ``random`` factors."""
        return bool(self.carried.strip()) or (self.historical and self.through == "neuron")

    @property
    def labelled(self):
        """Whether it needs to know which neuron is the right one."""
        return self.historical or self.carries or bool(self.teach_rate.strip())

    def si(self, overrides=None, answers=False):
        """Values of the parameters in SI units.

        Parameters
        ----------
        overrides : dict of str to float or None
            In place of the signal's own, each in its unit.
        answers : bool
            Whether of the layer that answers, where ``readout_x`` takes the place of ``hidden_x``.
        """
        values = {n: p.value for n, p in self.parameters.items()} | (overrides or {})
        own = {n: float(v) * float(UNITS[self.parameters[n].unit]) for n, v in values.items()}
        return own | {replaced(n): v for n, v in own.items() if answers and n.startswith(READOUT)}


class _SignalChecker(NeuronChecker):
    speaker = "a signal"
    declared = "traces or parameters"

    drawing = ("random",)

    def signal(self, text):
        self.history(text)
        rates, subs, shared = self.equations("traces", text.traces)
        for name in [*subs, *shared]:
            self.problem("traces", 0, f"{name} must be a trace of each neuron, as in 'dx/dt = -x/tau : 1'")
        names, traces = list(rates), {name: self.known[name] for name in rates}
        _, resets = self.reset("on_spike", text.on_spike, names, names)
        self.known = {f"{name}_{end}": dim for name, dim in traces.items() for end in ("pre", "post")} | _PLACES
        additions = {block: self.added(block, getattr(text, block), {"gradient"}) for block in ("on_pre", "on_post")}
        if not any(additions.values()) and not self.problems and not text.historical:
            self.problem("on_pre", 0, "nothing is added to the gradient: say what, as in 'gradient += depress*x_post'")
        self.known = {}
        additions |= {block: self.added(block, getattr(text, block), traces) for block in ("on_answer", "on_teach")}
        self.teaching(text, traces)
        for name, parameter in self.parameters.items():
            plain = self.parameters.get(replaced(name))
            if name.startswith(READOUT) and (plain is None or plain.unit != parameter.unit):
                text = f"{name} takes the place of {replaced(name)!r}, which must be there with its unit"
                self.problem(f"parameters.{name}", 0, text)
        own = dynamics.Dynamics(tuple(names), frozenset(), tuple(rates.values()), "0", resets)
        return own, additions

    def history(self, text):
        """What a gradient from the history of a presentation needs."""
        if not text.historical:
            if text.evidence.strip():
                self.problem("derivative", 0, "evidence is of signals from a history: say what stands for a spike's derivative")
            return
        for block in _EVENTFUL:
            if getattr(text, block).strip():
                self.problem(block, 0, f"with a derivative the gradient comes from the whole presentation: leave out {block}")
        if text.through not in THROUGH:
            self.problem("through", 0, suggest("through", text.through, THROUGH))
        self.known = dict.fromkeys(("distance", "slope"), DIMENSIONLESS)
        self.expression("derivative", 0, text.derivative.strip())
        self.multiple("evidence", text.evidence.strip(), "count", "logit*count")
        if text.tied.strip():
            self.multiple("tied", text.tied.strip(), "weight", "weight")
        self.known = {}

    def multiple(self, block, text, name, like):
        """Check that an expression is a multiple of a name."""
        self.known = {name: DIMENSIONLESS}
        if name not in names_in_or_empty(text):
            self.problem(block, 0, f"say what {name} is multiplied by, as in {like!r}")
        elif self.expression(block, 0, text):
            parsed, symbol = str_to_sympy(text), sympy.Symbol(name, real=True)
            if sympy.simplify(parsed - symbol * parsed.subs({symbol: 1})) != 0:
                self.problem(block, 0, f"{text!r} must be a multiple of {name}, as in {like!r}")

    def teaching(self, text, traces):
        """What concerns the layer that answers, and how it reaches others."""
        if bool(text.teach_rate.strip()) != bool(text.on_teach.strip()):
            self.problem("teach_rate", 0, "teach_rate and on_teach need each other: how often, and what a teaching event does")
        self.known = {"right": DIMENSIONLESS}
        if text.teach_rate.strip():
            self.expression("teach_rate", 0, text.teach_rate.strip(), get_dimensions(brian2.Hz))
        if not text.carries:
            if text.tied.strip() or text.random.strip():
                self.problem("carried", 0, "tied and random say how a trace is carried: say which, as in carried='error'")
            return
        if not text.historical and text.carried.strip() not in traces:
            self.problem("carried", 0, f"{text.carried.strip()!r} is no trace; valid: {', '.join(traces) or 'none'}")
        for block, known, needed in (("tied", {"weight": DIMENSIONLESS}, "weight"), ("random", {}, "randn")):
            self.known, value = known, getattr(text, block).strip()
            if not value or needed not in names_in_or_empty(value):
                self.problem(block, 0, f"say by which factor a trace is carried, of {needed}")
            else:
                self.expression(block, 0, value)

    def added(self, block, text, valid):
        """Statements that add to the gradient, or to traces."""
        out, like = [], "gradient += depress*x_post" if "gradient" in valid else f"{next(iter(valid), 'error')} += 1"
        for line, source in numbered(text):
            match = STATEMENT.match(source)
            if not match or match[1] not in valid or match[2] not in ("+=", "-="):
                what = "the gradient" if "gradient" in valid else "a trace"
                self.problem(block, line, f"{source!r} must add to {what}, as in {like!r}")
                continue
            if self.expression(block, line, match[3], valid[match[1]] if isinstance(valid, dict) else DIMENSIONLESS):
                out.append(Statement(*match.groups(), line))
        return tuple(out)
