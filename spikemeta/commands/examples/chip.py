"""NAME: a chip whose synapses are words of a few bits."""

from spikemeta.hardware.profile import Hardware, Quantity, Slot

# Try it:             spikemeta check NAME.py
# Does a rule fit?    spikemeta show sgd --hardware NAME.py
# Run rules on it:    spikemeta run forgetting --rules sgd --hardware NAME.py
# In the folder spikemeta/hardware/chips/ of a checkout it is found by its name.
_SOURCE = "made up: name here the paper, and where in it the number stands"

hardware = Hardware(
    "NAME",
    "A made-up chip.",
    # Bits of a weight, whether they hold a sign, and how a value between two levels is rounded: "nearest" or "stochastic".
    weight=Slot("weight", Quantity(6, "bit", _SOURCE, "chosen"), True, "nearest"),
    # What nobody published is None, with what was looked for.
    prices={
        "synaptic_operation": Quantity(None, "pJ", "not found"),
        "neuron_update": Quantity(None, "pJ", "not found"),
        "weight_update": Quantity(None, "pJ", "not found"),
        "spike": Quantity(None, "pJ", "not found"),
    },
)
