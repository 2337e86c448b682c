"""Objects: families over domains beside their references, in toy size, and what cannot be asked."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.data.dataset import Dataset
from spikemeta.data.sets.animals import NAMES
from spikemeta.runs import pool


def run(*words):
    return CliRunner().invoke(app, ["run", "objects", *map(str, words)])


@pytest.fixture
def animals(monkeypatch):
    """Ten classes, each its own bar of a 10 x 10 image."""
    images = np.repeat(np.eye(10, dtype=np.uint8)[:, :, None] * np.uint8(255), 10, axis=2).reshape(10, 100)
    images, labels = np.tile(images, (20, 1)), np.tile(np.arange(10, dtype=np.int32), 20)
    made = Dataset("animals", images, labels, images, labels, (10, 10), {}, class_names=NAMES)
    load = pool.dataset
    monkeypatch.setattr(pool, "dataset", lambda name: made if name == "animals" else load(name))


def test_families_over_domains(animals, tmp_path):
    words = ["--dataset", "animals", "--families", "--engine", "torch", "--rules", "sgd", "--seeds", 1, "--workers", 1]
    result = run(*words, "--references", "joint,replay=5", "--set", "lr=0.1", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    rows = {row["rule"]: np.array(row["metrics"]["accuracy_matrix"]["mean"]) for row in summary["rows"]}
    assert {matrix.shape for matrix in rows.values()} == {(3, 3)}
    assert summary["chance"] == 0.5
    assert rows["sgd"].diagonal().mean() > 0.9
    assert rows["joint (sgd)"][-1].mean() > 0.9
    assert "SGD 76.6" in " ".join(result.output.split())
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert "--families" in provenance["command"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", "digits", "--families"], "--families are those of --dataset animals; digits has no such classes"),
        (["--dataset", "animals", "--families", "--scenario", "class"], "--families are domains that share two answers"),
        (["--dataset", "digits", "--task", "items"], "objects come in tasks, not in --task items"),
    ],
)
def test_what_is_refused(animals, words, message, tmp_path):
    result = run(*words, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()
