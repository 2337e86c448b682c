"""One malformed network per message; every problem of a text at once, each with its line and remedy."""

import drawn as networks
import pytest

from spikemeta.errors import NetworkError, UserError
from spikemeta.language import network_files, registry
from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

#: What to replace by what, and the line and message of each problem.
MALFORMED = {
    "equation": ("dv/dt = (current - v)/tau : 1", "dv/dt = (current - v)/tau", [(8, "is not 'dx/dt = ... : 1'")]),
    "undefined": ("(current - v)/tau :", "(curent - v)/tau :", [(8, "undefined name 'curent': declare it in equations")]),
    "unit": ("(current - v)/tau :", "current - v :", [(8, "needs 1/time: divide by a time")]),
    "not linear": (
        "(current - v)/tau :",
        "(current - v**2)/tau :",
        [(8, "dv/dt must be linear in 'v', 'current', 'pool' (it is not")],
    ),
    "product": ("(current - v)/tau :", "(current*v - v)/tau :", [(8, "dv/dt must be linear")]),
    "shared and own": (
        "-pool/tau_synapse",
        "(v - pool)/tau_synapse",
        [(10, "'pool' is shared, but each neuron has its own 'v'")],
    ),
    "kept and not": (
        "dcurrent/dt = -current/tau_synapse : 1",
        "dcurrent/dt = (v - current)/tau_synapse : 1 (kept)",
        [(9, "'current' is kept: its equation holds between presentations, where there is no 'v'")],
    ),
    "kept and fed": (
        "dcurrent/dt = -current/tau_synapse : 1",
        "dcurrent/dt = -current/tau_synapse : 1 (kept)",
        [(22, "'hidden' cannot add to 'current', which is kept: only its own neuron's spikes change it")],
    ),
    "kept for ever": (
        "dcurrent/dt = -current/tau_synapse : 1",
        "dcurrent/dt = -current/tau_synapse : 1\n                dslow/dt = slow/tau : 1 (kept)",
        [(7, "a kept variable grows without bound")],
    ),
    "flag": ("/tau : 1", "/tau : 1 (constant)", [(8, "flags are (shared), where a layer has one of it, and (kept)")]),
    "grows": ("dcurrent/dt = -current", "dcurrent/dt = current", [(7, "grow without bound")]),
    "equal times": (
        "Parameter(5.0,",
        "Parameter(20.0,",
        [(7, "the same time constant, for which Brian2 knows no closed form")],
    ),
    "threshold": ('threshold="v > 1"', 'threshold="v >= 1"', [(12, "must be one comparison with '>', as in 'v > 1'")]),
    "bent threshold": ('threshold="v > 1"', 'threshold="v*v > 1"', [(12, "the threshold must be linear")]),
    "threshold of nothing": ('threshold="v > 1"', 'threshold="spread > 1"', [(12, "depends on no variable")]),
    "reset": ('reset="v = 0"', 'reset="v == 0"', [(13, "is not an assignment such as 'v = 0'")]),
    "reset of a parameter": ('reset="v = 0"', 'reset="tau = 0"', [(13, "'tau' cannot be assigned: it is not a variable")]),
    "reset of a pool": ('reset="v = 0"', 'reset="pool = 0"', [(13, "'pool' cannot be assigned: it is shared by the layer")]),
    "layer": ("hidden : lif(n_hidden)", "hidden = lif(n_hidden)", [(18, "is not 'name : kind(size)'")]),
    "kind": (
        "hidden : lif(n_hidden)",
        "hidden : lfi(n_hidden)",
        [(18, "unknown kind of neurons or input 'lfi'; did you mean 'lif'")],
    ),
    "size": (
        "lif(n_hidden)",
        "lif(n_hiden)",
        [(18, "must be a whole number or one of n_input, n_hidden, n_classes, not 'n_hiden'")],
    ),
    "coding": ("rate(n_input, brightest)", "rate(n_input)", [(17, "needs the rate at full brightness, in Hz")]),
    "coding's unit": ("rate(n_input, brightest)", "rate(n_input, tau)", [(17, "unit mismatch")]),
    "too fast": (
        "Parameter(200.0",
        "Parameter(2000.0",
        [(17, "brightest must be above 0 and at most 1000 Hz, one spike a step")],
    ),
    "two inputs": (
        "readout : lif(n_classes)",
        "readout : given(n_classes)",
        [(23, "'readout' is an input"), (25, "unknown layer")],
    ),
    "unreached": (
        "readout : lif(n_classes)",
        "readout : lif(n_classes)\n        other : lif(3)",
        [(20, "no projection leads from the input to 'other'")],
    ),
    "arrow": ("hidden : input -> hidden,", "hidden : input to hidden,", [(22, "is not 'name : source -> target, ...'")]),
    "end": ("hidden : input -> hidden,", "hidden : inptu -> hidden,", [(22, "unknown layer 'inptu'; did you mean 'input'")]),
    "plastic or fixed": (
        ", plastic, weight = spread*randn(), d",
        ", weight = spread, d",
        [(23, "say of 'readout' whether it is plastic")],
    ),
    "no weight": (", weight = spread*randn(), delay", ", delay", [(23, "'readout' has no weight")]),
    "option": ("delay = 2", "dealy = 2", [(23, "unknown option 'dealy'; did you mean 'delay'")]),
    "delay": ("delay = 2", "delay = 1.5", [(23, "must be a whole number of steps, from 1 to 99, not 1.5")]),
    "drawn delay": ("delay = 2", "delay = 1 + rand()", [(23, "delay is one number for all synapses")]),
    "probability": ("delay = 2", "probability = 1.5", [(23, "must be above 0 and at most 1, not 1.5")]),
    "condition": ("delay = 2", "where = i + j", [(23, "must be a condition on i and j, such as 'i != j'")]),
    "pairs": ("delay = 2", "pairs = ring", [(23, "there is no such list")]),
    "into": ("delay = 2", "into = curent", [(23, "unknown variable of 'readout' in into, 'curent'")]),
    "plastic pool": ("delay = 2", "into = pool", [(23, "'readout' ends at 'pool', of which there is one: it must be fixed")]),
    "nothing plastic": ("plastic", "fixed", [(21, "no projection is plastic")]),
    "answer": ("count(readout)", "most(readout)", [(25, "must be count(LAYER), first(LAYER), mean(LAYER.VARIABLE) or assig")]),
    "answer without": ("count(readout)", "assigned(hidden)", [(25, "or assigned(LAYER, PRESENTATIONS)")]),
    "answer of many": ("count(readout)", "count(readout, 5)", [(25, "must be count(LAYER)")]),
    "answer of none": ("count(readout)", "assigned(hidden, 0)", [(25, "must be from at least 1 presentation, not 0")]),
    "answer of what": ("count(readout)", "assigned(hidden, tua)", [(25, "undefined name 'tua'")]),
    "total alone": ("delay = 2", "total = 3", [(23, "a total is of weights of one sign: let 'readout' have 'least = 0', too")]),
    "total's size": ("delay = 2", "least = 0, total = -3", [(23, "total must be above 0 and finite, least 0; they are -3, 0")]),
    "total's sign": ("delay = 2", "least = -1, total = 3", [(23, "weights that are scaled keep their sign: of 'readout'")]),
    "total drawn": ("delay = 2", "least = 0, total = rand()", [(23, "total is one number for all synapses")]),
    "least fixed": (
        "plastic, weight = spread*randn(), delay = 2",
        "fixed, weight = spread, least = 0",
        [(23, "'readout' is fixed: least and total are for weights that a rule moves")],
    ),
    "least infinite": ("delay = 2", "least = -inf", [(23, "the least weight of 'readout' must be finite, not -inf")]),
    "answer's layer": ("count(readout)", "count(reedout)", [(25, "unknown layer of neurons in answer, 'reedout'")]),
    "answer's size": ("count(readout)", "count(hidden)", [(25, "its size must be n_classes or a number")]),
    "answer's variable": ("count(readout)", "mean(readout.u)", [(25, "unknown variable of 'readout' in answer, 'u'")]),
    "parameter's unit": (
        '"brightest": Parameter(200.0, "Hz")',
        '"brightest": Parameter(200.0, "hz")',
        [(29, "unit must be one of")],
    ),
    "parameter's limit": ("Parameter(20.0", "Parameter(0.5", [(27, "tau must be at least 1, not 0.5")]),
    "two problems": (
        "(current - v)/tau :",
        "(curent - v)/tao :",
        [(8, "undefined name 'curent'"), (8, "undefined name 'tao'")],
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_told_by_line(name, tmp_path):
    old, new, expected = MALFORMED[name]
    assert old in networks.SOUND
    file = tmp_path / "mine.py"
    file.write_text(networks.SOUND.replace(old, new))
    problems = network_files.check_file(file)
    for line, text in expected:
        assert any(p.startswith(f"{file}:{line}: ") and text in p for p in problems), problems
    assert len(problems) <= len(expected) + 1


def test_a_sound_file_is_a_network(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(networks.SOUND)
    assert network_files.check_file(file) == []
    assert registry.get_network(str(file)).name == "mine"
    file.write_text("x = 1")
    with pytest.raises(UserError, match="must define exactly one Network, as in 'network = Network"):
        network_files.load_file(file)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": "two words"}, "must be a word of letters"),
        ({"neurons": {"lif": "dv/dt = -v/tau : 1"}}, "'lif': write Neurons("),
        ({"layers": 3}, "layers must be a text, not 3"),
        ({"parameters": {"tau": 20.0}}, 'write Parameter(20.0, "ms")'),
        ({"pairs": {"ring": [(0, 1), (0, 1)]}}, "'ring' holds a pair twice"),
        ({"neurons": {"lif": Neurons("", "v > 1")}}, "there is no variable"),
        ({"parameters": networks.PARAMETERS | {"presentation": Parameter(10.5, "ms")}}, "a whole number of steps"),
    ],
)
def test_fields_of_another_kind(fields, text):
    with pytest.raises(NetworkError) as error:
        networks.written(**fields)
    assert text in str(error.value)


def test_values_that_make_no_sense_are_told_together():
    network = networks.written()
    with pytest.raises(UserError, match="unknown parameter of network 'drawn' 'tua'") as error:
        network.constants(overrides={"tua": 1.0, "tau_membrane": 0.1})
    assert "tau_membrane must be at least 1" in str(error.value)
    with pytest.raises(UserError, match="a whole number of steps"):
        network.constants(overrides={"step": 3.0})
    with pytest.raises(UserError, match="can take the place of one layer"):
        networks.written(layers="input : given(2)\nhidden : lif(4)\nreadout : lif(n_classes)").stacked((3, 4))


def test_a_network_is_not_a_rule():
    with pytest.raises(NetworkError, match="network 'x' cannot be used"):
        Network("x")
