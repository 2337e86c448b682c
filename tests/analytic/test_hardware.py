"""State on a chip: on its grid and in range, rounded without bias, pulses as the device model says; fits and energies."""

from dataclasses import replace

import numpy as np
import pytest
from cases import EPOCHS, EXAMPLES, RULES, constants, factors, windows
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.hardware import counters, fitting, profile, stored
from spikemeta.hardware.profile import Device, Hardware, Quantity, Slot
from spikemeta.language.rule import Rule

CHIPS = [profile.get(name) for name in profile.names()] + [EPOCHS]
LIMITED = [chip for chip in CHIPS if chip.limited]
#: A level's number, from a stored value, its low end and its step in float64: up to 2**17 levels, so 1e-11 of rounding.
ON_GRID = 1e-9


def quantity(value, unit="1"):
    return Quantity(value, unit, "this test", "chosen")


def bits(n, signed=True, rounding="stochastic"):
    return Hardware(f"bits{n}", weight=Slot("weight", quantity(n, "bit"), signed, rounding))


def assert_on_grid(synapses, rule, chip):
    p = synapses.parameters
    for name in ("cell", *fitting.needs(rule).words):
        values = synapses.state[name]
        if f"{name}_low" not in p:  # the conductance of devices
            assert np.all(np.abs(values) <= p["cell_high"]), chip.name
            continue
        level = (values - p[f"{name}_low"]) / p[f"{name}_step"]
        if chip.presentations > 1 and name in rule.analysis.decays:
            continue  # between epochs nothing is written: a word that fades is seen here as it will be read at the next
        assert np.abs(level - np.round(level)).max() < ON_GRID, (rule.name, chip.name, name)
        assert level.min() > -ON_GRID, (rule.name, chip.name, name)
        assert level.max() < p[f"{name}_steps"] + ON_GRID, (rule.name, chip.name, name)
    if synapses.rule.weight == "cell":
        np.testing.assert_array_equal(synapses.weight(), synapses.state["cell"])


@pytest.mark.parametrize("name", RULES)
def test_ideal_changes_nothing(name):
    assert stored.on_chip(RULES[name], profile.get("ideal")) is RULES[name]


@settings(max_examples=EXAMPLES or 25)
@given(
    st.sampled_from(sorted(RULES)),
    st.sampled_from(LIMITED),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 1, 1, 7, 900])), min_size=1, max_size=25),
    st.sets(st.integers(0, 24), max_size=3),
    factors,
    windows,
    st.integers(0, 2**32 - 1),
)
def test_state_is_on_the_grid_and_in_range(name, chip, visits, boundaries, factor, window, seed):
    """After every visit and boundary, whatever the gradients; and a visit at which nothing happened writes nothing."""
    rule = RULES[name]
    rng = np.random.default_rng(seed)
    on_chip = stored.on_chip(rule, chip)
    made = ReferenceSynapses(on_chip, 0.1 * rng.standard_normal((6, 4)), constants(on_chip, factor, window), rng)
    assert_on_grid(made, rule, chip)
    age = 0
    for number, (row, passed) in enumerate(visits):
        age += passed
        made.touch(row, age)
        assert_on_grid(made, rule, chip)
        made.accumulate(row, rng.standard_normal(4) * 10 ** rng.uniform(-3, 3))
        if number in boundaries:
            made.boundary(age)
            assert_on_grid(made, rule, chip)
    made.flush(age)
    need = fitting.needs(rule)
    # what moves a level at a time towards a state that is kept apart from it is still on its way
    settled = () if chip.most_levels and not need.implied else ("cell", "cell_writes")
    before = {s: made.state[s].copy() for s in (*settled, *need.words)}
    made.flush(age)
    for s, values in before.items():
        np.testing.assert_array_equal(made.state[s], values, err_msg=f"{name} on {chip.name}: {s}")


DERIVED = [name for name in RULES if not fitting.needs(RULES[name]).implied]


