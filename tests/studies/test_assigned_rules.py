"""A rule for each projection, ``--rules hidden=mesu,readout=sgd``: toy sizes, Brian2's runtime mode."""

import json

import cut_short
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import assignment, registry
from spikemeta.simulation import checkpoint
from spikemeta.simulation.simulation import Simulation
from spikemeta.simulation.torch_rules import Optimizers

SHORT = {"presentation": 40.0}  # ms
ENGINES = {
    "brian2": {"mode": "runtime", "network_parameters": SHORT},
    "torch": {"engine": "torch", "batch": 2},
}


def simulated(rule, engine="brian2", more=None, **how):
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=6, test_limit=2)
    return Simulation(registry.get_rule(rule), n_hidden=8, **ENGINES[engine] | (more or {})).run(curriculum, seed=1, **how)


@pytest.mark.parametrize(("engine", "rule"), [("brian2", "laplace"), ("torch", "laplace"), ("torch", "mesu")])
def test_the_same_rule_for_each_is_that_rule_to_the_bit(engine, rule):
    whole, each = simulated(rule, engine), simulated(f"hidden={rule},readout={rule}", engine)
    assert each.constants == whole.constants
    for name, values in whole.state.items():
        np.testing.assert_array_equal(each.state[name], values)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_projection_has_the_state_of_its_rule_and_resumes_to_the_bit(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)

    with pytest.raises(cut_short.CutShort):
        simulated("hidden=mesu,readout=sgd", engine, out=tmp_path, progress=cut_short.after(0.6))
    with pytest.raises(UserError, match="rule"):
        simulated("hidden=sgd,readout=mesu", engine, out=tmp_path, resume=True)
    found = simulated("hidden=mesu,readout=sgd", engine, out=tmp_path, resume=True)
    whole = simulated("hidden=mesu,readout=sgd", engine)
    states = {p: registry.get_rule(rule).analysis.states for p, rule in {"hidden": "mesu", "readout": "sgd"}.items()}
    assert set(found.state) == {f"{p}.{s}" for p, names in states.items() for s in (*names, "transmitted")}
    for name, values in whole.state.items():
        np.testing.assert_array_equal(found.state[name], values)
    other = simulated("sgd", engine).weights["readout"]
    assert (whole.weights["readout"] != other).any()  # what the hidden layer transmitted differs


def test_on_torch_each_rule_moves_its_weights_as_its_reference_does():
    """One evaluation under the weights that both transmit; in float64, sums in another order: 1e-12 is ample."""
    rng, rules = np.random.default_rng(0), assignment.read("hidden=laplace,readout=sgd", registry.get_rule)
    start = {"hidden": rng.standard_normal((4, 3)), "readout": rng.standard_normal((3, 2))}
    constants = {"hidden": rules.of("hidden").constants(overrides={"lr": 0.1, "curvature": 0.2, "window": 5.0})}
    constants["readout"] = rules.of("readout").constants(overrides={"lr": 0.05})
    weights = {p: torch.nn.Parameter(torch.tensor(w)) for p, w in start.items()}
    optimizer = Optimizers(rules, weights, constants, 0)
    expected = {p: ReferenceSynapses(rules.of(p), w, constants[p]) for p, w in start.items()}
    for age in range(6):
        x, calls = torch.tensor(rng.standard_normal((5, 4))), []

        def closure(x=x, calls=calls):
            optimizer.zero_grad()
            loss = ((x @ weights["hidden"]).tanh() @ weights["readout"]).square().sum()
            loss.backward()
            calls.append({p: w.grad.numpy().copy() for p, w in weights.items()})
            return loss

        optimizer.step(closure)
        assert len(calls) == 1
        for p, reference in expected.items():
            reference.touch(np.arange(len(start[p])), age)
            for row, gradient in enumerate(calls[0][p]):
                reference.accumulate(row, gradient)
            reference.flush(age + 1)
            np.testing.assert_allclose(weights[p].detach().numpy(), reference.weight(), rtol=1e-12, atol=1e-12, err_msg=p)


