"""How a phase of engine brian2 is executed: by calls of the compiled program, or in Brian2's runtime mode."""

import time

import brian2
import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner

from spikemeta.backends import histories
from spikemeta.backends.networks import watched
from spikemeta.errors import UserError
from spikemeta.simulation import checkpoint, responses
from spikemeta.simulation.stimuli import of_phase
from spikemeta.system import stopping

RUNTIME_BLOCK = 20  # presentations between which Brian2's runtime mode may stop
_PART = 100_000  # spikes that are looked at at once


class Executor:
    """Runs one phase; subclasses say how values get in and out."""

    events, phases = {}, ()

    def setup(self, simulation, sizes, constants, start):
        self.sizes, self.simulation, self.start = sizes, simulation, start
        self.presentation = constants["network"]["presentation"] / 1000
        self.step = constants["network"].get("step", 1.0) / 1000
        self.constants = constants["rule"]
        kept = getattr(simulation.network, "responses", lambda *_: None)
        self.responses = kept(sizes, constants["network"])
        self.answering = self.responses.n if self.responses else sizes[2]
        rules = {name: simulation.rule.of(name) for name in simulation.network.projections}
        self.states = {name: (*rule.analysis.states, "transmitted") for name, rule in rules.items()}

    def settings(self, phase, state, age, noise_seed):
        """Values of a phase by (object, variable)."""
        teaching = phase.kind == "train"
        out = {}
        for group in self.built.groups.values():
            out |= {
                (group, "first_age"): float(age),
                (group, "count"): len(phase.indices),
                (group, "boundary_first"): int(teaching and phase.boundary),
                (group, "teaching"): float(teaching),
            }
            if "seen" in group.variables:
                # A probe transmits the weights that it is given: neurons that count as seen are not committed.
                seen = len(phase.indices) + 1 if phase.kind == "probe" else -1
                out |= {(group, "seen"): seen, (group, "touched"): float(age)}
        sampling = float(teaching or self.simulation.prediction == "sample")
        number = len(out)  # tells the projections' noise apart
        for name, projection in self.built.projections.items():
            out |= {
                (projection, "sampling"): sampling,
                (projection, "presentation"): 1.0,
                (projection, "noise_seed"): float(noise_seed + number),
            }
            number += 4 + len(self.constants[name]) + len(self.states[name])
            if "absorbed" not in projection.variables:
                out[projection, "gradient"] = 0.0
            out |= {(projection, key): value for key, value in self.constants[name].items()}
            held = {s: histories.variable_of(projection, s) for s in self.states[name]}  # a probe's weights come last
            out |= {(projection, held[s]): state[f"{name}.{s}"].ravel() for s in self.states[name]}
        out |= {where: self.start[name].ravel() for name, where in self.built.fixed.items()}
        out |= {where: state[name] for name, where in self.built.kept.items()}
        return out

    def duration(self, phase):
        """Rule time of a phase: its presentations."""
        return len(phase.indices)

    def __call__(self, phase, dataset, state, age, seed, tick, keep=None, partial=None, watch=None):
        steps, n = round(self.presentation / self.step), len(phase.indices)
        stimuli = of_phase(phase, dataset, self.sizes[0], self.step, steps)
        settings, held = self.settings(phase, state, age, seed), dict(partial or {})
        counts = held.pop("readout", np.zeros((n, self.answering))).astype(np.int32)
        monitors = self.built.counters | {self.built.answered: self.built.spikes}
        events = held.pop("events", np.zeros(len(monitors) + len(self.built.fans), np.int64))
        interval = checkpoint.INTERVAL if keep else np.inf
        due = time.monotonic() + interval
        while True:
            done = self.done(held, steps)
            if watch and watch.shows(done):
                watch.show(done, self.seen(watch.shapes, stimuli, settings, steps, seed, held))
            until = watch and watch.after(done)
            read, held = self.execute(stimuli, settings, steps, seed, tick, held, due - time.monotonic(), until)
            self.count(counts, read(self.built.spikes, "i"), read(self.built.spikes, "t"))
            events = events + self.counted(read, monitors)
            if held is None:
                break
            if until and self.done(held, steps) == until:
                if watch.takes(until):
                    watch.take(until, self.state_of(self.settled(stimuli, steps, seed, held, until)))
                if not keep or (time.monotonic() < due and not stopping.wanted()):
                    continue
            keep(held | {"readout": counts.copy(), "events": events}, self.state_of(read) if phase.kind == "train" else {})
            due = time.monotonic() + interval
        names = [*monitors, *(f"{name} by synapses" for name in self.built.fans)]
        self.events = {name: int(number) for name, number in zip(names, events, strict=True)} | {"steps": n * steps}
        if self.built.fans:
            self.events["neurons"] = sum(self.built.hidden.values()) + self.answering
        within = self.built.hidden | ({self.built.answered: self.answering} if self.responses else {})
        hidden, spikes = sum(within.values()), sum(self.events[name] for name in within)
        rate = spikes / (max(hidden, 1) * n * self.presentation)
        after = self.state_of(read) if phase.kind == "train" else {}
        if self.responses and phase.kind != responses.KIND:
            after |= self.responded(phase, dataset, after, age, seed, keep) if after else {}
            counts = self.responses.answers(state, counts)
        return counts, float(rate), after

    def responded(self, phase, dataset, state, age, seed, keep):
        """What the answer's neurons do, when a phase that learns is over, in presentations of each class."""
        number = next(k for k, other in enumerate(self.phases) if other is phase)
        shown, own = responses.shown_again(self.phases[: number + 1], self.responses.recent), self.events
        seeds = np.random.SeedSequence([seed, 5]).generate_state(len(shown))
        words = dataset, state, age + self.duration(phase)
        counts = [self(p, *words, int(s), lambda _: None, keep and _stop)[0] for p, s in zip(shown, seeds, strict=True)]
        self.events = own
        return self.responses.after(np.concatenate(counts), np.concatenate([p.labels for p in shown]))

    def seen(self, shapes, stimuli, settings, steps, seed, held):
        """What neurons do in the next presentation, (steps, n) by name; nothing goes on from it."""
        position = self.done(held, steps)
        monitors, read = self.observe(stimuli, settings, steps, seed, held, position)
        return watched.read_out(monitors, shapes, read, position, self.step)

    def count(self, counts, neuron, when):
        """Add spikes, (n,) neurons and (n,) times in s, to the counts of presentations and neurons, part by part."""
        for first in range(0, len(neuron), _PART):
            part = slice(first, first + _PART)
            shown = ((when[part] + 0.5 * self.step) / self.presentation).astype(np.int64)
            within = shown < len(counts)
            places = shown[within], neuron[part][within]
            if not self.built.first:
                np.add.at(counts, places, 1)
                continue
            left = (shown[within] + 1) * self.presentation - when[part][within]  # steps from the first spike on
            np.maximum.at(counts, places, np.round(left / self.step).astype(np.int32))

    def counted(self, read, monitors):
        """Events of a stretch: of each monitor, and for each of the built network's fans the synapses that they meet."""
        found = [read(monitor, "N").item() for monitor in monitors.values()]
        found += [int(read(monitors[name], "count") @ fan) for name, fan in self.built.fans.items()]
        return np.array(found, np.int64)

    def state_of(self, read):
        """State of every synapse, by ``projection.variable``, and what neurons keep, by ``neurons layer.variable``."""
        return {
            f"{name}.{s}": read(p, histories.variable_of(p, s)).reshape(self.built.shapes[name])
            for name, p in self.built.projections.items()
            for s in self.states[name]
        } | {name: read(*where) for name, where in self.built.kept.items()}


