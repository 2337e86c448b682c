"""The curriculum of items: which labels its images carry, in which order items come, what an attack changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikemeta.data import datasets, items
from spikemeta.data.sampling import stream
from spikemeta.data.sets import two_digit
from spikemeta.errors import UserError
from spikemeta.runs import pool

DIGITS = datasets.load("digits")
SEEDS = st.integers(0, 2**63)
N_ITEMS = st.integers(3, 10)


def trains(curriculum):
    return [phase for phase in curriculum.phases if phase.kind == "train"]


def evaluated(curriculum):
    return [phase for phase in curriculum.phases if phase.kind == "test"]


def parts(curriculum, phase):
    """A training phase's target labels, and the other images' own answers with their labels."""
    classes, answers = curriculum.notes["classes"], curriculum.notes["answers"]
    own = DIGITS.train_labels[phase.indices]
    target = own == classes[phase.task]
    answer_of = dict(zip(classes.tolist(), answers.tolist(), strict=True))
    return phase.labels[target], np.array([answer_of[c] for c in own[~target].tolist()]), phase.labels[~target]


@given(seed=SEEDS, n_items=N_ITEMS, limit=st.integers(4, 80))
def test_targets_carry_their_label_and_others_never_that_nor_their_own(seed, n_items, limit):
    curriculum = items.build(DIGITS, seed=seed, n_items=n_items, limit=limit, tests="end", passes=2)
    for phase in trains(curriculum):
        right = curriculum.notes["answers"][phase.task]
        target, own, given_labels = parts(curriculum, phase)
        assert len(target) == limit
        assert (target == right).all()
        assert right not in given_labels
        assert (own != given_labels).all()
        assert len(own) == round(limit / (n_items - 1)) * (n_items - 1)
        table = np.zeros((n_items, n_items), int)
        np.add.at(table, (own, given_labels), 1)
        others = np.delete(np.arange(n_items), right)
        for k in others:
            allowed = np.delete(np.arange(n_items), [right, k])
            assert np.ptp(table[k, allowed]) <= 1, "the labels of a class are not spread evenly"
        assert len(np.unique(phase.indices)) == len(phase.indices)


@given(seed=SEEDS)
def test_answers_do_not_favour_a_position(seed):
    curriculum = items.build(DIGITS, seed=seed, n_items=4, limit=4)
    classes, answers = curriculum.notes["classes"], curriculum.notes["answers"]
    assert sorted(answers.tolist()) == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.sort(classes)[answers], classes)


def test_every_class_comes_at_every_position():
    first = [items.build(DIGITS, seed=seed, limit=4, tests="end").notes["classes"] for seed in range(100)]
    assert all(len(set(column)) == 10 for column in np.transpose(first).tolist())


@given(seed=SEEDS, n_items=N_ITEMS, passes=st.integers(1, 3), when=st.sampled_from(["items", "passes", "end"]))
def test_passes(seed, n_items, passes, when):
    curriculum = items.build(DIGITS, seed=seed, n_items=n_items, passes=passes, tests=when, limit=6, test_limit=3)
    assert [phase.task for phase in trains(curriculum)] == list(range(n_items)) * passes
    assert all(phase.boundary for phase in trains(curriculum))
    assert [phase.after for phase in trains(curriculum)] == list(range(1, passes * n_items + 1))
    every = {"items": 1, "passes": n_items, "end": passes * n_items}[when]
    expected = [(after, k) for after in range(every, passes * n_items + 1, every) for k in range(n_items)]
    assert [(phase.after, phase.task) for phase in evaluated(curriculum)] == expected
    again = [phase.indices for phase in trains(curriculum) if phase.task == 0]
    classes = curriculum.notes["classes"]
    own = [np.sort(shown[DIGITS.train_labels[shown] == classes[0]]) for shown in again]
    assert all(np.array_equal(own[0], other) for other in own), "an item is not the same images again"
    assert passes == 1 or not np.array_equal(again[0], again[1]), "but in another order"


@given(seed=SEEDS, n_items=N_ITEMS, evaluate=st.sampled_from(["test", "validation"]))
def test_tests_hold_the_items_under_their_true_label(seed, n_items, evaluate):
    curriculum = items.build(
        DIGITS, seed=seed, n_items=n_items, tests="end", evaluate=evaluate, limit=20, attack="deranged", wrong=0.5
    )
    shown = np.concatenate([phase.indices for phase in trains(curriculum)])
    for phase in evaluated(curriculum):
        labels = getattr(DIGITS, f"{phase.split}_labels")
        assert phase.split == {"test": "test", "validation": "train"}[evaluate]
        assert (labels[phase.indices] == curriculum.notes["classes"][phase.task]).all()
        assert (phase.labels == curriculum.notes["answers"][phase.task]).all()
        assert evaluate == "test" or not np.isin(phase.indices, shown).any()


@given(seed=SEEDS, n=st.integers(2, 12))
def test_a_derangement_has_no_fixed_point(seed, n):
    order = items.derangement(n, stream(seed, 0))
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    assert (order != np.arange(n)).all()


def test_derangements_of_three_come_equally_often():
    rng = np.random.default_rng(0)
    cyclic = sum(items.derangement(3, rng)[0] == 1 for _ in range(2000))
    assert abs(cyclic - 1000) < 4 * np.sqrt(500)  # four standard deviations of a fair coin


@given(seed=SEEDS, n_items=N_ITEMS, passes=st.integers(1, 2))
def test_a_deranged_pass_follows_the_clean_ones(seed, n_items, passes):
    curriculum = items.build(DIGITS, seed=seed, n_items=n_items, passes=passes, attack="deranged", tests="passes", limit=12)
    clean = items.build(DIGITS, seed=seed, n_items=n_items, passes=passes, tests="passes", limit=12)
    answers, false_items = curriculum.notes["answers"], curriculum.notes["false_items"]
    assert (false_items != np.arange(n_items)).all()
    np.testing.assert_array_equal(np.sort(false_items), np.arange(n_items))
    before = trains(curriculum)[: passes * n_items]
    for phase, same in zip(before, trains(clean), strict=True):
        np.testing.assert_array_equal(phase.indices, same.indices)
        np.testing.assert_array_equal(phase.labels, same.labels)
    attack = trains(curriculum)[passes * n_items :]
    assert [phase.task for phase in attack] == list(range(n_items))
    for phase in attack:
        target, own, given_labels = parts(curriculum, phase)
        assert (target == answers[false_items[phase.task]]).all()
        assert answers[phase.task] not in given_labels
        assert (own != given_labels).all()
    assert curriculum.notes["attacked"].tolist() == [False] * passes * n_items + [True] * n_items
    np.testing.assert_array_equal(np.unique([p.after for p in evaluated(curriculum)]), np.arange(1, passes + 2) * n_items)


@given(seed=SEEDS)
def test_a_targeted_attack_is_one_presentation_of_one_item(seed):
    curriculum = items.build(DIGITS, seed=seed, n_items=5, limit=10, attack="targeted", tests="passes")
    false_items, last = curriculum.notes["false_items"], trains(curriculum)[-1]
    assert (false_items >= 0).sum() == 1
    assert false_items[last.task] not in (-1, last.task)
    assert (parts(curriculum, last)[0] == curriculum.notes["answers"][false_items[last.task]]).all()
    assert np.unique([phase.after for phase in evaluated(curriculum)]).tolist() == [5, 6]


@given(seed=SEEDS, wrong=st.floats(0, 1), n_items=N_ITEMS)
def test_a_fraction_of_wrong_labels(seed, wrong, n_items):
    curriculum = items.build(DIGITS, seed=seed, n_items=n_items, limit=40, wrong=wrong, tests="end")
    for phase in trains(curriculum):
        target, _, _ = parts(curriculum, phase)
        assert (target != curriculum.notes["answers"][phase.task]).sum() == round(wrong * 40)


@given(seed=SEEDS, n_items=st.integers(4, 10))
def test_frequencies(seed, n_items):
    notes = items.build(DIGITS, seed=seed, n_items=n_items, schedule="frequency", limit=4, tests="end").notes
    np.testing.assert_array_equal(np.bincount(notes["sequence"]), np.arange(1, n_items + 1))
    last = [np.flatnonzero(notes["sequence"] == k)[-1] for k in range(n_items)]
    ranks = np.argsort(np.argsort(last))
    assert abs(np.corrcoef(ranks, np.arange(n_items))[0, 1]) <= 0.2, "frequent items are also the last"


@given(seed=SEEDS, n_items=st.integers(6, 10), passes=st.integers(1, 9))
def test_a_list_hidden_among_fillers(seed, n_items, passes):
    curriculum = items.build(DIGITS, seed=seed, n_items=n_items, schedule="hidden", passes=passes, limit=4, tests="passes")
    n, sequence = items.n_repeated(n_items), curriculum.notes["sequence"]
    starts = np.flatnonzero(sequence == 0)
    assert len(starts) == passes
    for start in starts:
        assert sequence[start : start + n].tolist() == list(range(n))
    fillers = np.bincount(sequence, minlength=n_items)[n:]
    assert np.ptp(fillers) <= 1
    assert fillers.max() <= passes
    assert sequence[-1] >= n
    assert np.unique([phase.after for phase in evaluated(curriculum)]).tolist() == [*(starts[1:]), len(sequence)]


@given(seed=SEEDS, n_items=st.integers(6, 10), passes=st.integers(2, 6))
def test_massed_repetitions_are_the_spaced_ones_in_a_row(seed, n_items, passes):
    """The same fillers in the same order, as many presentations, and the same after the last repetition."""
    spaced, massed = (
        items.build(DIGITS, seed=seed, n_items=n_items, schedule=s, passes=passes, limit=4, tests="end").notes["sequence"]
        for s in ("hidden", "massed")
    )
    n = items.n_repeated(n_items)
    np.testing.assert_array_equal(spaced[spaced >= n], massed[massed >= n])
    last = np.flatnonzero(spaced < n)[-1]
    np.testing.assert_array_equal(spaced[last + 1 - n :], massed[last + 1 - n :])
    assert massed[last + 1 - n * passes : last + 1].tolist() == list(range(n)) * passes


@given(seed=SEEDS)
def test_same_seed_same_curriculum_and_through_the_pool(seed):
    arguments = {"n_items": 4, "limit": 8, "test_limit": 3}
    first = items.build(DIGITS, seed=seed, **arguments)
    again = pool.curriculum_of(pool.Point("", "", seed, {"name": "items", "dataset": "digits"} | arguments, {}))
    other = items.build(DIGITS, seed=seed + 1, **arguments)
    for a, b in zip(first.phases, again.phases, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.indices, b.indices)
        np.testing.assert_array_equal(a.labels, b.labels)
    assert not np.array_equal(first.phases[0].indices, other.phases[0].indices)


def test_all_problems_in_one_message():
    with pytest.raises(UserError) as caught:
        items.build(DIGITS, n_items=11, schedule="pases", attack="derange", wrong=2, passes=0, validation=1.0, tests="never")
    text = str(caught.value)
    for part in (
        "3 to 10",
        "did you mean 'passes'",
        "did you mean 'deranged'",
        "wrong must be",
        "passes must be",
        "validation",
    ):
        assert part in text
    assert "'never'" in text


def test_two_digits_by_hand():
    """One image per digit, all of its pixels equal to 20 times the digit: each half shows its digit."""
    images = np.repeat(20 * np.arange(10, dtype=np.uint8), 16).reshape(10, 16)
    labels = np.arange(10, dtype=np.int32)
    source = datasets.Dataset("mnist", images, labels, images, labels, (4, 4), {"file": "abc"})
    made = two_digit.pairs(source, per_class=(3, 2))
    assert (made.n_classes, made.shape, len(made.train_labels), len(made.test_labels)) == (45, (2, 4), 135, 90)
    assert made.digests["file"] == "abc"
    pairs = [(i, j) for i in range(10) for j in range(i + 1, 10)]
    for image, label in zip(made.train_images.reshape(-1, 2, 4), made.train_labels, strict=True):
        left, right = pairs[label]
        assert (image[:, :2] == 20 * left).all()
        assert (image[:, 2:] == 20 * right).all()


def test_two_digits_are_halved_by_means_of_four():
    images = np.array([[0, 4, 8, 8], [8, 12, 8, 8], [1, 1, 0, 0], [1, 1, 0, 2]], np.uint8).reshape(1, 16).repeat(10, 0)
    labels = np.arange(10, dtype=np.int32)
    made = two_digit.pairs(datasets.Dataset("mnist", images, labels, images, labels, (4, 4), {}), per_class=(1, 1))
    assert made.train_images[0].tolist() == [6, 8, 6, 8, 1, 0, 1, 0]  # 0.5 rounds to even
