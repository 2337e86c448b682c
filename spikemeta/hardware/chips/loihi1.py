"""Intel's first Loihi: digital, sum-of-products learning rules over traces."""

from spikemeta.hardware.profile import Hardware, Quantity, Slot

_PAPER = "Davies et al. 2018, IEEE Micro 38(1), 82"
_PRE_SILICON = "pre-silicon, 0.75 V; consistent with early post-silicon, they say"

hardware = Hardware(
    "loihi1",
    "Digital, asynchronous, 14 nm. A plastic synapse has a weight, a tag and a delay; its learning engine adds up products.",
    weight=Slot("weight", Quantity(9, "bit", f"{_PAPER}, Table 1 (1 to 9 bits)"), rounding="stochastic"),
    state=(
        Slot("tag", Quantity(9, "bit", "synaptic variables of the learning engine in Intel's Lava"), rounding="stochastic"),
        Slot("delay", Quantity(6, "bit", "synaptic variables of the learning engine in Intel's Lava"), False, "stochastic"),
    ),
    update_every=Quantity(
        1,
        "presentation",
        f"{_PAPER}: a learning epoch is at most 63 steps; a presentation of 100 steps holds at least one, and what its epochs "
        "add up to is written once",
        "chosen",
    ),
    operations=(),
    prices={
        "synaptic_operation": Quantity(23.6, "pJ", f"{_PAPER}, Table 2 (stated minimum)", "simulated", _PRE_SILICON),
        "neuron_update": Quantity(81, "pJ", f"{_PAPER}, Table 2 (active; inactive 52)", "simulated", _PRE_SILICON),
        "weight_update": Quantity(120, "pJ", f"{_PAPER}, Table 2 (pair STDP)", "simulated", _PRE_SILICON),
        "spike": Quantity(None, "pJ", "routing depends on how a network lies on the chip; not modelled"),
    },
    notes="the microcode's limits on the number of factors, the rounding of traces (7 bits), weights shared by a core's scale. "
    "A variable in the delay's word leaves no delay.",
)
