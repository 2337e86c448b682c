"""Spike-timing-dependent plasticity at spikes of the target alone: who spoke lately is asked for more, all others for less."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="stdp_offset",
    description="A spike of the target asks for a larger weight of every source whose trace is above an offset, and for a "
    "smaller one of every other, so that a neuron's weights come to look like what makes it fire.",
    reference="Diehl & Cook 2015, Front. Comput. Neurosci. 9, 99: dw = eta (x_pre - x_tar) at a postsynaptic spike (mu = 0), "
    "x_tar = offset; a spike of the source sets its trace to 1, as in the authors' code",
    traces="dearly/dt = -early/tau_plus : 1",
    on_spike="early = 1",
    on_post="gradient -= early_pre - offset",
    parameters={
        "tau_plus": Parameter(20.0, "ms", low=0.1),
        "offset": Parameter(0.2, "1", "of the trace, below which a source counts as silent", low=0, high=1),
    },
)
