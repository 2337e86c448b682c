"""The perceptron that binary Bayesian synapses were published in: layers normalised, units that answer to both signs.

Each layer's product with its weights is normalised over its units to mean 0 and variance 1, the last layer's too. A hidden
unit is then 1 where that is beyond 1 or -1, else 0, so that activations are binary as the weights are; gradients pass it
within a half of the two thresholds (Cottart, Ballet, Bonnet & Querlioz 2026, ICML, arXiv 2605.30198, and their code: layer
normalisation without constants of its own, "reverse binary gate" of width 1). Not spiking, trained by torch; weights are an
argument, as in `perceptron`.
"""

import torch

from spikemeta.networks.perceptron import Perceptron

_SMALLEST = 1e-5  # added to the variance, as theirs


class Gate(torch.autograd.Function):
    """1 beyond a threshold of either sign; the derivative is 1 about the upper one and -1 about the lower one."""

    @staticmethod
    def forward(ctx, x):
        """x : Tensor, any shape."""
        ctx.save_for_backward(x)
        return (x.abs() > 1).to(x.dtype)

    @staticmethod
    def backward(ctx, found):
        """found : Tensor, the gradient with respect to what `forward` gave."""
        (x,) = ctx.saved_tensors
        near = (x.abs() - 1).abs() < 0.5
        return found * near * torch.sign(x)


def normalised(x, units):
    """x with mean 0 and variance 1 along the dimension ``units``."""
    centred = x - x.mean(units, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(units, keepdim=True) + _SMALLEST)


class GatedPerceptron(Perceptron):
    """Fully connected layers, each normalised, with binary gates between them."""

    def between(self, x, units):
        """What follows a hidden layer's product with its weights."""
        return Gate.apply(normalised(x, units))

    def after(self, x, units):
        """What follows the last layer's product."""
        return normalised(x, units)


network = GatedPerceptron()
