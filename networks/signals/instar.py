"""Instar learning in hidden layers, without labels; the answer learns from errors."""

from dataclasses import replace

from spikemeta.language.rule import Parameter
from spikemeta.networks.signals import error_feedback

_GIVEN = error_feedback.signal
_CARRYING = ("tied_factor", "random_spread")

signal = replace(
    _GIVEN,
    name="instar",
    description="Where no label reaches, every spike of a target draws its synapses' weights towards their sources' traces, as "
    "they are at that spike, so that a neuron's weights become the mean of what makes it fire. At the answer, events meet an "
    "error as in error_feedback; nothing is carried to other layers.",
    reference="instar learning, dw = y (x - w): Grossberg 1976, Biol. Cybern. 23, 121; the answer: Neftci et al. 2017, "
    "Front. Neurosci. 11, 324. That one text holds both, and `imprint`, are ours.",
    traces="""
        derror/dt = -error/tau_error : 1
        dpresent/dt = -present/tau_present : 1
    """,
    on_spike="present += 1",
    on_pre=_GIVEN.on_pre.replace("gradient += ", "gradient += hidden_taught*"),
    on_post="gradient += hidden_instar*(weight - imprint*present_pre)",
    carried="",
    tied="",
    random="",
    parameters={name: given for name, given in _GIVEN.parameters.items() if name not in _CARRYING}
    | {
        "tau_present": Parameter(20.0, "ms", low=0.1),
        "imprint": Parameter(0.0075, "1", "weight over its source's trace when it has learned", low=0),
        "hidden_instar": Parameter(1.0, "1", "how much of it is instar learning", low=0),
        "hidden_taught": Parameter(0.0, "1", "and how much is taught", low=0),
        "readout_instar": Parameter(0.0, "1", low=0),
        "readout_taught": Parameter(1.0, "1", low=0),
    },
)
