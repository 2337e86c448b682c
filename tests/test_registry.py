"""Every entry of the folders loads, and is shown in every form."""

import re

import pytest
from rich.console import Console

import spikemeta
from spikemeta.backends.rendering import show
from spikemeta.data import tuned
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.runs import experiment
from spikemeta.runs.study import Study

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
    """Every study says in its file what its quick size takes: three minutes at most, of the cores that share it."""
    from typer.testing import CliRunner

    from spikemeta import cli

    listed = CliRunner().invoke(cli.app, ["list", "studies"]).output
    for name in registry.names("studies"):
        study = registry.load("studies", name)
        assert 0 < study.quick <= 180 * study.cores, name
        assert f"  {study.description}\n  {study.takes}\n" in listed
        assert f"about {study.quick:.0f} s of processor time" in study.takes
    shown = CliRunner().invoke(cli.app, ["run", "poisoning", "--help"], env={"COLUMNS": "200"}).output
    assert registry.load("studies", "poisoning").takes in " ".join(shown.split())


def test_what_a_study_takes_is_said_in_a_sentence():
    made = Study("mine", "What?", object, print, quick=12.3, compiling=40, cores=1, quick_options="--grid lr=1,2")
    assert made.takes == (
        "With --grid lr=1,2: about 12 s of processor time once its programs are compiled, on one core; "
        "the first time 40 s more (AMD EPYC, AVX2)."
    )
    assert Study("mine", "What?", object, print).takes == ""


def test_every_study_gets_as_far_as_its_first_run(tmp_path, monkeypatch):
    """With its own options: those whose images must be downloaded, and those that measure in this process, left out."""
    planned = []

    class Planned(Exception):
        pass

    def run_missing(store, points, *_, **__):
        planned.append(len(points))
        raise Planned

    monkeypatch.setattr(experiment, "run_missing", run_missing)
    names = set(registry.names("studies")) - {"objects", "optimizer_speed", "speed", "memory_lifetime"}
    for name in sorted(names):
        study, more = registry.load("studies", name), {"grid": ("lr=0.1,0.2",), "rules": "sgd"} if name == "search" else {}
        with pytest.raises(Planned):
            study.run(study.options(out=str(tmp_path / name), **more), Console(quiet=True))
    assert len(planned) == len(names)
    assert min(planned) > 0