class Standalone(Executor):
    def __init__(self, program, built, work, observing=()):
        self.program, self.built, self.work, self.observing = program, built, work, observing

    def done(self, held, steps):
        return int(held["position"]) // steps if held else 0

    def execute(self, stimuli, settings, steps, seed, tick, held, seconds, until=None, program=None):
        try:
            for name, values in stimuli.items():
                values.tofile(self.work / name)
            named = {f"{owner.name}.{variable}": value for (owner, variable), value in settings.items()}
            how = self.work, named, steps, len(stimuli["labels"]), seed, tick, held, seconds, until
            read, held = (program or self.program).run(*how)
        except OSError as error:
            raise UserError(
                f"cannot write into {self.work} ({error.strerror or error}): make room there, or name another folder by TMPDIR"
            ) from None
        return lambda owner, variable: read(f"{owner.name}.{variable}"), held

    def settled(self, stimuli, steps, seed, held, position):
        """As at the end of a phase of so many presentations: one more step commits every synapse; nothing goes on from it."""
        ended = held | {f"{group.name}.count": np.array([position]) for group in self.built.groups.values()}
        read, _ = self.program.run(self.work, {}, steps, position, seed, None, ended)
        return lambda owner, variable: read(f"{owner.name}.{variable}")

    def observe(self, stimuli, settings, steps, seed, held, position):
        """Monitors of neurons, and what reads them after one more presentation."""
        program, built = self.observing
        return built.watched, self.execute(stimuli, settings, steps, seed, None, held, np.inf, position + 1, program)[0]


