"""A profile that cannot be used: every problem at once, with the file's name; on the command line too."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.errors import UserError
from spikemeta.hardware import profile
from spikemeta.hardware.profile import Hardware, Quantity, Slot
from spikemeta.language.registry import get_rule
from spikemeta.simulation.simulation import Simulation

SOUND = """
name = "my_chip"
description = "Four bits, nothing else."
operations = []
[weight]
name = "weight"
bits = {value = 4, unit = "bit", source = "data sheet, Table 1"}
rounding = "stochastic"
[prices.synaptic_operation]
value = 0.5
unit = "nJ"
source = "data sheet, Table 2"
basis = "measured"
conditions = "0.8 V"
[prices.spike]
unit = "pJ"
source = "not in the data sheet"
"""
BAD = """
from spikemeta.hardware.profile import Hardware, Quantity, Slot

hardware = Hardware(
    "bad",
    weight=Slot("weight", Quantity(0, "bit", "data sheet"), rounding="up"),
    state=(Slot("tag", Quantity(4.5, "bits", "data sheet")),),
    update_every=Quantity(None, "presentation", "data sheet"),
    events=("postsynaptic",),
    operations=("divison",),
    prices={
        "synaptic_operation": Quantity(3.0, "pJ"),
        "weight_update": Quantity(3.0, "V", "data sheet", "guessed"),
        "write": Quantity(3.0, "pJ", "data sheet"),
        "spike": Quantity(float("nan"), "pJ", "data sheet"),
    },
)
"""
PROBLEMS = (
    "weight.bits must be from 1 to 24, not 0",
    "unknown rounding of weight, 'up'",
    "unknown unit of state[0].bits, 'bits'; did you mean 'bit'?",
    "state[0].bits must be a whole number, not 4.5",
    "update_every must have a value",
    "unknown entry of events 'postsynaptic'",
    "unknown entry of operations 'divison'; did you mean 'division'?",
    "prices.synaptic_operation has no source",
    "unknown unit of prices.weight_update, 'V'",
    "unknown basis of prices.weight_update, 'guessed'",
    "unknown price 'write'",
    "prices.spike must be a finite number or None, not nan",
)


def invoke(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def written(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_every_problem_at_once(written):
    path = written("bad.py", BAD)
    code, text = invoke("check", path)
    assert code == 2
    missing = [problem for problem in PROBLEMS if f"{path}: hardware 'bad': {problem}" not in text]
    assert not missing, text
    with pytest.raises(UserError, match="no source"):
        profile.get(str(path))


def test_a_sound_file(written):
    path = written("chip.toml", SOUND)
    assert invoke("check", path) == (0, "ok\n")
    chip = profile.get(str(path))
    assert chip.weight.bits == Quantity(4, "bit", "data sheet, Table 1")
    assert chip.prices["spike"].value is None
    code, text = invoke("show", "laplace", "--hardware", path)
    assert code == 0
    for part in (
        "does not fit",
        "memory for precision",
        "operation: division",
        "nearest rule that fits: sgd",
        "0.5 nJ",
        "0.8 V",
    ):
        assert part in text
    python = 'from spikemeta.hardware.profile import Hardware\n\nchip = Hardware("another")\n'
    assert invoke("check", written("chip.py", python)) == (0, "ok\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = 4\nwidth = 3\n", "unknown key of the file, 'width'"),
        ("description = 'x'\n", "name is missing"),
        ("name = 'x'\n[weight]\nbits = {value = 3, unit = 'bit', source = 's'}\n", "weight: name is missing"),
        ("name = 'x'\n[weight]\nname = 'w'\nbits = 3\n", "weight.bits must be a table"),
        ("name = 'x'\n[weight]\nstep = 3\n", "weight: count is missing"),
        ("name = 'x'\n[[state]]\nname = 's'\nbits = {value = 3, unit = 'bit', source = 's'}\n", "state words without a weight"),
        ("name = \n", "TOMLDecodeError"),
        ("name = 'x'\n[weight]\nname = 'w'\nbits = {value = 3, unit = 'bit'}\n", "weight.bits has no source"),
    ],
)
def test_toml(written, text, problem):
    path = written("chip.toml", text)
    code, output = invoke("check", path)
    assert code == 2
    assert problem in output
    assert str(path) in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "sgd", "--hardware", "loihi"), "did you mean 'loihi1'"),
        (("show", "sgd", "--hardware", "missing.toml"), "there is no hardware file 'missing.toml'"),
        (("run", "hardware", "--hardware", "loihi,odin2"), "unknown hardware 'odin2'"),
        (("run", "hardware", "--engine", "torch"), "leave out --engine torch"),
        (("run", "forgetting", "--hardware", "odin2"), "unknown hardware 'odin2'"),
    ],
)
def test_the_command_line(words, message):
    code, text = invoke(*words)
    assert code == 2
    assert message in text


def test_listed():
    code, text = invoke("list", "hardware")
    assert code == 0
    assert all(name in text for name in ("ideal", "loihi1", "spinnaker1", "brainscales2", "odin", "memristor"))


def test_two_hardware_in_one_file(written):
    text = 'from spikemeta.hardware.profile import Hardware\na = Hardware("a")\nb = Hardware("b")\n'
    assert "exactly one Hardware" in invoke("check", written("two.py", text))[1]


def test_an_unknown_chip_in_a_simulation():
    with pytest.raises(UserError, match="unknown hardware"):
        Simulation(get_rule("sgd"), hardware="odin2")


def test_a_slot_must_be_a_slot():
    with pytest.raises(UserError, match="weight must be a Slot"):
        Hardware("x", weight=4)
    with pytest.raises(UserError, match="weight.bits must be a Quantity"):
        Hardware("x", weight=Slot("weight", 4))


def test_a_profile_may_be_made_from_another():
    path = Path(__file__).parents[2] / "docs" / "memristor_1.py"
    assert invoke("check", path) == (0, "ok\n")
    assert profile.get(str(path)).weight.count.value == 1
