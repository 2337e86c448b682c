"""Every entry of the folders loads, and is shown in every form."""

import re

import pytest

import spikemeta
from spikemeta.backends.rendering import show
from spikemeta.data import tuned
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

RULES = [*registry.names("rules"), *registry.variants()]


def test_public_names_load():
    assert all(getattr(spikemeta, name) is not None for name in spikemeta.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = spikemeta.nothing


@pytest.mark.parametrize("kind", registry.KINDS)
def test_names_agree(kind):
    """An entry's file, its name and what the registry says are one."""
    for name in registry.names(kind):
        assert getattr(registry.load(kind, name), "name", name) == name


@pytest.mark.parametrize("name", RULES)
def test_every_block_of_constants_can_be_used_and_says_what_found_it(name):
    """A misspelt place would be ignored in silence."""
    rule = registry.get_rule(name)
    assert tuned.problems_of(rule) == []
    assert all(block.found or block.same_as for block in tuned.of_rule(rule))


@pytest.mark.parametrize("kind", ["rules", "networks"])
def test_every_file_of_constants_belongs_to_something(kind):
    folder = registry.constants_file(kind, "x").parent
    assert {path.stem for path in folder.glob("*.toml")} <= set(registry.names(kind))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("form", ["text", "brian2", "latex"])
def test_shown(name, form):
    rule = registry.get_rule(name)
    text = show(rule, form)
    assert rule.title in text
    if form == "text":
        assert rule.reference in text
        assert all(p in text for p in rule.parameters)
    if form == "brian2":
        assert all(re.search(rf"^\s*{s} : 1$", text, re.M) for s in rule.analysis.states)
        assert ("on boundary" in text) == bool(rule.analysis.blocks["on_boundary"])
    if form == "latex":
        assert text.count("{") == text.count("}")
        assert text.count(r"\leftarrow") == sum(
            len(rule.analysis.blocks[b]) for b in ("on_presentation", "on_gradient", "on_boundary", "on_base_step")
        )


def test_unknown_form():
    with pytest.raises(UserError, match="unknown format 'html'"):
        show(registry.get_rule("sgd"), "html")


def test_modes_are_shown():
    """u and v exchange: their sum fades at the rate 1/tau, their difference at 3/tau."""
    state = "du/dt = (v - 2*u)/tau : 1\ndv/dt = (u - 2*v)/tau : 1"
    tau = {"tau": Parameter(10, "presentation")}
    rule = Rule("two", state=state, weight="u", initial="u = w_init\nv = 0", on_gradient="u -= gradient", parameters=tau)
    text = show(rule)
    for line in (
        "mode 1 of 2: m1(t) = (0.7071*u - 0.7071*v)*exp(-3/tau*t)",
        "mode 2 of 2: m2(t) = (0.7071*u + 0.7071*v)*exp(-1/tau*t)",
        "u(t) = 0.7071*m1(t) + 0.7071*m2(t)",
        "v(t) = -0.7071*m1(t) + 0.7071*m2(t)",
    ):
        assert line in text, text


def test_a_quick_size_is_quick_and_its_help_says_so():
    """Three minutes of two cores; a study without a number was not measured, and its help says nothing."""
    from typer.testing import CliRunner

    from spikemeta import cli

    quick = {name: registry.load("studies", name).quick for name in registry.names("studies")}
    measured = {name: seconds for name, seconds in quick.items() if seconds is not None}
    assert len(measured) >= 5
    assert all(0 < seconds <= 2 * 180 for seconds in measured.values())
    for name, seconds in quick.items():
        if name not in ("forgetting", *measured):
            continue
        shown = CliRunner().invoke(cli.app, ["run", name, "--help"], env={"COLUMNS": "200"}).output
        assert (f"about {seconds} s of processor time" in " ".join(shown.split())) == (seconds is not None)
