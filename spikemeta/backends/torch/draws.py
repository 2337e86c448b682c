"""Random numbers of an optimizer: one generator for each purpose and device, from one seed."""

import torch

_PURPOSES = ("initial", "noise", "prediction")


class Draws:
    """The generators of an optimizer; each is made when it is first needed.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        self.seed, self._generators = seed, {}

    def generator(self, device, purpose):
        """The generator of a device for ``"initial"``, ``"noise"`` or ``"prediction"``."""
        key = f"{purpose} {device}"
        if key not in self._generators:
            offset = _PURPOSES.index(purpose)
            self._generators[key] = torch.Generator(device).manual_seed(3 * self.seed + offset)
        return self._generators[key]

    def state(self):
        """State of every generator, by purpose and device."""
        return {key: g.get_state() for key, g in self._generators.items()}

    def restore(self, states, devices):
        """Put back what `state` gave, on the devices (their names) that there are."""
        self._generators = {}
        for key, state in states.items():
            device = key.split(" ")[1]
            if device in devices:
                self._generators[key] = torch.Generator(device)
                self._generators[key].set_state(state.cpu())
