"""Runs of a tiny network by surrogate gradients: reproducible, resumable to the bit, in rule time, clear about mistakes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spikemeta.data import curricula, datasets
from spikemeta.errors import InstabilityError, UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.simulation import written
from spikemeta.simulation.simulation import Simulation

BATCH = 5
#: On a scale on which a single phase of the toy changes weights and spikes.
PARAMETERS = {
    "mesu": {"lr_mu": 100.0, "lr_sigma": 100.0, "window": 50.0},
    "stable_flexible": {"lr": 0.3},
    "synaptic_intelligence": {"lr": 0.3},
    "hebb_repetition": {"lr": 0.3, "fading": 20.0},
    "laplace": {"lr": 0.3, "window": 20.0},
    "sgd": {"lr": 0.3, "halving": 5.0},
}


@pytest.fixture(scope="module")
def curriculum():
    return curricula.build("split", datasets.load("digits"), n_tasks=2, limit=23, test_limit=4)


def simulation(rule="mesu", **more):
    parameters = PARAMETERS[rule] if isinstance(rule, str) else {}
    rule = registry.get_rule(rule) if isinstance(rule, str) else rule
    more = {"parameters": parameters, "batch": BATCH} | more
    return Simulation(rule, engine="torch", n_hidden=8, **more)


def assert_same_bits(a, b):
    assert a.state.keys() == b.state.keys()
    for name in a.state:
        np.testing.assert_array_equal(a.state[name], b.state[name], err_msg=name)
        assert a.state[name].dtype == b.state[name].dtype
    assert len(a.phases) == len(b.phases)
    for one, other in zip(a.phases, b.phases, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts, err_msg=one.phase.name)
        assert one.hidden_rate == other.hidden_rate


def test_the_seed_decides_everything(curriculum):
    """Also on several threads: sums must not depend on how many there are."""
    first, other = (simulation().run(curriculum, seed=s) for s in (3, 4))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = simulation().run(curriculum, seed=3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert_same_bits(first, again)
    assert any((a.counts != b.counts).any() for a, b in zip(first.phases, other.phases, strict=True))
    assert sum(p.counts.sum() for p in first.phases) > 0
    assert first.phases[0].hidden_rate > 0


class Killed(BaseException):
    pass


@pytest.mark.parametrize("phases_done", [1, 3, 4])
@pytest.mark.parametrize("rule", sorted(PARAMETERS))
def test_a_resumed_run_equals_an_uninterrupted_one(rule, curriculum, tmp_path, phases_done):
    """Killed while the phase after ``phases_done`` runs: after training, between tests, in the second task."""
    whole = simulation(rule).run(curriculum, seed=3)
    names = [p.name for p in curriculum.phases]

    def kill(name, *_):
        if name == names[phases_done]:
            raise Killed

    with pytest.raises(Killed):
        simulation(rule).run(curriculum, seed=3, out=tmp_path, progress=kill)
    resumed = simulation(rule).run(curriculum, seed=3, out=tmp_path, resume=True)
    assert_same_bits(whole, resumed)
    with pytest.raises(UserError, match="holds another run"):
        Simulation(
            registry.get_rule(rule),
            engine="torch",
            n_hidden=8,
            parameters=PARAMETERS[rule],
            batch=BATCH + 1,
        ).run(curriculum, seed=3, out=tmp_path, resume=True)


CLOCK = Rule(
    "clock",
    state="""
        w : 1
        dfading/dt = -fading/lifetime : 1
        told : 1
        newest : 1
    """,
    weight="w",
    initial="""
        w = w_init
        fading = 1
        told = 0
        newest = 0
    """,
    on_gradient="newest = newest + (age/presentation - newest)*int(gradient != 0)",
    on_boundary="told += 1 + age/presentation",
    parameters={"lifetime": Parameter(7.0, "presentation")},
)


def test_a_step_is_one_presentation_and_boundaries_are_told(curriculum):
    """23 images in batches of 5 are five steps; two tasks, ten."""
    run = simulation(CLOCK, network_parameters={"readout_spread": 1.0}).run(curriculum)
    # exp(-10/7) after ten float32 steps, each rounded by at most 6e-8 of the value
    np.testing.assert_allclose(run.state["hidden.fading"], np.exp(-10 / 7), rtol=1e-6)
    assert (run.state["hidden.told"] == 1 + (1 + 5)).all()
    assert run.state["readout.newest"].max() == 9


@pytest.mark.parametrize(("scenario", "still"), [("task", [0, 1]), ("class", [])])
def test_training_leaves_answers_alone_that_the_task_does_not_have(scenario, still):
    """Of two tasks in the scenario task the second moves no weight of the first one's answers; of class all of them move."""
    made = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=10, test_limit=4, scenario=scenario)
    (second,) = [phase for phase in made.phases if phase.kind == "train" and phase.task == 1]
    run = simulation("sgd", parameters={"lr": 0.3})
    before = run.run(replace(made, phases=made.phases[: made.phases.index(second)]), seed=3).weights["readout"]
    after = run.run(replace(made, phases=made.phases[: made.phases.index(second) + 1]), seed=3).weights["readout"]
    assert [k for k in range(4) if np.array_equal(before[:, k], after[:, k])] == still


