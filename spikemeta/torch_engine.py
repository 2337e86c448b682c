"""The torch engine: a phase as batches of images, each one step of the rule's optimizer and one presentation in rule time."""

import contextlib

import numpy as np
import torch

from spikemeta.errors import InstabilityError

TESTED = 250  # images tested at once


@contextlib.contextmanager
def one_thread():
    """One thread, so that sums do not depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Executor:
    """Runs one phase of a network for surrogate gradients; called as `spikemeta.execution.open_executor` says.

    Parameters
    ----------
    simulation : Simulation
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    constants : dict
        From `Simulation.constants`.
    """

    compile_seconds = 0.0

    def __init__(self, simulation, sizes, constants):
        self.sizes, self.simulation, self.constants = sizes, simulation, constants["rule"]
        self.network, self.batch = simulation.network, simulation.batch
        self.parameters = type(self.network.parameters())(**constants["network"])

    def duration(self, phase):
        """Rule time of a phase: its batches."""
        return -(-len(phase.indices) // self.batch)

    def __call__(self, phase, dataset, state, age, seed, tick):
        images = dataset.train_images if phase.split == "train" else dataset.test_images
        places = slice(None) if phase.permutation is None else phase.permutation
        labels = torch.tensor(phase.labels, dtype=torch.long)
        weights, optimizer = self._optimizer(state, age, seed)
        generator = torch.Generator().manual_seed(seed)
        learns = phase.kind == "train"
        counts, spikes, size = [], 0.0, self.batch if learns else TESTED
        if learns and phase.boundary:
            optimizer.boundary()
        for first in range(0, len(phase.indices), size):
            chosen = slice(first, first + size)
            shown = torch.from_numpy(images[phase.indices[chosen]][:, places]).float() / 255
            given = self.network.draw(shown, self.parameters, generator)

            def respond(given=given):
                hidden, readout = self.network.respond(weights, given, self.parameters)
                return hidden, readout.sum(0)

            def closure(respond=respond, answers=labels[chosen]):
                optimizer.zero_grad()
                found = respond()
                loss = self.network.loss(found[1], answers, self.parameters)
                loss.backward()
                closure.found = found
                return loss

            if learns:
                self._step(optimizer, closure, phase)
                hidden, counted = closure.found
            else:
                sampled = self.simulation.prediction == "sample"
                with torch.no_grad(), optimizer.sampled() if sampled else contextlib.nullcontext():
                    hidden, counted = respond()
            spikes += hidden.detach().sum(dtype=torch.float64).item()
            counts.append(counted.detach().numpy())
            tick(first + len(shown))
        rate = spikes / (self.sizes[1] * len(phase.indices) * self.parameters.presentation / 1000)
        return np.concatenate(counts).astype(np.int32), rate, self._state(weights, optimizer) if learns else {}

    def _step(self, optimizer, closure, phase):
        try:
            optimizer.step(closure)
        except (OverflowError, ZeroDivisionError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "overflow" not in str(error):
                raise
            raise InstabilityError(
                f"rule {self.simulation.rule.title!r}: a number of its update became infinite in phase {phase.name!r} "
                f"({error}); earlier phases are kept. Remedy: a smaller lr, or bounds on what grows with age"
            ) from None

    def _optimizer(self, state, age, seed):
        """Weights by projection, and an optimizer of them in the given state."""
        weights = {p: torch.nn.Parameter(torch.tensor(state[f"{p}.transmitted"]).float()) for p in self.network.projections}
        groups = [{"params": [weight], **self.constants[p]} for p, weight in weights.items()]
        optimizer = self.simulation.rule.optimizer(groups, seed=seed)
        saved = optimizer.state_dict()
        for p, values in zip(weights, saved["state"].values(), strict=True):
            values |= {s: torch.tensor(state[f"{p}.{s}"]) for s in self.simulation.rule.analysis.states if s in values}
            values["touched"] = age
        saved["rule"]["age"] = age
        optimizer.load_state_dict(saved)
        return weights, optimizer

    def _state(self, weights, optimizer):
        """State of every synapse now; ``transmitted`` is the mean weight."""
        optimizer.flush()
        out = {}
        for p, weight in weights.items():
            held = optimizer.state[weight]
            for s in self.simulation.rule.analysis.states:
                out[f"{p}.{s}"] = held.get(s, weight)
            out[f"{p}.transmitted"] = weight
        return {name: value.detach().numpy().copy() for name, value in out.items()}
