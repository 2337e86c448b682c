"""Reference rows: on both engines, beside the rules and what they store."""

import json
import re

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import references


def run(*words):
    return CliRunner().invoke(app, ["run", "forgetting", *map(str, words)])


def test_rows_for_scale_on_torch(tmp_path):
    words = ["--engine", "torch", "--seeds", 1, "--workers", 1, "--rules", "sgd", "--scenario", "class", "--images", 100]
    words += ["--out", tmp_path]
    result = run(*words, "--references", "joint,replay=20,laplace+replay=20")
    assert result.exit_code == 0, result.output
    rows = {row["rule"]: row for row in json.loads((tmp_path / "summary.json").read_text())["rows"]}
    assert list(rows) == ["sgd", "joint (sgd)", "replay 20 (sgd)", "replay 20 (laplace)"]
    final = {label: row["metrics"]["final_accuracy"]["mean"] for label, row in rows.items()}
    assert final["sgd"] < final["replay 20 (sgd)"] < final["joint (sgd)"]
    assert [row["stored_bytes"] for row in rows.values()] == [0, 0, 1320, 1320]
    state = [100 * 74 * 4, 100 * 74 * 4, 100 * 74 * 4 + 20 * 64, 100 * 74 * 2 * 4 + 20 * 64]
    assert [row["metrics"]["footprint"]["mean"] for row in rows.values()] == state
    assert [row["metrics"]["stored_images"]["mean"] for row in rows.values()] == [0, 0, 20, 20]
    assert "replay 20 (sgd): images 1 kB, state of its synapses 30 kB" in result.output
    (line,) = [line for line in result.output.splitlines() if line.strip().startswith("joint (sgd)  ")]
    assert re.split("  +", line.strip())[3:5] == ["-", "-"]  # all tasks at once: none just learned, none forgotten
    (panel,) = registry.load("figures", "accuracy")(xarray.load_dataset(tmp_path / "results.nc")).axes
    assert len(panel.patches) == 2 * 4 - 1


def test_rows_for_scale_on_brian2(tmp_path):
    words = ["--seeds", 1, "--workers", 1, "--rules", "sgd", "--tasks", 2, "--images", 10, "--out", tmp_path]
    result = run(*words, "--references", "joint,replay=4")
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "summary.json").read_text())["rows"]
    assert [row["rule"] for row in rows] == ["sgd", "joint (sgd)", "replay 4 (sgd)"]
    assert [row["metrics"]["footprint"]["mean"] for row in rows] == [100 * 66 * 8, 100 * 66 * 8, 100 * 66 * 8 + 4 * 64]
    assert np.shape([row["metrics"]["accuracy_matrix"]["mean"] for row in rows]) == (3, 2, 2)


def test_permuted_tasks_keep_their_orders_on_torch(tmp_path):
    """Where the images of two tasks come in turn, each is seen by its own order: the first task is known to the end."""
    words = [
        "--task",
        "permuted",
        "--engine",
        "torch",
        "--seeds",
        1,
        "--workers",
        1,
        "--rules",
        "sgd",
        "--tasks",
        2,
        "--images",
        300,
    ]
    result = run(*words, "--set", "lr=0.1", "--out", tmp_path, "--references", "joint")
    assert result.exit_code == 0, result.output
    (_, joint) = json.loads((tmp_path / "summary.json").read_text())["rows"]
    assert min(joint["metrics"]["accuracy_matrix"]["mean"][-1]) > 0.3  # chance is 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jiont", "unknown reference in --references, 'jiont'; did you mean 'joint'?"),
        ("joint=3", "--references joint=3: joint stores no images; write joint"),
        ("replay", "--references replay: say how many images are stored, as in replay=200"),
        ("replay=0", "say how many images are stored"),
        ("replay=x", "say how many images are stored"),
        ("joint,sgd+joint", "--references names sgd+joint twice"),
    ],
)
def test_references_that_make_no_sense(text, message):
    with pytest.raises(UserError) as caught:
        references.parse(text)
    assert message in str(caught.value)


def test_references_of_something_else(tmp_path):
    result = run("--task", "joint", "--references", "joint", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--references are of sequences of tasks, not of --task joint" in result.output
    result = run("--references", "lapalce+joint", "--out", tmp_path / "out")
    assert "unknown rule 'lapalce'; did you mean 'laplace'" in result.output
