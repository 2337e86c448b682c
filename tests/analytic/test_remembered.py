"""What is worked out once for a text: the solution of neurons' equations, and what follows from a rule's text."""

import brian2
import drawn
import numpy as np
import pytest
from brian2 import ms
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

from spikemeta.backends import integration
from spikemeta.language import registry
from spikemeta.language.remembered import by_text


@pytest.fixture
def solved(monkeypatch):
    """What Brian2 was asked to solve, from an empty memory on."""
    asked, real = [], integration.solved
    # Brian2 remembers, too, what it was told for groups of the same names, as they are again once the others are gone.
    monkeypatch.setattr(StateUpdateMethod.apply_stateupdater.__wrapped__, "_cache", {})
    monkeypatch.setattr(integration, "_KNOWN", {})
    monkeypatch.setattr(integration, "solved", lambda equations, *more: asked.append(str(equations)) or real(equations, *more))
    return asked


def group(equations, n=2, method=integration.exact, **names):
    """A group and the code of its step."""
    made = brian2.NeuronGroup(n, equations, method=method, namespace={"tau": 20 * ms, "tau_synapse": 5 * ms} | names)
    made.state_updater.update_abstract_code({})
    return made.state_updater.abstract_code


LINEAR = "dv/dt = (current - v)/tau : 1\ndcurrent/dt = -current/tau_synapse : 1"


def test_equations_are_solved_once_for_groups_of_any_size_and_constants(solved):
    code = group(LINEAR)
    assert code == group(LINEAR, method="exact")
    assert group(LINEAR, n=7, tau=3 * ms) == code
    assert len(solved) == 1
    names = {"tau_membrane": 20 * ms}
    assert group(drawn.LIF.equations, **names) == group(drawn.LIF.equations, method="exact", **names) != code
    assert len(solved) == 2


def test_other_equations_and_other_kinds_of_names_are_solved_anew(solved):
    per_neuron = LINEAR + "\ntau : second (constant)"
    one, other = group(LINEAR.replace("(current - v)", "(current - 2*v)")), group(LINEAR)
    assert one != other
    group(per_neuron)
    assert len(solved) == 3
    with pytest.raises(UnsupportedEquationsException):
        group("dv/dt = (drive - v)/tau : 1\ndrive = sin(t/tau) : 1")
    resting = brian2.TimedArray([0.0, 1.0], dt=brian2.defaultclock.dt)
    group("dv/dt = (resting(t) - v)/tau : 1", resting=resting)
    group("dv/dt = (resting(t) - v)/tau : 1", resting=brian2.TimedArray([2.0, 3.0], dt=brian2.defaultclock.dt))
    assert len(solved) == 6, "what a function of time gives is not in the text"


def test_what_does_not_depend_on_each_other_is_solved_apart(solved):
    """To the same steps as all at once: of numbers that are not names Brian2 rounds one to fifteen digits."""
    given = (
        "dfirst/dt = -first/tau : 1\ndslow/dt = (2*level - slow)/tau : 1\nlevel = 3*first : 1\ndlast/dt = (1 - last)/(7*ms) : 1"
    )
    ends = []
    for method in (integration.exact, "exact"):
        made = brian2.NeuronGroup(2, LINEAR + "\n" + given, method=method, namespace={"tau": 20 * ms, "tau_synapse": 5 * ms})
        for name in made.equations.diff_eq_names:
            setattr(made, name, [0.5, 2.0])
        brian2.Network(made).run(3 * ms, namespace={})
        ends.append({name: getattr(made, name)[:] for name in made.equations.diff_eq_names})
    assert len(solved) == 3
    for name, values in ends[0].items():
        np.testing.assert_allclose(values, ends[1][name], rtol=1e-13)
        assert (values != [0.5, 2.0]).all()


def test_what_follows_from_a_rules_text_is_worked_out_once_for_each_text():
    seen = []

    @by_text
    def words(rule, base=False):
        seen.append(rule.title)
        return rule.weight, base

    sgd, plain = registry.get_rule("sgd"), registry.get_rule("stable_flexible").with_variant("hybrid")
    assert words(sgd) == words(sgd) == words(sgd.with_constants("a.toml"))
    words(sgd, base=True)
    words(plain)
    words(registry.get_rule("stable_flexible"))
    assert seen == ["sgd", "sgd", "hybrid", "stable_flexible"]
