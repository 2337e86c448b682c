"""A study from Python, and from a study file: the same numbers as by the command line, in a table, arrays and figures."""

import json
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

import spikemeta
from spikemeta import cli
from spikemeta.commands import example
from spikemeta.data.dataset import Dataset
from spikemeta.errors import UserError
from spikemeta.language.rule import Parameter, Rule
from spikemeta.runs import result

MINE = Rule(
    "mine",
    state="w : 1",
    weight="w",
    initial="w = w_init",
    on_gradient="w -= lr*gradient",
    parameters={"lr": Parameter(0.1, low=0), "window": Parameter(float("inf"), "presentation")},
)
OPTIONS = {"task": "joint", "engine": "torch", "hidden": 5, "seeds": 2}


@pytest.fixture(scope="module")
def data():
    """Two classes, a bright left and a bright right half of 4 x 4 pixels."""
    space = {}
    exec(example.text_of("dataset", "halves"), space)
    return space["dataset"]()


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """A study of a rule and of data that were made here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("made"))
        yield spikemeta.run("forgetting", rules=["sgd", MINE], dataset=data, quiet=True, **OPTIONS)


def test_a_result_holds_table_arrays_and_figures(made):
    assert (made.code, made.failures) == (0, [])
    assert list(made.summary.index) == ["sgd", "mine"]
    assert list(made.dataset.rule.values) == ["sgd", "mine"]
    final = made.dataset.final_accuracy.values
    np.testing.assert_allclose(made.summary.final_accuracy, final.mean(1), rtol=1e-15)  # a sum of two in another order
    np.testing.assert_allclose(made.summary.final_accuracy_sd.astype(float), final.std(1, ddof=1), rtol=1e-15)
    assert made.figures.keys() >= {"accuracy", "first_task"}
    shown = made._repr_html_()
    assert shown.count("<img") == len(made.figures)
    assert "<td>" in shown
    assert "mine" in shown


def test_a_study_file_by_the_command_line_as_json(made, tmp_path, monkeypatch):
    """The same rule and data by path, under another study: its numbers are those of the study above, to the bit."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.py").write_text(example.text_of("study", "wide"))
    data = made.head["dataset"]
    words = (
        f"--dataset {data} --rules sgd --task joint --engine torch --seeds 2 --workers 1 --widths 5 --out out --json --quiet"
    )
    done = CliRunner().invoke(cli.app, ["run", "wide.py", *words.split()])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["rows"]
    assert row["rule"] == "sgd 5"
    np.testing.assert_array_equal(row["metrics"]["final_accuracy"]["values"], made.dataset.final_accuracy.sel(rule="sgd"))
    assert done.stderr == ""


def test_quiet_prints_nothing(capsys, monkeypatch, tmp_path, data):
    monkeypatch.chdir(tmp_path)
    spikemeta.run("forgetting", rules="sgd", dataset=data, quiet=True, **OPTIONS)
    assert capsys.readouterr().out == ""


def test_a_rule_from_here_is_the_same_from_its_file():
    assert result._rule(spikemeta.get_rule("sgd")) == "sgd"
    name = next(iter(spikemeta.get_rule("stable_flexible").variants))
    assert result._rule(spikemeta.get_rule(name)) == name
    path = result._rule(MINE)
    assert spikemeta.get_rule(path) == MINE
    assert result._rule(MINE) == path


def test_known_data_keep_their_name(data):
    assert result._data(spikemeta.load_dataset("digits")) == "digits"
    again = spikemeta.load_dataset(result._data(data))
    assert isinstance(again, Dataset)
    np.testing.assert_array_equal(again.train_images, data.train_images)
    np.testing.assert_array_equal(again.test_labels, data.test_labels)
    assert again.shape == data.shape


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (partial(spikemeta.run, "forgeting"), "did you mean 'forgetting'"),
        (partial(spikemeta.run, "forgetting", seed=1), "did you mean 'seeds'"),
        (partial(spikemeta.run, "forgetting", rules=["sgd", "lapalce"]), "did you mean 'laplace'"),
        (partial(spikemeta.run, "forgetting", seeds=0), "--seeds must be at least 1"),
        (partial(spikemeta.Result, "nowhere"), "nowhere holds no finished study"),
    ],
)
def test_bad_calls(call, told):
    with pytest.raises(UserError, match=told):
        call()


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "there is no study file"), ("x = 1", "must define the name 'study'"), ("1/0", "ZeroDivisionError")],
)
def test_bad_study_files(text, told, tmp_path):
    path = tmp_path / "own.py"
    if text:
        path.write_text(text)
    done = CliRunner().invoke(cli.app, ["run", str(path)])
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
