"""What a network is shown, images or spikes: the functions of stimuli and labels, in C++ and at runtime."""

from pathlib import Path

import brian2
import numpy as np

from spikemeta.errors import UserError
from spikemeta.language.network import COMMON

_TEMPLATES = Path(__file__).parent / "templates"
_READ, _STIMULUS, _TEACHER, _NEXT = (
    (_TEMPLATES / f"{name}.cpp").read_text() for name in ("read_bytes", "stimulus", "teacher", "next_spike")
)
_NEVER = 1_000_000_000


def of_phase(phase, dataset, n_input, step, steps):
    """What the program of a network reads in a phase.

    Parameters
    ----------
    phase : Phase
    dataset : Dataset
    n_input : int
    step : float
        s.
    steps : int
        Of a presentation.

    Returns
    -------
    dict of str to ndarray
        ``images`` (n, pixels) uint8, ``indices`` (count,), ``places`` (n_input,) and ``labels`` (count,) int32; of spikes the
        first two are `Trains.codes` of each presentation and where these start.
    """
    images, indices, places = phase.source(dataset)
    if dataset.spikes:
        images, indices = images.codes(indices, step, steps)
    else:
        indices = indices.astype(np.int32)
    places = np.arange(n_input) if places is None else places
    return {
        "images": images,
        "indices": indices,
        "places": places.astype(np.int32),
        "labels": phase.labels.astype(np.int32),
    }


def network_parameters(network, name, dataset, overrides):
    """Values that replace the network's: a presentation as long as the spikes, unless its text or the user says another.

    Parameters
    ----------
    network : network
        From `spikemeta.simulation.written.of`.
    name : str
        Of the network.
    dataset : Dataset
    overrides : dict of str to float

    Returns
    -------
    dict of str to float

    Raises
    ------
    UserError
        For images shown to a network that takes spikes, or the reverse.
    """
    takes = getattr(network, "takes_spikes", False)
    if takes and not dataset.spikes:
        raise UserError(
            f"network {str(name)!r} takes given spikes, and {dataset.name!r} holds images: let its input be rate(...) or "
            "latency(...)"
        )
    if dataset.spikes and not takes:
        raise UserError(
            f"data set {dataset.name!r} holds spikes, and network {str(name)!r} is shown images: take --network spikes, or one "
            "of your own whose input is given(n_input)"
        )
    if not takes or "presentation" in overrides or network.network.parameters["presentation"] is not COMMON["presentation"]:
        return overrides
    step = overrides.get("step", network.network.parameters["step"].value)
    longest = max(part.steps(step / 1000) for part in (dataset.train_images, dataset.test_images))
    return overrides | {"presentation": longest * step}


class Stimuli:
    """The functions ``stimulus(presentation, i)`` and ``teacher(presentation)`` of a network.

    Of given spikes ``next_spike(presentation, i, after, steps)`` stands in place of the first: the step of the next one.

    In standalone they read the folder of the phase; at runtime they read what `load` was given.
    """

    def __init__(self):
        self._loaded = None
        self.stimulus = brian2.Function(
            self._pixel,
            arg_units=[1, 1],
            return_unit=1,
            arg_types=["integer", "integer"],
            stateless=False,
            auto_vectorise=False,
        )
        self.teacher = brian2.Function(
            self._label, arg_units=[1], return_unit=1, arg_types=["integer"], return_type="integer", stateless=False
        )
        self.next_spike = brian2.Function(
            self._following,
            arg_units=[1, 1, 1, 1],
            return_unit=1,
            arg_types=["integer", "integer", "integer", "integer"],
            return_type="integer",
            stateless=False,
            auto_vectorise=False,
        )
        self.stimulus.implementations.add_implementation("cpp", f"\n{_READ}\n{_STIMULUS}", name="stimulus")
        self.next_spike.implementations.add_implementation(
            "cpp", f"\n#include <algorithm>\n{_READ}\n{_NEXT}", name="next_spike"
        )
        self.teacher.implementations.add_implementation("cpp", f"\n{_READ}\n{_TEACHER}", name="teacher")
        known = (self.stimulus, self._pixel), (self.teacher, self._label), (self.next_spike, self._following)
        for function, look_up in known:  # see `backends.noise`
            function.implementations.add_implementation("numpy", look_up)

    def load(self, images, indices, places, labels):
        """Arrays as from `of_phase`."""
        self._loaded = images, indices, places, labels

    def _pixel(self, presentation, i):
        images, indices, places, _ = self._loaded
        if presentation >= len(indices):
            return np.zeros(np.shape(i))
        return images[indices[int(presentation)]][places[i]] / 255.0

    def _following(self, presentation, i, after, steps):
        codes, starts, places, _ = self._loaded
        if presentation + 1 >= len(starts):
            return np.full(np.shape(i), _NEVER)
        own = codes[starts[int(presentation)] : starts[int(presentation) + 1]].astype(np.int64)
        first = places[i].astype(np.int64) * int(steps)
        found = np.searchsorted(own, first + after + 1)
        code = np.append(own, _NEVER)[found] - first
        return np.where((found < len(own)) & (code < steps), code, _NEVER)

    def _label(self, presentation):
        labels = self._loaded[3]
        return int(labels[int(presentation)]) if presentation < len(labels) else -1
