"""Neurons that are given their classes by what they did: by hand."""

import numpy as np

from spikemeta.simulation.responses import Responses


def test_a_neuron_has_the_class_to_which_it_responded_most():
    """Silent neurons have none, those that responded equally the first; the answer is the mean over those of a class."""
    made = Responses("hidden", 5, 3, recent=500)
    counts = np.array([[4, 0, 1, 2, 0], [2, 0, 1, 2, 0], [0, 3, 1, 2, 0], [9, 9, 9, 9, 9]])
    state = made.after(made.begin(), counts, np.array([0, 0, 2, -1]))
    np.testing.assert_array_equal(state["responses hidden.mean"], [[3, 0, 1, 2, 0], [0] * 5, [0, 3, 1, 2, 0]])
    np.testing.assert_array_equal(state["responses hidden.shown"], [2, 0, 1])
    answers = made.answers(state, np.array([[3, 0, 0, 3, 7], [0, 4, 0, 0, 0]]))
    np.testing.assert_allclose(answers, [[2, 0, 0], [0, 0, 4]])


def test_presentations_before_the_last_ones_of_a_class_fade():
    """By 1 - 1/recent with each later one of the class, and with no other; in one phase or in two."""
    made, counts = Responses("hidden", 1, 2, recent=4), np.array([[8.0], [0], [0], [0], [0], [0], [5]])
    labels = np.array([0, 0, 0, 0, 0, 0, 1])
    state = made.after(made.begin(), counts, labels)
    np.testing.assert_allclose(state["responses hidden.mean"].ravel(), [2 * 0.75**2, 5])
    again = made.after(made.after(made.begin(), counts[:3], labels[:3]), counts[3:], labels[3:])
    for name, values in state.items():
        np.testing.assert_array_equal(again[name], values)
