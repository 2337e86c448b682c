"""A crossbar of resistive memory: analog weights of several devices, programmed by noisy, asymmetric, nonlinear pulses."""

from spikemeta.hardware.profile import Device, Hardware, Quantity

_FIT = "Gong et al. 2018, Nat. Commun. 9, 2102, in the fit of IBM's aihwkit (preset ReRamES)"


def _fitted(value):
    return Quantity(value, "1", _FIT, "measured", "fit of an exponential-step model to single devices")


hardware = Hardware(
    "memristor",
    "Seven resistive devices per weight, programmed in turn by identical pulses without reading back.",
    weight=Device(
        count=Quantity(7, "device", "Zohora et al.'s largest number of devices per weight (n_mem of their code)"),
        step=_fitted(0.00135),
        asymmetry=_fitted(0.259359),
        slope=_fitted(-0.5),
        offset=_fitted(-0.5),
        steepness_up=_fitted(5.0),
        steepness_down=_fitted(5.0),
        curvature_up=_fitted(-1.18445),
        curvature_down=_fitted(-0.081404),
        noise=_fitted(5.0),
        endurance=Quantity(None, "pulse", "not given with the fit; ranges over orders of magnitude between devices"),
    ),
    prices={
        "synaptic_operation": Quantity(None, "pJ", "depends on the read voltage and time, not given with the fit"),
        "neuron_update": Quantity(None, "pJ", "neurons are outside the crossbar"),
        "weight_update": Quantity(None, "pJ", "per pulse; not given with the fit"),
        "spike": Quantity(None, "pJ", "neurons are outside the crossbar"),
    },
    notes="differences between devices, drift, stuck cells, wire resistance. The devices of a weight are one variable, at "
    "their mean, and noise of a pulse is that of one of them. The controller rounds to whole pulses stochastically.",
)
