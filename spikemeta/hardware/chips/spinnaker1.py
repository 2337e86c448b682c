"""SpiNNaker: ARM cores, fixed-point software, synapses in shared memory that are read when a presynaptic spike arrives."""

from spikemeta.hardware.profile import Hardware, Quantity, Slot

_ROW = "synapse_row.h of sPyNNaker (SYNAPSE_WEIGHT_BITS 16)"

hardware = Hardware(
    "spinnaker1",
    "Digital, ARM968 cores, 130 nm. Learning is software that runs when a presynaptic spike brings in a row of synapses.",
    weight=Slot("weight", Quantity(16, "bit", _ROW), False, "nearest"),
    more_state=Slot("word", Quantity(16, "bit", f"software; taken as wide as the weight of {_ROW}", "chosen"), True, "nearest"),
    prices={
        "synaptic_operation": Quantity(
            45,
            "pJ",
            "Tang et al. 2023 (SENECA), Front. Neurosci., PMC10326429, Table 3, citing Stromatias et al. 2013",
            "measured",
            "definitions of a synaptic operation vary, the source warns",
        ),
        "neuron_update": Quantity(None, "pJ", "none found apart from whole-machine energies"),
        "weight_update": Quantity(None, "pJ", "none found apart from whole-machine energies"),
        "spike": Quantity(None, "pJ", "none found apart from whole-machine energies"),
    },
    notes="static power and memory traffic: a whole machine takes about ten thousand times the price of a synaptic operation "
    "(Rhodes et al. 2019; van Albada et al. 2018). Whether rounding is to nearest is up to the software; here it is.",
)
