"""Runs of a tiny network: reproducible, resumable to the bit, and clear about what went wrong."""

import functools
import io
import os
import time

import numpy as np
import pytest

from spikemeta.data import curricula, datasets
from spikemeta.errors import InstabilityError, UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.simulation import execution
from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.simulation.simulation import PhaseResult, Simulation

MODES = ["standalone", "runtime"]
SMALL = {"n_hidden": 8, "network_parameters": {"presentation": 40.0}}


@pytest.fixture(scope="module")
def curriculum():
    return curricula.build("split", datasets.load("digits"), n_tasks=2, limit=12, test_limit=4)


def simulation(mode, rule="mesu", **more):
    """With a weight noise and a boundary-free forgetting, so that a lost stream or a lost age would show."""
    parameters = {"window": 50.0, "lr_mu": 5.0} if rule == "mesu" else {}
    rule = registry.get_rule(rule) if isinstance(rule, str) else rule
    return Simulation(rule, mode=mode, parameters=parameters | more, **SMALL)


def assert_same_bits(a, b):
    assert a.state.keys() == b.state.keys()
    for name in a.state:
        np.testing.assert_array_equal(a.state[name], b.state[name], err_msg=name)
    assert len(a.phases) == len(b.phases)
    for one, other in zip(a.phases, b.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts, err_msg=one.phase.name)
        assert one.hidden_rate == other.hidden_rate


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def whole(curriculum):
    """A run of a mode from end to end, made once."""
    return functools.cache(lambda mode: simulation(mode).run(curriculum, seed=3))


@pytest.mark.parametrize("mode", MODES)
def test_the_seed_decides_everything(mode, curriculum, whole):
    first, (again, other) = whole(mode), (simulation(mode).run(curriculum, seed=s) for s in (3, 4))
    assert_same_bits(first, again)
    assert any((a.counts != b.counts).any() for a, b in zip(first.phases, other.phases, strict=True))
    assert sum(p.counts.sum() for p in first.phases) > 0
    assert first.phases[0].hidden_rate > 0


@pytest.mark.parametrize("phases_done", [1, 3, 4])
@pytest.mark.parametrize("mode", MODES)
def test_a_resumed_run_equals_an_uninterrupted_one(mode, curriculum, whole, tmp_path, phases_done):
    """Killed while the phase after ``phases_done`` runs: after training, between tests, in the second task."""
    names = [p.name for p in curriculum.phases]
    done = []

    def kill(name, *_):
        done.append(name)
        if name == names[phases_done]:
            raise Killed

    with pytest.raises(Killed):
        simulation(mode).run(curriculum, seed=3, out=tmp_path, progress=kill)
    assert names[phases_done - 1] in done
    seen = []
    resumed = simulation(mode).run(
        curriculum, seed=3, out=tmp_path, resume=True, progress=lambda name, done, total: seen.append((name, done))
    )
    assert_same_bits(whole(mode), resumed)
    assert [[name for name, _ in seen].count(n) for n in names[:phases_done]] == [1] * phases_done  # reported, not run again
    assert [p.name for p in list(tmp_path.iterdir())] == ["state.checkpoint"]


def test_resuming_another_run_is_refused(curriculum, tmp_path):
    simulation("runtime", "sgd").run(curriculum, seed=3, out=tmp_path)
    with pytest.raises(UserError, match=r"holds another run: seed \(3 there, 4 here\) differ"):
        simulation("runtime", "sgd").run(curriculum, seed=4, out=tmp_path, resume=True)
    with pytest.raises(UserError, match="holds another run: constants differ"):
        simulation("runtime", "sgd", lr=0.5).run(curriculum, seed=3, out=tmp_path, resume=True)


@pytest.mark.parametrize("mode", MODES)
def test_an_unstable_run_names_rule_variable_phase_and_remedy(mode, curriculum):
    with pytest.raises(InstabilityError) as error:
        simulation(mode, lr_mu=1e308).run(curriculum)
    for part in (
        "'mesu'",
        "'precision' of the hidden synapses",
        "train task 1",
        "smaller lr",
        "earlier phases are kept",
    ):
        assert part in str(error.value)


def test_what_was_done_before_an_instability_is_kept(curriculum, tmp_path):
    """A step that overflows once the rule is older than the first task."""
    fragile = Rule(
        "fragile",
        state="w : 1",
        weight="w",
        initial="w = w_init",
        on_gradient="w -= lr*exp(clip(1000*(age - lifetime)/presentation, 0, inf))*gradient",
        parameters={"lr": Parameter(1e-3), "lifetime": Parameter(15, "presentation")},
    )
    with pytest.raises(InstabilityError, match="train task 2"):
        simulation("runtime", fragile).run(curriculum, out=tmp_path)
    content = (tmp_path / "state.checkpoint").read_bytes()
    with np.load(io.BytesIO(content[content.index(b"PK") :])) as file:
        assert int(file["age"]) == 12
        assert len(file["phases"]) == 3
        assert all(np.isfinite(file[name]).all() for name in file.files if name.startswith("state/"))


