"""One malformed learning signal per message, each with its line and remedy."""

import drawn
import pytest

from spikemeta.backends.networks import adjoint, brian_input, lesson, plan
from spikemeta.errors import UserError
from spikemeta.language import feedback, registry
from spikemeta.language.network import Neurons
from spikemeta.language.rule import Parameter, Rule
from spikemeta.language.signal import Signal, SignalError
from spikemeta.networks.signals import error_feedback, surrogate

SIZES = {"n_input": 3, "n_hidden": 3, "n_classes": 2}
TAKEN = Neurons("derror/dt = (current - error)/tau_membrane : 1\ncurrent : 1", "error > 1", "error = 0")
SOUND = {
    "name": "mine",
    "traces": "dlately/dt = -lately/tau : 1",
    "on_spike": "lately += 1",
    "on_pre": "gradient += strength*lately_post",
    "on_post": "gradient -= lately_pre",
    "parameters": {"tau": Parameter(20.0, "ms"), "strength": Parameter(1.0)},
}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"traces": "dlately/dt = -lately*lately/tau : 1"}, "traces, line 1: dlately/dt must be linear"),
        ({"traces": "dlately/dt = -lately/tao : 1"}, "undefined name 'tao': declare it in traces or parameters"),
        ({"traces": "dlately/dt = -lately/tau : 1 (shared)"}, "lately must be a trace of each neuron"),
        ({"on_spike": "latly += 1"}, "'latly' cannot be assigned"),
        ({"on_pre": "w += lately_post"}, "on_pre, line 1: 'w += lately_post' must add to the gradient"),
        ({"on_pre": "gradient = lately_post"}, "must add to the gradient, as in 'gradient += depress*x_post'"),
        ({"on_post": "gradient -= lately"}, "undefined name 'lately'"),
        ({"on_pre": "gradient += tau"}, "on_pre, line 1: unit mismatch"),
        ({"on_pre": "", "on_post": ""}, "nothing is added to the gradient"),
        ({"parameters": {"tau": 20.0}}, "write Parameter(20.0, 'ms')"),
        ({"parameters": {"tau": Parameter(20.0, "presentation")}}, "unit must be one of"),
    ],
)
def test_a_malformed_signal_is_told(fields, text):
    assert Signal(**SOUND).name == "mine"
    with pytest.raises(SignalError) as error:
        Signal(**SOUND | fields)
    assert text in str(error.value)


TEACHING = {
    "traces": "derror/dt = -error/tau : 1",
    "on_spike": "",
    "on_pre": "gradient += error_post",
    "on_post": "",
    "on_answer": "error += 1",
    "on_teach": "error -= 1",
    "teach_rate": "fast*right",
    "carried": "error",
    "tied": "strength*weight",
    "random": "strength*randn()",
    "parameters": {"tau": Parameter(20.0, "ms"), "strength": Parameter(1.0), "fast": Parameter(100.0, "Hz")},
}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"on_answer": "eror += 1"}, "on_answer, line 1: 'eror += 1' must add to a trace, as in 'error += 1'"),
        ({"on_answer": "error += error_post"}, "undefined name 'error_post'"),
        ({"on_teach": ""}, "teach_rate and on_teach need each other"),
        ({"teach_rate": "strength*right"}, "teach_rate, line 1: unit mismatch"),
        ({"carried": "eror"}, "'eror' is no trace; valid: error"),
        ({"carried": ""}, "say which, as in carried='error'"),
        ({"tied": "strength"}, "say by which factor a trace is carried, of weight"),
        ({"random": ""}, "say by which factor a trace is carried, of randn"),
        ({"on_pre": "gradient += randn()*error_post"}, "may be drawn only in random"),
        (
            {"parameters": TEACHING["parameters"] | {"readout_tau": Parameter(1.0)}},
            "takes the place of 'hidden_tau', which must be",
        ),
    ],
)
def test_a_malformed_teaching_signal_is_told(fields, text):
    assert Signal(**SOUND | TEACHING).name == "mine"
    with pytest.raises(SignalError) as error:
        Signal(**SOUND | TEACHING | fields)
    assert text in str(error.value)


