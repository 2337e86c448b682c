"""Bad rule files: every problem at once, each with its line; one malformed input per message."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spikemeta.errors import RuleError, UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.language.user_files import check_file, load_file

#: A sound rule file. Line numbers below count from its first line.
SOUND = '''\
"""A rule of one's own."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mine",
    state="""
        dx/dt = (rest - x)/window : 1
        y : 1
    """,
    weight="x + y",
    initial="""
        x = w_init
        y = 0
    """,
    on_gradient="""
        step = lr*gradient
        x -= step
    """,
    on_boundary="y = x",
    parameters={
        "lr": Parameter(1e-3, low=0),
        "rest": Parameter(0.0),
        "window": Parameter(100, "presentation", low=1),
    },
)
'''

#: What to replace in SOUND, by what, and the (line, message) of every problem that must be found.
MALFORMED = {
    "nonlinear decay": (
        "(rest - x)/window",
        "(rest - x**2)/window",
        [(8, "dx/dt must be a linear decay, (rest - x)/tau: it is not linear in 'x'")],
    ),
    "nonlinear function": ("(rest - x)/window", "-tanh(x)/window", [(8, "it is not linear in 'x'")]),
    "coupled with equal rates": (
        "y : 1",
        "dy/dt = (x - y)/window : 1",
        [(9, "the matrix is defective), so there is no sum of exponentials; make two of the time constants differ")],
    ),
    "coupled by other constants": (
        "y : 1",
        "dy/dt = lr*(x - y)/window : 1",
        [(9, "the ratio of their coefficients, lr, is no number; write one time constant for all")],
    ),
    "coupled by a state": (
        "y : 1",
        "dy/dt = (z*x - 2*y)/window : 1\n        z : 1",
        [(9, "dy/dt is coupled to 'x' by z/window, which is no constant; couple by numbers"), (10, "'z' is never initialised")],
    ),
    "coupled and not linear": (
        "y : 1",
        "dy/dt = (x**2 - 2*y)/window : 1",
        [(9, "dy/dt is not linear in 'x'; only linear decays can be coupled")],
    ),
    "part of a whole number": ("y : 1", "y : integer", [(20, "'y' is a whole number, but on_boundary leaves ")]),
    "truth value": ("y : 1", "y : boolean", [(9, "'y' cannot be boolean; write a whole number, 0 or 1 (: integer)")]),
    "growing": (
        "(rest - x)/window",
        "(rest + x)/window",
        [(8, "dx/dt must be a linear decay, (rest - x)/tau: it grows")],
    ),
    "driven": ("(rest - x)/window", "rest/window", [(8, "it does not depend on x")]),
    "undefined name": (
        "lr*gradient",
        "rate*gradient",
        [(17, "undefined name 'rate': declare it in state or parameters")],
    ),
    "undefined target": (
        "x -= step",
        "z -= step",
        [(18, "undefined name 'z': it has no value to which -= could apply")],
    ),
    "name of another block": (
        'on_boundary="y = x"',
        'on_boundary="y = gradient"',
        [(20, "undefined name 'gradient' (it exists only in on_gradient, base_gradient and on_base_step: dLoss/dw")],
    ),
    "unit mismatch": (
        "lr*gradient",
        "lr*gradient*window",
        [(17, "unit mismatch: 'lr*gradient*window' has unit second")],
    ),
    "unit mismatch in a sum": (
        "lr*gradient",
        "lr*gradient + window",
        [(17, "unit mismatch in 'lr*gradient + window'")],
    ),
    "decay without a time": ("(rest - x)/window", "(rest - x)/2", [(8, "divide by a parameter in presentations")]),
    "missing weight": ('weight="x + y"', 'weight=""', [(11, "missing weight: say which expression is transmitted")]),
    "missing on_gradient": (
        '    on_gradient="""\n        step = lr*gradient\n        x -= step\n    """,\n',
        "",
        [(5, "missing on_gradient: say what a learning event does")],
    ),
    "no state": (
        '    state="""\n        dx/dt = (rest - x)/window : 1\n        y : 1\n    """,\n    weight="x + y"',
        '    weight="lr"',
        [(5, "there is no state variable"), (14, "undefined name 'x'"), (16, "undefined name 'x'")],
    ),
    "never initialised": ("        y = 0\n", "", [(9, "'y' is never initialised: set it in initial")]),
    "reserved state": (
        "y : 1",
        "y : 1\n        lastupdate : 1",
        [(10, "the name 'lastupdate' is taken or not allowed"), (10, "'lastupdate' is never initialised")],
    ),
    "reserved temporary": (
        "step = lr*gradient\n        x -= step",
        "elapsed = lr*gradient\n        x -= elapsed",
        [(17, "the name 'elapsed' is taken or not allowed")],
    ),
    "reserved parameter": (
        '"rest": Parameter(0.0)',
        '"rest": Parameter(0.0), "delay": Parameter(1.0)',
        [(23, "the name 'delay' is taken or not allowed")],
    ),
    "state and parameter": (
        "y : 1",
        "y : 1\n        lr : 1",
        [(10, "'lr' is both a state variable and a parameter"), (10, "'lr' is never initialised")],
    ),
    "declared twice": ("y : 1", "y : 1\n        y : 1", [(10, "'y' is declared twice")]),
    "with a unit": ("y : 1", "y : volt", [(9, "'y' must be dimensionless (: 1)")]),
    "subexpression": (
        "y : 1",
        "y = 2*x : 1",
        [(9, "'y' is a subexpression; write it where it is used"), (11, "undefined name 'y'")],
    ),
    "not an equation": (
        "y : 1",
        "y is a weight",
        [(9, "is not 'dx/dt = ... : 1' or 'x : 1'"), (11, "undefined name 'y'")],
    ),
    "not an assignment": ("x -= step", "x(step)", [(18, "'x(step)' is not an assignment")]),
    "not an expression": ("lr*gradient", "lr*(gradient", [(17, "'lr*(gradient' is not an expression")]),
    "hidden draw": ("lr*gradient", "lr*gradient*randn ( )", [(17, "may be drawn only in initial and on_presentation")]),
    "changed by nothing": (
        "x -= step",
        "x = abs(x) - step",
        [(16, "a zero gradient changes 'x'")],
    ),
    "division by zero": ("lr*gradient", "1/0*gradient", [(17, "'1/0*gradient' cannot be evaluated: ")]),
    "infinite start": ("y = 0", "y = log(0*w_init)", [(12, "'y' does not start finite")]),
    "infinite weight": ("x + y", "x/y", [(11, "the transmitted weight is not finite")]),
    "growing by its parameters": (
        "(rest - x)/window",
        "(lr - 1)*(rest - x)/window",
        [(8, "'x' grows at the default parameters")],
    ),
    "method": ("lr*gradient", "lr.real*gradient", [(17, "'lr.real*gradient' cannot be used: a rule knows numbers")]),
    "text": ("lr*gradient", "lr*'gradient'", [(17, "cannot be used: a rule knows numbers")]),
    "wrong number of arguments": ("lr*gradient", "clip(gradient, lr)", [(17, "cannot be used")]),
    "unusable expression": ("lr*gradient", "lr[0]*gradient", [(17, "cannot be used")]),
    "random temporary": (
        "y = 0",
        "draw = rand()\n        y = draw",
        [(14, "draw random numbers into a state variable, not into the temporary 'draw'")],
    ),
    "random learning": (
        "lr*gradient",
        "lr*gradient*randn()",
        [(17, "rand() and randn() may be drawn only in initial and on_presentation")],
    ),
    "zero gradient": (
        "x -= step",
        "x -= step + lr*x",
        [(16, "a zero gradient changes 'x'; a synapse that no spike touches")],
    ),
    "boundary without a value": (
        'on_boundary="y = x"',
        'on_boundary="y = x*0/0"',
        [(20, "'y' is not finite after a boundary before any gradient")],
    ),
    "boundary that overflows": (
        'on_boundary="y = x"',
        'on_boundary="y = exp(1000)*(1 + x)"',
        [(20, "'y' is not finite after a boundary before any gradient at the default parameters")],
    ),
    "boundary of a synapse that moved": (
        'on_boundary="y = x"',
        'on_boundary="y = (x - y)/int(abs(y) == 0)"',
        [(20, "'y' is not finite after a boundary twice in a row")],
    ),
    "boundary of a silent synapse": (
        'on_boundary="y = x"',
        'on_boundary="x = y*x/y"',
        [(20, "'x' is not finite after a boundary before any gradient")],
    ),
    "presentation without a value": (
        'on_boundary="y = x"',
        'on_presentation="y = log(-1 - abs(x))"',
        [(20, "'y' is not finite after a presentation")],
    ),
    "decay that rests nowhere": (
        "(rest - x)/window",
        "(1/rest - x)/window",
        [(8, "'x' rests at no finite value at the default parameters")],
    ),
    "decay at each visit": (
        'on_boundary="y = x"',
        'on_presentation="x *= 0.99"',
        [(20, "three visits without a gradient leave another value than one. A decay belongs in state, as in dx/dt = -x/tau")],
    ),
    "growth at each visit": (
        'on_boundary="y = x"',
        'on_presentation="y += 0.1*rand()"',
        [(20, "on_presentation changes 'y' by how often a synapse is visited")],
    ),
    "counter": (
        "x -= step",
        "x -= step\n        y += 1",
        [(16, "what counts on must count gradients, as in y += 1*int(gradient != 0), or be computed from age")],
    ),
    "step of a base that overflows": (
        'on_boundary="y = x"',
        'base_gradient="gradient", on_base_step="x += base_step*exp(1000)"',
        [(20, "'x' is not finite after a step of a base optimizer")],
    ),
    "not finite": ("x -= step", "x -= step/(lr - lr)", [(16, "'x' is not finite after three small gradients")]),
    "assigned parameter": (
        "x -= step",
        "lr = 0.5*lr",
        [(18, "'lr' cannot be assigned: only state variables and temporaries")],
    ),
    "assigned gradient": ("x -= step", "gradient = 0", [(18, "'gradient' cannot be assigned")]),
    "unit of a parameter": (
        'Parameter(100, "presentation", low=1)',
        'Parameter(100, "ms")',
        [(24, "window: unit must be '1' or 'presentation', not 'ms'"), (8, "unit mismatch")],
    ),
    "value of a parameter": (
        "Parameter(1e-3, low=0)",
        "Parameter(-1e-3, low=0)",
        [(22, "lr must be at least 0, not -0.001")],
    ),
    "variant": (
        'on_boundary="y = x"',
        'on_boundary="y = x", variants={"fast": {"rl": 1.0}}',
        [(20, "fast: unknown parameter of rule 'mine' 'rl'; did you mean 'lr'?")],
    ),
    "truth as a number": ("x -= step", "x -= step*True", [(18, "a rule knows numbers, names")]),
    "arithmetic with a comparison": (
        "x -= step",
        "x -= step*(x > 0)",
        [(18, "computes with a comparison: write int(...) around it")],
    ),
    "whole number too large": ("lr*gradient", "2**32*gradient", [(17, "whole numbers above 2147483647; write them with")]),
    "number without end": ("lr*gradient", "9**9**9**9*gradient", [(17, "it holds numbers without a finite value")]),
    "keyword of C++": (
        "y : 1",
        "y : 1\n        virtual : 1",
        [(10, "the name 'virtual' is taken"), (10, "'virtual' is never initialised")],
    ),
    "macro of C": ('"rest": Parameter(0.0)', '"linux": Parameter(0.0), "rest": Parameter(0.0)', [(23, "the name 'linux'")]),
    "base without a block": (
        'on_boundary="y = x"',
        'on_boundary="y = x", base_gradient="gradient*window"',
        [(20, "unit mismatch: 'gradient*window' has unit second"), (20, "base_gradient needs on_base_step")],
    ),
    "block without a base": (
        'on_boundary="y = x"',
        'on_boundary="y = x", on_base_step="x += base_step"',
        [(20, "on_base_step needs base_gradient: what a base optimizer descends")],
    ),
    "step of a base elsewhere": (
        "x -= step",
        "x -= base_step",
        [(18, "undefined name 'base_step' (it exists only in on_base_step: the step of a base optimizer)")],
    ),
    "syntax error": ('name="mine",', 'name="mine" "', [(6, "unterminated string literal")]),
    "exception": ("rule = Rule(", "print(1/0)\nrule = Rule(", [(5, "ZeroDivisionError: division by zero")]),
    "unknown field": ('name="mine",', 'name="mine", on_spike="",', [(5, "TypeError")]),
    "no rule": ("rule = Rule(", "rule = dict(", [(1, "the file must define exactly one Rule")]),
    "two rules": (
        '"""A rule of one\'s own."""',
        "from spikemeta.rules.sgd import rule as other",
        [(1, "the file must define exactly one Rule")],
    ),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOUND)
    return path


def test_the_sound_file_is_sound(file):
    assert check_file(file) == []
    assert load_file(file).name == "mine"


@pytest.mark.parametrize("case", MALFORMED)
def test_each_problem_has_its_line(case, file):
    old, new, expected = MALFORMED[case]
    assert SOUND.count(old) == 1
    file.write_text(SOUND.replace(old, new))
    found = check_file(file)
    assert [f.split(": ")[0] for f in found] == [f"{file}:{line}" for line, _ in expected], found
    for problem, (_, message) in zip(found, expected, strict=True):
        assert message in problem
    with pytest.raises(UserError) as error:
        load_file(file)
    assert str(error.value) == "\n".join(found)


TWO = "dx/dt = {x}/window : 1\ndy/dt = {y}/window : 1"


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ("(y - x)", "(-x - y)", "the decays of x, y oscillate: the matrix has complex eigenvalues"),
        ("(2*y - x)", "(2*x - y)", "grow together: the matrix has the positive eigenvalue 1;"),
        ("(y - x)", "(1 + x - y)", "rest nowhere: something enters, and one of their sums never fades"),
    ],
)
def test_coupled_decays_without_modes_are_refused(x, y, message):
    with pytest.raises(RuleError, match=re.escape(message)):
        Rule(
            "coupled",
            state=TWO.format(x=x, y=y),
            weight="x",
            initial="x = w_init\ny = 0",
            on_gradient="x -= gradient",
            parameters={"window": Parameter(10, "presentation")},
        )


def test_all_problems_are_reported_at_once(file):
    text = SOUND
    for old, new in (
        ("(rest - x)/window", "(rest - x**2)/window"),
        ("x + y", "x + q"),
        ("        y = 0\n", ""),
        ("lr*gradient", "rate*gradient"),
        ("y = x", "lr = x"),
        ("Parameter(0.0)", "Parameter(0.0, 'ms')"),
    ):
        text = text.replace(old, new)
    file.write_text(text)
    found = check_file(file)
    assert sorted(int(f.split(":")[1]) for f in found) == [8, 9, 11, 16, 19, 22]
    for message in (
        "not linear",
        "undefined name 'q'",
        "'y' is never initialised",
        "undefined name 'rate'",
        "'lr' cannot be assigned",
        "unit must be",
    ):
        assert sum(message in f for f in found) == 1


def test_a_rule_error_names_rule_field_and_line():
    with pytest.raises(RuleError, match="rule 'odd' cannot be used:\n  on_gradient, line 2: undefined name 'b'"):
        Rule("odd", state="w : 1", weight="w", initial="w = w_init", on_gradient="a = gradient\nw -= b")


@pytest.mark.parametrize(
    ("name", "near"),
    [("lapalce", "'laplace'"), ("sdg", "'sgd'"), ("hybird", "'hybrid'"), ("stable-flexible", "'stable_flexible'")],
)
def test_an_unknown_rule_gives_near_ones(name, near):
    with pytest.raises(UserError, match=f"unknown rule {name!r}; did you mean .*{near}") as error:
        registry.get_rule(name)
    assert all(known in str(error.value) for known in (*registry.names("rules"), *registry.variants()))


def test_a_missing_rule_file_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no rule file .*nowhere.py"):
        registry.get_rule(tmp_path / "nowhere.py")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0, not -1"),
        ({"hidden.lr": -1.0}, "hidden.lr must be at least 0, not -1"),
        ({"guard": 2.0}, "unknown parameter of rule 'laplace' 'guard'"),
        ({"windw": 2.0}, "did you mean 'window'"),
        ({"window": 0.5}, "window must be at least 1, not 0.5"),
        ({"lr": float("nan")}, "lr must be a number, not nan"),
        ({"lr": "fast"}, "lr must be a number, not 'fast'"),
        ({"lr": True}, "lr must be a number, not True"),
    ],
)
def test_overrides_out_of_range(overrides, message):
    with pytest.raises(UserError, match=re.escape(message)):
        registry.get_rule("laplace").constants(overrides=overrides)


def test_the_largest_value_is_checked_too():
    with pytest.raises(UserError, match="guard must be at most 0.99, not 1"):
        registry.get_rule("mesu_multiplicative").constants(overrides={"guard": 1.0})
    with pytest.raises(UserError, match="did you mean 'biased_stable'"):
        registry.get_rule("stable_flexible").with_variant("biased-stable")


FIELDS = ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary")
_words = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "x",
                "dx/dt",
                "y",
                "=",
                "+=",
                ":",
                "1",
                "(",
                ")",
                "*",
                "/",
                "-",
                "**",
                "window",
                "gradient",
                "randn()",
                "age",
                "rest",
                "inf",
                "\n",
                " ",
                ",",
                "[",
                "'",
                "#",
                "lambda",
                "if",
                "not",
                "presentation",
                "1e400",
                "clip(x, 0)",
                "exp(exp(1000))",
                "0/0",
                "i",
                "w_init",
                "==",
                "and",
                "tanh",
                "x.y",
                "µ",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=8,
).map(" ".join)


def refusal(**fields):
    """The problems for which a rule is refused, at least one; None if it is accepted. Nothing else may be raised."""
    try:
        Rule("mangled", **fields)
    except RuleError as error:
        return error.problems or pytest.fail("refused without a problem")
    return None


@settings(max_examples=150)
@given(st.sampled_from(registry.names("rules")), st.sampled_from(FIELDS), st.integers(0, 200), st.integers(0, 12), _words)
@example("sgd", "state", 0, 200, "dx/dt = -x/0/presentation : 1")
@example("sgd", "on_gradient", 0, 0, "w = 1/0*gradient\n")
@example("sgd", "on_gradient", 0, 0, "x = ('a'*gradient)\n")
@example("sgd", "weight", 0, 200, "(lambda: w)()")
def test_a_mangled_text_raises_nothing_else(name, field, start, cut, words):
    """A piece of a real rule's text is replaced by rubbish: it is accepted, or refused with a message."""
    good = registry.load("rules", name)
    fields = {f: getattr(good, f) for f in (*FIELDS, "parameters", "boundary_if")}
    text = fields[field]
    fields[field] = text[:start] + words + text[start + cut :]
    problems = refusal(**fields)
    assert problems is None or all(message for _, _, message in problems)


@given(st.text(max_size=12), st.one_of(st.floats(), st.text(max_size=3), st.none()))
@example("lr", 1e400)
def test_mangled_parameters_raise_nothing_else(name, value):
    problems = refusal(
        state="w : 1",
        weight="w",
        initial="w = w_init",
        on_gradient="w -= gradient",
        parameters={name: Parameter(value)},
    )
    assert problems is None or any(field.startswith("parameters") for field, _, _ in problems)