@pytest.mark.parametrize("chip", [chip for chip in LIMITED if not chip.most_levels], ids=lambda chip: chip.name)
@pytest.mark.parametrize("name", DERIVED)
def test_a_weight_that_is_computed_from_words_is_written_where_these_change(name, chip):
    rng = np.random.default_rng(1)
    on_chip = stored.on_chip(RULES[name], chip)
    made = ReferenceSynapses(on_chip, 0.1 * rng.standard_normal((6, 4)), constants(on_chip, 1.0, 50.0), rng)
    for age in range(1, 200):
        made.touch(age % 6, age)
        made.accumulate(age % 6, rng.standard_normal(4))
    made.flush(200)
    before = {s: values.copy() for s, values in made.state.items()}
    assert np.any(before["cell"] != 0)
    made.flush(200)
    for s in ("cell", "cell_writes", *fitting.needs(RULES[name]).words):
        np.testing.assert_array_equal(made.state[s], before[s], err_msg=s)


def one_visit(chip, start, step, n=100_000, ranges=None, seed=3):
    """What ``n`` synapses hold after a visit that asks for a change; ``step`` may be an array (n,)."""
    rule = stored.on_chip(RULES["sgd"], chip, ranges or {"cell": (-1.0, 1.0)})
    made = ReferenceSynapses(rule, np.full((1, n), start), {"lr": 1.0}, np.random.default_rng(seed))
    made.accumulate(0, -np.broadcast_to(step, n))
    made.flush(1)
    return made


@pytest.mark.parametrize("n_bits", [2, 5, 9, 16])
def test_stochastic_rounding_is_unbiased(n_bits):
    """Ups are binomial with the fraction of a level that is asked for: two-sided exact tests at 0.1 % over 20 fractions,
    Bonferroni; the draws are seeded, so the test fails always or never, and for a correct rounding with probability 0.001."""
    chip, fractions = bits(n_bits), np.linspace(0.02, 0.98, 20)
    for number, fraction in enumerate(fractions):
        grid = stored.grid_parameters(RULES["sgd"], chip, {"cell": (-1.0, 1.0)})
        step = grid["cell_step"].value
        made = one_visit(chip, 0.0, fraction * step, seed=number)
        ups = int(made.state["cell_writes"].sum())
        np.testing.assert_allclose(np.unique(made.state["cell"]), [0, step], atol=1e-12)
        assert stats.binomtest(ups, made.state["cell"].size, fraction).pvalue > 0.001 / len(fractions)


def test_rounding_to_nearest_loses_small_steps():
    chip = bits(5, rounding="nearest")
    step = stored.grid_parameters(RULES["sgd"], chip, {"cell": (-1.0, 1.0)})["cell_step"].value
    assert np.all(one_visit(chip, 0.0, 0.49 * step, 10).state["cell"] == 0)
    np.testing.assert_allclose(one_visit(chip, 0.0, 0.51 * step, 10).state["cell"], step)


def test_grids():
    """Symmetric about zero: 2^b - 1 values with a sign, a pair of synapses without; two values for one bit."""
    for n_bits, signed, values in ((1, True, 2), (2, True, 3), (9, True, 511), (3, False, 15), (6, False, 127)):
        grid = stored.grid_parameters(RULES["sgd"], bits(n_bits, signed), {"cell": (-0.5, 0.7)})
        assert grid["cell_steps"].value == values - 1
        assert grid["cell_low"].value == -0.7
        assert grid["cell_low"].value + grid["cell_step"].value * grid["cell_steps"].value == pytest.approx(0.7)


