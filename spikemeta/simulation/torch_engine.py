"""The torch engine: a phase as batches of images, each one step of the rule's optimizer and one presentation in rule time."""

import contextlib
import time
from functools import partial as partial_of

import numpy as np
import torch

from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.data.trains import Trains
from spikemeta.simulation import checkpoint, recorded_neurons
from spikemeta.simulation import weights as synaptic
from spikemeta.simulation.torch_rules import Optimizers
from spikemeta.system import stopping

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
    """Runs one phase of a network for surrogate gradients; called as `spikemeta.simulation.execution.open_executor` says.

    Parameters
    ----------
    simulation : Simulation
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    constants : dict
        From `Simulation.constants`.
    start : dict of str to ndarray
        From the network's ``start``.
    """

    compile_seconds = 0.0
    events = {}  # not counted here

    def __init__(self, simulation, sizes, constants, start):
        self.sizes, self.simulation, self.constants = sizes, simulation, constants
        self.batch, self.parameters = simulation.batch, type(simulation.network.parameters())(**constants["network"])
        self.network = simulation.network.ready(sizes, self.parameters, start)
        self.place, self.module = (simulation, sizes, constants["network"], start), None  # of what is recorded of neurons

    def duration(self, phase):
        """Rule time of a phase: its batches."""
        return -(-len(phase.indices) // self.batch)

    def __call__(self, phase, dataset, state, age, seed, tick, keep=None, partial=None, watch=None):
        images, indices, places = phase.source(dataset)
        places = slice(None) if places is None else places
        labels = torch.tensor(phase.labels, dtype=torch.long)
        weights, optimizer = self._optimizer(state, age, seed)
        generator, told = torch.Generator().manual_seed(seed), partial_of(self._finite, phase, state, age)
        learns = phase.kind == "train"
        counts, spikes, size, start = [], 0.0, self.batch if learns else TESTED, 0
        if partial:
            start, spikes, counts = int(partial["position"]), float(partial["hidden"]), [partial["readout"]]
            optimizer.load(partial)
            generator.set_state(torch.from_numpy(partial["generator"]))
        elif learns and phase.boundary:
            with told():
                optimizer.boundary()
        due, until = time.monotonic() + checkpoint.INTERVAL, watch and watch.after(max(start - 1, 0), neurons=False)
        for first in range(start, len(phase.indices), size):
            if first == until:
                watch.take(first, optimizer.state())
                until = watch.after(first, neurons=False)
            if keep and first > start and (time.monotonic() > due or stopping.wanted()):
                due = time.monotonic() + checkpoint.INTERVAL
                done = {"position": np.array(first), "hidden": np.array(spikes), "readout": np.concatenate(counts)}
                keep(
                    done | optimizer.held() | {"generator": generator.get_state().numpy()},
                    {f"{p}.transmitted": w.detach().numpy() for p, w in weights.items()},
                )
            chosen = slice(first, first + size)
            given, shown = self._spikes(images, indices[chosen], places, generator), watch and watch.shows(first, first + size)

            def respond(given=given):
                hidden, readout = self.network.respond(weights, given, self.parameters)
                return hidden, readout.sum(0)

            def closure(respond=respond, answers=labels[chosen], shown=shown):
                optimizer.zero_grad()
                found = respond()
                loss = self.network.loss(found[1], answers, self.parameters, phase.allowed)
                loss.backward()
                closure.found = found
                closure.weights = {p: w.detach().clone() for p, w in weights.items()} if shown else {}
                return loss

            if learns:
                with told():
                    optimizer.step(closure)
                hidden, counted = closure.found
                self._show(watch, shown, first, closure.weights, given) if shown else None
            else:
                sampled = self.simulation.prediction == "sample"
                with torch.no_grad(), optimizer.sampled() if sampled else contextlib.nullcontext():
                    hidden, counted = respond()
            spikes += hidden.detach().sum(dtype=torch.float64).item()
            counts.append(counted.detach().numpy())
            tick(first + given.shape[1])
        rate = spikes / (self.network.n_hidden * len(phase.indices) * self.parameters.presentation / 1000)
        with told():
            after = optimizer.state() if learns else {}
        return np.concatenate(counts).astype(np.int32), rate, after

    def _show(self, watch, shown, first, weights, given):
        """Record neurons in the presentations ``shown`` of a batch that begins at ``first``, by the batch shown once more."""
        if self.module is None:
            self.module = getattr(self.network, "module", None) or NetworkModule(recorded_neurons.plan_of(*self.place))
        seen = recorded_neurons.by_module(self.module, watch.shapes, weights, given)
        for position in shown:
            watch.show(position, {name: values[:, position - first] for name, values in seen.items()})

    def _spikes(self, images, rows, places, generator):
        """Input spikes of some stimuli: (steps, batch, n_input), 0 or 1."""
        if isinstance(images, Trains):
            step = self.parameters.step
            return torch.from_numpy(images.dense(rows, step / 1000, round(self.parameters.presentation / step), places)).float()
        shown = torch.from_numpy(images[rows][:, places]).float() / 255
        return self.network.draw(shown, self.parameters, generator)

    @contextlib.contextmanager
    def _finite(self, phase, state, age):
        """Tell of a number that is too large and the same for all synapses; of others `weights.check` tells."""
        try:
            yield
        except (OverflowError, ZeroDivisionError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "overflow" not in str(error):
                raise
            what = f"a number of its update became infinite ({error})"
            known = (state, age), self.constants
            raise synaptic.unstable(self.simulation.rule, phase, what, self.network.projections, *known) from None

    def _optimizer(self, state, age, seed):
        """Weights by projection, and an optimizer of them in the given state."""
        weights = {p: torch.nn.Parameter(torch.tensor(state[f"{p}.transmitted"]).float()) for p in self.network.projections}
        optimizer = Optimizers(self.simulation.rule, weights, self.constants["rule"], seed)
        optimizer.start(state, age)
        return weights, optimizer
