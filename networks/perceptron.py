"""A multilayer perceptron (rectified linear units), the network of the published settings; not spiking, trained by torch.

It takes its weights as an argument, one set or a stack of them, so that many weight samples cost one evaluation.
"""

import torch


class Perceptron:
    """Fully connected layers with rectified linear units between them."""

    projections = ()
    engines = ()  # no simulation: `spikemeta.runs.training` trains it

    drops = False

    def between(self, x, units):
        """What follows a hidden layer's product with its weights; ``units`` is the dimension of its units."""
        return torch.relu(x)

    def after(self, x, units):
        """What follows the last layer's product."""
        return x

    def fan(self, weight):
        """Inputs of a layer, by which the spread of its weights is chosen."""
        return weight.shape[-1]

    def start(self, sizes, generator, spread="glorot", biases=False):
        """Initial weights.

        Parameters
        ----------
        sizes : tuple of int
            Units of each layer, inputs first.
        generator : torch.Generator
        spread : {"glorot", "glorot_normal"} or float
            ``"glorot"``: uniform within sqrt(6/(n_in + n_out)); ``"glorot_normal"``: normal with variance 2/(n_in + n_out)
            (Glorot & Bengio 2010, AISTATS, eq. 16); a number a: uniform within a/sqrt(n_in).
        biases : bool
            Whether each layer has biases, 0 at the start.

        Returns
        -------
        dict of str to Tensor
            ``weight1`` (n_out, n_in), ``bias1`` (n_out,), ``weight2``, ...
        """
        made = {}
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
            if spread == "glorot_normal":
                weight = torch.randn(n_out, n_in, generator=generator) * (2 / (n_in + n_out)) ** 0.5
            else:
                limit = (6 / (n_in + n_out)) ** 0.5 if spread == "glorot" else spread / n_in**0.5
                weight = (2 * torch.rand(n_out, n_in, generator=generator) - 1) * limit
            made[f"weight{layer}"] = weight
            if biases:
                made[f"bias{layer}"] = torch.zeros(n_out)
        return made

    def __call__(self, weights, images):
        """Activations of the last layer.

        Parameters
        ----------
        weights : dict of str to Tensor
            As from `start`, or each with a first dimension of weight samples.
        images : Tensor, shape (n, n_inputs)

        Returns
        -------
        Tensor, shape (n, n_outputs) or (samples, n, n_outputs)
        """
        layers = [name.removeprefix("weight") for name in weights if name.startswith("weight")]
        stacked = weights[f"weight{layers[0]}"].dim() == 3
        x = images.T if stacked else images  # a stack keeps the images last: one product for all samples, and no copies
        units = -2 if stacked else -1
        for number, layer in enumerate(layers):
            weight, bias = weights[f"weight{layer}"], weights.get(f"bias{layer}")
            x = self.between(x, units) if number else x
            if stacked:
                x = weight @ x if number else (weight.flatten(0, 1) @ x).unflatten(0, weight.shape[:2])
                x = x if bias is None else x + bias.unsqueeze(-1)
            else:
                x = torch.nn.functional.linear(x, weight, bias)
        x = self.after(x, units)
        return x.mT if stacked else x


network = Perceptron()
