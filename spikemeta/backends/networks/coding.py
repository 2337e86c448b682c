"""Stimuli as input spikes, in torch."""

import torch


def draw(plan, images, generator):
    """Input spikes, as the network's input layer codes brightness.

    Parameters
    ----------
    plan : Plan
    images : Tensor, (batch, n_input), brightness 0 to 1
    generator : torch.Generator
        For ``rate``: in each step a spike with probability brightness x rate x step.

    Returns
    -------
    Tensor, (steps, batch, n_input), 0 or 1
        For ``latency``: one spike at (1 - brightness) x latest, none of a dark input.

    Raises
    ------
    ValueError
        For ``given`` spikes, which no image has.
    """
    layer, si = plan.network.structure.layers[plan.network.input], plan.network.si(plan.constants)
    if layer.kind == "given":
        raise ValueError(f"network {plan.network.name!r} takes given spikes, not images")
    value = float(plan.network.value(layer.argument, si))
    flat = images.flatten()
    bright = flat.nonzero().squeeze(1)  # dark pixels are silent: most of an image needs no random numbers
    out = torch.zeros((plan.steps, flat.numel()), dtype=images.dtype)
    if layer.kind == "rate":
        chance = flat[bright] * (value * si["step"])
        out[:, bright] = (torch.rand((plan.steps, len(bright)), generator=generator) < chance).to(images.dtype)
    else:
        when = ((1 - flat[bright]) * (value / si["step"])).long().clamp(max=plan.steps - 1)
        out[when, bright] = 1
    return out.view(plan.steps, *images.shape)
