"""One malformed learning signal per message, each with its line and remedy."""

import drawn
import numpy as np
import pytest

from spikemeta.backends.networks import brian_learning, plan
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal, SignalError
from spikemeta.networks.signals import stdp

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


def test_a_spike_under_way_cannot_reach_the_next_presentation():
    made = plan.make(drawn.written(forward=", delay = 2"), n_input=3, n_hidden=3, n_classes=2)
    with pytest.raises(UserError, match="hidden, readout: in Brian2 only a delay of one step can learn yet"):
        brian_learning.build(made, [np.zeros((100, 3))], stdp.signal, {"hidden": registry.get_rule("sgd")})
