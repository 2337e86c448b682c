"""How the input layer of a network's text gets its spikes in Brian2: coded from images, or given."""

from dataclasses import dataclass, field

import brian2
import numpy as np

from spikemeta.errors import UserError


@dataclass(frozen=True)
class Source:
    """How the input layer gets its spikes.

    Attributes
    ----------
    model, threshold, reset, start : str
        Brian2 code of its group; ``start`` runs when a presentation begins.
    label : str
        Expression of the right answer.
    order : str
        Code that runs after ``start``.
    namespace : dict
    """

    model: str
    threshold: str
    reset: str
    start: str
    label: str
    order: str = ""
    namespace: dict = field(default_factory=dict)


def of_images(plan, stimulus, teacher):
    """Input coded from images.

    Parameters
    ----------
    plan : Plan
    stimulus, teacher : brian2.Function
        ``stimulus(presentation, i)``: brightness of an input, 0 to 1. ``teacher(presentation)``: label, or -1.

    Raises
    ------
    UserError
        For ``given`` spikes, which no image has.
    """
    layer, si = plan.network.structure.layers[plan.network.input], plan.network.si(plan.constants)
    if layer.kind == "given":
        raise UserError(
            f"network {plan.network.name!r} takes given spikes, not images: let its input be rate(...) or latency(...)"
        )
    value, own = float(plan.network.value(layer.argument, si)), {"stimulus": stimulus, "teacher": teacher}
    label = "teacher(presentation_index)"
    if layer.kind == "latency":
        model = "brightness : 1\nnext : integer\nnow = int(t_in_timesteps) : integer (shared)"
        wait = f"clip(int((1 - brightness)*{value / si['step']!r}), 0, {plan.steps - 1})"
        start = (
            f"brightness = stimulus(presentation_index, i)\nnext = t_in_timesteps + {wait} + int(brightness <= 0)*1000000000"
        )
        return Source(model, "next == now", "next = -1", start, label, namespace=own)
    per_step = value * si["step"]
    wait = "int(clip(-log(1 - draw)*gap, 0, 1e6))"  # steps to the next spike: geometric, none from a dark input
    # By itself, without functions that are called one by one, this takes logarithms in vector registers.
    waiting = f"gap = -1/log(1 - clip(brightness*{per_step!r}, 1e-15, 1 - 1e-15))\nnext = t_in_timesteps + {wait}"
    return Source(
        "brightness : 1\ndraw : 1\ngap : 1\nnext : integer\nnow = int(t_in_timesteps) : integer (shared)",
        "next <= now",
        f"draw = rand()\nnext = t_in_timesteps + 1 + {wait}",
        "brightness = stimulus(presentation_index, i)\ndraw = rand()",
        label,
        waiting,
        own,
    )


def of_trains(next_spike, teacher):
    """Input spikes of data.

    Parameters
    ----------
    next_spike, teacher : brian2.Function
        ``next_spike(presentation, i, after, steps)``: the step of an input's first spike after a step of the presentation, of
        which there are so many. ``teacher(presentation)``: label, or -1.
    """
    elapsed = "t_in_timesteps - presentation_index*presentation_steps"
    return Source(
        "next : integer\nnow = int(t_in_timesteps) : integer (shared)",
        "next == now",
        f"next = presentation_index*presentation_steps + next_spike(presentation_index, i, {elapsed}, presentation_steps)",
        "next = t_in_timesteps + next_spike(presentation_index, i, -1, presentation_steps)",
        "teacher(presentation_index)",
        namespace={"next_spike": next_spike, "teacher": teacher},
    )


def of_spikes(plan, shown, labels=None):
    """Given input spikes, presentation after presentation, (steps, n_input) each, and their labels."""
    step = plan.network.si(plan.constants)["step"] * brian2.second
    spikes = np.concatenate([*map(np.asarray, shown), np.zeros((1, shown[0].shape[1]))])
    answers = np.array([*(labels if labels is not None else np.full(len(shown), -1)), -1])
    own = {"given": brian2.TimedArray(spikes, dt=step), "answers": brian2.TimedArray(answers, dt=plan.steps * step)}
    return Source("", "given(t, i) > 0.5", "", "", "answers(t)", namespace=own)
