"""Metrics against matrices small enough to be worked out by hand."""

import numpy as np
import pytest

from spikemeta.analysis import metrics, statistics

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


def test_recent_along_counts_the_newest_tasks_and_reads_no_other():
    sparse = [[0.8, np.nan, np.nan], [0.9, 0.7, np.nan], [np.nan, 0.6, 1.0]]
    np.testing.assert_allclose(metrics.recent_along(sparse, 2), [0.8, (0.9 + 0.7) / 2, (0.6 + 1.0) / 2], atol=1e-15)
    np.testing.assert_allclose(metrics.recent_along(MATRIX, 5), metrics.average_accuracy(MATRIX), atol=1e-15)


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
    summary = statistics.summarise([0.7, 0.8, 0.9])
    half = 4.302653 * 0.1 / np.sqrt(3)
    assert (summary.mean, summary.std, summary.n) == (pytest.approx(0.8), pytest.approx(0.1), 3)
    assert (summary.low, summary.high) == (
        pytest.approx(0.8 - half, abs=1e-6),
        pytest.approx(0.8 + half, abs=1e-6),
    )


def test_interval_of_one_seed_is_undefined_and_failed_seeds_are_left_out():
    one = statistics.summarise([0.7, np.nan])
    assert (one.mean, one.n) == (0.7, 1)
    assert np.isnan([one.std, one.low, one.high]).all()
    assert statistics.summarise([]).n == 0
    assert np.isnan(statistics.summarise([]).mean)


def test_average_accuracy_counts_only_what_was_learned():
    np.testing.assert_allclose(metrics.average_accuracy(MATRIX), [0.8, (0.9 + 0.7) / 2, (0.5 + 0.6 + 1.0) / 3], rtol=1e-15)


def test_intransigence_against_one_or_several_upper_bounds():
    assert metrics.intransigence(MATRIX, 1.0) == pytest.approx((0.2 + 0.3 + 0.0) / 3, abs=1e-15)
    assert metrics.intransigence(MATRIX, [0.8, 0.9, 0.9]) == pytest.approx((0.0 + 0.2 - 0.1) / 3, abs=1e-15)


def test_shuffled_labels_are_those_of_a_permutation():
    """The same distribution as shuffling every label, counted over all 6!/(2! 2! 2!) = 90 arrangements by hand."""
    import itertools

    answers = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 2]])  # six predictions: 0, 1 | 0, 2 | 2, 2
    predictions = np.array([0, 1, 0, 2, 2, 2])
    real = np.diag(answers)
    hits = np.array(
        [
            [np.sum((predictions == k) & (np.array(labels) == k)) for k in range(3)]
            for labels in itertools.permutations([0, 0, 1, 1, 2, 2])
        ]
    )
    p, published = statistics.shuffled_labels(answers, np.arange(3), np.random.default_rng(0), n=40_000)
    # four standard deviations of a fraction over 40,000 draws are at most 0.01
    np.testing.assert_allclose(p, (hits >= real).mean(axis=0), atol=0.01)
    np.testing.assert_allclose(published, (hits > real).mean(axis=0), atol=0.01)


def test_an_answer_that_is_never_given_is_memorized_only_as_published():
    answers = np.array([[0, 100, 0], [0, 90, 10], [0, 20, 80]])  # the first item is never answered, the last mostly right
    p, published = statistics.shuffled_labels(answers, np.arange(3), np.random.default_rng(1))
    assert (p[0], published[0]) == (1.0, 0.0)
    assert p[2] == 1 / 1001


def test_one_sided_t_test_by_hand():
    # mean 0.1, sd 0.1, n 3: t = 0.1/(0.1/sqrt 3) = 1.7320508; for two degrees of freedom p = (1 - t/sqrt(2 + t^2))/2
    t = np.sqrt(3)
    found = statistics.above([0.2, 0.1, 0.0])
    assert (found.mean, found.t, found.n) == (pytest.approx(0.1), pytest.approx(t), 3)
    assert found.p == pytest.approx((1 - t / np.sqrt(2 + t**2)) / 2, rel=1e-9)
    assert statistics.above([0.5, 0.4, 0.3], level=0.3).t == pytest.approx(t)
    assert statistics.above([-0.2, -0.1, 0.0]).p > 0.5


def test_paired_t_test_by_hand():
    t = np.sqrt(3)
    found = statistics.paired([0.7, 0.5, 0.9], [0.5, 0.4, 0.9])
    assert found.p == pytest.approx(1 - t / np.sqrt(2 + t**2), rel=1e-9)
    assert np.isnan(statistics.paired([0.5], [0.4]).p)
    assert np.isnan(statistics.paired([0.5, 0.6], [0.4, 0.5]).p), "equal differences leave nothing to test against"
