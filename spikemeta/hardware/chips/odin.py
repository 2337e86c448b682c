"""ODIN: a small digital chip whose synapses learn in single levels."""

from spikemeta.hardware.profile import Hardware, Quantity, Slot

_PAPER = "Frenkel et al. 2019, IEEE Trans. Biomed. Circuits Syst. 13, 145"

hardware = Hardware(
    "odin",
    "Digital, 28 nm, 256 neurons, 64k synapses of 3 bits and a bit that says whether they learn; spike-driven plasticity.",
    weight=Slot("weight", Quantity(3, "bit", f"{_PAPER}, synaptic array (4 bits with the mapping bit)"), False, "stochastic"),
    most_levels=Quantity(
        1,
        "level",
        f"{_PAPER}: one level up or down per presynaptic spike; taken per presentation, as rules run once in each",
        "chosen",
    ),
    events=("presynaptic",),
    operations=(),
    prices={
        "synaptic_operation": Quantity(12.7, "pJ", f"{_PAPER}, abstract (minimum)", "measured", "28 nm FDSOI, 0.55 V"),
        "neuron_update": Quantity(None, "pJ", "part of the price of a synaptic operation"),
        "weight_update": Quantity(None, "pJ", "part of the price of a synaptic operation"),
        "spike": Quantity(None, "pJ", "part of the price of a synaptic operation"),
    },
    notes="learning there is gated by the membrane potential and the neuron's 3-bit calcium, and nothing else; stochastic "
    "rounding stands for that gate, which is none of the rules'. A signed weight is a pair of synapses.",
)