def test_the_sampled_prediction_draws_weights(curriculum):
    mean, sample = (
        simulation("mesu", prediction=p, network_parameters={"readout_spread": 1.0}).run(curriculum, seed=3)
        for p in ("mean", "sample")
    )
    for name in mean.state:
        np.testing.assert_array_equal(mean.state[name], sample.state[name], err_msg="testing changes nothing")
    tests = [p for p in zip(mean.phases, sample.phases, strict=True) if p[0].phase.kind == "test"]
    assert any((a.counts != b.counts).any() for a, b in tests)


@pytest.mark.parametrize(
    ("step", "what", "compiler"),
    [
        ("1e38*(1 + abs(w))*gradient", "'w' of the", True),
        ("exp(100*age/presentation)*gradient", "'w' of the", True),
        ("exp(90*age/presentation)*gradient", "a number of its update", False),  # whole tensors: Python's exp overflows
    ],
)
def test_an_unstable_run_names_rule_phase_and_remedy(curriculum, step, what, compiler, monkeypatch, tmp_path):
    if not compiler:
        monkeypatch.setenv("CXX", "no-such-compiler")
        monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    explodes = Rule(
        "explodes",
        state="w : 1",
        weight="w",
        initial="w = w_init",
        on_gradient=f"w -= {step}",
    )
    with pytest.raises(InstabilityError) as error:
        simulation(explodes, network_parameters={"readout_spread": 1.0}).run(curriculum)
    for part in ("'explodes'", what, "train task 1", "smaller lr"):
        assert part in str(error.value)


def test_weights_start_a_run_and_are_what_it_ends_with(curriculum):
    """A rule that learns nothing gives back what it was given, in float32."""
    rng = np.random.default_rng(0)
    given = {"hidden": rng.normal(0, 0.1, (64, 8)), "readout": rng.normal(0, 1, (8, 2))}
    for rule, parameters in (("sgd", {"lr": 0.0}), ("mesu", {"lr_mu": 0.0, "lr_sigma": 0.0, "window": float("inf")})):
        run = simulation(rule, parameters=parameters).run(curriculum, weights=given)
        for name, values in given.items():
            np.testing.assert_allclose(run.weights[name], values, rtol=1e-6)
    with pytest.raises(UserError, match=r"'readout' must have the shape \(8, 2\), not \(2, 8\)"):
        simulation("sgd").run(curriculum, weights={"readout": given["readout"].T})
    with pytest.raises(UserError, match="did you mean 'hidden'"):
        simulation("sgd").run(curriculum, weights={"hiden": given["hidden"]})
    with pytest.raises(UserError, match="must be finite"):
        simulation("sgd").run(curriculum, weights={"hidden": given["hidden"] * np.nan})


def test_mismatches_are_named():
    sgd = registry.get_rule("sgd")
    with pytest.raises(UserError, match="'perceptron' does not run on engine 'brian2', but on"):
        Simulation(sgd, network="perceptron")
    with pytest.raises(UserError, match="batch must be at least 1"):
        Simulation(sgd, engine="torch", batch=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepp": 1.0}, "did you mean 'step'"),
        ({"step": 0.0}, "step must be at least 0.001, not 0"),
        ({"step": 3.0}, "whole number of steps"),
        ({"step": 100.0}, "at least 2, not 1"),
        ({"input_rate": 300.0}, "at most 250 Hz, one spike a step"),
        ({"tau_synapse": 20.0}, "two coupled variables have the same time constant"),
        ({"readout_spread": float("nan")}, "readout_spread must be a number, not nan"),
    ],
)
def test_bad_constants_of_the_network(values, message):
    with pytest.raises(UserError, match=message):
        written.of("feedforward", "torch").parameters(overrides=values)
