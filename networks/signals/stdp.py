"""Spike-timing-dependent plasticity of pairs: every spike meets every earlier one of the other side."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="stdp",
    description="A target's spike after one of the source asks for a larger weight, the other order for a smaller one, "
    "fading with the time between them.",
    reference="Song, Miller & Abbott 2000, Nat. Neurosci. 3, 919; all pairs, by traces (Morrison, Diesmann & Gerstner 2008)",
    traces="""
        dearly/dt = -early/tau_plus : 1
        dlate/dt = -late/tau_minus : 1
    """,
    on_spike="""
        early += 1
        late += 1
    """,
    on_pre="gradient += depress*late_post",
    on_post="gradient -= potentiate*early_pre",
    parameters={
        "tau_plus": Parameter(20.0, "ms", low=0.1),
        "tau_minus": Parameter(20.0, "ms", low=0.1),
        "potentiate": Parameter(1.0, "1", "of a pair at no distance; the rule's lr scales both", low=0),
        "depress": Parameter(1.05, "1", low=0),
    },
)