def test_whole_numbers_are_stored_whole():
    """In words that count them, each for itself; in narrower ones, in whole steps."""
    cascade = RULES["cascade"]
    for n_bits, kept in ((2, {1, 4, 7, 10}), (8, set(range(1, 11)))):
        chip = replace(
            bits(8), state=(Slot("strong", quantity(1, "bit")), Slot("depth", quantity(n_bits, "bit"), False, "stochastic"))
        )
        rule = stored.on_chip(cascade, chip, {"cell": (-1.0, 1.0), "strong": (0, 1), "depth": (1, 10)})
        rng = np.random.default_rng(3)
        made = ReferenceSynapses(rule, 0.1 * rng.standard_normal((1, 20_000)), {"ratio": 0.5, "lr": 1.0}, rng)
        for age in range(60):
            made.accumulate(0, rng.choice([-1.0, 1.0], 20_000))
            made.touch(0, age + 1)
        assert set(np.unique(made.state["strong"])) == {0, 1}
        assert set(np.unique(made.state["depth"])) <= kept
        assert len(np.unique(made.state["depth"])) > 3
        assert np.abs(np.abs(made.weight()) - 0.05).max() < made.parameters["cell_step"]


def test_a_write_moves_at_most_so_many_levels():
    chip = replace(bits(5), most_levels=quantity(1, "level"))
    made = one_visit(chip, 0.0, np.linspace(-1, 1, 1001), 1001)
    step = made.parameters["cell_step"]
    assert set(np.round(np.unique(made.state["cell"]) / step)) == {-1.0, 0.0, 1.0}


def test_learning_epochs():
    """Three presentations are summed and written once, at the first visit of the next epoch."""
    rule = stored.on_chip(RULES["sgd"], replace(EPOCHS, most_levels=None), {"cell": (-1.0, 1.0)})
    made, step = ReferenceSynapses(rule, np.zeros((1, 1)), {"lr": 1.0}), 2 / 510
    held = []
    for age in range(8):
        made.touch(0, age)
        held.append(round(made.state["cell"].item() / step))
        made.accumulate(0, np.array([-2 * step]))
    assert held == [0, 0, 0, 6, 6, 6, 12, 12]
    assert made.state["cell_writes"].item() == 2


def test_pulses_follow_the_device_model():
    """Mean and spread of what pulses do, against the formula of `spikemeta.hardware.profile.Device`, and their number."""
    chip, n = profile.get("memristor"), 200_000
    d = {name: getattr(chip.weight, name).value for name in chip.weight.__dataclass_fields__}
    pulse = d["step"] / d["count"]
    for start, sign in ((0.0, 1), (0.0, -1), (0.5, -1), (-0.5, 1)):
        made = one_visit(chip, start, sign * 4.3 * pulse, n)
        count = made.state["cell_writes"].ravel()
        assert set(np.unique(count)) == {4.0, 5.0}
        assert abs(count.mean() - 4.3) < 5 * np.sqrt(0.21 / n)  # five standard errors
        z = d["slope"] * start + d["offset"]
        direction = "up" if sign > 0 else "down"
        curve = (1 + sign * d["asymmetry"]) * (1 - d[f"curvature_{direction}"] * np.exp(sign * d[f"steepness_{direction}"] * z))
        moved = (made.state["cell"].ravel() - start) / (pulse * curve)
        spread = d["noise"] * np.sqrt(4.3)
        assert abs(moved.mean() - sign * 4.3) < 5 * spread / np.sqrt(n)
        # Variance: of the noise, 4.3 pulses' worth, and of their number, 0.21; its standard error is sqrt(2/n) of it.
        assert moved.var() == pytest.approx(4.3 * d["noise"] ** 2 + 0.21, rel=5 * np.sqrt(2 / n) + 0.01)


def test_more_devices_are_less_noisy():
    one = profile.get("memristor")
    one = replace(one, weight=replace(one.weight, count=quantity(1, "device")))
    spreads = [one_visit(chip, 0.0, 0.05).state["cell"].std() for chip in (one, profile.get("memristor"))]
    assert spreads[0] / spreads[1] == pytest.approx(np.sqrt(7), rel=0.03)  # 100,000 draws, and whole pulses