class Runtime(Executor):
    def __init__(self, built, stimuli):
        self.built, self.stimuli = built, stimuli
        self.watch(False)
        owners = [*built.groups.values(), *built.projections.values()]
        self.carried = {
            f"{owner.name}.{v.name}": v
            for owner in owners
            for v in owner.variables.values()
            if isinstance(v, ArrayVariable) and v.owner.name == owner.name and not v.read_only
        }
        built.network.store()

    def done(self, held, steps):
        return int(held["position"]) if held else 0

    def execute(self, stimuli, settings, steps, seed, tick, held, seconds, until=None):
        network, count = self.built.network, len(stimuli["labels"])
        network.restore()
        self.stimuli.load(**stimuli)
        for (owner, variable), value in settings.items():
            setattr(owner, variable, bool(value) if variable == "boundary_first" else value)
        brian2.seed(seed)
        done, end = self.done(held, steps), time.monotonic() + seconds
        if held:
            self.go_on(held, steps)
        while done < (until or count):
            left = (until or count) - done
            block = min(RUNTIME_BLOCK, left) if np.isfinite(seconds) else left
            last = done + block == count
            network.run(
                (block * steps + last) * self.step * brian2.second,
                namespace={},
                report_period=0.5 * brian2.second,
                report=lambda elapsed, part, start, duration, base=done, n=block: tick(base + int(part * n)),
            )
            keep_code(network)
            done += block
            if done < count and (time.monotonic() > end or stopping.wanted()):
                break
        held = None
        if done < count:
            _, generator, *gaussian = np.random.get_state()  # noqa: NPY002 - Brian2's
            held = {name: np.array(variable.get_value()) for name, variable in self.carried.items()}
            held |= {"position": np.array(done), "generator": generator, "gaussian": np.array(gaussian, float)}
        return lambda owner, variable: np.array(owner.variables[variable].get_value()), held

    def watch(self, active):
        """Let monitors of neurons see, or not."""
        for monitor in self.built.watched.values():
            monitor.active = active

    def observe(self, stimuli, settings, steps, seed, held, position):
        """Monitors of neurons, and what reads them after one more presentation."""
        self.watch(True)
        try:
            return self.built.watched, self.execute(stimuli, settings, steps, seed, _untold, held, np.inf, position + 1)[0]
        finally:
            self.watch(False)

    def go_on(self, held, steps):
        """Put everything to where it was."""
        for name, variable in self.carried.items():
            variable.set_value(held[name])
        self.built.network.t_ = int(held["position"]) * steps * self.step
        _set_generator(held["generator"], held["gaussian"])

    def settled(self, stimuli, steps, seed, held, position):
        """As at the end of a phase of so many presentations: one more step commits every synapse; nothing goes on from it."""
        self.built.network.restore()
        self.go_on(held, steps)
        for group in self.built.groups.values():
            group.count = position
        self.built.network.run(self.step * brian2.second, namespace={})
        return lambda owner, variable: np.array(owner.variables[variable].get_value())


def _untold(done):
    """What is shown to the monitors is no progress."""


def _stop(held, state):
    """What is shown between two states that are kept stops without one."""
    if stopping.wanted():
        raise stopping.interrupt()


def keep_code(network):
    """Let every further run of a network use the code that its first one made.

    Brian2 makes the code of every object anew at each run, as equations, namespaces or time steps may have changed; where
    nothing changes but values, that is most of a short run's time.

    Parameters
    ----------
    network : brian2.Network
        In runtime mode, and run before.
    """
    for runner in network.sorted_objects:
        if isinstance(runner, CodeRunner) and runner.active:
            runner.create_code_objects = _nothing_new


def _nothing_new(run_namespace):
    pass


def _set_generator(keys, rest):
    np.random.set_state(("MT19937", keys, int(rest[0]), int(rest[1]), rest[2]))  # noqa: NPY002 - Brian2's
