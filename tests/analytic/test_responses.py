"""Neurons that are given their classes by what they do: by hand."""

import numpy as np

from spikemeta.data.phases import Phase
from spikemeta.simulation.responses import Responses, shown_again


def test_a_neuron_has_the_class_to_which_it_responds_most():
    """Silent neurons have none, those that respond equally the first; the answer is the mean over those of a class."""
    made = Responses("hidden", 5, 3, recent=9)
    counts = np.array([[4, 0, 1, 2, 0], [2, 0, 1, 2, 0], [0, 3, 1, 2, 0]])
    state = made.after(counts, np.array([0, 0, 2]))
    np.testing.assert_array_equal(state["responses hidden.mean"], [[3, 0, 1, 2, 0], [0] * 5, [0, 3, 1, 2, 0]])
    answers = made.answers(state, np.array([[3, 0, 0, 3, 7], [0, 4, 0, 0, 0]]))
    np.testing.assert_allclose(answers, [[2, 0, 0], [0, 0, 4]])
    assert made.begin().keys() == state.keys()


def phase(kind, task, labels, first, **more):
    labels = np.array(labels, np.int32)
    return Phase(kind, task, f"{kind} {task}", task + 1, "train", first + np.arange(len(labels)), labels, **more)


def test_the_last_presentations_of_each_class_and_task_are_shown_again():
    """A task that came twice gives its newest; without a label nothing; what an image was shown in, it is shown in again."""
    plain, mixed = {"permutation": None, "boundary": True}, {"permutation": np.zeros((2, 4), np.int32), "boundary": True}
    phases = [
        phase("train", 0, [0, 1, 0, 1, 0], 0, **plain),
        phase("test", 0, [0, 1], 50, **plain),
        phase("train", 1, [1, 0, -1, 1], 10, **mixed, order_of=np.array([0, 1, 0, 1], np.int32)),
        phase("train", 0, [0], 20, **plain),
    ]
    found = shown_again(phases, 2)
    assert [(p.kind, p.task, p.boundary) for p in found] == [("responses", task, False) for task in (0, 1, 0)]
    assert [p.indices.tolist() for p in found] == [[1, 3, 4], [10, 11, 13], [20]]
    assert [p.labels.tolist() for p in found] == [[1, 1, 0], [1, 0, 1], [0]]
    assert found[1].order_of.tolist() == [0, 1, 1]
    assert shown_again(phases[:2], 1)[0].indices.tolist() == [3, 4]
