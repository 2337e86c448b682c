"""The study of a memory's lifetime, at toy size."""

import json

import numpy as np
import xarray
from typer.testing import CliRunner

from spikemeta.cli import app


def test_every_file_is_written_and_forgetting_is_faster_under_a_shorter_window(tmp_path):
    lives = {}
    for window in (4, 16):
        out = tmp_path / str(window)
        words = f"run memory_lifetime --rules sgd,laplace --synapses 2 --ages 40 --tracked 8 --window {window} --seeds 1 --out"
        result = CliRunner().invoke(app, [*words.split(), str(out)], env={"COLUMNS": "200", "TERM": "dumb"})
        assert result.exit_code == 0, result.output
        rows = {row["rule"]: row["metrics"] for row in json.loads((out / "summary.json").read_text())["rows"]}
        lives[window] = rows["laplace"]["lifetime_1000"]["mean"]
        assert "lifetime_1000" not in rows["sgd"]  # nothing fades: it outlives what was looked at
        assert rows["sgd"]["censored_1000"]["mean"] > 0.3
        assert {path.name for path in (out / "figures").iterdir()} == {
            f"{name}.{kind}" for name in ("snr", "lifetimes") for kind in ("png", "pdf")
        }
        made = xarray.open_dataset(out / "results.nc", engine="scipy")
        assert made.snr.shape == (2, 1, 40)
        assert np.isfinite(made.snr).all()
        assert "laplace" in result.output
    # sqrt(1000 (1 - q^2)) q^age = 1: 10.1 and 38.5; noise 0.35 of the mean over eight patterns at a slope of 1/tau
    assert 7 < lives[4] < 14
    assert lives[16] > 2 * lives[4]
