"""The study of a memory's lifetime, at toy size."""

import json

import numpy as np
import xarray
from rich.console import Console
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.figures import lifetime as figures
from spikemeta.studies import memory_lifetime


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


def test_a_rule_that_diverges_outlives_nothing(recwarn):
    """Its signal is no number, which is below no threshold either."""
    rows = [
        {
            "rule": name,
            "needs_boundary": False,
            "metrics": {"first_passage_1000": {"mean": 40.0}, "censored_1000": {"mean": 1.0}} | more,
        }
        for name, more in (("keeps", {"initial_snr": {"mean": 2.0}}), ("diverges", {}))
    ]
    console = Console(width=200, record=True)
    console.print(memory_lifetime._table(rows, [1000], 40))
    kept, lost = (line for line in console.export_text().splitlines() if "│" in line)
    assert "> 40" in kept
    assert lost.count("diverges") == 3  # its name, and both lifetimes
    assert "> 40" not in lost
    snr = np.array([[[2.0, 1.5]], [[np.nan, np.nan]]])
    data = xarray.Dataset({"snr": (("rule", "seed", "age"), snr), "needs_boundary": ("rule", [False, False])})
    data = data.assign_coords(rule=["keeps", "diverges"], seed=[0], age=[0, 1]).assign_attrs(window=100, largest=1000)
    assert figures.curves(data).axes[0].get_ylim()[1] == 3.0
    assert not [w for w in recwarn if "NaN" in str(w.message)]
