"""An unstable run names the block of the rule that did it, or all that may have: on both engines and in a stream."""

from dataclasses import replace

import pytest

from spikemeta.data import curricula, datasets
from spikemeta.errors import InstabilityError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.runs import pool, stream
from spikemeta.simulation.simulation import Simulation

SILENT = {"on_gradient": "w -= 1e-3*gradient"}
#: Texts, sound with the default of ``x``; the value of ``x`` that makes them unstable; the blocks, and words of the remedy.
CASES = {
    "a step": ({"on_gradient": "w -= x*(1 + w*w)*gradient"}, 1e300, "on_gradient", "a smaller lr"),
    "a boundary": (SILENT | {"on_boundary": "w = w/(1 - x)"}, 1.0, "on_boundary", "bounds on what on_boundary divides by"),
    "a visit": (SILENT | {"on_presentation": "w = w*exp(x)"}, 600.0, "on_presentation", "what it multiplies at each visit"),
    "a decay": (
        SILENT | {"state": "dw/dt = -w*(1e-3 - x)/presentation : 1"},
        600.0,
        "a decay of state",
        "rest at a finite value",
    ),
    "steps or visits": (
        {
            "state": "w : 1\nn : 1\nm : 1",
            "initial": "w = w_init\nn = 0\nm = 1",
            "on_presentation": "m = 1/(1 - n)",
            "on_gradient": "n = clip(n + x*abs(gradient), 0, 1)\nw -= 1e-3*m*gradient",
        },
        1e9,
        "on_gradient or on_presentation",
        "a smaller lr .*; bounds on what on_presentation divides by",
    ),
}


def rule_of(texts):
    usual = {"state": "w : 1", "initial": "w = w_init", "weight": "w", "parameters": {"x": Parameter(0.0)}}
    return Rule("unstable", **usual | texts)


@pytest.fixture(scope="module")
def curriculum():
    return curricula.build("split", datasets.load("digits"), n_tasks=2, limit=12, test_limit=2)


@pytest.mark.parametrize("engine", ["brian2", "torch"])
@pytest.mark.parametrize("case", CASES)
def test_the_block_is_named(case, engine, curriculum):
    texts, x, blocks, remedy = CASES[case]
    how = {"mode": "runtime"} if engine == "brian2" else {"engine": "torch", "batch": 3}
    if engine == "torch":
        how["network_parameters"] = {"readout_spread": 1.0}
    made = Simulation(rule_of(texts), n_hidden=4, parameters={"x": x}, **how)
    with pytest.raises(InstabilityError, match=rf"in phase 'train task [12]', by {blocks}; .*Remedy: .*{remedy}"):
        made.run(curriculum)


def test_a_number_that_is_one_for_all_synapses(curriculum, monkeypatch, tmp_path):
    """Whole tensors: Python's own exp and division raise, where those of tensors would give infinity."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    how = {"engine": "torch", "batch": 3, "n_hidden": 4, "parameters": {"x": 1.0}}
    for text, blocks in (
        (SILENT | {"on_boundary": "w = w/clip(1 - x*age/(4*presentation), 0, 1)"}, "on_boundary"),
        (SILENT | {"on_presentation": "w = w*exp(x*1e3*age/presentation)"}, "on_presentation"),
        ({"on_gradient": "w -= exp(x*1e3*age/presentation)*gradient"}, "on_gradient"),
    ):
        with pytest.raises(InstabilityError, match=f"became infinite .*, by {blocks}; earlier phases are kept"):
            Simulation(rule_of(text), **how).run(curriculum)


def test_a_stream_names_the_block(monkeypatch, tmp_path):
    texts, x, blocks, remedy = CASES["a boundary"]
    monkeypatch.setattr(registry, "get_rule", lambda _: rule_of(texts))
    simulation = {"network": "feedforward", "engine": "torch", "batch": 3, "n_hidden": 4, "feedback": "tied"}
    simulation |= {"parameters": {"x": x}, "network_parameters": None}
    curriculum = {"name": "permuted", "dataset": "digits", "limit": 6, "test_limit": 2, "n_tasks": 2}
    made = pool.Point("unstable", "unstable", 0, curriculum, simulation, str(tmp_path), False)
    with pytest.raises(InstabilityError, match=f"by {blocks}; .*{remedy}"):
        stream.execute(replace(made, fingerprint="none"), lambda *_: None)
