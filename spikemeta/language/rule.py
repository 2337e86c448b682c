"""The rule language: a metaplasticity rule as a short text of synapse equations, checked at construction."""

import copy
import math
from dataclasses import dataclass, field

import numpy as np

from spikemeta.errors import RuleError, UserError, suggest
from spikemeta.language import checking, entries, equations, rehearsal


@dataclass(frozen=True)
class Parameter:
    """A constant of a rule.

    Attributes
    ----------
    value : float
        Default value, in ``unit``.
    unit : str
        ``"1"``, or ``"presentation"`` for a time: papers count their windows in optimizer steps, and one
        presentation is one step.
    description : str
    low, high : float or None
        Smallest and largest value that makes sense, inclusive.
    """

    value: float
    unit: str = "1"
    description: str = ""
    low: float | None = None
    high: float | None = None

    def problem(self, value):
        """What is wrong with a value, or None."""
        if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or math.isnan(value):
            return f"must be a number, not {value!r}"
        if self.low is not None and value < self.low:
            return f"must be at least {self.low:g}, not {value:g}"
        if self.high is not None and value > self.high:
            return f"must be at most {self.high:g}, not {value:g}"
        return None


@dataclass(frozen=True)
class Rule:
    """A metaplasticity rule, written once for every backend.

    Between events every state variable rests or decays linearly and independently, so a synapse costs nothing
    until a spike touches it. ``on_gradient`` runs once per presentation on the summed gradient; a zero gradient
    must change nothing, because a synapse that no spike touches is never visited.

    Parameters
    ----------
    name, description : str
    reference : str
        Paper and equations; says so where the rule is our own.
    state : str
        Per-synapse variables, a line each: ``dx/dt = (rest - x)/tau : 1`` or ``x : 1``.
    weight : str
        The expression that a spike transmits.
    initial : str
        Start of every state variable, given the network's initial weight ``w_init``; may draw ``rand()``, ``randn()``.
    on_gradient : str
        What a learning event does, given ``gradient`` (dLoss/dw, summed over one presentation).
    on_presentation : str
        Run when a synapse is first touched in a presentation. ``randn()`` drawn here is weight noise: it is zero
        when the network is tested by its mean weights.
    on_boundary : str
        Run when the experimenter signals a new task or item.
    base_gradient, on_base_step : str
        For use with a base optimizer such as Adam, in torch only: the expression that the base takes for the gradient, and
        what is done with its step, ``base_step``, in place of ``on_gradient`` and of the decays of what this block writes.
    factor : str
        For a rule that may stand over another as a gate, as in ``stable_flexible(mesu)``: the part of the gradient that the
        other receives. This rule's weight, which must be one state variable, is then the other's mean weight.
    parameters : dict of str to Parameter
    variants : dict of str to dict
        Named settings of the parameters that deserve a row of their own.
    boundary_if : str
        A parameter that switches ``on_boundary`` off when it is zero; empty if it always counts.
    variant : str
        The variant in force; see `with_variant`.
    constants_file : str
        TOML file of the constants that a search found for it; see `spikemeta.data.tuned`. Set where the rule is loaded by name
        or from a file.
    per_visit : bool
        Whether ``on_presentation`` may change what stays, so that state depends on how often a synapse is visited, as memory
        that is written at each visit does; else such a text is refused.

    Raises
    ------
    RuleError
        With every problem of the text: syntax, undefined names, units, decays that are not linear and independent,
        a missing weight, state never initialised, a zero gradient that changes state.
    """

    name: str
    description: str = ""
    reference: str = ""
    state: str = ""
    weight: str = ""
    initial: str = ""
    on_gradient: str = ""
    on_presentation: str = ""
    on_boundary: str = ""
    base_gradient: str = ""
    on_base_step: str = ""
    factor: str = ""
    parameters: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)
    boundary_if: str = ""
    variant: str = ""
    constants_file: str = field(default="", repr=False, compare=False)
    per_visit: bool = False
    analysis: equations.Analysis = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self):
        problems = self._form_problems()
        if problems:
            raise RuleError(str(self.name), problems)
        problems = [
            (f"parameters.{n}", 0, f"{n}: unit must be '1' or 'presentation', not {p.unit!r}")
            for n, p in self.parameters.items()
            if p.unit not in ("1", "presentation")
        ]
        problems += [
            (f"parameters.{n}", 0, f"{n} {p.problem(p.value)}") for n, p in self.parameters.items() if p.problem(p.value)
        ]
        for label, values in self.variants.items():
            for key, value in values.items():
                problem = self.setting_problem(key, value)
                if problem:
                    problems.append((f"variants.{label}", 0, f"{label}: {problem}"))
        analysis, found = checking.analyse(
            self.name,
            self.state,
            self.weight,
            self.parameters,
            self.base_gradient,
            self.factor,
            **{block: getattr(self, block) for block in equations.BLOCKS},
        )
        problems += found
        object.__setattr__(self, "analysis", analysis)
        if not problems:
            problems += rehearsal.rehearse(self)
        if problems:
            raise RuleError(self.name, problems)

    def _form_problems(self):
        """Fields that are not of their kind, which would make the checks of their contents meaningless."""
        texts = (
            "name",
            "description",
            "reference",
            "state",
            "weight",
            "base_gradient",
            "factor",
            "boundary_if",
            "variant",
            "constants_file",
            *equations.BLOCKS,
        )
        problems = [
            (f, 0, f"{f} must be a text, not {getattr(self, f)!r}") for f in texts if not isinstance(getattr(self, f), str)
        ]
        if isinstance(self.name, str) and not self.name.isidentifier():
            problems.append(("name", 0, f"the name {self.name!r} must be a word of letters, digits and underscores"))
        for group, kind, like in (
            ("parameters", Parameter, "Parameter(1e-3)"),
            ("variants", dict, "{'lr': 1e-3}"),
        ):
            found = getattr(self, group)
            if not isinstance(found, dict):
                problems.append((group, 0, f"{group} must be a dict, not {found!r}"))
                continue
            problems += [
                (f"{group}.{key}", 0, f"{key!r}: write {like}, not {value!r}")
                for key, value in found.items()
                if not isinstance(value, kind)
            ]
        if not problems and self.boundary_if and self.boundary_if not in self.parameters:
            problems.append(("boundary_if", 0, suggest("parameter in boundary_if,", self.boundary_if, self.parameters)))
        return problems

    def setting_problem(self, key, value):
        """What is wrong with a value for ``parameter`` or ``projection.parameter``, or None."""
        name = key.rpartition(".")[2]
        if name not in self.parameters:
            return suggest(f"parameter of rule {self.name!r}", name, self.parameters)
        problem = self.parameters[name].problem(value)
        return problem and f"{key} {problem}"

    @property
    def title(self):
        """The name shown in tables: the variant's where one is in force."""
        return self.variant or self.name

    def with_variant(self, variant):
        """The same rule under one of its named settings."""
        if variant not in self.variants:
            raise UserError(suggest(f"variant of rule {self.name!r}", variant, self.variants))
        values = self.variants[variant]
        parameters = {
            n: Parameter(values.get(n, p.value), p.unit, p.description, p.low, p.high) for n, p in self.parameters.items()
        }
        fields = {f: getattr(self, f) for f in self.__dataclass_fields__ if f not in ("analysis", "parameters", "variant")}
        return Rule(**fields, parameters=parameters, variant=variant)

    @property
    def needs_boundary(self):
        """Whether the rule must be told of task boundaries."""
        if not self.analysis.blocks["on_boundary"]:
            return False
        return not self.boundary_if or bool(self.parameters[self.boundary_if].value)

    def of(self, projection):
        """The rule of a projection: this one, whichever it is."""
        return self

    def with_constants(self, file):
        """The same rule, whose constants a search left in this file."""
        found = copy.copy(self)
        object.__setattr__(found, "constants_file", str(file))
        return found

    def constants(self, projection="", overrides=None, before=(), after=()):
        """Values of all parameters for one projection of a network: the rule's own, its variant's, and what replaces them.

        Parameters
        ----------
        projection : str
            ``"hidden"`` or ``"readout"``, say.
        overrides : dict of str to float or None
            ``{"lr": ...}`` for every projection, ``{"hidden.lr": ...}`` for one.
        before, after : iterable of dict of str to float
            What a search found, which the variant's settings replace, and which replaces them; the later ones count. What is
            found for a task is chosen by `spikemeta.data.tuned.constants`.

        Returns
        -------
        dict of str to float

        Raises
        ------
        UserError
            For an override that names no parameter, or a value outside its range.
        """
        values = {name: float(p.value) for name, p in self.parameters.items()}
        for key, value in (overrides or {}).items():
            problem = self.setting_problem(key, value)
            if problem:
                raise UserError(problem)
        for layer in [*before, self.variants.get(self.variant, {}), *after, overrides or {}]:
            for own in ("", f"{projection}."):
                values |= {k.rpartition(".")[2]: float(v) for k, v in layer.items() if k.rpartition(".")[0] == own.rstrip(".")}
        return values

    def optimizer(self, params, *by_place, seed=0, base=None, fused=True, **parameters):
        """The rule as a torch optimizer; see `spikemeta.backends.torch.optimizer.RuleOptimizer`.

        Parameters
        ----------
        params : iterable
            Tensors or parameter groups, as for any torch optimizer; every constant of the rule is an option of a group.
        seed : int
        base : callable or None
            Makes the optimizer whose steps the rule takes, for a rule that has ``on_base_step``; given the parameters, as in
            ``base=functools.partial(torch.optim.Adam, lr=1e-3)``.
        fused : bool
            Whether the update on a CPU is one compiled pass, where there is a C++ compiler.
        **parameters : float
            Constants that replace the rule's; times in presentations, of which each optimizer step is one.

        Returns
        -------
        RuleOptimizer
        """
        return entries.execution("torch")(params, self, *by_place, seed=seed, base=base, fused=fused, **parameters)
