"""Spike-timing-dependent plasticity of triplets: pairs count more the sooner they follow another spike of their own side."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="stdp_triplet",
    description="As pairs, and each weighed by a slow trace of the spiking side's own earlier spikes.",
    reference="Pfister & Gerstner 2006, J. Neurosci. 26, 9673, eq. 2-4; values of all-to-all pairs, visual cortex, table 4",
    traces="""
        dr1/dt = -r1/tau_plus : 1
        dr2/dt = -r2/tau_x : 1
        do1/dt = -o1/tau_minus : 1
        do2/dt = -o2/tau_y : 1
    """,
    on_spike="""
        r1 += 1
        r2 += 1
        o1 += 1
        o2 += 1
    """,
    on_pre="gradient += o1_post*(pair_minus + triplet_minus*r2_pre)",
    on_post="gradient -= r1_pre*(pair_plus + triplet_plus*o2_post)",
    parameters={
        "tau_plus": Parameter(16.8, "ms", low=0.1),
        "tau_minus": Parameter(33.7, "ms", low=0.1),
        "tau_x": Parameter(101.0, "ms", low=0.1),
        "tau_y": Parameter(125.0, "ms", low=0.1),
        "pair_plus": Parameter(5e-10, low=0),
        "pair_minus": Parameter(7e-3, low=0),
        "triplet_plus": Parameter(6.2e-3, low=0),
        "triplet_minus": Parameter(2.3e-4, low=0),
    },
)
