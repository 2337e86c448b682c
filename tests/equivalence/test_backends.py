"""Every rule, on random sequences of events: Brian2 (C++ and runtime) against the float64 reference.

A small presynaptic group spikes by a table; gradients, weight noise, rule time and boundaries come from tables too, so
the backends see the same events. Brian2 runs each rule at once through an all-to-all projection (contiguous rows in C++),
through sparse ones (Brian2's own synaptic code; lists in C++) and through an all-to-all one with state in single precision.

``SPIKEMETA_EXAMPLES=25 pytest tests/equivalence/test_backends.py`` draws as many sequences a rule; by default a few.
"""

from dataclasses import dataclass
from functools import cache

import brian2
import numpy as np
import pytest
from brian2 import ms
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from cases import CASES, EXAMPLES, ON_CHIPS, RULES, Watched, constants, factors, windows
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from spikemeta.backends import brian
from spikemeta.simulation import devices, standalone
from spikemeta.simulation.executors import keep_code

N_PRE, N_POST, STEPS, COUNT = 5, 3, 4, 24  # steps of 1 ms in a presentation; presentations
#: Rounding in another order of the same operations: 1e-16 each, at most a few hundred of them one upon the other, and
#: the condition of the worst (a difference of weights under a steep tanh) is below 1e4.
TOLERANCE = 1e-9
#: The same in single precision: roundings of 6e-8, and a condition of the worst that random events seldom reach.
SINGLE = 1e-4
TABLES = {
    "spike_at": ("step", N_PRE),
    "gradient_at": ("step", N_POST),
    "noise_at": ("presentation", N_PRE * N_POST),
    "dice_at": ("presentation", N_PRE * N_POST),
    "age_at": ("presentation", 1),
    "opening_at": ("presentation", 1),
}
PATHS = ("full", "sparse", "listed", "single")


