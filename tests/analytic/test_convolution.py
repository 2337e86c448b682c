"""The convolutional network: against torch's own layers, and its refusals."""

import pytest
import torch

from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.networks.convolution import dropped

NETWORK = registry.load("networks", "convolution")


@pytest.mark.parametrize("planes", [1, 3])
def test_it_is_torchs_own_layers(planes):
    generator = torch.Generator().manual_seed(0)
    weights = NETWORK.start((planes * 12 * 12, 4, 5, 6, 7, 9, 3), generator, "fan_in")
    layers = [
        torch.nn.Unflatten(1, (planes, 12, 12)),
        *(torch.nn.Conv2d(planes, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 5, 3), torch.nn.ReLU()),
        torch.nn.MaxPool2d(2),
        *(torch.nn.Conv2d(5, 6, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(6, 7, 3), torch.nn.ReLU()),
        *(torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(7, 9), torch.nn.ReLU(), torch.nn.Linear(9, 3)),
    ]
    model, learned = torch.nn.Sequential(*layers), iter(weights.values())
    for parameter in model.parameters():
        parameter.data = next(learned)
    images = torch.rand(5, planes * 12 * 12, generator=generator)
    expected = model(images)
    torch.testing.assert_close(NETWORK(weights, images), expected)
    assert expected.abs().max() > 1e-3
    stack = {name: torch.stack([w, 2 * w]) for name, w in weights.items()}
    torch.testing.assert_close(NETWORK(stack, images)[0], expected)


def test_what_is_dropped_leaves_the_mean():
    found = dropped(torch.ones(40_000), 0.25, torch.Generator().manual_seed(0))
    assert set(found.tolist()) == {0.0, torch.tensor(4 / 3).item()}
    assert abs((found == 0).double().mean() - 0.25) < 5 * (0.25 * 0.75 / 40_000) ** 0.5
    weights = NETWORK.start((400, 4, 4, 4, 4, 400, 3), torch.Generator().manual_seed(0), "fan_in")
    images, generator = torch.rand(1, 400), torch.Generator().manual_seed(1)
    first, second = (NETWORK(weights, images, generator) for _ in range(2))
    assert (first != second).all()
    assert (NETWORK(weights, images) == NETWORK(weights, images)).all()


def test_published_sizes_and_start():
    weights = NETWORK.start((3072, 32, 32, 64, 64, 512, 10), torch.Generator().manual_seed(0))
    shapes = {name: tuple(w.shape) for name, w in weights.items() if name.startswith("weight")}
    assert list(shapes.values()) == [(32, 3, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (512, 2304), (10, 512)]
    assert weights["weight6"].abs().max() == 0
    assert abs(weights["weight5"]).max() <= (6 / 2816) ** 0.5


@pytest.mark.parametrize("n_pixels", [64, 100 * 3 - 1, 200])
def test_images_that_it_cannot_see(n_pixels):
    with pytest.raises(UserError, match=f"square images of at least 10 x 10, grey or colour, not {n_pixels} values"):
        NETWORK.start((n_pixels, 4, 4, 4, 4, 9, 3), torch.Generator())