def test_a_rule_with_noise_shows_its_draw_while_the_other_learns():
    rules = assignment.read("hidden=mesu,readout=probabilistic", registry.get_rule)
    start = {"hidden": np.full((4, 3), 0.1), "readout": np.full((3, 2), 0.1)}
    weights = {p: torch.nn.Parameter(torch.tensor(w)) for p, w in start.items()}
    optimizer, seen = Optimizers(rules, weights, {p: rules.of(p).constants() for p in start}, 0), {}
    before = {p: w.detach().clone() for p, w in weights.items()}

    def closure():
        optimizer.zero_grad()
        seen.update({p: w.detach().clone() for p, w in weights.items()})
        loss = (weights["hidden"] @ weights["readout"]).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert len(np.unique(seen["hidden"])) == 12  # drawn
    assert not torch.equal(before["readout"], weights["readout"])
    assert not torch.equal(seen["hidden"], weights["hidden"])  # the mean again


@pytest.mark.parametrize("engine", ENGINES)
def test_rules_for_each_projection_run_on_a_chip(engine):
    """One with few bits keeps both projections on its grid."""
    coarse = simulated("hidden=laplace,readout=sgd", engine, {"hardware": "loihi1"})
    for projection in ("hidden", "readout"):
        assert coarse.state[f"{projection}.cell_writes"].sum() > 0
        assert len(np.unique(coarse.weights[projection])) <= 256


def test_an_ideal_chip_changes_nothing():
    plain = simulated("hidden=laplace,readout=sgd", "torch")
    for name, values in simulated("hidden=laplace,readout=sgd", "torch", {"hardware": "ideal"}).state.items():
        np.testing.assert_array_equal(values, plain.state[name])


def test_a_study_compares_rules_for_each_projection(tmp_path):
    words = "run forgetting --mode runtime --rules sgd,hidden=laplace,readout=sgd --images 5 --tasks 2 --hidden 6 --seeds 1"
    words += " --workers 1 --set hidden.lr=0.002 network.presentation=40"
    done = CliRunner().invoke(cli.app, [*words.split(), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "out" / "summary.json").read_text())["rows"]
    assert [row["rule"] for row in rows] == ["sgd", "hidden=laplace,readout=sgd"]
    constants = rows[1]["constants"]["rule"]
    assert constants["hidden"]["lr"] == 0.002 != constants["readout"]["lr"]
    assert set(constants["readout"]) == set(registry.get_rule("sgd").parameters)
    states, readout = (len(registry.get_rule(name).analysis.states) for name in ("laplace", "sgd"))
    assert rows[1]["metrics"]["footprint"]["mean"] == 8 * (states * 64 * 6 + readout * 6 * 2)


@pytest.mark.parametrize(
    ("rules", "how", "text"),
    [
        ("hidden=sgd", {}, "no rule was given for the projection 'readout': write readout=RULE, too"),
        ("hiden=sgd,readout=sgd", {}, "unknown projection 'hiden'; did you mean 'hidden'"),
        ("hidden=sgd,readout=sdg", {}, "unknown rule 'sdg'; did you mean 'sgd'"),
        ("hidden=sgd,readout=mesu", {"parameters": {"window": 3.0, "hidden.window": 3.0}}, "parameter of hidden=sgd, 'window'"),
    ],
)
def test_an_assignment_that_cannot_run_is_told(rules, how, text):
    with pytest.raises(UserError) as error:
        Simulation(registry.get_rule(rules), **how).constants(
            curricula.build("split", datasets.load("digits"), n_tasks=2, limit=6, test_limit=2)
        )
    assert text in str(error.value)


def test_rules_for_each_projection_stand_together_in_a_list():
    text = "sgd, hidden=mesu,readout=sgd,hidden=sgd,readout=mesu, mesu"
    assert assignment.parts(text) == ["sgd", "hidden=mesu,readout=sgd", "hidden=sgd,readout=mesu", "mesu"]
    assert registry.get_rule("hidden=mesu,readout=sgd").of("hidden2").name == "mesu"
