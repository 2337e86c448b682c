"""The feedforward network for surrogate gradients: snnTorch's neurons, trained by backpropagation through time.

Input, sizes and time constants are those of `feedforward`; weights mean the same in both. In a presentation of T steps
that starts at rest, input reaches the hidden potential a step later, and hidden spikes the readout's: T - 1 steps of the
hidden layer and T - 2 of the readout are all that happens. They are computed layer by layer, all steps of a projection in one
matrix product.
"""

import copy
import math
from dataclasses import asdict, dataclass

import torch

from spikemeta.data import tuned
from spikemeta.networks import feedforward

_SAME = feedforward.Parameters()


@dataclass(frozen=True)
class Parameters:
    """Constants of the network: times in ms, rates in Hz, potentials in units of the threshold, which is 1.

    Source: surrogate gradients, Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36, 51; the derivative of a fast
    sigmoid, Zenke & Ganguli 2018, Neural Comput. 30, 1514. The values come from the search that the docs describe.
    """

    presentation: float = _SAME.presentation  # ms
    step: float = 4.0  # ms; with 1 the neurons are exactly those of feedforward
    input_rate: float = _SAME.input_rate  # Hz, at full brightness
    tau_membrane: float = _SAME.tau_membrane  # ms
    tau_synapse: float = _SAME.tau_synapse  # ms
    hidden_spread: float = 0.06  # standard deviation of the initial weights
    readout_spread: float = 0.1
    hidden_slope: float = 5.0  # of the surrogate: d spike/d v = step/escape/(1 + slope*|v - 1|)^2
    readout_slope: float = 1.0
    escape: float = 4.0  # ms; with it gradients hardly depend on the step
    logit: float = 0.25  # what a spike adds to its class in the softmax

    def problems(self):
        """What is wrong with the values: each must be finite, times and rates positive, the others not negative."""
        found = []
        for name, value in asdict(self).items():
            positive = not name.endswith("spread")
            if not math.isfinite(value) or (positive and value <= 0) or value < 0:
                found.append(f"{name} must be a finite number {'above 0' if positive else 'of at least 0'}, not {value!r}")
        if not found and (self.presentation / self.step < 3 or self.presentation % self.step):
            found.append(f"presentation must be a whole number of steps, at least 3, not {self.presentation / self.step:g}")
        if not found and self.input_rate * self.step > 1000:
            found.append(f"input_rate must be at most {1000 / self.step:g} Hz: a step is {self.step:g} ms, and holds one spike")
        if not found and self.tau_membrane == self.tau_synapse:
            found.append(f"tau_membrane and tau_synapse must differ (both are {self.tau_membrane:g} ms), for the closed form")
        return found

    @property
    def steps(self):
        """Steps of a presentation."""
        return round(self.presentation / self.step)

    @property
    def decays(self):
        """Factors by which a synaptic current and a membrane potential fall in a step."""
        return math.exp(-self.step / self.tau_synapse), math.exp(-self.step / self.tau_membrane)

    @property
    def gain(self):
        """Potential, one step later, per current: dv/dt = I/tau_synapse - v/tau_membrane, integrated exactly."""
        synapse, membrane = self.decays
        return (membrane - synapse) * self.tau_membrane / (self.tau_membrane - self.tau_synapse)


class _Neurons(torch.autograd.Function):
    """Spikes of a layer over all steps: ``snntorch.Synaptic`` that resets to zero at once, step after step, and its gradient.

    drive, spikes : (steps, batch, n). The reset passes no gradient back.
    """

    @staticmethod
    def forward(ctx, drive, synapse, membrane, slope, scale):
        current, v = torch.zeros_like(drive[0]), torch.zeros_like(drive[0])
        potential = torch.empty_like(drive)
        for x, before_reset in zip(drive, potential, strict=True):
            current.mul_(synapse).add_(x)
            before_reset.copy_(v.mul_(membrane).add_(current))
            v.masked_fill_(v > 1, 0)
        ctx.constants = synapse, membrane, slope, scale
        ctx.save_for_backward(potential)
        return (potential > 1).to(drive.dtype)

    @staticmethod
    def backward(ctx, grad):
        (potential,), (synapse, membrane, slope, scale) = ctx.saved_tensors, ctx.constants
        gradient = scale * grad / (slope * (potential - 1).abs_() + 1).square_()
        kept = (potential <= 1).to(grad.dtype).mul_(membrane)
        current, v = torch.zeros_like(grad[0]), torch.zeros_like(grad[0])
        for out, keep in zip(reversed(gradient.unbind()), reversed(kept.unbind()), strict=True):
            v.mul_(keep).add_(out)
            out.copy_(current.mul_(synapse).add_(v))
        return gradient, None, None, None, None