HISTORY = {"derivative": "strength*clip(1 - abs(distance), 0, 1)", "evidence": "strength*count"}
HISTORY |= dict.fromkeys(("traces", "on_spike", "on_pre", "on_post"), "")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"derivative": "strength*distnce"}, "undefined name 'distnce'"),
        ({"derivative": "tau*distance"}, "derivative, line 1: unit mismatch"),
        ({"derivative": ""}, "say what stands for a spike's derivative"),
        ({"evidence": ""}, "say what count is multiplied by, as in 'logit*count'"),
        ({"evidence": "strength + count"}, "'strength + count' must be a multiple of count"),
        ({"on_pre": "gradient += 1"}, "the gradient comes from the whole presentation: leave out on_pre"),
        ({"through": "neurons"}, "unknown through 'neurons'; did you mean 'neuron'"),
        ({"through": "neuron"}, "say by which factor a trace is carried, of weight"),
        ({"through": "neuron", "tied": "1 + weight", "random": "randn()"}, "'1 + weight' must be a multiple of weight"),
    ],
)
def test_a_malformed_history_is_told(fields, text):
    assert Signal(**SOUND | HISTORY).historical
    with pytest.raises(SignalError) as error:
        Signal(**SOUND | HISTORY | fields)
    assert text in str(error.value)


def test_a_gradient_that_a_network_has_not_is_told():
    first = plan.make(drawn.written(answer="first(readout)"), **SIZES)
    with pytest.raises(UserError, match=r"signal 'surrogate': the answer must be a number of spikes, count\(readout\)"):
        adjoint.Adjoint(lesson.make(first, surrogate.signal))
    with pytest.raises(UserError, match="goes back through the network's own weights: leave out feedback 'random'"):
        lesson.make(plan.make(drawn.written(), **SIZES), surrogate.signal, "random")
    with pytest.raises(UserError, match="unknown feedback 'surogate'; did you mean 'surrogate'"):
        feedback.way_of("surogate")


def test_names_that_mean_two_things_are_told():
    units = drawn.written(parameters=drawn.PARAMETERS | {"onset": Parameter(3.0)})
    variables = drawn.written("mine", neurons={"lif": drawn.LIF, "mine": TAKEN})
    with pytest.raises(UserError, match="'onset' has the unit 1 in the network, ms in the signal: rename it"):
        lesson.make(plan.make(units, **SIZES), error_feedback.signal)
    with pytest.raises(UserError, match="variable 'error' of the neurons has the name of a trace"):
        lesson.make(plan.make(variables, **SIZES), error_feedback.signal)
    with pytest.raises(UserError, match="unknown feedback 'ties'; did you mean 'tied'"):
        lesson.make(plan.make(drawn.written(), **SIZES), error_feedback.signal, "ties")


def test_a_network_that_cannot_learn_from_images_is_told(tmp_path):
    given = drawn.written(layers="input : given(4)\nhidden : lif(3)\nreadout : lif(2)")
    with pytest.raises(UserError, match="takes given spikes, not images"):
        brian_input.of_images(plan.make(given, **SIZES), None, None)
    with pytest.raises(UserError, match="unknown signal 'stpd'; did you mean 'stdp'"):
        registry.get_signal("stpd")
    with pytest.raises(UserError, match="there is no file of a signal"):
        registry.get_signal(str(tmp_path / "no.py"))
    (tmp_path / "none.py").write_text("x = 1")
    with pytest.raises(UserError, match="must define exactly one Signal"):
        registry.get_signal(str(tmp_path / "none.py"))


def test_a_rule_and_a_signal_with_the_same_variable_are_told():
    rule = Rule("mine", state="w : 1\nlately : 1", weight="w", initial="w = w_init\nlately = 0", on_gradient="w -= gradient")
    with pytest.raises(UserError, match="rule 'mine', signal 'mine': both have a variable 'lately': rename it in the rule"):
        lesson.told_apart(Signal(**SOUND), {"hidden": rule})
    lesson.told_apart(Signal(**SOUND), {"hidden": registry.get_rule("stc")})