@pytest.mark.parametrize(
    ("rule", "chip", "words", "missing", "nearest"),
    [
        ("sgd", "odin", (), (), ""),
        ("mesu", "loihi1", ("precision",), ("operation: division", "operation: functions", "operation: random"), "sgd"),
        ("laplace", "loihi1", ("precision",), ("operation: division",), "sgd"),
        ("mesu_multiplicative", "loihi1", ("spread",), ("operation: random",), "sgd"),
        (
            "synaptic_intelligence",
            "loihi1",
            ("path", "importance", "w_reference"),
            ("memory for w_reference (1 more per synapse)", "operation: division"),
            "sgd",
        ),
        ("hebb_repetition", "spinnaker1", ("fast", "strength"), (), ""),
        (
            "stable_flexible",
            "odin",
            ("w_start", "flexibility", "gate"),
            (
                "memory for w_start, flexibility, gate (3 more per synapse)",
                "event: boundary",
                "operation: division",
                "operation: functions",
            ),
            "sgd",
        ),
    ],
)
def test_fits(rule, chip, words, missing, nearest):
    assert fitting.needs(RULES[rule]).words == words
    found = fitting.fit(RULES[rule], profile.get(chip))
    assert (found.missing, found.nearest, found.fits) == (missing, nearest, not missing)


def test_a_bayesian_synapse_is_weight_and_tag():
    """Mean and precision take two words: the information follows from them."""
    need = fitting.needs(RULES["laplace"])
    assert (need.implied, need.mean_weight, need.count) == ("information", "information/precision", 2)
    placed = fitting.fit(RULES["laplace"], profile.get("loihi1")).placed
    assert placed["weight"] == "weight, 9 bits"
    assert placed["precision"] == "tag, 9 bits"
    assert fitting.needs(RULES["mesu"]).drawn == ("noise",)
    assert "weight - fast" in fitting.fit(RULES["hebb_repetition"], profile.get("odin")).placed["slow"]


@pytest.mark.parametrize(
    ("state", "weight", "implied", "words"),
    [
        ("hidden : 1", "0.1*(2*int(hidden >= 0) - 1)", "", ("hidden",)),
        ("hidden : 1\nrest : 1", "rest + int(hidden >= 0)", "rest", ("hidden",)),
        ("strong : integer", "0.1*(2*strong - 1)", "", ("strong",)),  # of a rounded weight it would be no whole number
    ],
)
def test_what_does_not_follow_from_the_weight_is_a_word(state, weight, implied, words):
    names = [line.split()[0] for line in state.split("\n")]
    initial = "\n".join(f"{name} = int(w_init > 0)" for name in names)
    need = fitting.needs(Rule("signs", state=state, weight=weight, initial=initial, on_gradient=f"{names[0]} -= 0*gradient"))
    assert (need.implied, need.words) == (implied, words)


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_every_number_says_where_it_is_from(chip):
    lines = list(fitting.numbers(chip))
    assert all("(" in line and len(line.split("(", 1)[1]) > 8 for line in lines)
    slots = [chip.weight, *chip.state, chip.more_state] if not isinstance(chip.weight, Device) else list(vars(chip.weight))
    assert len(lines) >= len([s for s in slots if s]) + len(chip.prices)


COUNTED = {"presentations": 10, "spikes": 50, "synaptic_operations": 1000, "synapse_visits": 200, "neuron_updates": 300}


def test_energy_names_what_it_leaves_out():
    loihi = counters.energy(COUNTED, 200, profile.get("loihi1"))
    assert loihi.terms == pytest.approx({"neuron_update": 300 * 81, "weight_update": 200 * 120, "synaptic_operation": 23_600})
    assert list(loihi.terms) == ["neuron_update", "weight_update", "synaptic_operation"]  # the largest first
    assert loihi.left_out == ("spike",)
    assert loihi.total == pytest.approx(24_300 + 24_000 + 23_600)
    nothing = counters.energy(COUNTED, 200, profile.get("memristor"))
    assert nothing.total is None
    assert set(nothing.left_out) == set(profile.PRICES)


def test_energies_in_other_units():
    prices = {"synaptic_operation": quantity(1.5, "nJ"), "spike": quantity(2, "fJ")}
    found = counters.energy(COUNTED, 200, Hardware("other", weight=bits(4).weight, prices=prices))
    assert found.terms == pytest.approx({"synaptic_operation": 1.5e6, "spike": 0.1})
