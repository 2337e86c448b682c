"""What neurons do while images are shown: as the float64 reference says, neuron by neuron; as xarray and Neo."""

from dataclasses import replace

import numpy as np
import pytest

from spikemeta.backends.networks import plan, reference
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.simulation import activity
from spikemeta.simulation.simulation import Simulation

CURRICULUM = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=8, test_limit=4)
PLACES = {
    "torch": {"engine": "torch", "n_hidden": 6},
    "feedforward": {"mode": "runtime", "network": "feedforward", "n_hidden": 6, "network_parameters": {"inhibition": 0.05}},
    "recurrent": {"engine": "torch", "network": "recurrent", "n_hidden": 6},
    "deep": {"engine": "torch", "n_hidden": (6, 5)},
}


def shown(place, variables=(), rule="sgd", **more):
    """Activity for three images under drawn weights, large enough to fire."""
    simulation = Simulation(registry.get_rule(rule), **PLACES[place])
    sizes = 64, simulation.n_hidden, CURRICULUM.n_classes
    start, _ = simulation.begin(CURRICULUM, sizes, 3)
    weights = {p: (2 if p == "readout" else 0.3) + 3 * start[p] for p in simulation.network.projections}
    how = {"weights": weights, "images": CURRICULUM.dataset.test_images[:3]} | more
    return simulation, start, how["weights"], activity.show(simulation, CURRICULUM, variables=variables, seed=3, **how)


@pytest.mark.parametrize("place", PLACES)
def test_every_spike_and_potential_is_that_of_the_reference(place):
    names = ("hidden.v", "readout.v", *(["hidden.adaptation"] if place == "recurrent" else []))
    simulation, start, weights, found = shown(place, names)
    text = registry.get_network("recurrent" if place == "recurrent" else "feedforward")
    text = text.stacked(simulation.layers) if place == "deep" else text
    constants = simulation.constants(CURRICULUM)["network"]
    own = {name: value for name, value in constants.items() if name in text.parameters} | {"step": found.step}
    made = plan.make(text, 64, 6, 2, text.constants(own))
    pairs = {name: tuple(start[f"pairs {name}"]) if f"pairs {name}" in start else None for name in made.connections}
    made = replace(made, connections=pairs)
    fixed = {"inhibition": np.full_like(made.weights["inhibition"], 0.05)} if place == "feedforward" else {}
    for image in range(3):
        fired, seen = reference.run(made, found.spikes["input"][image], weights | fixed)
        for layer, there in fired.items():
            np.testing.assert_array_equal(found.spikes[layer][image], there, err_msg=layer)
        for name in names:
            layer, _, variable = name.partition(".")
            there = seen[layer][:, made.layers[layer].variables.index(variable)]
            np.testing.assert_allclose(found.variables[name][image], there, rtol=0, atol=1e-12)  # sums in another order
    assert all(values.any() for values in found.spikes.values())
    assert found.step == (1.0 if place == "feedforward" else 4.0)


def test_it_becomes_a_data_set_and_neo_segments():
    *_, found = shown("torch", ["hidden.v"])
    data = found.to_dataset()
    assert data["hidden.spikes"].dims == ("image", "time", "hidden_neuron") == data["hidden.v"].dims
    assert data.time.values.tolist() == [4.0 * k for k in range(25)]
    block = found.to_neo()
    assert len(block.segments) == 3
    for image, segment in enumerate(block.segments):
        assert len(segment.spiketrains) == 64 + 6 + 2
        for train in segment.spiketrains:
            fired = found.spikes[train.annotations["layer"]][image, :, train.annotations["neuron"]]
            np.testing.assert_array_equal(np.asarray(train.rescale("ms")), 4.0 * fired.nonzero()[0])
        (signal,) = segment.analogsignals
        np.testing.assert_array_equal(np.asarray(signal), found.variables["hidden.v"][image])


def test_what_does_not_fit_is_told_at_once():
    images = CURRICULUM.dataset.test_images[:2].astype(float)
    with pytest.raises(UserError) as error:
        shown("torch", ["hiden.v"], weights={"hidden": np.zeros((64, 5)), "redout": np.zeros((6, 2))}, images=images)
    for text in ("'hiden.v'; did you mean 'hidden.v'", "(64, 6), not (64, 5)", "'readout' must have", "'redout'", "uint8"):
        assert text in str(error.value)
