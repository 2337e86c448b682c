"""Fields of the wrong kind, names that Brian2 or the network use, and network constants that make no sense."""

import pytest

from spikemeta.errors import RuleError, UserError
from spikemeta.language.rule import Parameter, Rule
from spikemeta.language.user_files import check_file
from spikemeta.simulation import written

SOUND = {
    "name": "sound",
    "state": "w : 1",
    "weight": "w",
    "initial": "w = w_init",
    "on_gradient": "w -= lr*gradient",
    "parameters": {"lr": Parameter(1e-3)},
}


def test_the_base_is_sound():
    Rule(**SOUND)


@pytest.mark.parametrize(
    "name", ["noise_seed", "presentation_index", "seen", "v_post", "w_pre", "order", "connect", "fading_w"]
)
def test_taken_names(name):
    with pytest.raises(RuleError, match=f"the name '{name}' is taken or not allowed"):
        Rule(**SOUND | {"state": f"w : 1\n{name} : 1", "initial": f"w = w_init\n{name} = 0"})
    with pytest.raises(RuleError, match=f"the name '{name}' is taken or not allowed"):
        Rule(**SOUND | {"parameters": SOUND["parameters"] | {name: Parameter(1.0)}})


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"weight": 3}, ["weight must be a text, not 3"]),
        ({"name": ""}, ["must be a word"]),
        ({"name": "my/../x"}, ["must be a word"]),
        ({"parameters": {"lr": 1e-3}}, [r"'lr': write Parameter\(1e-3\), not 0.001"]),
        ({"variants": 5, "constants_file": 3}, ["variants must be a dict, not 5", "constants_file must be a text, not 3"]),
        ({"variants": {"fast": 3}}, [r"'fast': write \{'lr': 1e-3\}, not 3"]),
        ({"boundary_if": "nope"}, ["unknown parameter in boundary_if, 'nope'"]),
    ],
)
def test_fields_of_another_kind(fields, messages):
    """All of them at once."""
    with pytest.raises(RuleError) as caught:
        Rule(**SOUND | fields)
    for message in messages:
        caught.match(message)


@pytest.mark.parametrize(
    ("content", "message"), [(b"import sys\nsys.exit(3)\n", ":2: SystemExit: 3"), (b"\0\1", ":1: not Python")]
)
def test_files_that_are_no_rules(tmp_path, content, message):
    path = tmp_path / "rule.py"
    path.write_bytes(content)
    (problem,) = check_file(path)
    assert problem.startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"presentation": 0}, "presentation must be a whole number of steps, at least 2, not 0"),
        ({"presentation": 0.5}, "presentation must be a whole number of steps"),
        ({"tau_membrane": -1.0}, "tau_membrane must be at least 1, not -1"),
        ({"hidden_width": float("nan")}, "hidden_width must be a number, not nan"),
        ({"input_rate": 1e9}, "input_rate must be above 0 and at most 1000 Hz"),
        ({"target_rate": 1e9}, "teaching events at 1e\\+09 Hz are more than one in a step of 1 ms: at most 1000 Hz"),
        ({"tau_synapse": 20.0}, "neurons 'lif': two coupled variables have the same time constant"),
        ({"nothing": 1.0}, "unknown parameter of network 'feedforward' 'nothing'"),
    ],
)
def test_network_constants(values, message):
    with pytest.raises(UserError, match=message):
        written.of("feedforward", "brian2").parameters(overrides=values)
