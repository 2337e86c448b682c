"""What templates make of Brian2's lines: made once, in single precision, sums of whole rows; or left alone."""

import pytest
from brian2.core.variables import Constant

from spikemeta.backends.translated import FILTERS

CONSTANTS = {"tau": Constant("tau", 0.02), "N_post": Constant("N_post", 7)}
STEP = ["float v = _ptr_array_cells_v[_idx];", "const double _v = leak * v + 1.0;", "v = _v;", "_ptr_array_cells_v[_idx] = v;"]


def test_functions_of_constants_are_taken_once():
    lines = [
        "const double dt = _ptr_array_steps_dt[0];",
        "const double _lio_1 = exp(1.0f*(- dt)/tau);",
        "const double _lio_2 = sqrt(_lio_1 + 2.5e-3);",
        "const double _lio_3 = 2.0 * tau;",
        "const double _lio_4 = exp(level);",
        "const double _lio_5 = _rand(_vectorisation_idx) * tau;",
    ]
    made = FILTERS["settled"](lines, CONSTANTS)
    once = [line.startswith("static ") for line in made]
    assert once == [False, True, True, False, False, False]
    assert [line.removeprefix("static ") for line in made] == lines


def test_what_is_kept_in_single_precision_is_computed_in_it():
    shared, body = FILTERS["single"](STEP)
    assert shared == ["const auto _narrow_leak = _narrow(leak);"]
    assert body[1] == "const float _v = _narrow_leak * v + 1.0f;"


@pytest.mark.parametrize(
    "line",
    [
        "const double other = _ptr_array_cells_other[_idx];",  # kept in double precision
        "const double other = _rand(_vectorisation_idx);",  # draws
        "const double other = given(_idx);",  # a function of somebody's
    ],
)
def test_other_code_stays_as_it_is(line):
    assert FILTERS["single"]([line, *STEP]) == ([], [line, *STEP])


def test_a_truth_is_a_number_at_once_where_that_is_asked_for():
    lines = ["const double v = _ptr_array_cells_v[_idx];", "_ptr_array_cells_signal[_idx] = int_(v > 1);"]
    assert FILTERS["single"](lines)[1] == [lines[0], lines[1].replace("int_", "_whole")]
    assert "_truth(v > 1)" in FILTERS["single"](lines, True)[1][1]


def test_whole_numbers_are_kept_as_floating_ones():
    """A vector of 256 bits has no conversion between doubles and whole numbers of 64 bits."""
    lines = [
        "const double v = _ptr_array_cells_v[_idx];",
        "const int64_t n = int_(v + 0.5);",
        "_ptr_array_cells_n[_idx] = 2*n;",
    ]
    assert FILTERS["single"](lines) == ([], [lines[0], "const auto n = _whole(v + 0.5);", lines[2]])


def transmitting(what="transmitted", kind="double"):
    return [
        "const int32_t _postsynaptic_idx = _ptr_array_s__synaptic_post[_idx];",
        "const float w = _ptr_array_s_w[_idx];",
        "float current_post = _ptr_array_cells_current[_postsynaptic_idx];",
        f"const {kind} transmitted = w;",
        f"current_post += {what};",
        "_ptr_array_cells_current[_postsynaptic_idx] = current_post;",
    ]


@pytest.mark.parametrize("kind", ["double", "float"])
def test_a_sum_of_whole_rows_is_seen(kind):
    found = FILTERS["added"](transmitting(kind=kind), 0, CONSTANTS)
    assert found == {"type": "float", "row": "_ptr_array_s_w", "sum": "_ptr_array_cells_current", "columns": 7}


@pytest.mark.parametrize("what", ["2.0 * transmitted", "current_post", "elsewhere"])
def test_another_sum_is_not(what):
    assert FILTERS["added"](transmitting(what), 0, CONSTANTS) is None


def test_more_than_a_sum_is_not():
    more = ["float gradient = _ptr_array_s_gradient[_idx];", "gradient += 1.0;", "_ptr_array_s_gradient[_idx] = gradient;"]
    assert FILTERS["added"](transmitting() + more, 0, CONSTANTS) is None
    assert FILTERS["added"](transmitting(), 0, {}) is None


def signalling(made="_lio_1 * ((error * _truth(_brian_abs(error) >= band)) * 2.0)"):
    return [
        "const double error = _ptr_array_cells_error[_idx];",
        "double signal;",
        f"signal = {made};",
        "_ptr_array_cells_signal[_idx] = signal;",
    ]


def test_what_a_shared_factor_silences_is_seen():
    assert FILTERS["silenced"](signalling()) == ("_ptr_array_cells_signal", "_lio_1")
    assert FILTERS["silenced"](signalling("_narrow__lio_12 * (error)")) == ("_ptr_array_cells_signal", "_narrow__lio_12")


@pytest.mark.parametrize(
    "made", ["error * (2.0)", "_lio_1 * error", "_lio_1 * (error) + (2.0)", "_lio_1 + (error)", "(_lio_1 * (error))"]
)
def test_what_it_does_not_silence_is_not(made):
    assert FILTERS["silenced"](signalling(made)) is None


def test_what_adds_to_it_or_is_written_beside_it_is_not_silenced():
    assert FILTERS["silenced"]([*signalling()[:3], "signal += 1.0;", signalling()[3]]) is None
    assert FILTERS["silenced"]([*signalling(), "_ptr_array_cells_v[_idx] = error;"]) is None
