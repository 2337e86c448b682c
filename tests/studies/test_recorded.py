"""``--record``: what synapses did while they learned, in a study's results."""

import json

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.errors import UserError
from spikemeta.simulation import activity

WORDS = "run forgetting --engine torch --rules sgd,laplace --images 12 --tasks 2 --hidden 6 --seeds 2 --workers 1 --batch 4"


def run(out, *more):
    return CliRunner().invoke(cli.app, [*WORDS.split(), "--out", str(out), *more])


def test_a_study_records_synapses_with_coordinates(tmp_path):
    more = ["--record", "hidden.precision,readout.weight", "--record-every", "8", "--record-synapses", "5"]
    done = run(tmp_path / "out", *more)
    assert done.exit_code == 0, done.output
    results = xarray.load_dataset(tmp_path / "out" / "results.nc")
    assert results["hidden.precision"].dims == ("rule", "seed", "moment", "hidden_synapse")
    assert results.presentation.values.tolist() == [0, 8, 12, 16, 24]
    assert results["readout.weight"].shape == (2, 2, 5, 5)
    assert np.isnan(results["hidden.precision"].sel(rule="sgd")).all()  # which has none
    precision = results["hidden.precision"].sel(rule="laplace").values
    assert (precision[:, 0] == 1).all()
    assert (np.diff(precision, axis=1) >= 0).all()
    assert precision[:, -1].max() > 1
    moved = results["readout.weight"].diff("moment").values
    assert (np.abs(moved).max(axis=(2, 3)) > 0).all()
    assert results.readout_source.shape == (2, 5)
    assert results.readout_target.values.max() < 2
    # The same run without: the same numbers, and nothing of it.
    plain = run(tmp_path / "plain")
    assert plain.exit_code == 0, plain.output
    rows = [json.loads((tmp_path / name / "summary.json").read_text())["rows"] for name in ("out", "plain")]
    assert rows[0] == rows[1]
    assert "moment" not in xarray.load_dataset(tmp_path / "plain" / "results.nc").dims


def test_a_study_records_neurons_with_coordinates(tmp_path):
    more = ["--record", "hidden.spikes,hidden.v,hidden.precision", "--record-presentations", "0,8,23"]
    done = run(tmp_path / "out", *more)
    assert done.exit_code == 0, done.output
    results = xarray.load_dataset(tmp_path / "out" / "results.nc")
    assert results["hidden.spikes"].dims == ("rule", "seed", "shown", "time", "hidden_neuron") == results["hidden.v"].dims
    assert results.shown_presentation.values.tolist() == [0, 8, 23]
    assert results.presentation.values.tolist() == [0, 12, 24]  # of synapses
    assert results.time.attrs["units"] == "ms"
    np.testing.assert_array_equal(results["hidden.spikes"] == 1, results["hidden.v"] > 1)
    shown = activity.recorded(results.sel(rule="laplace", seed=1))
    np.testing.assert_array_equal(shown.spikes["hidden"], results["hidden.spikes"].sel(rule="laplace", seed=1) == 1)
    assert shown.spikes["hidden"].any()
    assert (shown.names, shown.step) == (("presentation 0", "presentation 8", "presentation 23"), 4.0)


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        (["--record-presentations", "3"], ["name some, as in --record hidden.spikes"]),
        (["--record", "hidden.v", "--record-presentations", "3,later"], ["'later': write numbers"]),
        (["--record", "hidden.v", "--record-presentations", "3,24"], ["24 training presentations, 0 to 23, and not 24"]),
        (
            ["--record", "hidden.precison,redout.weight"],
            ["'hidden.precison'; did you mean 'hidden.precision'", "'redout.weight'"],
        ),
        (["--record", "hidden.weight", "--record-synapses", "few"], ["'few': write how many"]),
        (["--record", "hidden.weight", "--record-synapses", "hidden=64-0"], ["no synapse from 64 to 0"]),
        (["--record", "hidden.weight", "--record-every", "0"], ["--record-every must be at least 1"]),
    ],
)
def test_what_cannot_be_recorded_is_told(tmp_path, more, texts):
    done = run(tmp_path / "out", *more)
    assert done.exit_code == 2 or isinstance(done.exception, UserError)
    for text in texts:
        assert text in " ".join((done.output + str(done.exception)).split())
