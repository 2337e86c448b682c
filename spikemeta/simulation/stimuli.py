"""What a network is shown: the functions of stimuli and labels, in C++ and at runtime."""

from pathlib import Path

import brian2
import numpy as np

_TEMPLATES = Path(__file__).parent / "templates"
_READ, _STIMULUS, _TEACHER = ((_TEMPLATES / f"{name}.cpp").read_text() for name in ("read_bytes", "stimulus", "teacher"))


class Stimuli:
    """The functions ``stimulus(presentation, i)`` and ``teacher(presentation)`` of a network.

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
        self.stimulus.implementations.add_implementation("cpp", f"\n{_READ}\n{_STIMULUS}", name="stimulus")
        self.teacher.implementations.add_implementation("cpp", f"\n{_READ}\n{_TEACHER}", name="teacher")
        for function, look_up in ((self.stimulus, self._pixel), (self.teacher, self._label)):  # see `backends.noise`
            function.implementations.add_implementation("numpy", look_up)

    def load(self, images, indices, places, labels):
        """Images (n, pixels) uint8; indices (count,), places (pixels,) and labels (count,) int32."""
        self._loaded = images, indices, places, labels

    def _pixel(self, presentation, i):
        images, indices, places, _ = self._loaded
        if presentation >= len(indices):
            return np.zeros(np.shape(i))
        return images[indices[int(presentation)]][places[i]] / 255.0

    def _label(self, presentation):
        labels = self._loaded[3]
        return int(labels[int(presentation)]) if presentation < len(labels) else -1