class Surrogate:
    """The network as `spikemeta.simulation.simulation` uses it."""

    projections = ("hidden", "readout")
    engines = ("torch",)

    def parameters(self, task="", dataset="", overrides=None):
        """Constants for a task: defaults, then tuned ones, then overrides.

        Raises
        ------
        UserError
            For an override that names no constant of the network, or a value that makes no sense.
        """
        return tuned.choose("surrogate", "torch", Parameters(), task, dataset, overrides)

    def start(self, sizes, parameters, rng):
        """Initial weights, drawn from a seed.

        Parameters
        ----------
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Parameters
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray
            ``hidden`` (n_input, n_hidden), ``readout`` (n_hidden, n_classes); 1.
        """
        n_input, n_hidden, n_classes = sizes
        return {
            "hidden": parameters.hidden_spread * rng.standard_normal((n_input, n_hidden)),
            "readout": parameters.readout_spread * rng.standard_normal((n_hidden, n_classes)),
        }

    def ready(self, sizes, parameters, start):
        """The network for sizes (n_input, n_hidden, n_classes): itself, which is told all with each call."""
        made = copy.copy(self)
        made.n_hidden = sizes[1]
        return made

    def draw(self, images, parameters, generator):
        """Input spikes: in each step with probability brightness x input_rate x step.

        Parameters
        ----------
        images : Tensor, (batch, n_input), brightness 0 to 1
        parameters : Parameters
        generator : torch.Generator

        Returns
        -------
        Tensor, (steps, batch, n_input), 0 or 1
        """
        flat = images.flatten()
        bright = flat.nonzero().squeeze(1)  # dark pixels are silent: most of an image needs no random numbers
        chance = flat[bright] * (parameters.input_rate * parameters.step / 1000)
        out = torch.zeros((parameters.steps, flat.numel()), dtype=images.dtype)
        out[:, bright] = (torch.rand((parameters.steps, len(bright)), generator=generator) < chance).to(images.dtype)
        return out.view(parameters.steps, *images.shape)

    def respond(self, weights, spikes, parameters):
        """Spikes of both layers, one presentation from rest.

        Parameters
        ----------
        weights : dict of str to Tensor
            ``hidden`` (n_input, n_hidden), ``readout`` (n_hidden, n_classes); as in `feedforward`.
        spikes : Tensor, (steps, batch, n_input)
        parameters : Parameters

        Returns
        -------
        hidden : Tensor, (steps - 1, batch, n_hidden)
            From the second step on: in the first nothing has arrived.
        readout : Tensor, (steps - 2, batch, n_classes)
            From the third step on.
        """
        p = parameters
        scale = p.step / p.escape
        hidden = _Neurons.apply(spikes[:-1] @ (p.gain * weights["hidden"]), *p.decays, p.hidden_slope, scale)
        return hidden, _Neurons.apply(hidden[:-1] @ (p.gain * weights["readout"]), *p.decays, p.readout_slope, scale)

    def loss(self, counts, labels, parameters, allowed=None):
        """Cross-entropy of the softmax of spike counts, mean over the batch.

        Parameters
        ----------
        counts : Tensor, (batch, n_classes)
        labels : Tensor, (batch,) int64
        parameters : Parameters
        allowed : sequence of int or None
            Answers in the softmax; no gradient reaches the others. None: all of them.

        Returns
        -------
        Tensor, nats
        """
        logits = parameters.logit * counts
        if allowed is not None:
            others = torch.ones(logits.shape[1], dtype=torch.bool)
            others[list(allowed)] = False
            logits = logits.masked_fill(others, -math.inf)
        return torch.nn.functional.cross_entropy(logits, labels)


network = Surrogate()
