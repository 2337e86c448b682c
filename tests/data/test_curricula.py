"""Curricula: what is trained and tested, in which order, and what never mixes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikemeta.data import curricula, datasets

DIGITS = datasets.load("digits")
NAMES = st.sampled_from(["joint", "split", "permuted"])
SEEDS = st.integers(0, 2**63)


def trains(curriculum):
    return [phase for phase in curriculum.phases if phase.kind == "train"]


def evaluated(curriculum):
    return [phase for phase in curriculum.phases if phase.kind == "test"]


def same(first, second):
    return len(first.phases) == len(second.phases) and all(
        np.array_equal(a.indices, b.indices)
        and np.array_equal(a.labels, b.labels)
        and (a.name, a.task, a.after, a.split, a.boundary) == (b.name, b.task, b.after, b.split, b.boundary)
        and (a.permutation is b.permutation or np.array_equal(a.permutation, b.permutation))
        for a, b in zip(first.phases, second.phases, strict=True)
    )


def test_names():
    assert curricula.names() == ["joint", "permuted", "split"]


@given(name=NAMES, seed=SEEDS, validation=st.floats(0.01, 0.6), limit=st.none() | st.integers(1, 400))
def test_validation_never_overlaps_training(name, seed, validation, limit):
    arguments = {"seed": seed, "validation": validation, "limit": limit}
    tuned = curricula.build(name, DIGITS, evaluate="validation", **arguments)
    final = curricula.build(name, DIGITS, evaluate="test", **arguments)
    held_out = set(np.concatenate([phase.indices for phase in evaluated(tuned)]).tolist())
    assert {phase.split for phase in evaluated(tuned)} == {"train"}
    assert {phase.split for phase in evaluated(final)} == {"test"}
    for phase in (*trains(tuned), *trains(final)):
        assert phase.split == "train"
        assert held_out.isdisjoint(phase.indices.tolist())
    assert len(held_out) == round(validation * len(DIGITS.train_labels))


@given(name=NAMES, seed=SEEDS, passes=st.integers(1, 3))
def test_every_training_image_once_per_pass(name, seed, passes):
    curriculum = curricula.build(name, DIGITS, seed=seed, passes=passes)
    shown = np.stack([np.bincount(phase.indices, minlength=1442) for phase in trains(curriculum)])
    if name == "split":
        shown = shown.sum(axis=0, keepdims=True)
    np.testing.assert_array_equal(shown, passes)
    for phase in trains(curriculum):
        orders = phase.indices.reshape(passes, -1)
        np.testing.assert_array_equal(np.sort(orders, axis=1), np.sort(orders[:1], axis=1).repeat(passes, 0))
        assert not np.array_equal(orders[0], np.sort(orders[0])), "the order of presentation is not shuffled"
        assert passes == 1 or not np.array_equal(orders[0], orders[1]), "two passes have the same order"


@given(seed=SEEDS, evaluate=st.sampled_from(["test", "validation"]))
def test_split_labels(seed, evaluate):
    curriculum = curricula.build("split", DIGITS, seed=seed, evaluate=evaluate)
    assert (curriculum.n_classes, curriculum.n_tasks) == (2, 5)
    for phase in curriculum.phases:
        classes = getattr(DIGITS, f"{phase.split}_labels")[phase.indices]
        np.testing.assert_array_equal(classes // 2, phase.task)
        np.testing.assert_array_equal(classes % 2, phase.labels)
        assert set(phase.labels.tolist()) == {0, 1}
        assert phase.permutation is None


@given(seed=SEEDS, n_tasks=st.integers(2, 5))
def test_permutation_is_a_bijection_and_belongs_to_its_task(seed, n_tasks):
    curriculum = curricula.build("permuted", DIGITS, seed=seed, n_tasks=n_tasks, limit=10, test_limit=10)
    assert (curriculum.n_classes, curriculum.n_tasks) == (10, n_tasks)
    of_task = {}
    for phase in curriculum.phases:
        np.testing.assert_array_equal(np.sort(phase.permutation), np.arange(64))
        np.testing.assert_array_equal(of_task.setdefault(phase.task, phase.permutation), phase.permutation)
    assert len({order.tobytes() for order in of_task.values()}) == n_tasks
    # Fewer tasks are the first of more tasks.
    longer = curricula.build("permuted", DIGITS, seed=seed, n_tasks=n_tasks + 1, limit=20)
    np.testing.assert_array_equal(trains(longer)[0].permutation, trains(curriculum)[0].permutation)


def test_images_are_permuted():
    curriculum = curricula.build("permuted", DIGITS, n_tasks=2, limit=5, first_plain=True)
    plain, permuted = trains(curriculum)
    assert plain.permutation is None
    np.testing.assert_array_equal(curriculum.images(plain), DIGITS.train_images[plain.indices])
    restored = np.empty_like(curriculum.images(permuted))
    restored[:, permuted.permutation] = curriculum.images(permuted)
    np.testing.assert_array_equal(restored, DIGITS.train_images[permuted.indices])


@given(name=NAMES, seed=SEEDS, limit=st.none() | st.integers(1, 50), chunks=st.integers(1, 3))
def test_same_seed_same_curriculum(name, seed, limit, chunks):
    arguments = {"limit": limit, "test_limit": limit, "chunks": min(chunks, limit or 3), "passes": 2}
    first = curricula.build(name, DIGITS, seed=seed, **arguments)
    assert same(first, curricula.build(name, DIGITS, seed=seed, **arguments))
    if limit is None:
        other = curricula.build(name, DIGITS, seed=seed + 1, **arguments)
        assert not np.array_equal(trains(first)[0].indices, trains(other)[0].indices)


def test_seed_keeps_its_meaning():
    """Stored draw: a seed in an old result still names the same curriculum."""
    joint = curricula.build("joint", DIGITS, seed=3)
    permuted = curricula.build("permuted", DIGITS, seed=3, n_tasks=1)
    assert trains(joint)[0].indices[:5].tolist() == [315, 386, 488, 473, 248]
    assert permuted.phases[0].permutation[:5].tolist() == [38, 59, 41, 61, 40]


@given(seed=SEEDS, limit=st.integers(1, 300), more=st.integers(0, 300), name=NAMES)
def test_limits_take_classes_in_proportion_and_are_nested(seed, limit, more, name):
    def build(limit):
        return curricula.build(name, DIGITS, seed=seed, limit=limit, test_limit=limit)

    small, large = build(limit), build(limit + more)
    for few, many in zip(small.phases, large.phases, strict=True):
        assert set(few.indices.tolist()) <= set(many.indices.tolist())
        whole = np.isin(getattr(DIGITS, f"{few.split}_labels") // 2, few.task) if name == "split" else slice(None)
        classes = getattr(DIGITS, f"{few.split}_labels")[whole]
        assert len(few.indices) == min(limit, len(classes))
        share = np.bincount(classes % small.n_classes, minlength=small.n_classes) / len(classes)
        counts = np.bincount(few.labels, minlength=small.n_classes)
        assert np.abs(counts - share * len(few.indices)).max() <= 1


@pytest.mark.parametrize("unseen", [True, False])
def test_order_of_phases(unseen):
    curriculum = curricula.build("split", DIGITS, n_tasks=3, limit=4, test_limit=4, test_unseen=unseen)
    expected = []
    for task in (1, 2, 3):
        expected.append(f"train task {task}")
        expected += [f"test task {k} after task {task}" for k in range(1, (3 if unseen else task) + 1)]
    assert [phase.name for phase in curriculum.phases] == expected
    assert [phase.after for phase in trains(curriculum)] == [1, 2, 3]
    assert all(phase.boundary for phase in trains(curriculum))
    assert not any(phase.boundary for phase in evaluated(curriculum))
    assert {(p.after, p.task) for p in evaluated(curriculum)} == {
        (after, task) for after in (1, 2, 3) for task in range(3 if unseen else after)
    }


def test_chunks_cut_the_same_training_into_parts():
    whole = curricula.build("joint", DIGITS, seed=1, passes=2)
    parts = curricula.build("joint", DIGITS, seed=1, passes=2, chunks=5)
    shown = np.concatenate([phase.indices for phase in trains(parts)])
    np.testing.assert_array_equal(shown, trains(whole)[0].indices)
    assert [phase.boundary for phase in trains(parts)] == [True, False, False, False, False]
    assert [phase.kind for phase in parts.phases] == ["train", "test"] * 5
    assert len({phase.name for phase in parts.phases}) == 10


def test_default_validation():
    assert len(trains(curricula.build("joint", DIGITS))[0].indices) == 1442
    assert len(trains(curricula.build("joint", DIGITS, evaluate="validation"))[0].indices) == 1442 - 144


def test_dataset_by_name_and_types():
    curriculum = curricula.build("joint", "digits", test_limit=7)
    assert curriculum.dataset.name == "digits"
    for phase in curriculum.phases:
        assert phase.indices.dtype == np.int32
        assert phase.labels.dtype == np.int32
        assert phase.indices.shape == phase.labels.shape


def test_split_mnist(data_folder):
    curriculum = curricula.build("split", datasets.load("mnist", data_folder))
    assert [len(phase.indices) for phase in trains(curriculum)] == [12665, 12089, 11263, 12183, 11800]
    assert [len(phase.indices) for phase in evaluated(curriculum)[:5]] == [2115, 2042, 1874, 1986, 1983]
