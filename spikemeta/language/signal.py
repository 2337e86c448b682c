"""The language of learning signals: where the gradient of a plastic projection comes from, as a short text."""

from dataclasses import dataclass, field

from spikemeta.errors import RuleError
from spikemeta.language import dynamics
from spikemeta.language.checking import STATEMENT
from spikemeta.language.equations import Statement, numbered
from spikemeta.language.neuron_checking import UNITS, NeuronChecker
from spikemeta.language.rule import Parameter


class SignalError(RuleError):
    """A signal's text cannot be run; as `RuleError`."""

    kind = "signal"


@dataclass(frozen=True)
class Signal:
    """A learning signal: traces that neurons carry, and what a spike at either end of a synapse adds to its gradient.

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
        What a spike of the source, or of the target, adds: ``gradient += depress*x_post``; ``x_pre`` and ``x_post`` are the
        traces of either end.
    parameters : dict of str to Parameter
        In any of Brian2's usual units.

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
    parameters: dict = field(default_factory=dict)
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

    def si(self, overrides=None):
        """Values of the parameters in SI units."""
        values = {n: p.value for n, p in self.parameters.items()} | (overrides or {})
        return {n: float(v) * float(UNITS[self.parameters[n].unit]) for n, v in values.items()}


class _SignalChecker(NeuronChecker):
    speaker = "a signal"
    declared = "traces or parameters"

    def signal(self, text):
        rates, subs, shared = self.equations("traces", text.traces)
        for name in [*subs, *shared]:
            self.problem("traces", 0, f"{name} must be a trace of each neuron, as in 'dx/dt = -x/tau : 1'")
        names = list(rates)
        statements, resets = self.reset("on_spike", text.on_spike, names, names)
        self.known = {f"{name}_{end}": self.known[name] for name in names for end in ("pre", "post")}
        additions = {block: self.added(block, getattr(text, block)) for block in ("on_pre", "on_post")}
        if not any(additions.values()) and not self.problems:
            self.problem("on_pre", 0, "nothing is added to the gradient: say what, as in 'gradient += depress*x_post'")
        own = dynamics.Dynamics(tuple(names), frozenset(), tuple(rates.values()), "0", resets)
        return own, additions

    def added(self, block, text):
        """Statements that add to the gradient."""
        out = []
        for line, source in numbered(text):
            match = STATEMENT.match(source)
            if not match or match[1] != "gradient" or match[2] not in ("+=", "-="):
                self.problem(block, line, f"{source!r} must add to the gradient, as in 'gradient += depress*x_post'")
                continue
            if self.expression(block, line, match[3]):
                out.append(Statement(*match.groups(), line))
        return tuple(out)
