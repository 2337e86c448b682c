"""The forgetting study on the torch engine, with every rule, at toy size."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.language import registry


def run(*words):
    result = CliRunner().invoke(app, ["run", *map(str, words)], env={"COLUMNS": "200", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch") / "out"
    result = run("forgetting", "--engine", "torch", "--seeds", 1, "--workers", 1, "--tasks", 3, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_every_rule_learns(finished):
    """Measured on validation images over three seeds: 90 to 95 % just after learning; chance is 50 %."""
    folder, text = finished
    summary = json.loads((folder / "summary.json").read_text())
    rows = {row["rule"]: row["metrics"] for row in summary["rows"]}
    assert sorted(rows) == registry.names("rules")
    assert summary["engine"] == "torch"
    for rule, metrics in rows.items():
        assert metrics["just_learned_accuracy"]["mean"] > 0.8, rule
        assert metrics["accuracy_matrix"]["mean"][0][0] > 0.9, rule
    finals = [metrics["accuracy_matrix"]["mean"] for metrics in rows.values()]
    assert all((np.array(a) != np.array(b)).any() for k, a in enumerate(finals) for b in finals[:k]), "no rule is another"
    assert "surrogate gradients (torch)" in " ".join(text.split())
    assert not summary["warnings"]


def test_what_ran_is_recorded(finished):
    folder, _ = finished
    provenance = json.loads((folder / "provenance.json").read_text())
    assert {"torch", "snntorch", "spikemeta"} <= set(provenance["versions"])
    assert provenance["command"] == f"spikemeta run forgetting --seeds 1 --engine torch --tasks 3 --workers 1 --out {folder}"
    assert provenance["feedback"] == "backpropagated"
    sgd = next(run for run in provenance["runs"] if run["rule"] == "sgd")
    assert sgd["constants"]["rule"]["hidden"]["lr"] == 0.03  # as rules/tuned/sgd.toml has it


def test_a_rule_without_constants_is_named_and_the_settings_hold(finished, tmp_path):
    folder, _ = finished
    (tmp_path / "mine.py").write_text(
        "from spikemeta.language.rule import Parameter, Rule\n"
        "rule = Rule(name='mine', state='w : 1', weight='w', initial='w = w_init', on_gradient='w -= lr*gradient',\n"
        "    parameters={'lr': Parameter(0.05)})\n"
    )
    (tmp_path / "mine.toml").write_text(
        "[[tuned]]\nnetwork = 'feedforward'\nengine = 'brian2'\ntask = 'split'\n[tuned.values]\nlr = 3e-4\n"
    )
    words = ["--engine", "torch", "--seeds", 1, "--tasks", 1, "--workers", 1, "--rules", tmp_path / "mine.py"]
    result = run("forgetting", *words, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "mine has no constants for task split with backpropagated errors (--engine torch)" in " ".join(result.output.split())
    runs = json.loads((tmp_path / "out" / "provenance.json").read_text())["runs"]
    assert runs[0]["constants"]["rule"]["hidden"]["lr"] == 0.05  # not what was found for the other engine
    result = run("forgetting", "--resume", "--engine", "torch", "--batch", 4, "--seeds", 1, "--out", folder)
    assert result.exit_code == 2
    assert "batch is None there and 4 here" in result.output
    assert os.path.exists(folder / "summary.json")


def test_the_search_runs_on_validation_images(tmp_path):
    words = ["--engine", "torch", "--tasks", 1, "--workers", 1, "--rules", "sgd", "--out", tmp_path / "out"]
    result = run("search", *words, "--grid", "lr=0,0.1", "--grid", "network.readout_slope=1")
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["evaluated_on"] == "validation images"
    final = {row["rule"]: row["metrics"]["final_accuracy"]["mean"] for row in summary["rows"]}
    assert final["sgd lr=0.1 network.readout_slope=1"] > 0.9 > final["sgd lr=0 network.readout_slope=1"]
