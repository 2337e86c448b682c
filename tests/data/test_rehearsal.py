"""All tasks at once, and stored images shown again: what is shown, how often, and in which order of pixels."""

import numpy as np
import pytest

from spikemeta.data import curricula, datasets, rehearsal
from spikemeta.data.dataset import Dataset
from spikemeta.errors import UserError

DIGITS = datasets.load("digits")
IMAGES, LABELS = np.arange(8, dtype=np.uint8).reshape(4, 2), np.arange(4, dtype=np.int32)
FOUR = Dataset("four", IMAGES, LABELS, IMAGES, LABELS, (1, 2), {})


def of(curriculum, kind="train"):
    return [phase for phase in curriculum.phases if phase.kind == kind]


@pytest.mark.parametrize("scenario", ["domain", "class", "task"])
def test_all_at_once_are_the_same_images_with_the_same_answers(scenario):
    plain = curricula.build("split", DIGITS, scenario=scenario, limit=50)
    mixed = curricula.build("split", DIGITS, scenario=scenario, limit=50, mixed=True)
    shown = [sorted(zip(*[np.concatenate([getattr(p, n) for p in of(c)]).tolist() for n in ("indices", "labels")], strict=True))
             for c in (plain, mixed)]  # fmt: skip
    assert shown[0] == shown[1]
    assert all(len(set(DIGITS.train_labels[p.indices].tolist())) == 10 for p in of(mixed))
    assert [p.boundary for p in of(mixed)] == [True] + 4 * [False]
    assert [(p.name, p.labels.tolist()) for p in of(mixed, "test")] == [(p.name, p.labels.tolist()) for p in of(plain, "test")]
    allowed = {"domain": {None}, "class": {tuple(range(10))}, "task": {p.allowed for p in of(plain, "test")}}[scenario]
    assert {p.allowed for p in of(mixed, "test")} == allowed


def test_stored_images_are_shown_between_new_ones():
    """With room for all, each image but the first is followed by one that came before it, with the answer taught then."""
    plain, replayed = (curricula.build("split", FOUR, scenario="class", replay=replay) for replay in (0, 100))
    order = np.concatenate([p.indices for p in of(plain)])
    assert [len(p.indices) for p in of(replayed)] == [3, 4]
    shown = np.concatenate([p.indices for p in of(replayed)])
    assert np.concatenate([[shown[0]], shown[1::2]]).tolist() == order.tolist()
    for number, again in enumerate(shown[2::2], 1):
        assert again in order[:number]
    assert np.concatenate([p.labels for p in of(replayed)]).tolist() == shown.tolist()
    assert of(replayed)[1].boundary


def test_every_image_is_kept_with_the_same_chance():
    """At the end of n images m are kept; over 300 seeds each image is shown again in the second half about equally often."""
    data = Dataset("many", np.zeros((40, 1), np.uint8), np.arange(40, dtype=np.int32) // 20, *[np.zeros((40, 1), np.uint8)],
                   np.arange(40, dtype=np.int32) // 20, (1, 1), {})  # fmt: skip
    early = []
    for seed in range(300):
        phase = of(curricula.build("split", data, replay=4, seed=seed))[0]
        new, again = np.concatenate([phase.indices[:1], phase.indices[1::2]]), phase.indices[2::2]
        place = {image: number for number, image in enumerate(new.tolist())}
        early.append(place[int(again[-1])] < 19.5)
    # the last one shown is any of the first 39 with the same chance; 4 standard deviations of 300 draws are 0.115
    assert abs(np.mean(early) - 20 / 39) < 0.115


def test_mixed_tasks_keep_their_orders_of_pixels():
    plain = curricula.build("permuted", DIGITS, n_tasks=3, limit=40, first_plain=True)
    for arguments in ({"mixed": True}, {"replay": 10}):
        made = curricula.build("permuted", DIGITS, n_tasks=3, limit=40, first_plain=True, **arguments)
        known = {tuple(image) for phase in of(plain) for image in plain.images(phase).tolist()}
        orders = set()
        for phase in of(made):
            assert {tuple(image) for image in made.images(phase).tolist()} <= known
            orders.add(len(set(phase.order_of.tolist())))
        assert max(orders) == 3
        images, indices, permutation = of(made)[-1].source(DIGITS)
        assert permutation is None
        np.testing.assert_array_equal(images[indices], made.images(of(made)[-1]))


def test_refused_and_counted():
    with pytest.raises(UserError, match="replay must be a whole number of stored images, at least 0, not -1"):
        curricula.build("split", FOUR, replay=-1)
    assert rehearsal.stored_bytes(DIGITS, 10) == 10 * 66
