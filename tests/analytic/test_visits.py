"""What a visit of a synapse does, counted from a rule's text, against counts by hand."""

import pytest

from spikemeta.hardware import profile
from spikemeta.hardware.visits import Visit, bits_of, of_visit
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

#: By hand. laplace fades twice (precision: two sums, a product; information: one each), learns (information: two sums, four
#: products, a quotient; precision: a sum, two products), and transmits a quotient.
BY_HAND = {
    "sgd": Visit(1, 1, sums=1, products=1),
    "laplace": Visit(2, 2, sums=6 + 2 + 1, products=4 + 4 + 2, divisions=2),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_visit_is_counted_as_by_hand(name):
    assert of_visit(registry.get_rule(name)) == BY_HAND[name]


@pytest.mark.parametrize(
    ("text", "visit"),
    [
        ("w -= lr*lr/2*gradient", Visit(1, 1, sums=1, products=1)),  # constants are one number
        ("w -= gradient/lr", Visit(1, 1, sums=1, products=1)),  # a product with 1/lr
        ("w -= lr*gradient/(1 + gradient**2)", Visit(1, 1, sums=2, products=2, divisions=1)),
        ("w -= lr*gradient**3", Visit(1, 1, sums=1, products=3)),
        ("w -= lr*gradient*(2 + gradient)**-1", Visit(1, 1, sums=2, products=2, divisions=1)),
        ("w -= lr*abs(gradient)**0.5", Visit(1, 1, sums=2, products=1, functions=1)),
        ("w -= lr*gradient*int(abs(w) < 1)", Visit(1, 1, sums=3, products=2)),
        ("step = lr*gradient\nw -= step*exp(step)", Visit(1, 1, sums=1, products=2, functions=1)),
        ("w -= exp(lr)*gradient*clip(w, -1, 1)", Visit(1, 1, sums=3, products=2)),
        ("w -= 1*gradient + 0", Visit(1, 1, sums=1)),
    ],
)
def test_every_operation_is_counted_once(text, visit):
    rule = Rule("mine", state="w : 1", weight="w", initial="w = w_init", on_gradient=text, parameters={"lr": Parameter(0.1)})
    assert of_visit(rule) == visit


def test_what_is_drawn_anew_needs_no_word_and_state_that_stays_is_not_written():
    assert of_visit(registry.get_rule("mesu")).draws == 1
    rule = registry.get_rule("stable_flexible")  # its flexibility and reference stand still between boundaries
    assert of_visit(rule).words_written < of_visit(rule).words_read


def test_every_rule_says_what_its_visit_does():
    for name in registry.names("rules"):
        found = of_visit(registry.get_rule(name))
        assert str(found).startswith(f"reads {found.words_read}, writes {found.words_written}: ")
        assert found.operations >= 2


@pytest.mark.parametrize(
    ("rule", "chip", "bits"),
    [
        ("sgd", "ideal", 64),
        ("laplace", "ideal", 2 * 64),
        ("sgd", "loihi1", 9),
        ("laplace", "loihi1", 9 + 9),  # weight and tag
        ("synaptic_intelligence", "loihi1", 9 + 9 + 6 + 16),  # weight, tag, delay, and a word that is not there
        ("sgd", "brainscales2", 2 * 6),  # one synapse for each sign
        ("laplace", "brainscales2", 2 * 6 + 16),
        ("laplace", "odin", 2 * 3 + 16),
        ("laplace", "spinnaker1", 2 * 16 + 16),
        ("laplace", "memristor", None),
    ],
)
def test_bits_of_a_synapse(rule, chip, bits):
    assert bits_of(registry.get_rule(rule), profile.get(chip)) == bits
