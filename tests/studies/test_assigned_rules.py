"""A rule for each projection, ``--rules hidden=mesu,readout=sgd``: toy sizes, Brian2's runtime mode."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import assignment, registry
from spikemeta.simulation.simulation import Simulation


def simulated(rule, **how):
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=6, test_limit=2)
    return Simulation(registry.get_rule(rule), n_hidden=8, mode="runtime").run(curriculum, seed=1, **how)


def test_the_same_rule_for_each_is_that_rule_to_the_bit():
    whole, each = simulated("laplace"), simulated("hidden=laplace,readout=laplace")
    assert each.constants == whole.constants
    for name, values in whole.state.items():
        np.testing.assert_array_equal(each.state[name], values)


def test_each_projection_has_the_state_of_its_rule_and_resumes_to_the_bit(tmp_path):
    class Stop(Exception):
        pass

    def stop(phase, done, total):
        if done > 0.6 * total:
            raise Stop

    with pytest.raises(Stop):
        simulated("hidden=laplace,readout=sgd", out=tmp_path, progress=stop)
    with pytest.raises(UserError, match="rule"):
        simulated("hidden=sgd,readout=laplace", out=tmp_path, resume=True)
    found, whole = simulated("hidden=laplace,readout=sgd", out=tmp_path, resume=True), simulated("hidden=laplace,readout=sgd")
    states = {p: registry.get_rule(rule).analysis.states for p, rule in {"hidden": "laplace", "readout": "sgd"}.items()}
    assert set(found.state) == {f"{p}.{s}" for p, names in states.items() for s in (*names, "transmitted")}
    for name, values in whole.state.items():
        np.testing.assert_array_equal(found.state[name], values)
    assert (whole.weights["readout"] != simulated("sgd").weights["readout"]).any()  # what the hidden layer learned differs


def test_a_study_compares_rules_for_each_projection(tmp_path):
    words = "run forgetting --mode runtime --rules sgd,hidden=laplace,readout=sgd --images 5 --tasks 2 --hidden 6 --seeds 1"
    words += " --workers 1 --set hidden.lr=0.002"
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
        ("hidden=sgd,readout=mesu", {"engine": "torch", "network": "surrogate"}, "does not run on --engine torch"),
        ("hidden=sgd,readout=mesu", {"hardware": "loihi1"}, "does not run on a chip"),
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
