"""E-prop: every neuron's own history, and an error of the answer that is carried to it directly, not through other neurons."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="eprop",
    description="The gradient of the cross-entropy of the softmax of spike counts, without what a spike does to neurons other "
    "than those that answer: learning signals times eligibility traces, summed backwards in time. Symmetric with tied "
    "feedback, random e-prop with random one. A variable that synapses reach forgets at a spike only what the reset sets; "
    "thresholds that spikes raise are part of the trace.",
    reference="Bellec et al. 2020, Nat. Commun. 11, 3625: learning signals times eligibility traces of leaky and adaptive "
    "neurons, and their derivative, with its factor of 0.3 at steps of 1 ms; here the error is that of the whole presentation",
    derivative="damping*clip(1 - abs(distance), 0, 1)",
    evidence="logit*count",
    through="neuron",
    tied="weight",
    random="random_spread*randn()",
    parameters={
        "damping": Parameter(0.3, "1", "of the derivative", low=0),
        "logit": Parameter(0.25, "1", "what a spike adds to its class in the softmax", low=0),
        "random_spread": Parameter(0.3, "1", "standard deviation of fixed random feedback", low=0),
    },
)
