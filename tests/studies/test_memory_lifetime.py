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
    kept, lost = (line for line in console.export_text().splitlines() if line.split()[:1] in (["keeps"], ["diverges"]))
    assert "> 40" in kept
    assert lost.split() == ["diverges", "diverges", "-", "-", "-"]  # its name, and its lifetime
    assert "> 40" not in lost
    snr = np.array([[[2.0, 1.5]], [[np.nan, np.nan]]])
    data = xarray.Dataset({"snr": (("rule", "seed", "age"), snr), "needs_boundary": ("rule", [False, False])})
    data = data.assign_coords(rule=["keeps", "diverges"], seed=[0], age=[0, 1]).assign_attrs(window=100, largest=1000)
    assert figures.curves(data).axes[0].get_ylim()[1] == 3.0
    assert not [w for w in recwarn if "NaN" in str(w.message)]


def test_the_table_is_read_in_80_columns():
    """The longest name, the largest numbers: every rule has a line of its own, and no word is cut."""
    metrics = {"initial_snr": 1234.5, "power_residual": 0.2, "exponential_residual": 0.1, "time_constant": 18654.0}
    for n in (1000, 1_000_000):
        metrics |= {f"lifetime_{n}": 30277.0, f"first_passage_{n}": 45000.0, f"censored_{n}": 0.5}
    rows = [
        {"rule": name, "needs_boundary": True, "metrics": {k: {"mean": v} for k, v in metrics.items()}}
        for name in ("stable_flexible_over_laplace", "sgd")
    ]
    console = Console(width=80, record=True)
    console.print(memory_lifetime._table(rows, [1000, 10_000, 1_000_000], 45_000))
    lines = console.export_text().splitlines()
    words = ["30277", ">", "45000", "30277", ">", "45000", "1234.5", "e^-t/18654"]
    found = [line.split() for line in lines if "30277" in line]
    assert found == [[f"{row['rule']}*", *words] for row in rows]
    assert max(map(len, lines)) <= 80