@dataclass(frozen=True, repr=False)
class Events:
    """What happens: spikes (steps, n_pre), gradients (steps, n_post), noise and dice (presentations + 1, n_pre*n_post),
    ages and boundaries (presentations + 1,)."""

    spike_at: np.ndarray
    gradient_at: np.ndarray
    noise_at: np.ndarray
    dice_at: np.ndarray
    age_at: np.ndarray
    opening_at: np.ndarray

    def __repr__(self):
        spikes = [(int(s) // STEPS, int(s) % STEPS, int(i)) for s, i in np.argwhere(self.spike_at)]
        boundaries = np.flatnonzero(self.opening_at).tolist()
        return f"Events(spikes={spikes}, ages={self.age_at.tolist()}, boundaries={boundaries})"

    def tables(self):
        return {
            name: np.ascontiguousarray(getattr(self, name), float).reshape(-1, width) for name, (_, width) in TABLES.items()
        }


def make_events(spikes, advance, boundaries, seed, sampling=1.0):
    """Events from (presentation, step, neuron) triples; ``advance`` is the rule time that each presentation takes."""
    rng = np.random.default_rng(seed)
    advance = np.resize(np.asarray(advance, float), COUNT)
    spike_at = np.zeros((COUNT * STEPS, N_PRE))
    for presentation, step, neuron in spikes:
        spike_at[presentation * STEPS + step, neuron] = 1
    gradient_at = rng.uniform(-3, 3, (COUNT * STEPS, N_POST)) * (np.repeat(advance, STEPS) > 0)[:, None]  # tests teach nothing
    opening_at = np.isin(np.arange(COUNT + 1), list(boundaries))
    return Events(
        spike_at,
        gradient_at,
        sampling * rng.standard_normal((COUNT + 1, N_PRE * N_POST)),
        rng.random((COUNT + 1, N_PRE * N_POST)),
        np.concatenate([[0], np.cumsum(advance)]),
        opening_at,
    )


_presentations = st.integers(0, COUNT - 1)
events = st.builds(
    make_events,
    spikes=st.lists(st.tuples(_presentations, st.integers(0, STEPS - 1), st.integers(0, N_PRE - 1)), max_size=60),
    advance=st.lists(st.sampled_from([0, 1, 1, 1, 40, 5000]), min_size=1, max_size=COUNT),
    boundaries=st.sets(_presentations, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    sampling=st.sampled_from([1.0, 0.0]),
)
#: Sequences that random ones seldom hold: none spikes; a long silence; a boundary in the middle of spikes.
SILENT = make_events([], [1], [], 1)
SILENT_WITH_BOUNDARIES = make_events([], [1, 3000], [0, 7, 8], 2)
LONG_GAP = make_events([(0, 0, 1), (0, 3, 1), (COUNT - 1, 0, 1), (COUNT - 1, 2, 3)], [5000], [], 3)
EVERYTHING = make_events([(p, s, (p + s) % N_PRE) for p in range(COUNT) for s in range(STEPS)], [1], [0, 9, 17], 4)


def initial(rule, parameters):
    """A rule's first state, as arrays (n_pre, n_post)."""
    w_init = 0.1 * np.random.default_rng(5).standard_normal((N_PRE, N_POST))
    return Watched(rule, w_init, parameters, np.random.default_rng(6))


def reference(rule, parameters, given):
    """State after the events, current that each synapse sent, and the largest value of each variable."""
    here = {}
    made = initial(rule, parameters)
    peak = np.abs(made.weight()).max()
    made.noise = lambda rows: given.noise_at[here["presentation"]].reshape(N_PRE, N_POST)[rows]
    made.dice = lambda rows: given.dice_at[here["presentation"]].reshape(N_PRE, N_POST)[rows]
    received = np.zeros((N_PRE, N_POST))
    for presentation in range(COUNT):
        here["presentation"], age, done = presentation, given.age_at[presentation], set()
        if given.opening_at[presentation]:
            made.boundary(age)
            done = set(range(N_PRE))
        for step in range(presentation * STEPS, (presentation + 1) * STEPS):
            for neuron in np.flatnonzero(given.spike_at[step]):
                if neuron not in done:
                    made.touch(neuron, age)
                    done.add(neuron)
                received[neuron] += made.weight()[neuron]
                peak = max(peak, np.abs(made.weight()).max())
                made.accumulate(neuron, given.gradient_at[step])
    here["presentation"] = COUNT
    made.flush(given.age_at[COUNT])
    return made.state | {"transmitted": np.array(made.weight())}, received, made.peaks | {"transmitted": peak}


_READ_CPP = """
#include <cstdio>
#include <vector>
#include <string>
static double NAME(ARGUMENTS) {
    static std::vector<double> table;
    if (table.empty()) {
        FILE* file = std::fopen((std::string(std::getenv("SPIKEMETA_PHASE")) + "/NAME").c_str(), "rb");
        if (!file) std::exit(3);
        double value;
        while (std::fread(&value, sizeof(double), 1, file) == 1) table.push_back(value);
        std::fclose(file);
    }
    const int64_t place = INDEX;
    return place < (int64_t)table.size() ? table[place] : 0.0;
}
"""


def _functions(loaded):
    """The tables as Brian2 functions: C++ reads files, NumPy reads ``loaded``; past its end a table gives zero."""

    def made(name, arguments, index):
        width = TABLES[name][1]

        def look_up(*given):
            flat = loaded[name].ravel()
            place = np.asarray(index(*given))
            return np.where(place < flat.size, flat[np.minimum(place, flat.size - 1)], 0.0)

        function = brian2.Function(
            look_up, arg_units=[1] * len(arguments), return_unit=1, arg_types=["integer"] * len(arguments)
        )
        function.implementations.add_implementation("numpy", look_up)
        cpp = "+".join(f"{a}*{w}" for a, w in zip(arguments, [width, N_POST if len(arguments) == 3 else 1, 1], strict=False))
        code = _READ_CPP.replace("NAME", name).replace("INDEX", cpp)
        function.implementations.add_implementation(
            "cpp", code.replace("ARGUMENTS", ", ".join(f"const int64_t {a}" for a in arguments)), name=name
        )
        return function

    return {
        "spike_at": made("spike_at", "ab", lambda a, b: a * N_PRE + b),
        "gradient_at": made("gradient_at", "ab", lambda a, b: a * N_POST + b),
        "noise_at": made("noise_at", "abc", lambda a, b, c: (a * N_PRE + b) * N_POST + c),
        "dice_at": made("dice_at", "abc", lambda a, b, c: (a * N_PRE + b) * N_POST + c),
        "age_at": made("age_at", "a", lambda a: a),
        "opening_at": made("opening_at", "a", lambda a: a),
    }


def build(rule, loaded):
    """A Brian2 network of the rule: the source, and for each path a target and its synapses."""
    tables = _functions(loaded)
    source = brian2.NeuronGroup(
        N_PRE,
        brian.PRESYNAPTIC,
        dt=1 * ms,
        name="source",
        namespace=tables,
        reset="",
        events=brian.presynaptic_events("spike_at(t_in_timesteps, i) > 0", bool(rule.analysis.blocks["on_boundary"])),
    )
    brian.prepare_presynaptic(source)
    source.run_regularly(
        f"presentation_index = int((t + 0.5*dt)/({STEPS}*ms))\nage = age_at(presentation_index)\n"
        f"opening = opening_at(presentation_index) > 0\nclosing = presentation_index >= {COUNT}",
        dt=STEPS * ms,
        when="start",
        name="source_start",
    )
    objects, made = [source], {}
    for path in PATHS:
        target = brian2.NeuronGroup(N_POST, "slope : 1\nreceived : 1", dt=1 * ms, name=f"target_{path}", namespace=tables)
        target.run_regularly("slope = gradient_at(t_in_timesteps, i)", when="before_thresholds", name=f"slope_{path}")
        made[path] = brian.synapses(
            rule,
            source,
            target,
            "slope_post",
            "received_post += weight",
            name=path,
            connect=dict(zip("ij", connected(path), strict=True)) if path in ("sparse", "listed") else True,
            dense=False if path == "sparse" else "auto",
            dtype="float32" if path == "single" else "float64",
            randn="noise_at(presentation_index_pre, i, j)",
            rand="dice_at(presentation_index_pre, i, j)",
        )
        made[path].namespace.update(tables)
        objects += [target, made[path]]
    return brian2.Network(*objects), made


def settings_of(rule, parameters):
    """Values of a path's variables at the start, by name: arrays (n_pre, n_post), and numbers."""
    start = initial(rule, parameters)
    return start.state | {"transmitted": np.array(start.weight())} | parameters


@cache
def runtime_network(name):
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    loaded = {}
    network, made = build((CASES | ON_CHIPS)[name], loaded)
    network.store()
    return network, made, loaded


def runtime(rule, parameters, given):
    """As `reference`, by path."""
    network, made, loaded = runtime_network(rule.name)
    network.restore()
    loaded |= given.tables()
    return runtime_result(rule, network, made, parameters)


def runtime_result(rule, network, made, parameters):
    for synapses in made.values():
        i, j = synapses.i[:], synapses.j[:]
        for key, value in settings_of(rule, parameters).items():
            setattr(synapses, key, value[i, j] if np.ndim(value) else value)
    network.run((COUNT * STEPS + 1) * ms, namespace={})
    keep_code(network)
    return {
        path: (
            {s: np.asarray(getattr(synapses, s)[:]) for s in (*rule.analysis.states, "transmitted")},
            np.asarray(synapses.target.received[:]),
        )
        for path, synapses in made.items()
    }


@cache
def program(name):
    with devices.standalone() as device:
        network, _ = build((CASES | ON_CHIPS)[name], {})
        return standalone.compile_network(network, device)


def connected(path):
    """(i, j) of a path's synapses, in order; ``listed`` are in rows for two presynaptic neurons, and mixed for the others."""
    i, j = np.divmod(np.arange(N_PRE * N_POST), N_POST)
    if path == "listed":
        order = np.lexsort((i, np.where(i < 2, 0, j), np.minimum(i, 2)))
        i, j = i[order], j[order]
    keep = (i + 2 * j) % 4 != 1 if path in ("sparse", "listed") else np.ones(len(i), bool)
    return i[keep], j[keep]


def compiled(rule, parameters, given, folder):
    """As `runtime`, in C++."""
    for name, table in given.tables().items():
        table.tofile(folder / name)
    values = {
        f"{path}.{key}": value[connected(path)].copy() if np.ndim(value) else float(value)
        for path in PATHS
        for key, value in settings_of(rule, parameters).items()
    }
    read, _ = program(rule.name).run(folder, values, STEPS, COUNT, 0)
    for path in PATHS:
        np.testing.assert_array_equal([read(f"{path}._synaptic_pre"), read(f"{path}._synaptic_post")], connected(path))
    return {
        path: (
            {s: read(f"{path}.{s}") for s in (*rule.analysis.states, "transmitted")},
            read(f"target_{path}.received"),
        )
        for path in PATHS
    }


def assert_same(found, rule, parameters, given):
    """Same state to TOLERANCE (SINGLE in single precision); beside a zero, of the largest value that the variable ever had.

    A decay subtracts from the value before it, so what is left near zero carries that value's rounding. A received
    current is a sum over spikes, so its floor is that of as many weights. A decay that has run its course may leave
    a denormal number where NumPy leaves zero: a floor is at least the smallest normal double. A value on a chip's grid is
    counted from the grid's low end, so zero there carries that end's rounding. What one variable hands to another carries
    the rounding of both: what a long decay leaves of the one is all that a small other may hold.
    """
    state, received, peaks = reference(rule, parameters, given)
    peaks = {s: max(peak, abs(parameters.get(f"{s}_low", 0.0))) for s, peak in peaks.items()}
    for path, (found_state, found_received) in found.items():
        if path == "single" and rule.name in ON_CHIPS:  # beside the edge between two levels it may fall on the other side
            continue
        tolerance, smallest = (SINGLE, np.finfo(np.float32)) if path == "single" else (TOLERANCE, np.finfo(float))
        rounding = smallest.eps * max(peaks.values()) + smallest.tiny
        floors = {s: tolerance * peak + rounding for s, peak in peaks.items()}
        i, j = connected(path)
        for name, expected in state.items():
            assert np.isfinite(expected).all(), f"the reference's {name} is not finite"
            np.testing.assert_allclose(
                found_state[name], expected[i, j], tolerance, floors[name], err_msg=f"{rule.title}: {name}, {path}"
            )
        part = np.zeros((N_PRE, N_POST))
        part[i, j] = received[i, j]
        np.testing.assert_allclose(
            found_received,
            part.sum(axis=0),
            tolerance,
            floors["transmitted"] * (1 + given.spike_at.sum()),
            err_msg=f"{rule.title}: received, {path}",
        )


#: Looking for the smallest failing events takes minutes, because each try is a run of a network.
UNSHRUNK = (Phase.explicit, Phase.generate)


def drawn(test):
    """Random events and parameters, and the sequences that random ones seldom hold."""
    for given_events in (SILENT, SILENT_WITH_BOUNDARIES, LONG_GAP, EVERYTHING):
        test = example(given_events, 10.0, 7.0)(test)
    return given(events, factors, windows)(test)


@pytest.mark.parametrize("name", CASES)
def test_runtime_follows_the_reference(name):
    rule = CASES[name]

    @settings(max_examples=EXAMPLES or 2, phases=UNSHRUNK)
    @drawn
    def check(given, factor, window):
        parameters = constants(rule, factor, window)
        assert_same(runtime(rule, parameters, given), rule, parameters, given)

    check()


@pytest.mark.parametrize("name", CASES)
def test_standalone_follows_the_reference(name, tmp_path):
    rule = CASES[name]

    @settings(max_examples=EXAMPLES or 5, phases=UNSHRUNK)
    @drawn
    def check(given, factor, window):
        parameters = constants(rule, factor, window)
        assert_same(compiled(rule, parameters, given, tmp_path), rule, parameters, given)

    check()


@pytest.mark.parametrize("name", ON_CHIPS)
def test_chips_follow_the_reference(name, tmp_path):
    """Stored state and device noise, under the same draws, in C++ and in runtime mode."""
    rule = ON_CHIPS[name]

    @settings(max_examples=EXAMPLES or 2, phases=UNSHRUNK)
    @drawn
    def check(given, factor, window):
        parameters = constants(rule, factor, window)
        assert_same(compiled(rule, parameters, given, tmp_path), rule, parameters, given)
        assert_same(runtime(rule, parameters, given), rule, parameters, given)

    check()


def test_runtime_in_cython_follows_the_reference():
    """The rule with the longest text and a boundary; what commits compiled, the rest in NumPy."""
    rule = RULES["stable_flexible"]
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    loaded = EVERYTHING.tables()
    network, made = build(rule, loaded)
    made["full"].commit.codeobj_class = CythonCodeObject
    parameters = constants(rule, 10.0, 7.0)
    found = runtime_result(rule, network, made, parameters)
    assert isinstance(made["full"].commit.codeobj, CythonCodeObject)
    assert_same(found, rule, parameters, EVERYTHING)
