"""Rows whose gradients are made from the history of a presentation give the bits of sums that each synapse keeps."""

from dataclasses import replace

import numpy as np
import pytest

from spikemeta.backends import brian, histories
from spikemeta.backends.networks import rendering
from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import execution, programs
from spikemeta.simulation.simulation import Simulation
from spikemeta.simulation.stimuli import of_phase

#: At the 641st presentation two of Brian2's clocks differ by a rounding: that before it has a step more than others.
CUT, SHOWN = 641, 660
#: By feedback: rules, one with boundaries and one with noise, or as a chip stores them; and how far apart they may be, of the
#: largest value: the compiler may order products anew in a rule's step that it sees whole or in two.
CASES = {
    "tied": ({"rule": "hidden=synaptic_intelligence,readout=mesu"}, 1e-12),
    "surrogate": ({"rule": "hidden=sgd,readout=laplace", "hardware": "loihi1", "parameters": {"lr": 0.3}}, 1e-12),
}
SMALL = {"hidden_spread": 0.3, "readout_spread": 0.5}


def found(feedback, rule, **how):
    """State after a phase, whole and in two calls; as read within it; answers to weights that are given."""
    curriculum = curricula.build("joint", datasets.load("digits"), limit=SHOWN, test_limit=10)
    how |= {"feedback": feedback, "n_hidden": 12, "network_parameters": SMALL}
    simulation = Simulation(registry.get_rule(rule), **how)
    constants = simulation.constants(curriculum)
    start, state = simulation.begin(curriculum, (64, 12, 10), 0)
    phase = replace(curriculum.phases[0], boundary=True)
    stimuli = of_phase(phase, curriculum.dataset, 64, 1e-3, 100)
    with execution.open_executor(simulation, (64, 12, 10), constants, start) as execute:
        forms = {name: set(p.variables) for name, p in execute.built.projections.items()}
        settings = execute.settings(phase, state, 0, 3)
        read, held = execute.execute(stimuli, settings, 100, 3, lambda _: None, None, np.inf)
        whole = execute.state_of(read)
        _, held = execute.execute(stimuli, settings, 100, 3, lambda _: None, None, np.inf, CUT)
        within = execute.state_of(execute.settled(stimuli, 100, 3, held, CUT))
        parts = execute.state_of(execute.execute(stimuli, settings, 100, 3, lambda _: None, held, np.inf)[0])
        given = state | {f"{name}.transmitted": 2 * state[f"{name}.transmitted"] for name in ("hidden", "readout")}
        probe = replace(curriculum.phases[-1], kind="probe")
        counts = [execute(probe, curriculum.dataset, shown, 0, 5, lambda _: None)[0] for shown in (state, given)]
    return forms, {"start": state, "state": whole, "within": within, "in parts": parts}, counts


@pytest.mark.parametrize("feedback", CASES)
def test_rows_from_the_history_are_sums_of_each_synapse(feedback, monkeypatch):
    how, apart = CASES[feedback]
    forms, ours, answers = found(feedback, **how)
    assert all("absorbed" in variables for variables in forms.values())
    monkeypatch.setattr(histories, "possible", lambda rule: False)
    monkeypatch.setattr(programs, "_KEPT", {})
    forms, theirs, expected = found(feedback, **how)
    assert not any("absorbed" in variables for variables in forms.values())
    for moment, state in theirs.items():
        for name, values in state.items():
            near = apart * np.abs(values).max()
            np.testing.assert_allclose(ours[moment][name], values, rtol=0, atol=near, err_msg=f"{moment}: {name}")
    for variable, values in ours["state"].items():
        np.testing.assert_array_equal(ours["in parts"][variable], values, err_msg=variable)
    for name in ("hidden.transmitted", "readout.transmitted"):
        assert (ours["state"][name] != ours["start"][name]).any()
    np.testing.assert_array_equal(answers, expected)
    assert answers[1].sum() > answers[0].sum()  # what a probe is given is transmitted


def test_a_signal_is_shown_with_how_its_gradient_is_committed():
    shown = {name: rendering.signal(registry.get_signal(name)) for name in registry.signals()}
    kept = {"error_feedback", "error_feedback_by_clock", "eprop", "surrogate"}
    assert {name for name, text in shown.items() if "from the history" in text} == kept
    assert {name for name, text in shown.items() if "commit:\n    of synapses, each its own sum" in text} == {
        "instar",
        "stdp",
        "stdp_offset",
        "stdp_triplet",
    }


def test_no_event_writes_a_weight_that_is_a_state():
    """Where a state is the weight itself, `transmitted` is its name, and no pathway assigns to it, at a boundary either."""
    history = histories.History(steps=10, signal="error", values="errors")
    states = [rule for rule in map(registry.get_rule, registry.names("rules")) if histories.held_in(rule, history)]
    assert any(rule.needs_boundary for rule in states)
    for rule in states:
        assert "transmitted = w : 1" in brian.model(rule, history=history).replace(rule.weight.strip(), "w")
        assert all("transmitted =" not in code for code in brian.pathways(rule, "", history=history).values()), rule.name
