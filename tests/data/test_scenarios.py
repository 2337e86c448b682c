"""The three scenarios of split tasks, against cases worked out by hand."""

import numpy as np
import pytest

from spikemeta.analysis import metrics
from spikemeta.data import curricula
from spikemeta.data.dataset import Dataset
from spikemeta.errors import UserError
from spikemeta.simulation.simulation import PhaseResult

IMAGES, LABELS = np.arange(8, dtype=np.uint8).reshape(4, 2), np.arange(4, dtype=np.int32)
FOUR = Dataset("four", IMAGES, LABELS, IMAGES, LABELS, (1, 2), {})


def phases(scenario):
    made = curricula.build("split", FOUR, scenario=scenario)
    tests = [(p.task, p.after, p.labels.tolist(), p.allowed) for p in made.phases if p.kind == "test"]
    return made, tests


def test_domain():
    made, tests = phases("domain")
    assert tests == [(0, 1, [0, 1], None), (1, 1, [0, 1], None), (0, 2, [0, 1], None), (1, 2, [0, 1], None)]
    assert (made.n_classes, made.chance) == (2, 0.5)


def test_class_answers_grow():
    made, tests = phases("class")
    assert tests == [(0, 1, [0, 1], (0, 1)), (0, 2, [0, 1], (0, 1, 2, 3)), (1, 2, [2, 3], (0, 1, 2, 3))]
    assert (made.n_classes, made.chance) == (4, 0.25)


def test_task_is_told():
    made, tests = phases("task")
    assert tests == [(0, 1, [0, 1], (0, 1)), (1, 1, [2, 3], (2, 3)), (0, 2, [0, 1], (0, 1)), (1, 2, [2, 3], (2, 3))]
    assert [p.allowed for p in made.phases if p.kind == "train"] == [(0, 1), (2, 3)]
    assert (made.n_classes, made.chance) == (4, 0.5)


def test_groups_of_classes():
    """Two families over two domains: 3 and 0 are answered 0, 1 and 2 are answered 1; or each class is its own answer."""
    made = curricula.build("split", FOUR, groups=((3, 1), (0, 2)))
    shown = [(sorted(zip(p.indices.tolist(), p.labels.tolist(), strict=True)), p.allowed) for p in made.phases]
    first, second = [(1, 1), (3, 0)], [(0, 0), (2, 1)]
    assert shown == [(first, None), (first, None), (second, None), (second, None), (first, None), (second, None)]
    made = curricula.build("split", FOUR, groups=((3, 1), (0, 2)), scenario="class")
    answers = {int(i): int(k) for p in made.phases for i, k in zip(p.indices, p.labels, strict=True)}
    assert answers == {3: 0, 1: 1, 0: 2, 2: 3}
    assert [p.allowed for p in made.phases if p.kind == "test"] == [(0, 1), (0, 1, 2, 3), (0, 1, 2, 3)]
    plain, same = (curricula.build("split", FOUR, groups=groups) for groups in (None, ((0, 1), (2, 3))))
    assert [p.labels.tolist() for p in plain.phases] == [p.labels.tolist() for p in same.phases]
    assert [p.indices.tolist() for p in plain.phases] == [p.indices.tolist() for p in same.phases]


@pytest.mark.parametrize(("scenario", "accuracy", "answers"), [("class", 0.5, [1, 0, 0, 1, 0]), ("task", 0.5, [0, 0, 1, 0, 1])])
def test_answers_that_count(scenario, accuracy, answers):
    """class: 0 beats 2 as it counts, 3 is right. task: 0 does not count, so 2 is right, and the other image has no answer."""
    phase = phases(scenario)[0].phases[-1]
    counts = {"class": [[0, 0, 1, 0], [0, 0, 0, 0]], "task": [[9, 0, 1, 0], [5, 0, 0, 0]]}[scenario]
    if scenario == "class":
        counts = [[5, 0, 4, 0], [1, 0, 0, 2]]
    result = PhaseResult(phase, np.array(counts, np.int32), 0.0, 0.0)
    assert phase.labels.tolist() == [2, 3]
    assert result.accuracy == accuracy
    assert result.answers.tolist() == answers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "klass"}, "unknown scenario 'klass'; did you mean 'class'?"),
        ({"name": "joint", "scenario": "task"}, "scenario 'task' is of split tasks, not of joint"),
        ({"scenario": "class", "test_unseen": True}, "has no answer yet"),
        ({"groups": ((0, 1), (1, 4))}, "there is no class 4 in four: groups hold 0 to 3"),
        ({"groups": ((0, 1), (1, 4))}, "class 1 is in groups twice"),
        ({"groups": ((0, 1), (2,))}, "every group holds the same number of classes, at least 2"),
        ({"name": "joint", "groups": ((0, 1),)}, "groups of classes are of split tasks, not of joint"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(UserError) as caught:
        curricula.build(**{"name": "split", "dataset": FOUR} | arguments)
    assert message in str(caught.value)


def test_metrics():
    matrix = [[0.8, 0.0], [0.6, 1.0]]
    assert metrics.average_incremental_accuracy(matrix) == pytest.approx((0.8 + 0.8) / 2)
    anytime = metrics.average_anytime_accuracy([[0.4, 0.0], [0.8, 0.0], [0.6, 1.0]], [1, 1, 2])
    assert anytime == pytest.approx((0.4 + 0.8 + 0.8) / 3)
    per_class = metrics.per_class_accuracy([0, -1, 1, 0], [0, 0, 1, 1], 3)
    np.testing.assert_array_equal(per_class, [0.5, 0.5, np.nan])
