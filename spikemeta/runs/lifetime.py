"""A population of synapses under a rule: one random pattern after another is stored, and some are tracked as they age."""

from dataclasses import replace

import numpy as np

#: Synapses of a group: the smallest population that is told of.
GROUP = 1000


def forgetting_at(rule, window):
    """A rule whose times of forgetting are these.

    Parameters
    ----------
    rule : Rule
    window : float
        In presentations. It replaces the defaults of what decays are written with, and of what is called ``window``; a chain of
        coupled variables has many times, and keeps its own.

    Returns
    -------
    Rule
    """
    rates = " ".join(f"{d.rate} {d.rest}" for d in rule.analysis.decays.values() if not d.modes)
    parameters = {
        name: replace(p, value=float(window)) if p.unit == "presentation" and (name == "window" or name in rates) else p
        for name, p in rule.parameters.items()
    }
    return replace(rule, parameters=parameters)


def remember(rule, synapses, ages, tracked, before, seed, size=1.0, report=lambda done: None, spacing=None):
    """Store patterns and read tracked ones as they age.

    A memory is one presentation with the gradient ``-size*pattern``, so that a weight is drawn towards its sign; a rule
    that is told of boundaries is told of one before each. Weights begin at zero. The mean weights are read.

    Parameters
    ----------
    rule : Rule
    synapses : int
        A multiple of `GROUP`.
    ages : int
        Memories after a tracked one, itself included, while it is read.
    tracked : int
        Tracked patterns.
    before : int
        Memories before the first of them.
    seed : int
    size : float
        Of the gradient.
    report : callable
        ``report(done)``, the number of memories stored so far.
    spacing : int or None
        Memories from one tracked pattern to the next, so that several age at once. Default: ``ages``, one after another.

    Returns
    -------
    readouts : (tracked, ages, synapses // GROUP)
        Mean of pattern times weight over each group.
    power : (tracked, ages)
        Mean square of the weights.
    """
    import torch

    p = torch.nn.Parameter(torch.zeros(synapses))
    optimizer = rule.optimizer([p], seed=seed)
    generator = torch.Generator().manual_seed(seed)
    readouts, power = np.empty((tracked, ages, synapses // GROUP), np.float32), np.empty((tracked, ages))
    done = 0

    def store():
        nonlocal done
        pattern = torch.randint(0, 2, (synapses,), generator=generator, dtype=torch.int8).float().mul_(2).sub_(1)
        if rule.needs_boundary:
            optimizer.boundary()
        p.grad = pattern * -size

        def closure():
            p.grad = pattern * -size
            return torch.zeros(())

        optimizer.step(closure if rule.analysis.noisy else None)
        optimizer.flush()
        done += 1
        if done % 16 == 0:
            report(done)
        return pattern

    spacing, live = spacing or ages, []
    for step in range(-before, (tracked - 1) * spacing + ages):
        pattern = store()
        if step >= 0 and step % spacing == 0 and step // spacing < tracked:
            live.append((step // spacing, step, pattern.to(torch.int8)))
        if live:
            w = p.detach()
            square = float(w.square().mean())
        for which, born, own in live:
            readouts[which, step - born] = (own * w).view(-1, GROUP).mean(1).numpy()
            power[which, step - born] = square
        live = [one for one in live if step - one[1] < ages - 1]
    optimizer.release()
    return readouts, power
