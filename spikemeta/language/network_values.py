"""What is wrong with values of a network's parameters, though each is within its own limits."""

import numpy as np

from spikemeta.language.neuron_checking import SIZES


def problems(network, constants):
    """Problems of these values; as of `spikemeta.language.network.Network.value_problems`.

    Parameters
    ----------
    network : Network
    constants : dict of str to float
        By name, each in its unit.

    Returns
    -------
    list of (str, int, str)
        Field, line, message.
    """
    found, si, structure = [], network.si(constants), network.structure
    steps = si["presentation"] / si["step"]
    if abs(steps - round(steps)) > 1e-9 * steps or steps < 2:
        return [("parameters.presentation", 0, f"presentation must be a whole number of steps, at least 2, not {steps:g}")]
    for name, kind in structure.kinds.items():
        try:
            found += [
                (f"neurons.{name}.equations", 0, f"neurons {name!r}: {text}")
                for text in kind.dynamics.at(si, si["step"]).problems()
            ]
        except (ArithmeticError, ValueError, TypeError) as error:
            found.append((f"neurons.{name}.equations", 0, f"cannot be evaluated at these values: {error}"))
    for layer in structure.layers.values():
        value = layer.argument and float(network.value(layer.argument, si))
        if layer.kind == "rate" and not 0 < value * si["step"] <= 1 + 1e-9:
            text = f"{layer.argument} must be above 0 and at most {1 / si['step']:g} Hz, one spike a step; it is {value:g} Hz"
            found.append(("layers", layer.line, text))
        if layer.kind == "latency" and not 0 < value <= si["presentation"]:
            text = f"{layer.argument} must be above 0 and within the presentation; it is {1000 * value:g} ms"
            found.append(("layers", layer.line, text))
        if layer.slope and not 0 <= float(network.value(layer.slope, si)) < np.inf:
            found.append(("layers", layer.line, f"slope = {layer.slope} must be finite and at least 0"))
    how, layer, recent = structure.answer
    if how == "assigned" and not network.value(recent, si) >= 1:
        found.append(("answer", 0, f"the answer of {layer!r} must be from at least 1 presentation, not {recent}"))
    return found + _of_projections(network, si, round(steps), constants)


def _of_projections(network, si, steps, constants):
    found, rng = [], np.random.default_rng(0)
    toy = {name: 3 for name in SIZES}
    space = si | toy | {"n_pre": 3, "n_post": 3}
    for name, p in network.structure.projections.items():
        say = lambda text, line=p.line: found.append(("projections", line, text))  # noqa: E731
        delay = network.value(p.delay, space)
        if not 1 <= delay < steps or delay != int(delay):
            say(f"the delay of {name!r} must be a whole number of steps, from 1 to {steps - 1}, not {delay:g}")
        if p.probability and not 0 < network.value(p.probability, space) <= 1:
            say(f"the probability of {name!r} must be above 0 and at most 1, not {network.value(p.probability, space):g}")
        sizes = network._ends(p, network.sizes(**toy))
        with np.errstate(all="ignore"):
            weight = network._draw(p, si, sizes, None, rng)
        if not np.isfinite(weight).all():
            say(f"the weight of {name!r} is not finite at these values")
        held = network.limits(name, network.sizes(**toy), constants)
        if held and not np.isfinite(held.least):
            say(f"the least weight of {name!r} must be finite, not {held.least:g}")
        if held.total is not None and not (0 < held.total < np.inf and held.least == 0):
            text = f"of {name!r}: total must be above 0 and finite, least 0; they are {held.total:g}, {held.least:g}"
            say(f"weights that are scaled keep their sign: {text}")
    return found