@pytest.mark.parametrize(
    ("block", "texts", "remedy"),
    [
        (
            "on_boundary",
            {"on_boundary": "w = w/clip(1 - age/(12*presentation), 0, 1)"},
            "bounds on what on_boundary divides by",
        ),
        ("on_gradient", {}, "a smaller lr"),
    ],
)
def test_an_unstable_run_names_the_block(curriculum, block, texts, remedy):
    """The second task begins at presentation 12; from presentation 7 on a step has no finite value."""
    step = "lr*gradient" if texts else "lr*gradient/clip(7 - age/presentation, 0, 1)"
    rule = Rule(
        "unstable",
        state="w : 1",
        weight="w",
        initial="w = w_init",
        on_gradient=f"w -= {step}",
        parameters={"lr": Parameter(1e-3)},
        **texts,
    )
    with pytest.raises(InstabilityError, match=f"in phase 'train task [12]', by {block}; .*{remedy}"):
        simulation("runtime", rule).run(curriculum)


def test_without_a_compiler_the_remedy_is_named(curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent/g++")
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    with pytest.raises(UserError) as error:
        simulation("standalone", "sgd").run(curriculum)
    for part in ("no C++ compiler", "'/nonexistent/g++'", "apt install g++", "runtime, which is slower"):
        assert part in str(error.value)
    assert not list((tmp_path / "programs").iterdir())  # nothing half-built is left


def test_a_silent_readout_is_wrong_and_ties_go_to_the_lowest_index(curriculum):
    class Phase:
        labels = np.array([0, 0, 1, 1, 1])

    counts = np.array([[0, 0], [2, 2], [2, 2], [0, 1], [3, 1]])
    assert PhaseResult(Phase, counts, 0.0, 0.0).accuracy == 2 / 5  # the second and the fourth
    quiet = Simulation(
        registry.get_rule("sgd"),
        mode="runtime",
        network_parameters={"readout_spread": 0.0},
        n_hidden=4,
        parameters={"lr": 0.0},
    ).run(curriculum)
    assert all(p.counts.sum() == 0 and p.accuracy == 0 for p in quiet.phases if p.phase.kind == "test")
    assert {0, 1} == {int(v) for p in curriculum.phases for v in p.labels}


def test_the_engines_and_predictions_are_named():
    with pytest.raises(UserError, match="did you mean 'standalone'"):
        Simulation(registry.get_rule("sgd"), mode="standalon")
    with pytest.raises(UserError, match="did you mean 'torch'"):
        Simulation(registry.get_rule("sgd"), engine="torhc")
    for mode in MODES:  # they were engines once
        with pytest.raises(UserError, match=f"'{mode}' is a mode of engine 'brian2': write mode='{mode}'"):
            Simulation(registry.get_rule("sgd"), engine=mode)
    with pytest.raises(UserError, match="valid: mean, sample"):
        Simulation(registry.get_rule("sgd"), prediction="both")
    with pytest.raises(UserError, match="at least 1"):
        Simulation(registry.get_rule("sgd"), n_hidden=0)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_damaged_state_file_is_refused(tmp_path, keep):
    """Cut anywhere, the file is named with the remedy, and nothing of it is used."""
    state = {"hidden.w": np.arange(1000.0)}
    whole = Checkpoint(tmp_path, {"seed": 3})
    whole.save(state, 3, [])
    np.testing.assert_array_equal(whole.load(state)[0]["hidden.w"], state["hidden.w"])
    data = whole.path.read_bytes()
    whole.path.write_bytes(data[: int(keep * len(data)) if keep <= 1 else keep])
    with pytest.raises(UserError, match="state.checkpoint is damaged.*nothing of it is used: delete .*choose another --out"):
        whole.load(state)


def test_work_folders_of_killed_runs_are_removed_and_those_at_work_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(execution.tempfile, "gettempdir", lambda: str(tmp_path))
    for name, hours in (("spikemeta-old", 30), ("spikemeta-busy", 1), ("other-old", 30)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images").write_bytes(b"0")
        then = time.time() - 3600 * hours
        os.utime(tmp_path / name / "images", (then, then))
        os.utime(tmp_path / name, (time.time() - 3600 * 30,) * 2)
    execution.remove_stale()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-old", "spikemeta-busy"]
