"""The convolutional network of the published CIFAR settings; not spiking, trained by torch.

Two convolutions of 3 x 3, the first with a margin, rectified, and a maximum over 2 x 2; the same again, wider; a dense layer;
the answers. Dropout of 1/4 after each pooling and of 1/2 after the dense layer, in training (Zenke, Poole & Ganguli 2017,
ICML, and their code; Bonnet et al. 2025 took it over). Its weights come as an argument, as in `perceptron`.
"""

import math

import torch
from torch.nn import functional

from spikemeta.errors import UserError

DROPPED = (0.25, 0.25, 0.5)
SMALLEST = 10  # rows of an image that survive both poolings


class Convolution:
    """Four convolutions, a dense layer and the answers."""

    projections = ()
    engines = ()  # no simulation: `spikemeta.runs.training` trains it

    drops = True

    def fan(self, weight):
        """Outputs of a kernel, counted over its places, by which the authors of MESU choose the spread of its weights."""
        return weight.shape[0] * math.prod(weight.shape[2:])

    def start(self, sizes, generator, spread="glorot", biases=True):
        """Initial weights.

        Parameters
        ----------
        sizes : tuple of int
            (n_pixels, four numbers of maps, units of the dense layer, n_classes); published: 32, 32, 64, 64, 512. Colour images
            are three square planes, others one.
        generator : torch.Generator
        spread : {"glorot", "fan_in"}
            ``"glorot"``: uniform within sqrt(6/(n_in + n_out)), inputs and outputs of a kernel counted over its places;
            ``"fan_in"``: uniform within sqrt(2/n_in).
        biases : bool

        Returns
        -------
        dict of str to Tensor
            ``weight1`` (maps, planes, 3, 3) to ``weight4``, ``weight5`` (units, inputs), ``weight6`` (n_classes, units); and
            ``bias1``, ... Biases are 0, and so are the answers' weights with ``"glorot"``, as published.

        Raises
        ------
        UserError
            For images that are not square, or too small.
        """
        n_pixels, *maps, dense, classes = sizes
        planes, side = plane_of(n_pixels)
        shapes = [(n_out, n_in, 3, 3) for n_in, n_out in zip([planes, *maps], maps, strict=False)]
        after = ((side - 2) // 2 - 2) // 2
        shapes += [(dense, maps[-1] * after**2), (classes, dense)]
        made = {}
        for layer, shape in enumerate(shapes, 1):
            places = math.prod(shape[2:])
            n_in, n_out = shape[1] * places, shape[0] * places
            limit = (2 / n_in) ** 0.5 if spread == "fan_in" else (6 / (n_in + n_out)) ** 0.5
            limit *= spread == "fan_in" or layer < len(shapes)
            made[f"weight{layer}"] = (2 * torch.rand(shape, generator=generator) - 1) * limit
            if biases:
                made[f"bias{layer}"] = torch.zeros(shape[0])
        return made

    def __call__(self, weights, images, generator=None):
        """Activations of the answers.

        Parameters
        ----------
        weights : dict of str to Tensor
            As from `start`, or each with a first dimension of weight samples.
        images : Tensor, shape (n, n_pixels)
        generator : torch.Generator or None
            Draws what is dropped; None: nothing is.

        Returns
        -------
        Tensor, shape (n, n_classes) or (samples, n, n_classes)
        """
        if weights["weight1"].dim() == 5:
            samples = range(len(weights["weight1"]))
            return torch.stack([self({k: w[s] for k, w in weights.items()}, images, generator) for s in samples])

        def layer(x, number, operation, **how):
            return operation(x, weights[f"weight{number}"], weights.get(f"bias{number}"), **how)

        planes, side = plane_of(images.shape[1])
        x = images.reshape(-1, planes, side, side)
        for block, chance in zip((0, 1), DROPPED, strict=False):
            x = torch.relu(layer(x, 2 * block + 1, functional.conv2d, padding=1))
            x = torch.relu(layer(x, 2 * block + 2, functional.conv2d))
            x = dropped(functional.max_pool2d(x, 2), chance, generator)
        x = dropped(torch.relu(layer(x.flatten(1), 5, functional.linear)), DROPPED[2], generator)
        return layer(x, 6, functional.linear)


def plane_of(n_pixels):
    """Planes and rows of square images with this many values.

    Raises
    ------
    UserError
        If they are not square, or too small.
    """
    for planes in (1, 3):
        side = math.isqrt(n_pixels // planes)
        if planes * side * side == n_pixels and side >= SMALLEST:
            return planes, side
    raise UserError(
        f"network 'convolution' sees square images of at least {SMALLEST} x {SMALLEST}, grey or colour, not {n_pixels} values"
    )


def dropped(x, chance, generator):
    """x with each value 0 by this chance and the others enlarged, so that the mean stays; unchanged without a generator."""
    if generator is None:
        return x
    return x * (torch.rand(x.shape, generator=generator) >= chance) / (1 - chance)


network = Convolution()
