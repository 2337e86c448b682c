"""BrainScaleS-2: analog neurons and synapses, learning by a vector processor."""

from spikemeta.hardware.profile import Hardware, Quantity, Slot

_PAPER = "Pehle et al. 2022, Front. Neurosci. 16, 795876"

hardware = Hardware(
    "brainscales2",
    "Analog neurons, 65 nm, 1000 times faster than biology. A row of synapses has one sign; a vector processor rewrites it.",
    weight=Slot("weight", Quantity(6, "bit", f"{_PAPER}, synapse circuits"), False, "nearest"),
    prices={
        "synaptic_operation": Quantity(None, "pJ", "not found; the system takes 2.4 uJ per MNIST image, not separable"),
        "neuron_update": Quantity(None, "pJ", "analog: neurons are not updated"),
        "weight_update": Quantity(None, "pJ", "not found"),
        "spike": Quantity(None, "pJ", "not found"),
    },
    notes="fixed-pattern and trial-to-trial noise of the analog circuits (calibrated, no single published number); the 8-bit "
    "conversion of correlations; the processor's own memory, in which some state of some synapses may be kept.",
)
