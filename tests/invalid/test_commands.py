"""The commands beside the studies: what they write and print, and what they refuse, each with one message."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.commands import doctor, example
from spikemeta.data import datasets, sources
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.system import health


def spikemeta(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_every_command_has_an_example_that_it_understands():
    """The examples of a command's help name it, an existing option only, and not one option too few."""
    group = cli.typer.main.get_command(cli.app)
    context = cli.typer.Context(group)
    tried = 0
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        for line in (command.epilog or "").splitlines():
            if line.startswith("spikemeta "):
                program, first, *words = line.split()
                assert (program, first) == ("spikemeta", name)
                command.make_context(name, words, resilient_parsing=False)
                tried += 1
    assert tried >= 7


def test_trace_writes_a_figure_and_a_table_that_it_reads_again(tmp_path):
    done = spikemeta("trace", "laplace", "--out", tmp_path / "a", "--presentations", 20, "--set", "lr=0.5")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"events.csv", "trace.png", "trace.pdf"}
    again = ["--events", tmp_path / "a/events.csv", "--presentations", 20, "--set", "lr=0.5"]
    assert spikemeta("trace", "laplace", "--out", tmp_path / "b", *again).exit_code == 0
    assert (tmp_path / "b/events.csv").read_bytes() == (tmp_path / "a/events.csv").read_bytes()
    rows = list(csv.DictReader((tmp_path / "a/events.csv").open()))
    assert rows[0].keys() == {"presentation", "event", "gradient", "precision", "information", "weight"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lapalce", "--out", "x"], "did you mean 'laplace'"),
        (["sgd", "--out", "x", "--set", "lr"], "write KEY=VALUE"),
        (["sgd", "--out", "x", "--set", "lr=much"], "--set lr must be a number, not 'much'"),
        (["sgd", "--out", "x", "--set", "rl=1"], "unknown parameter of rule 'sgd' 'rl'"),
        (["sgd", "--out", "x", "--boundaries", "3,b"], "--boundaries must be whole numbers"),
        (["sgd", "--out", "x", "--boundaries", "300"], "no presentation 300 to end a task at"),
        (["sgd", "--out", "x", "--rate", "1.5"], "the rate must be a probability"),
        (["sgd", "--out", "x", "--events", "none.csv"], "cannot read the events none.csv"),
        (["sgd", "--out", "x", "--events", "words.csv"], "words.csv:2: '1,spike,much'"),
        (["sgd", "--out", "x", "--events", "empty.csv"], "a table with the columns presentation,event,gradient"),
        (["sgd", "--out", "words.csv"], "--out words.csv is a file"),
    ],
)
def test_trace_refuses(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.csv").write_text("presentation,event,gradient\n1,spike,much\n")
    (tmp_path / "empty.csv").write_text("")
    done = spikemeta("trace", *words)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", ["rule", "chip"])
def test_an_example_is_sound(kind, tmp_path):
    done = spikemeta("example", kind, "mine", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert spikemeta("check", tmp_path / "mine.py").output == "ok\n"


def test_examples_that_are_refused(tmp_path):
    (tmp_path / "mine.py").write_text("precious")
    for words, told in (
        (["rule", "mine"], "exists: choose another name"),
        (["rule", "1st"], "must be a word of letters"),
        (["ruel", "mine"], "did you mean 'rule'"),
    ):
        done = spikemeta("example", *words, "--out", tmp_path)
        assert done.exit_code == 2
        assert told in " ".join(done.output.split())
    assert (tmp_path / "mine.py").read_text() == "precious"
    for kind in example.KINDS:
        compile(example.text_of(kind, "mine"), kind, "exec")


def test_a_study_that_is_checked_is_told_how_it_is_tried(tmp_path):
    path = tmp_path / "widths.py"
    path.write_text(example.text_of("study", "widths"), "utf-8")
    done = spikemeta("check", path)
    assert done.exit_code == 2
    assert f"it defines 0. A study is tried, not checked: spikemeta run {path}" in done.output


def test_the_shell_completes_commands_studies_and_rules(tmp_path):
    def completed(*words):
        words = ["spikemeta", *words]
        variables = {"_SPIKEMETA_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        main = "import sys; from spikemeta.cli import main; sys.argv[:] = ['spikemeta']; main()"
        return subprocess.run(
            [sys.executable, "-c", main], env=os.environ | variables, capture_output=True, text=True
        ).stdout.split()

    assert completed("tr") == ["trace"]
    assert completed("show", "lap") == ["laplace"]
    assert completed("run", "serial") == ["serial_position"]
    assert completed("example", "ne") == ["network"]
    assert completed("list", "stu") == ["studies"]
    command = cli.command_of(registry.load("studies", "forgetting"))
    options = {option.name: option for option in command.params}
    for name, typed, words in (("rules", "sgd,lap", ["sgd,laplace"]), ("scale", "f", ["full"]), ("dataset", "dig", ["digits"])):
        assert [item.value for item in options[name].shell_complete(click.Context(command), typed)] == words


def test_lists_as_json():
    assert "laplace" in json.loads(spikemeta("list", "rules", "--json").output)
    assert "digits" in json.loads(spikemeta("list", "--json").output)["datasets"]


def test_a_compiler_that_is_missing_or_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    (part,) = health.compiler()
    assert "install g++" in part.remedy
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such header >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    (part,) = health.compiler()
    assert "no such header" in part.state


def test_a_requirement_that_is_missing_or_too_old(monkeypatch):
    def version(name):
        if name == "rich":
            raise health.metadata.PackageNotFoundError
        return "1.0" if name == "brian2" else "99"

    monkeypatch.setattr(health.metadata, "version", version)
    found = {part.name: part for part in health.packages()}
    assert (found["rich"].needed, found["rich"].remedy) == (True, "pip install 'rich'")
    assert found["brian2"].remedy == "pip install 'brian2>=2.9'"
    assert found["numpy"].remedy == "pip install 'numpy<2.4'"
    assert not found["scipy"].remedy


def test_data_that_are_missing_are_told_and_not_fetched(monkeypatch, tmp_path):
    def fetch(*_):
        raise AssertionError("nothing is downloaded")

    monkeypatch.setattr(sources, "fetch", fetch)
    monkeypatch.setattr(sources, "cache", lambda name: tmp_path / name)
    monkeypatch.delenv("SPIKEMETA_DATA", raising=False)
    found = {part.name: part for part in datasets.here()}
    assert not found["data set digits"].remedy
    assert "downloaded once" in found["data set mnist"].remedy
    monkeypatch.setenv("SPIKEMETA_DATA", str(tmp_path))
    found = {part.name: part for part in datasets.here()}
    assert "train-images-idx3-ubyte" in found["data set mnist"].remedy
    assert "downloaded once" not in found["data set mnist"].remedy


def test_what_was_left_out_is_told_when_it_is_needed(monkeypatch):
    for name in ("dask", "distributed"):  # the second may be there from a test before
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("cluster", "sweep"):
        monkeypatch.delitem(sys.modules, f"spikemeta.runs.{name}", raising=False)
        monkeypatch.delattr(f"spikemeta.runs.{name}", raising=False)
    done = spikemeta("sweep", "forgetting", "--grid", "hidden=20,30")
    assert done.exit_code == 2
    assert done.output.strip() == "error: this needs distributed, which was left out: pip install distributed"


def test_the_page_lists_what_a_lean_installation_needs():
    """What the first page has installed is what the package requires, without what may be left out."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (given,) = re.findall(r"^pip install -c constraints.txt (brian2 .*)$", readme, re.M)
    required = [Requirement(line) for line in health.metadata.requires("spikemeta")]
    required = {str(need) for need in required if not need.marker and need.name not in health.SPARED}
    assert {word.strip('"') for word in given.split()} == {need.partition(">=")[0] for need in required}


def test_the_doctor_tells_what_is_missing(monkeypatch):
    parts = [health.Part("one", "1.0"), health.Part("two", "gone", "get two"), health.Part("three", "gone", "get three", True)]
    monkeypatch.setattr(health, "packages", lambda: parts)
    for name in ("compiler", "caches", "machine"):
        monkeypatch.setattr(health, name, list)
    monkeypatch.setattr(datasets, "here", list)
    done = spikemeta("doctor")
    assert done.exit_code == 2
    assert [line.split()[0] for line in done.output.splitlines()] == ["ok", "absent", "get", "MISSING", "get"]
    quiet = spikemeta("doctor", "--quiet").output
    assert "one" not in quiet.split()
    assert [part["name"] for part in json.loads(spikemeta("doctor", "--json").output)] == ["one", "two", "three"]
    monkeypatch.setattr(health, "packages", lambda: parts[:2])
    assert spikemeta("doctor").exit_code == 0
    assert doctor.EXAMPLES


def test_answers_for_programs_and_none_at_all(tmp_path):
    file, bad = tmp_path / "mine.py", tmp_path / "bad.py"
    quiet = spikemeta("example", "rule", "mine", "--out", tmp_path, "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert spikemeta("check", file, "--quiet").output == ""
    assert json.loads(spikemeta("check", file, "--json").output) == {"file": str(file), "problems": []}
    bad.write_text(file.read_text().replace("on_gradient", "on_grdient"))
    told = spikemeta("check", bad, "--json")
    assert told.exit_code == 2
    (problem,) = json.loads(told.output)["problems"]
    assert problem in spikemeta("check", bad, "--quiet").output
    shown = json.loads(spikemeta("show", "sgd", "--as", "latex", "--json").output)
    assert shown["text"] == spikemeta("show", "sgd", "--as", "latex").output.rstrip("\n")
    drawn = spikemeta("show", "recurrent", "--as", "diagram", "--out", tmp_path / "network.png", "--json")
    traced = spikemeta("trace", "sgd", "--presentations", "5", "--out", tmp_path / "trace", "--json")
    names = [Path(name) for done in (drawn, traced) for name in json.loads(done.output)["written"]]
    assert [path.name for path in names] == ["network.png", "events.csv", "trace.png", "trace.pdf"]
    assert all(path.is_file() for path in names)


def test_a_name_is_no_path():
    with pytest.raises(UserError, match="must be a word"):
        example.text_of("rule", "../mine")
