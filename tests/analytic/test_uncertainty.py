"""Measures of uncertainty against numbers made by hand, and the draws of weights against their posterior."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from spikemeta.analysis import calibration, memory_window, uncertainty
from spikemeta.analysis.rows import FinishedRun
from spikemeta.data import datasets, strange
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import probing
from spikemeta.studies.uncertainty import parse_widths

LN2 = np.log(2)


def test_entropies_by_hand():
    np.testing.assert_allclose(
        calibration.entropy([[0.5, 0.5], [1, 0], [0.25, 0.75]]), [LN2, 0, 0.5623351446188083], rtol=1e-14
    )
    # Image 0: both showings sure, of different classes. Image 1: both undecided. Image 2: sure and undecided.
    p = np.array([[[1, 0], [0.5, 0.5], [1, 0]], [[0, 1], [0.5, 0.5], [0.5, 0.5]]])
    found = calibration.decompose(p)
    np.testing.assert_allclose(found["predictive"], [LN2, LN2, 0.5623351446188083], atol=1e-12)
    np.testing.assert_allclose(found["aleatoric"], [0, LN2, LN2 / 2], atol=1e-12)
    np.testing.assert_allclose(found["epistemic"], [LN2, 0, 0.5623351446188083 - LN2 / 2], atol=1e-12)


def test_identical_showings_know_nothing_of_each_other():
    """Exactly zero, not a rounding error: else silent images would be ranked by it."""
    one = np.random.default_rng(0).dirichlet(np.ones(10), 200)
    for n in (2, 3, 10):
        np.testing.assert_array_equal(calibration.decompose(np.repeat(one[None], n, axis=0))["epistemic"], 0)


def test_softmax_of_spike_counts():
    p = calibration.softmax([[2, 0], [0, 0], [1000, 0]], 2.0)
    np.testing.assert_allclose(p, [[np.e / (1 + np.e), 1 / (1 + np.e)], [0.5, 0.5], [1, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("inside", "outside", "area"),
    [([0.1, 0.2], [0.3, 0.4], 1.0), ([0.3, 0.4], [0.1, 0.2], 0.0), ([1, 1, 1], [1, 1], 0.5), ([1, 3], [2, 4], 0.75)],
)
def test_area_under_the_curve(inside, outside, area):
    assert calibration.auroc(inside, outside) == pytest.approx(area, abs=1e-15)


def test_calibration_by_hand():
    confidence = np.array([0.05, 0.1, 0.55, 0.58, 0.95, 1.0])
    right = np.array([False, True, True, False, True, True])
    share, sure, accurate = calibration.reliability(confidence, right)
    np.testing.assert_allclose(share, [2 / 6, 0, 0, 0, 0, 2 / 6, 0, 0, 0, 2 / 6])
    np.testing.assert_allclose(sure[[0, 5, 9]], [0.075, 0.565, 0.975])
    np.testing.assert_allclose(accurate[[0, 5, 9]], [0.5, 0.5, 1])
    assert np.isnan(sure[1])
    assert calibration.calibration_error(confidence, right) == pytest.approx((0.425 + 0.065 + 0.025) / 3)
    assert calibration.calibration_error([1.0, 1.0], [True, True]) == 0


def test_the_temperature_that_made_the_labels_is_found():
    """Labels drawn from a softmax at temperature 3: the fit is within four standard errors, from the curvature of the loss."""
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 15, (1, 4000, 5))
    p = calibration.softmax(counts[0], 3.0)
    labels = (p.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    scaled = counts[0] / 3.0
    information = 4000 * np.mean((p * scaled**2).sum(axis=1) - (p * scaled).sum(axis=1) ** 2)  # of log temperature
    assert abs(np.log(calibration.fit_temperature(counts, labels) / 3.0)) < 4 / np.sqrt(information)


def test_silence_is_wrong_and_uniform():
    counts = np.zeros((2, 2, 3), int)
    counts[1, 1, 0] = 1
    mean = calibration.softmax(counts, 1.0).mean(axis=0)
    np.testing.assert_array_equal(calibration.right_of(counts, mean, np.array([0, 0])), [False, True])
    np.testing.assert_allclose(calibration.loss(counts, np.array([0, 0]), 1.0)[0], np.log(3))


def test_the_widest_noise_within_an_error_is_chosen():
    assert probing.choose(np.array([0.5, 0.4, 0.44, 0.6]), 0.05) == 2
    assert probing.choose(np.array([0.5, 0.4, 0.44, 0.6]), 0.03) == 1
    assert probing.choose(np.array([0.4, 0.5, 0.39]), 0.0) == 2


@pytest.mark.parametrize(("text", "widths"), [("3,0.1", [0.1, 1, 3]), ("1", [1])])
def test_widths(text, widths):
    assert parse_widths(text) == widths


@pytest.mark.parametrize("text", ["", "0,1", "a", "1,inf", "nan"])
def test_bad_widths(text):
    with pytest.raises(UserError, match="--widths must be numbers above 0"):
        parse_widths(text)


def test_deviation_of_a_state():
    state = {"hidden.precision": np.array([[4.0, 16.0]]), "hidden.transmitted": np.zeros((1, 2))}
    for name in ("mesu", "laplace"):
        np.testing.assert_allclose(probing.deviation(registry.get_rule(name), state, "hidden"), [[0.5, 0.25]], rtol=1e-15)


def test_deviation_of_a_rule_that_draws_its_weights():
    """A Gaussian's is its spread; a relaxed binary weight without belief is uniform within its amplitude.

    Over 10,000 synapses of 100 draws the mean variance errs by sqrt((kurtosis - 1)/1e6): four deviations are 0.6 % and 0.4 %.
    """
    shape, rng = (100, 100), np.random.default_rng(6)
    gaussian = {"hidden.mean": 0.3, "hidden.spread": 0.2, "hidden.noise": 0.0}
    binary = {"hidden.belief": 0.0, "hidden.learned_at": 0.0, "hidden.noise": 0.0, "hidden.passes": 1.0}
    for name, values, given, expected in (
        ("foo_vb", gaussian, {}, 0.2),
        ("mesu_multiplicative", gaussian, {}, 0.2),
        ("bimu", binary, {"amplitude": 0.5}, 0.5 / np.sqrt(3)),
        ("bimu", binary | {"hidden.belief": 9.0}, {"amplitude": 0.5}, 0.0),
    ):
        rule = registry.get_rule(name)
        state = {key: np.full(shape, value) for key, value in values.items()} | {"hidden.transmitted": np.zeros(shape)}
        found = probing.deviation(rule, state, "hidden", rule.constants(overrides=given), 7.0, rng)
        assert found.shape == shape
        assert np.sqrt(np.mean(found**2)) == pytest.approx(expected, rel=4e-3, abs=2e-3)
        assert probing.noises_of(rule) == ("posterior", "uniform")


@pytest.mark.parametrize("name", ["sgd", "cascade", "probabilistic"])
def test_a_rule_without_precision_has_no_posterior(name):
    rule = registry.get_rule(name)
    state = {"hidden.w": np.ones((2, 2)), "hidden.transmitted": np.ones((2, 2))}
    np.testing.assert_array_equal(probing.deviation(rule, state, "hidden"), np.zeros((2, 2)))
    assert probing.noises_of(rule) == ()


def test_draws_have_the_posterior_s_mean_and_variance():
    """Mean and chi-squared tests over 20,000 draws of each of six synapses; each fails by chance once in 100,000 seeds."""
    n, width, alpha = 20_000, 0.5, 1e-5 / 12  # Bonferroni over six means and six variances
    mean, spread = np.arange(6.0).reshape(2, 3), np.array([[1, 2, 3], [0.1, 0.2, 0.3]])
    sets = probing.draw({"a": mean}, {"a": spread}, width, n, np.random.default_rng(5))
    drawn = np.array([one["a"] for one in sets])
    z = (drawn - mean) / (width * spread)
    assert np.abs(z.mean(axis=0)).max() * np.sqrt(n) < norm.isf(alpha / 2)
    low, high = chi2.ppf([alpha / 2, 1 - alpha / 2], n)
    assert ((z**2).sum(axis=0) > low).all()
    assert ((z**2).sum(axis=0) < high).all()
    assert abs(np.corrcoef(z[:, 0, 0], z[:, 1, 2])[0, 1]) * np.sqrt(n) < norm.isf(alpha / 2)


def test_strange_images():
    data = datasets.load("digits")
    images = data.test_images[:40]
    made = {kind: strange.images_of(kind, data, images, 3) for kind in ("permuted", "rotated", "shuffled", "noise")}
    for kind, found in made.items():
        assert (found.shape, found.dtype) == (images.shape, np.uint8), kind
        np.testing.assert_array_equal(found, strange.images_of(kind, data, images, 3))
    for kind in ("permuted", "rotated", "shuffled"):  # the same pixels elsewhere
        np.testing.assert_array_equal(np.sort(made[kind], axis=1), np.sort(images, axis=1))
        assert (made[kind] != images).any(axis=1).all()
    order = np.random.default_rng(0).permutation(64)
    again = strange.images_of("permuted", data, np.tile(order.astype(np.uint8), (2, 1)), 3)
    np.testing.assert_array_equal(again[0], again[1])  # one order for all
    assert made["rotated"][0].reshape(8, 8)[0, 0] == images[0].reshape(8, 8)[0, -1]  # a quarter turn to the left


def test_which_strange_images_there_are(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMETA_DATA", str(tmp_path))
    assert strange.kinds_of(datasets.load("digits")) == (["permuted", "rotated", "shuffled", "noise"], [])
    images = np.zeros((10, 784), np.uint8)
    labels = np.arange(10, dtype=np.int32)
    kinds, notes = strange.kinds_of(datasets.Dataset("mnist", images, labels, images, labels, (28, 28), {}))
    assert kinds == ["permuted", "rotated", "shuffled", "noise"]
    assert len(notes) == 1
    assert notes[0].startswith("images of fashion are left out: fashion:")
    kinds, notes = strange.kinds_of(datasets.Dataset("wide", images, labels, images, labels, (14, 56), {}))
    assert (kinds, len(notes)) == (["permuted", "shuffled", "noise"], 1)


def test_strange_images_of_your_own(tmp_path):
    """By a path, shown under the last part of it; of another size they are refused."""
    labels = np.arange(10, dtype=np.int32)
    for name, side in (("mine", 8), ("large", 9)):
        images = np.random.default_rng(side).integers(0, 256, (10, side, side), dtype=np.uint8)
        np.savez(tmp_path / name, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    digits, mine = datasets.load("digits"), str(tmp_path / "mine.npz")
    kinds, notes = strange.kinds_of(digits, others=(mine,))
    assert kinds == ["permuted", "rotated", "shuffled", "noise", mine]
    assert [strange.label(kind) for kind in kinds[-2:]] == ["noise", "mine.npz"]
    assert notes == []
    found, own = strange.images_of(mine, digits, digits.test_images[:3], 0), datasets.load(mine).test_images
    assert found.shape == (3, 64)
    assert all((own == image).all(1).any() for image in found)
    message = r"images of large.npz \(9 x 9 pixels\) cannot be strange .* digits \(8 x 8 pixels\): --strange needs"
    with pytest.raises(UserError, match=message):
        strange.kinds_of(digits, others=(mine, str(tmp_path / "large.npz")))


def a_run(seed, certain):
    """A finished run of one way; strange images are told apart for certain, or not at all."""
    scores = np.zeros((2, 3, 2, 4))
    scores[:, :, 1] = 1.0 if certain else 0.0
    arrays = {
        "ways": np.array(["posterior", "uniform"]),
        "kinds": np.array(["test", "noise"]),
        "widths": np.array([1.0]),
        "scores": scores,
        "right": np.array([[True, True, False, True]] * 2),
        "confidence": np.full((2, 4), 0.75),
        "loss": np.full((2, 4), 0.5),
        "silent": np.array([[0, 0.5]] * 2),
        "width": np.ones(2),
        "temperature": np.full(2, 2.0),
        "validation": np.zeros((2, 3, 1)),
    }
    return FinishedRun("x", seed, "", arrays, {})


def test_rows_and_tests_of_an_analysis():
    analysis, runs = uncertainty.Analysis(), [a_run(0, True), a_run(1, False), a_run(2, True)]
    rows = [{"rule": "x", "seeds": [0, 1, 2], "metrics": analysis.metrics_of(runs, 0.1)}, {"rule": "failed", "metrics": {}}]
    analysis.add_tests(rows)
    assert [row["rule"] for row in rows] == ["x: posterior", "x: uniform", "failed"]
    found = rows[0]["metrics"]
    assert found["auroc_epistemic_noise"]["values"] == [1.0, 0.5, 1.0]
    assert found["accuracy"]["values"] == [0.75] * 3
    assert found["calibration_error"]["mean"] == pytest.approx(0, abs=1e-12)
    assert found["silent_noise"]["mean"] == 0.5
    against = rows[0]["tests"]["against"]
    assert against["rule"] == "x: uniform"
    assert (against["auroc_epistemic_noise"]["mean"], against["auroc_epistemic_noise"]["n"]) == (0.0, 3)
    assert rows[1]["tests"] == {}


def test_slope_by_hand():
    assert memory_window.slope([0.9, 0.8, 0.7]) == pytest.approx(-0.1)
    assert memory_window.slope([1, 0, 0, 1]) == pytest.approx(0, abs=1e-15)
    assert memory_window.slope([0, 0, 3]) == pytest.approx(1.5)  # (-1*0 + 0*0 + 1*3)/2
    assert np.isnan(memory_window.slope([0.9]))


def test_recent_tasks_by_hand():
    matrix = np.zeros((7, 7))
    matrix[-1] = [1, 1, 0.1, 0.2, 0.3, 0.4, 0.5]
    found = memory_window.of_matrix(matrix, 0.1)
    assert found["recent_accuracy"] == pytest.approx(0.3)
    assert found["final_accuracy"] == pytest.approx(0.5)
    assert memory_window.of_matrix(matrix[-2:, -2:], 0.1)["recent_accuracy"] == pytest.approx(0.45)
