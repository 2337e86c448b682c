"""The rule language: a metaplasticity rule as a short text of synapse equations, checked at construction."""

import ast
import copy
import math
import re
import runpy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spikemeta.errors import RuleError, UserError, suggest
from spikemeta.language import checking, entries, equations


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
    parameters: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)
    boundary_if: str = ""
    variant: str = ""
    constants_file: str = field(default="", repr=False, compare=False)
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
            **{block: getattr(self, block) for block in equations.BLOCKS},
        )
        problems += found
        object.__setattr__(self, "analysis", analysis)
        if not problems:
            problems += self._rehearse()
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

    def _rehearse(self):
        """Run the text on made-up synapses: it must stay finite, and a zero gradient must change nothing."""
        rng = np.random.default_rng(0)
        n = 64
        space = {p: v.value for p, v in self.parameters.items()}
        space |= {
            "w_init": 0.1 * rng.standard_normal(n),
            "age": 0.0,
            "rand": lambda: rng.random(n),
            "randn": lambda: rng.standard_normal(n),
        }
        problems = []

        def value(block, line, expression):
            """Evaluate one expression; what it raises is a problem, and counts as zero."""
            try:
                return np.asarray(equations.compile_expression(expression)(space), float)
            except (ArithmeticError, TypeError, ValueError) as error:
                problems.append((block, line, f"{expression!r} cannot be evaluated: {error}"))
                return np.zeros(n)

        def run(block):
            for s in self.analysis.blocks[block]:
                space[s.target] = value(block, s.line, s.value)

        def finite(block, text, *values):
            if not problems and not all(np.isfinite(v).all() for v in values):
                problems.append((block, 0, text))

        def idle(started=True):
            """A zero gradient, as a synapse gets it at its first touch and whenever it was silent."""
            before = {s: np.array(np.broadcast_to(space[s], n), float) for s in self.analysis.states}
            space["gradient"] = np.zeros(n)
            run("on_gradient")
            for name, values in before.items():
                told = started or np.isfinite(space[name]).all()  # what is not finite is found below
                if told and not problems and not np.allclose(space[name], values, rtol=1e-12, atol=1e-15):
                    text = f"a zero gradient changes {name!r}; a synapse that no spike touches is never visited, so fading"
                    problems.append(("on_gradient", 0, f"{text} belongs in state, as a decay"))
            space.update(before)

        with np.errstate(all="ignore"):
            run("initial")
            for name in self.analysis.states:
                finite("initial", f"{name!r} does not start finite at the default parameters", space[name])
            for d in self.analysis.decays.values():
                line = next(k for k, text in equations.numbered(self.state) if re.match(rf"d{d.name}\s*/", text))
                rate = value("state", line, d.rate)
                if not problems and not np.isfinite(rate).all():
                    problems.append(("state", line, f"{d.name!r} has no finite rate at the default parameters"))
                if (rate < 0).any():
                    problems.append(("state", line, f"{d.name!r} grows at the default parameters, instead of decaying"))
            idle(started=False)
            for age in range(3):
                space |= {"gradient": 0.01 * rng.standard_normal(n), "age": float(age)}
                run("on_presentation")
                run("on_gradient")
            before = {s: np.broadcast_to(space[s], n) for s in self.analysis.states}
            for name, values in before.items():
                finite(
                    "on_gradient",
                    f"{name!r} is not finite after three small gradients at the default parameters",
                    values,
                )
            finite(
                "weight",
                "the transmitted weight is not finite at the default parameters",
                value("weight", 0, self.weight.strip()),
            )
            idle()
            run("on_boundary")
            if self.base_gradient.strip():
                space["base_step"] = value("base_gradient", 0, self.base_gradient.strip())
                run("on_base_step")
        return list(dict.fromkeys(problems))

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


def load_file(path):
    """Run a user's rule file and return the `Rule` it defines. The file is code: it is executed.

    Constants found for the rule are read from the file of the same name that ends in ``.toml``.

    Raises
    ------
    UserError
        If there is no such file, it fails, or it does not define exactly one rule.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no rule file {str(path)!r}")
    problems, rule = _load(path)
    if problems:
        raise UserError("\n".join(problems))
    return rule if rule.constants_file else rule.with_constants(path.resolve().with_suffix(".toml"))


def check_file(path):
    """Every problem of a rule file, each as ``file:line: message``; an empty list if it is sound."""
    return _load(Path(path))[0]


def _load(path):
    try:
        space = runpy.run_path(str(path))
    except RuleError as error:
        lines = _field_lines(path)
        first = lines.get("", 1)
        where = [lines.get(f, lines.get(f.partition(".")[0], first)) + line for f, line, _ in error.problems]
        return [f"{path}:{line}: {text}" for line, (*_, text) in zip(where, error.problems, strict=True)], None
    except UserError as error:
        return [f"{path}:1: {error}"], None
    except SyntaxError as error:
        return [f"{path}:{error.lineno or 1}: not Python: {error.msg}"], None
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        trace, line = error.__traceback__, 1
        while trace:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
            trace = trace.tb_next
        return [f"{path}:{line}: {type(error).__name__}: {error}"], None
    rules = [value for value in space.values() if isinstance(value, Rule)]
    if len({id(r) for r in rules}) != 1:
        return [f"{path}:1: the file must define exactly one Rule, as in 'rule = Rule(...)'; it defines {len(rules)}"], None
    return [], rules[0]


def _field_lines(path):
    """Line of the file on which the text of each field of ``Rule(...)`` starts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Rule":
            lines = {"": node.lineno} | {k.arg: k.value.lineno for k in node.keywords if k.arg}
            for field in node.keywords:  # and of each entry of a dict
                if isinstance(field.value, ast.Dict):
                    named = [key for key in field.value.keys if isinstance(key, ast.Constant)]
                    lines |= {f"{field.arg}.{key.value}": key.lineno for key in named}
            return lines
    return {}
