"""The studies of uncertainty and of memory windows at toy size, with the real simulation."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from rich.console import Console

from spikemeta.analysis import uncertainty
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import experiment, probing, scale, sweep
from spikemeta.simulation import execution
from spikemeta.simulation.simulation import Simulation
from spikemeta.studies import memory_window
from spikemeta.studies.uncertainty import entries_of, evaluated_on

HIDDEN = 20


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a study with two seeds; returns exit code, output folder and printed text."""
    home = tmp_path_factory.mktemp("uncertainty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.QUICK, "joint", (200, 20, None))
        patch.setattr(memory_window, "QUICK", (40, 10, 3, f"{HIDDEN}"))

        def once(name, **more):
            study, console = registry.load("studies", name), Console(record=True, width=120, force_terminal=False)
            arguments = {"seeds": 2, "workers": 1, "out": str(home / name)}
            arguments |= {
                "uncertainty": {"rules": "laplace,sgd", "hidden": HIDDEN, "samples": 3, "widths": "0.05,0.1"},
                "memory_window": {"rules": "laplace", "windows": "1,inf"},
            }[name]
            code = study.run(study.options(**(arguments | more)), console)
            return code, Path((arguments | more)["out"]), console.export_text()

        once.home = home
        yield once


@pytest.fixture(scope="module")
def finished(run):
    return {name: run(name)[1] for name in ("uncertainty", "memory_window")}


def read(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert json.loads((folder / "provenance.json").read_text())["status"] == "finished"
    return summary, xarray.load_dataset(folder / "results.nc", engine="scipy")


def drawn(folder):
    """Names of the figures, but for that of memory, which a run of over two minutes draws too."""
    return sorted(path.name for path in (folder / "figures").iterdir() if path.stem != "memory")


def test_uncertainty_leaves_the_contract(finished):
    summary, data = read(finished["uncertainty"])
    rows = {row["rule"]: row for row in summary["rows"]}
    assert list(rows) == [*(f"laplace: {way}" for way in uncertainty.WAYS), "sgd: spikes alone"]
    assert drawn(finished["uncertainty"]) == sorted(
        f"{name}.{kind}" for name in ("strange_images", "calibration", "widths") for kind in ("png", "pdf")
    )
    for label, row in rows.items():
        rule, _, way = label.partition(": ")
        found, own = row["metrics"], data.sel(rule=rule, way=way)
        np.testing.assert_allclose(found["accuracy"]["values"], own.accuracy.values)
        for measure in uncertainty.MEASURES:
            areas = own.auroc.sel(measure=measure).values
            assert areas.shape == (2, 4)
            np.testing.assert_allclose(found[f"auroc_{measure}"]["values"], areas.mean(axis=1))
            assert (0 <= areas).all()
            assert (areas <= 1).all()
        entropies = own.uncertainty
        np.testing.assert_allclose(
            entropies.sel(measure="predictive"),
            entropies.sel(measure="epistemic") + entropies.sel(measure="aleatoric"),
            atol=2e-12,  # each is rounded to 1e-12
        )
        assert entropies.values.max() <= np.log(10) + 1e-12
        np.testing.assert_allclose(own.reliability.sel(of="share").values.sum(axis=1), 1)
    assert np.isnan(data.auroc.sel(rule="sgd", way="posterior")).all()
    against = rows["laplace: posterior"]["tests"]["against"]
    assert (against["rule"], against["auroc_epistemic_noise"]["n"]) == ("laplace: uniform", 2)


def test_width_and_temperature_come_from_validation_images(finished):
    summary, data = read(finished["uncertainty"])
    assert data.tried.values.tolist() == [0.05, 0.1, 1]
    rows = {row["rule"]: row["metrics"] for row in summary["rows"]}
    width = np.array(rows["laplace: posterior"]["width"]["values"])
    assert set(width) <= {0.05, 0.1, 1}
    assert rows["laplace: uniform"]["width"]["values"] == width.tolist()
    assert rows["laplace: width 1"]["width"]["values"] == [1, 1]
    fits = data.validation.sel(rule="laplace", noise="posterior", fit="temperature")
    chosen = [fits.values[s, data.tried.values.tolist().index(w)] for s, w in enumerate(width)]
    assert rows["laplace: posterior"]["temperature"]["values"] == pytest.approx(chosen)
    # Noise of the prior's size buries weights of a few hundredths: ten classes leave little above chance.
    losses = data.validation.sel(rule="laplace", noise="posterior", fit="nll").values
    assert (losses[:, 2] > losses[:, 0]).all()


def test_held_out_images_are_neither_trained_on_nor_tested():
    options = registry.load("studies", "uncertainty").options(rules="laplace")
    (entry,), _ = entries_of(options)
    entry.probe["validation_images"] = None  # all there are
    arguments = scale.curriculum_arguments(options, "test") | entry.curriculum
    trial = experiment.pool.Point("", "laplace", 3, arguments, {}, probe=entry.probe)
    images, labels = probing.held_out(trial)
    n = len(datasets.load("digits").train_labels)
    assert len(images) == len(labels) == round(0.1 * n)
    trained = experiment.pool.curriculum_of(replace(trial, curriculum=arguments | {"limit": None})).phases[0]
    own = {image.tobytes() for image in datasets.load("digits").train_images[trained.indices]}
    assert len(trained.indices) == n - len(images)
    assert sum(image.tobytes() in own for image in images) == 0


def test_constants_are_looked_for_without_test_images(run):
    own = {"rules": "laplace", "validation": True, "probed": 15}
    code, folder, text = run("uncertainty", **own, seeds=1, out=str(run.home / "held-out"))
    assert code == 0, text
    assert "validation images" in text
    summary, _ = read(folder)
    assert summary["evaluated_on"] == "validation images"
    rows = {row["rule"]: row["metrics"] for row in summary["rows"]}
    accuracy = rows["laplace: spikes alone"]["accuracy"]["values"][0]
    assert accuracy * 15 == pytest.approx(round(accuracy * 15))
    options = registry.load("studies", "uncertainty").options(**own)
    (entry,), _ = entries_of(options)
    assert entry.curriculum["test_limit"] == 15
    arguments = scale.curriculum_arguments(options, evaluated_on(options)) | entry.curriculum
    built = experiment.pool.curriculum_of(experiment.pool.Point("", "laplace", 0, arguments, {}))
    known = {image.tobytes() for image in datasets.load("digits").train_images}
    measured = built.images(built.phases[-1])
    assert len(measured) == 15
    assert all(image.tobytes() in known for image in measured)
    taught = {image.tobytes() for image in built.images(built.phases[0])}
    assert not any(image.tobytes() in taught for image in measured)


def test_a_sweep_has_a_row_for_each_way_at_each_point(run):
    base, console = registry.load("studies", "uncertainty"), Console(record=True, width=120, force_terminal=False)
    own = {"rules": "laplace", "hidden": HIDDEN, "samples": 2, "widths": "0.1", "validation": True, "probed": 10, "seeds": 2}
    grid = ("hidden.curvature=1e-3,1e-2",)
    options = sweep.options_of(base.options)(**own, workers=1, out=str(run.home / "swept"), grid=grid)
    assert sweep.run(base, options, console) == 0
    summary = json.loads((run.home / "swept" / "summary.json").read_text())
    rows = {row["rule"]: row for row in summary["rows"]}
    assert list(rows) == [f"laplace hidden.curvature={v}: {way}" for v in ("0.001", "0.01") for way in uncertainty.WAYS]
    for name, row in rows.items():
        assert row["grid"] == {"hidden.curvature": float(name.partition("=")[2].partition(":")[0])}
        if row["condition"] != "uniform":
            control = rows[row["tests"]["against"]["rule"]]
            assert (control["condition"], control["grid"]) == ("uniform", row["grid"])
            pair = [r["metrics"]["auroc_epistemic"]["values"] for r in (row, control)]
            assert row["tests"]["against"]["auroc_epistemic"]["mean"] == pytest.approx(np.mean(np.subtract(*pair)))
    assert "epistemic" in console.export_text()


def test_given_weights_are_transmitted():
    """The mean weights, given, answer as the trained network itself does, spike by spike; no weights, no spikes."""
    curriculum = curricula.build("joint", datasets.load("digits"), limit=15, test_limit=8)
    loud = {"presentation": 40.0, "hidden_spread": 0.3, "readout_spread": 1.0}
    for mode in ("standalone", "runtime"):
        simulation = Simulation(registry.get_rule("mesu"), n_hidden=8, mode=mode, network_parameters=loud)
        run = simulation.run(curriculum, seed=1)
        means, constants = run.weights, simulation.constants(curriculum)
        start = simulation.network.start(
            (64, 8, 10),
            simulation.network.parameters("joint", "digits", loud),
            np.random.default_rng(0),
        )
        given = run.state | {f"{name}.transmitted": mean for name, mean in means.items()}
        test = curriculum.phases[-1]
        with execution.open_executor(simulation, (64, 8, 10), constants, start) as execute:
            own, rate, _ = execute(test, curriculum.dataset, run.state, 15, 7, lambda n: None)
            probed, again, _ = execute(replace(test, kind="probe"), curriculum.dataset, given, 15, 7, lambda n: None)
        assert own.sum() > 0
        np.testing.assert_array_equal(own, probed)
        assert rate == again > 0
        images = curriculum.images(test)
        nothing = {name: np.zeros_like(mean) for name, mean in means.items()}
        answers = simulation.respond(curriculum, run.state, images, iter([means, nothing, means]), seed=5)
        assert answers.shape == (3, 8, 10)
        assert answers[1].sum() == 0
        assert answers[0].sum() > 0
        assert (answers[0] != answers[2]).any()  # fresh spikes
        np.testing.assert_array_equal(answers, simulation.respond(curriculum, run.state, images, [means, nothing, means], 5))


def test_the_torch_engine_transmits_them_too():
    curriculum = curricula.build("joint", datasets.load("digits"), limit=30, test_limit=20)
    simulation = Simulation(registry.get_rule("laplace"), n_hidden=8, engine="torch")
    run = simulation.run(curriculum, seed=1)
    nothing = {name: np.zeros_like(mean) for name, mean in run.weights.items()}
    loud = {name: np.full_like(mean, 0.05) for name, mean in run.weights.items()}
    images = curriculum.images(curriculum.phases[-1])
    answers = simulation.respond(curriculum, run.state, images, [nothing, loud, loud], seed=5)
    assert answers.shape == (3, 20, 10)
    assert answers[0].sum() == 0
    assert answers[1].sum() > 0
    np.testing.assert_array_equal(answers[1].max(axis=1), answers[1].min(axis=1))  # all readout neurons are alike
    assert (answers[1] != answers[2]).any()  # fresh spikes


def test_memory_window_leaves_the_contract(finished):
    summary, data = read(finished["memory_window"])
    rows = {row["rule"]: row for row in summary["rows"]}
    assert list(rows) == [f"laplace: {HIDDEN} hidden, N = {window}" for window in ("1", "inf")]
    assert drawn(finished["memory_window"]) == sorted(f"{n}.{k}" for n in ("accuracy", "rigidity") for k in ("png", "pdf"))
    assert data.window.values.tolist() == [1, np.inf]
    assert data.hidden.values.tolist() == [HIDDEN, HIDDEN]
    for label, window in zip(rows, (40.0, "inf"), strict=True):
        assert rows[label]["constants"]["rule"]["hidden"]["window"] == window
        matrix = np.array(rows[label]["metrics"]["accuracy_matrix"]["values"], float)
        assert matrix.shape == (2, 3, 3)
        slopes = [(m[2, 2] - m[0, 0]) / 2 for m in matrix]  # of three points, the middle one does not matter
        assert rows[label]["metrics"]["rigidity_slope"]["values"] == pytest.approx(slopes)
        np.testing.assert_allclose(data.rigidity_slope.sel(rule=label), slopes)
        assert rows[label]["metrics"]["recent_accuracy"]["values"] == pytest.approx(matrix[:, 2].mean(axis=1).tolist())
    short = rows[f"laplace: {HIDDEN} hidden, N = 1"]
    assert short["tests"]["against"]["rule"] == f"laplace: {HIDDEN} hidden, N = inf"
    assert short["tests"]["against"]["rigidity_slope"]["n"] == 2
    assert "tests" not in rows[f"laplace: {HIDDEN} hidden, N = inf"]


@pytest.mark.parametrize(("name", "runs"), [("uncertainty", 4), ("memory_window", 4)])
def test_resume_keeps_what_is_there(run, finished, name, runs):
    before = (finished[name] / "summary.json").read_bytes()
    with pytest.raises(UserError, match=f"already holds {runs} finished runs"):
        run(name)
    code, folder, text = run(name, resume=True)
    assert (code, f"{runs} of {runs} runs are there already" in text) == (0, True)
    assert (folder / "summary.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("uncertainty", {"task": "split"}, "unknown value of --task 'split'"),
        ("uncertainty", {"samples": 1}, "--samples must be at least 2, not 1"),
        ("uncertainty", {"widths": "wide"}, "--widths must be numbers above 0, separated by commas, not 'wide'"),
        ("uncertainty", {"rules": "laplase"}, "did you mean 'laplace'?"),
        ("memory_window", {"rules": "sgd"}, "rule 'sgd' has no parameter 'window'"),
        ("memory_window", {"windows": "0"}, "--windows must be numbers of at least 0.01, separated by commas, not '0'"),
        ("memory_window", {"windows": "nan"}, "--windows must be numbers of at least 0.01"),
        ("memory_window", {"widths": "10.5"}, "--widths must be numbers of at least 1, separated by commas, not '10.5'"),
        ("memory_window", {"tasks": 1}, "--tasks must be at least 2, not 1"),
    ],
)
def test_errors(run, tmp_path, name, arguments, message):
    with pytest.raises(UserError) as caught:
        run(name, out=str(tmp_path / "new"), **arguments)
    assert message in str(caught.value)
    assert not (tmp_path / "new").exists()
