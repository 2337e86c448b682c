"""The exact surrogate gradient of a presentation, from what every neuron did in it; any number of layers, and recurrence."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="surrogate",
    description="The gradient of the cross-entropy of the softmax of spike counts, a smooth derivative standing for that of a "
    "spike: a sum over the source's spikes of the adjoint of the target's equations, which runs backwards when the "
    "presentation is over. It is what backpropagation through time gives in torch for the same network and spikes.",
    reference="surrogate gradients: Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36, 51; the derivative of a fast "
    "sigmoid: Zenke & Ganguli 2018, Neural Comput. 30, 1514",
    derivative="step/escape/(1 + slope*abs(distance))**2",
    evidence="logit*count",
    through="network",
    parameters={
        "step": Parameter(1.0, "ms", "as of the network", low=1e-3),
        "escape": Parameter(4.0, "ms", "as of the network", low=1e-3),
        "logit": Parameter(0.25, "1", "what a spike adds to its class in the softmax", low=0),
    },
)
