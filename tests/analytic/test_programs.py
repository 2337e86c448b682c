"""A process builds and compiles a network once for all runs that share it, and another for whatever decides its code."""

from dataclasses import replace

import numpy as np
import pytest

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import programs, written
from spikemeta.simulation.simulation import Simulation


@pytest.fixture
def asked(monkeypatch):
    """Runs a toy network; ``built`` has the rules of the networks that were built, or, once ``refused``, should have been."""
    monkeypatch.setattr(programs, "_KEPT", {})
    found, real = [], written.Written.build

    class Refused(Exception):
        pass

    def build(network, rule, *arguments, **more):
        found.append(rule.name)
        if ask.refused:
            raise Refused
        return real(network, rule, *arguments, **more)

    monkeypatch.setattr(written.Written, "build", build)

    def ask(**more):
        toy = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=2, test_limit=2)
        rule = more.pop("rule", registry.get_rule("sgd"))
        small = {"n_hidden": 4, "network_parameters": {"presentation": 20.0}}
        return Simulation(rule, **(small | more)).run(toy, seed=more.get("n_hidden", 1))

    ask.built, ask.refused, ask.Refused = found, False, Refused
    return ask


def test_runs_that_share_a_network_build_it_once(asked, monkeypatch):
    first = asked()
    other = asked(parameters={"lr": 1e-2})
    again = asked()
    assert asked.built == ["sgd"]
    for name, weights in first.weights.items():
        np.testing.assert_array_equal(weights, again.weights[name])
    assert any((first.weights[name] != other.weights[name]).any() for name in first.weights)
    monkeypatch.setattr(programs, "_KEPT", {})
    for name, weights in asked().weights.items():
        np.testing.assert_array_equal(weights, first.weights[name])
    assert asked.built == ["sgd"] * 2


def test_whatever_decides_the_code_builds_another(asked, monkeypatch, tmp_path):
    asked()
    asked.refused = True
    text = replace(registry.get_rule("sgd"), on_gradient="w -= 2*lr*gradient")
    for more in (
        {"rule": text},
        {"n_hidden": 5},
        {"dtype": "float32"},
        {"dense": False},
        {"feedback": "random"},
        {"network_parameters": {"presentation": 30.0}},
    ):
        with pytest.raises(asked.Refused):
            asked(**more)
    asked()
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    with pytest.raises(asked.Refused):
        asked()
    assert len(asked.built) == 8
