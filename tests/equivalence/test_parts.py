"""Synapses of a rule between parts of groups, connected more than once, and delayed: compiled code equals runtime mode."""

import brian2
import numpy as np
import pytest
from brian2 import ms

from spikemeta.backends import brian, paths
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import devices, standalone

STEPS, SHOWN = 10, 8
EVERYTHING, PART = slice(None), slice(2, 5)
SYNAPSES = {"whole": 56, "parts": 15, "listed": 6, "again": 27, "late": 3, "undelayed": 24}
#: A projection's part of the source, its part of the target, what `synapses` is given besides, and what is done afterwards.
PROJECTIONS = {
    "whole": (EVERYTHING, EVERYTHING, {}, None),
    "parts": (
        slice(1, 6),
        PART,
        {"post": {"spike": "total_pre += weight"}, "transmit": "I_post += weight\ntotal_pre += weight"},
        None,
    ),
    "listed": (slice(1, 6), PART, {"connect": {"i": [0, 0, 4, 2, 2, 1], "j": [2, 0, 1, 2, 0, 1]}}, None),
    "again": (EVERYTHING, PART, {}, lambda made: made.connect(i=[0, 3, 3], j=[1, 1, 2])),
    "late": (slice(1, 6), EVERYTHING, {"connect": {"i": [0, 4, 1], "j": [2, 6, 0]}}, lambda made: _delay(made, 2 * ms)),
    "undelayed": (EVERYTHING, PART, {}, lambda made: (_delay(made, 3 * ms), _delay(made, 0 * ms))),
}


def _delay(made, time):
    made.transmit.delay = time


def build():
    """A source that spikes by a table, and every projection on one target: (network, synapses by name)."""
    source = brian2.NeuronGroup(
        8,
        "total : 1\n" + brian.PRESYNAPTIC,
        events=brian.presynaptic_events("sin(1.0 + 3*i + 5*int(t/ms + 0.5)) > 0.5"),
        reset="",
        dt=1 * ms,
        name="source",
    )
    source.run_regularly(
        f"presentation_index = int((t + 0.5*dt)/({STEPS}*ms))\nage = presentation_index\n"
        f"closing = presentation_index >= {SHOWN}",
        dt=STEPS * ms,
        when="start",
    )
    brian.prepare_presynaptic(source)
    model = "dv/dt = (I - v)/(20*ms) : 1\ndI/dt = -I/(5*ms) : 1\ngoal : 1"
    target = brian2.NeuronGroup(7, model, method="exact", threshold="v > 0.3", reset="v -= 0.1", dt=1 * ms, name="target")
    target.goal = 0.1 * np.arange(1, 8)
    rule, rng, made = registry.get_rule("sgd"), np.random.default_rng(3), {}
    for name, (pre, post, how, more) in PROJECTIONS.items():
        how = how | {"parameters": {"lr": 0.05}, "name": name}
        made[name] = brian.synapses(rule, source[pre], target[post], gradient="v_post - goal_post", **how)
        if more:
            more(made[name])
    spikes = brian2.SpikeMonitor(target, name="spikes")
    for name, plastic in made.items():
        weights = 0.2 * rng.standard_normal(SYNAPSES[name])
        plastic.w, plastic.transmitted, plastic.gradient = weights, weights, 0
    spikes = brian2.SpikeMonitor(target, name="spikes")
    return brian2.Network(source, target, spikes, *made.values(), name="parts_network"), made


def results(read):
    """What is compared, by name; ``read("object.variable")``."""
    names = [f"{name}.{variable}" for name in PROJECTIONS for variable in ("w", "transmitted", "gradient")]
    return {name: np.array(read(name)) for name in [*names, "source.total", "target.v", "spikes.i", "spikes.t"]}


def test_parts_of_groups_further_connections_and_delays_equal_runtime(tmp_path):
    """Rows and lists know offsets, and leave to Brian2 what they do not know; which, is chosen when the network is built."""
    with devices.standalone() as device:
        network, made = build()
        program = standalone.compile_network(network, device)
        chosen = {name: made[name].transmit.codeobj_class for name in PROJECTIONS}
        read, _ = program.run(tmp_path, {}, STEPS, SHOWN, seed=0)
    rows, lists = paths.DenseCodeObject, paths.ListedCodeObject
    assert list(chosen.values()) == [rows, rows, lists, lists, None, rows]
    brian2.prefs.codegen.target = "numpy"
    network, made = build()
    network.run((STEPS * SHOWN + 1) * ms)
    objects = {item.name: item for item in network.objects}
    expected = results(lambda name: getattr(objects[name.partition(".")[0]], name.partition(".")[2])[:])
    for name, values in results(read).items():
        # The same operations in another order: see the tolerance of tests/equivalence/test_backends.py.
        np.testing.assert_allclose(values, expected[name], 1e-9, 1e-12, err_msg=name)
    assert len(expected["spikes.i"]) > 50
    start = build()[1]
    for name in PROJECTIONS:  # every synapse of a neuron that spikes has learned: those that were added last, too
        assert (np.abs(expected[f"{name}.w"] - start[name].w[:]) > 1e-6).all(), name


@pytest.fixture
def in_standalone():
    """Groups in C++ standalone mode, of which nothing is built."""
    with devices.standalone():
        source = brian2.NeuronGroup(4, brian.PRESYNAPTIC, events=brian.presynaptic_events("False"))
        yield registry.get_rule("sgd"), source, brian2.NeuronGroup(3, "v : 1")


def test_rows_refuse_what_is_not_all_to_all(in_standalone):
    for connect in ({"p": 0.5}, {"i": [0], "j": [1]}, {"condition": "i != j"}):
        with pytest.raises(UserError, match="is connected in part: leave out dense"):
            brian.synapses(*in_standalone, "1", "v_post += weight", connect=connect, dense=True)
    made = brian.synapses(*in_standalone, "1", "v_post += weight", dense=True)
    with pytest.raises(UserError, match="is connected again: leave out dense"):
        made.connect(i=0, j=0)
    with pytest.raises(UserError, match="unknown dense 'listed'"):
        brian.synapses(*in_standalone, "1", "v_post += weight", dense="listed")
