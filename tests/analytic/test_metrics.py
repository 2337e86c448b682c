"""Metrics against matrices small enough to be worked out by hand."""

import numpy as np
import pytest

from spikemeta import metrics

# Three tasks; task 0 is best one task after it was learned, so forgetting and backward transfer differ.
MATRIX = [[0.8, 0.4, 0.5], [0.9, 0.7, 0.6], [0.5, 0.6, 1.0]]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (metrics.final_accuracy, (0.5 + 0.6 + 1.0) / 3),
        (metrics.just_learned_accuracy, (0.8 + 0.7 + 1.0) / 3),
        (metrics.forgetting, ((0.9 - 0.5) + (0.7 - 0.6)) / 2),
        (metrics.backward_transfer, ((0.5 - 0.8) + (0.6 - 0.7)) / 2),
    ],
)
def test_by_hand(metric, expected):
    assert metric(MATRIX) == pytest.approx(expected, abs=1e-15)


def test_forward_transfer_against_one_or_several_baselines():
    assert metrics.forward_transfer(MATRIX, 0.5) == pytest.approx(((0.4 - 0.5) + (0.6 - 0.5)) / 2, abs=1e-15)
    assert metrics.forward_transfer(MATRIX, [0.0, 0.1, 0.2]) == pytest.approx((0.3 + 0.4) / 2, abs=1e-15)


def test_forgetting_ignores_luck_before_a_task_was_learned():
    lucky = np.array(MATRIX)
    lucky[0, 1] = 1.0
    assert metrics.forgetting(lucky) == metrics.forgetting(MATRIX)


def test_untested_upper_triangle_changes_only_forward_transfer():
    lower = np.where(np.tril(np.ones((3, 3))), MATRIX, np.nan)
    full, part = metrics.of_matrix(MATRIX, 0.5), metrics.of_matrix(lower, 0.5)
    assert np.isnan(part.pop("forward_transfer"))
    assert full.pop("forward_transfer") == pytest.approx(0.0, abs=1e-15)
    assert part == full


def test_one_task_has_no_transfer():
    values = metrics.of_matrix([[0.9]], 0.1)
    assert values["final_accuracy"] == values["just_learned_accuracy"] == 0.9
    assert all(np.isnan(values[name]) for name in ("forgetting", "backward_transfer", "forward_transfer"))


@pytest.mark.parametrize("bad", [[], [[0.1, 0.2]], [0.5, 0.5]])
def test_matrix_must_be_square(bad):
    with pytest.raises(ValueError, match="square"):
        metrics.final_accuracy(bad)


def test_t_interval_by_hand():
    # 0.7, 0.8, 0.9: sd 0.1, t(0.975, 2) = 4.302653 from printed tables
    summary = metrics.summarise([0.7, 0.8, 0.9])
    half = 4.302653 * 0.1 / np.sqrt(3)
    assert (summary.mean, summary.std, summary.n) == (pytest.approx(0.8), pytest.approx(0.1), 3)
    assert (summary.low, summary.high) == (
        pytest.approx(0.8 - half, abs=1e-6),
        pytest.approx(0.8 + half, abs=1e-6),
    )


def test_interval_of_one_seed_is_undefined_and_failed_seeds_are_left_out():
    one = metrics.summarise([0.7, np.nan])
    assert (one.mean, one.n) == (0.7, 1)
    assert np.isnan([one.std, one.low, one.high]).all()
    assert metrics.summarise([]).n == 0
    assert np.isnan(metrics.summarise([]).mean)
