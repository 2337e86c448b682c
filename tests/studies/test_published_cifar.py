"""The published CIFAR setting in toy size: own answers of a task, dropout that a resumed run repeats, the clipped rule."""

from dataclasses import replace

import cut_short
import numpy as np
import pytest

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.data.dataset import Dataset
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import pool, published_setting, training

STUDY = __import__("spikemeta.studies.published", fromlist=["settings"])
SETTINGS = STUDY.settings()
CIFAR = [label for label, setting in SETTINGS.items() if setting.per_task]
Point = published_setting.Point


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    """Four classes of 12 x 12 colour images: each has a bright stripe of one colour."""
    rng, labels = np.random.default_rng(0), np.tile(np.arange(4, dtype=np.int32), 30)
    images = rng.integers(0, 60, (120, 3, 12, 12))
    for image, label in zip(images, labels, strict=True):
        image[label % 3, 3 * label : 3 * label + 3] += 180
    images = images.astype(np.uint8).reshape(120, -1)
    made = Dataset("stripes", images, labels, images, labels, (12, 12), {"all": "x"}, planes=3)
    monkeypatch.setattr(pool, "dataset", lambda name: made)


def small(label, **changes):
    small = {"hidden": (4, 4, 4, 4, 16), "tasks": 2, "epochs": 3, "batch": 20}
    return replace(SETTINGS[label], **(small | changes))


def point(setting, folder, resume=False):
    made = Point(setting.label, 0, setting, "stripes", str(folder), resume)
    return replace(made, fingerprint=published_setting.fingerprint(made))


def test_what_was_published():
    assert len(CIFAR) == 4
    for setting in map(SETTINGS.get, CIFAR):
        assert setting.network == "convolution"
        assert (setting.hidden, setting.epochs, setting.per_task) == ((32, 32, 64, 64, 512), 60, 2)
    assert SETTINGS["cifar-mesu"].constants["lr_sigma"] == 66


@pytest.mark.parametrize("label", ["cifar-mesu", "cifar-synaptic_intelligence-c0.1"])
def test_it_learns_and_a_killed_run_resumes_to_the_same_bits(label, tmp_path, monkeypatch):
    faster = {} if "mesu" in label else {"epochs": 10, "adam": 0.01}
    setting, seen = small(label, **faster), []
    whole = training.execute(point(setting, tmp_path / "whole"), lambda _, done, total: seen.append((done, total)))
    matrix = whole.arrays["accuracy_matrix"]
    if "mesu" not in label:  # whose steps of at most a fiftieth of sigma are for sixty epochs of a hundred steps
        assert matrix.diagonal().min() > 0.7
    assert np.isfinite(matrix[np.tri(2, dtype=bool)]).all()
    assert {total for _, total in seen} == {setting.epochs * 2 * 3}
    monkeypatch.setattr(training.checkpoint, "INTERVAL", -1.0)  # saved at every step

    with pytest.raises(cut_short.CutShort):
        training.execute(point(setting, tmp_path / "cut"), cut_short.after(0.6))
    training.execute(point(setting, tmp_path / "cut", True), lambda *_: None)
    trainers = [training.Trainer(setting, pool.dataset("stripes"), 0) for _ in range(2)]
    same = published_setting.fingerprint(point(setting, ""), ("tasks",))
    for trainer, folder in zip(trainers, ("whole", "cut"), strict=True):
        trainer.load(tmp_path / folder / "state.checkpoint", same)
    for name, weight in trainers[0].weights.items():
        assert bool((weight == trainers[1].weights[name]).all()), name


def test_a_task_teaches_its_own_answers_alone():
    trainer = training.Trainer(small("cifar-synaptic_intelligence-c0"), pool.dataset("stripes"), 0)
    trainer.train_epoch(lambda step: None)
    answers = trainer.weights["weight6"].detach()
    assert answers[:2].abs().amax(1).min() > 0
    assert answers[2:].abs().max() == 0  # as they started
    assert trainer.optimizer.base.state
    trainer.epoch = 3
    steps = []
    trainer.train_epoch(steps.append)
    (one, *_) = trainer.optimizer.base.state.values()
    assert float(one["step"]) == 3  # of the second task alone: the base was made afresh
    assert answers[2:].abs().max() > 0


def test_the_clipped_rule_is_the_authors_step():
    """d_sigma without 1/2, both steps with the forgetting in them, then clipped to ratio*sigma."""
    rule, rng = registry.get_rule(SETTINGS["cifar-mesu"].rule), np.random.default_rng(1)
    mean, gradient, noise = rng.normal(size=(3, 40, 1))
    for scale, clipped in ((1e-3, False), (10.0, True)):
        g, sigma, values = scale * gradient, 0.3, {"lr_mu": 0.5, "lr_sigma": 0.7, "window": 50, "sigma_prior": 0.8}
        made = ReferenceSynapses(rule, mean, values | {"sigma_init": sigma, "ratio": 0.02}, noise=lambda n, e=noise: e)
        rows = np.arange(40)
        made.touch(rows)
        for row in rows:
            made.accumulate(row, g[row])
        made.flush()
        step = -0.5 * (sigma**2 * g + sigma**2 * mean / (50 * 0.8**2))
        change = -0.7 * (sigma**2 * g * noise + sigma * (sigma**2 - 0.8**2) / (50 * 0.8**2))
        assert (np.abs(step) > 0.02 * sigma).any() == clipped
        bound = 0.02 * sigma
        np.testing.assert_allclose(made.state["mean"], mean + np.clip(step, -bound, bound), rtol=1e-12)
        np.testing.assert_allclose(made.state["spread"], sigma + np.clip(change, -bound, bound), rtol=1e-12)


def test_which_settings_run_on_which_images():
    names = [s.label for s in STUDY.chosen(STUDY.Options(dataset="cifar10"))]
    assert names == CIFAR
    assert not set(CIFAR) & {s.label for s in STUDY.chosen(STUDY.Options(dataset="mnist"))}
    quick = STUDY.chosen(STUDY.Options(dataset="cifar10"))[0]
    assert (quick.hidden, quick.tasks, quick.epochs) == ((4, 4, 8, 8, 64), 5, 2)
    with pytest.raises(UserError, match="stripes has 4 classes, too few for the tasks of cifar-mesu"):
        registry.load("studies", "published").run(STUDY.Options(dataset="stripes", only="cifar-mesu"))
