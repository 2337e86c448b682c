"""A network, a rule and a curriculum: compiled once, run phase by phase, resumable at any time."""

import copy
import json
import time
from dataclasses import asdict, replace

import numpy as np

from spikemeta.data import tuned
from spikemeta.data.curricula import Phase
from spikemeta.errors import UserError, suggest
from spikemeta.hardware import profile, stored
from spikemeta.simulation import execution, identity, recording, shared_beginnings, stimuli, written
from spikemeta.simulation import weights as synaptic_weights
from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.simulation.outcome import PhaseResult, Run
from spikemeta.system import stopping

ENGINES = ("brian2", "torch")
MODES = ("standalone", "runtime")
PREDICTIONS = ("mean", "sample")
DTYPES = ("float64", "float32")
#: Ranges that runs without a chip needed, by what decides them.
_RANGES = {}


class Simulation:
    """A spiking network whose synapses follow a rule.

    Parameters
    ----------
    rule : Rule
        Or one for each projection, as ``get_rule("hidden=mesu,readout=sgd")`` gives it.
    network : str
        Name of a network, or the path of a file that defines a `spikemeta.language.network.Network`.
    n_hidden : int or sequence of int, of several layers: ``(200, 100)``
    feedback : str
        How the network's error reaches its hidden neurons: ``"tied"`` or ``"random"``; or a learning signal in place of the
        network's own, ``"surrogate"``, ``"eprop"`` or ``"eprop,random"``. Not for engine torch.
    engine : {"brian2", "torch"}
        Event by event, or batches of images; a network's text runs on both.
    mode : {"standalone", "runtime"}
        Of engine brian2: C++ compiled once, or Brian2's runtime mode, which needs no compiler and is slower.
    parameters : dict of str to float or None
        Values that replace the rule's; ``"hidden.lr"`` for one projection.
    network_parameters : dict of str to float or None
        Values that replace the network's.
    prediction : {"mean", "sample"}
        Whether a rule with weight noise is tested without it, or with a fresh draw at each presentation (engine torch: for
        each `spikemeta.simulation.torch_engine.TESTED` of them).
    batch : int
        With engine torch, images per step of the rule.
    dtype : {"float64", "float32"}
        Of the synapses' state, with engine brian2; torch computes in float32.
    dense : {"auto", False}
        Whether compiled code walks contiguous rows of synapses where it can, or is all Brian2's own.
    hardware : str, Hardware or None
        Chip whose limits hold for the synapses' state: a name, a file, or a profile. The ranges of its words come from the
        same run without a chip, which is made first unless this process has made it already; see `spikemeta.hardware.stored`.

    Raises
    ------
    UserError
        For an unknown name or a value outside its range.
    """

    def __init__(
        self,
        rule,
        network="feedforward",
        n_hidden=200,
        feedback="tied",
        engine="brian2",
        mode="standalone",
        parameters=None,
        network_parameters=None,
        prediction="mean",
        batch=16,
        dtype="float64",
        dense="auto",
        hardware=None,
    ):
        if engine in MODES:
            raise UserError(f"{engine!r} is a mode of engine 'brian2': write mode={engine!r} in place of engine={engine!r}")
        given = {
            "engine": (engine, ENGINES),
            "mode": (mode, MODES),
            "prediction": (prediction, PREDICTIONS),
            "dtype": (dtype, DTYPES),
        }
        for kind, (value, valid) in given.items():
            if value not in valid:
                raise UserError(suggest(kind, value, valid))
        layers = (n_hidden,) if np.ndim(n_hidden) == 0 else tuple(n_hidden)
        if not layers or min(layers) < 1:
            raise UserError(f"the number of hidden neurons must be at least 1, not {n_hidden}")
        if batch < 1:
            raise UserError(f"the batch must be at least 1, not {batch}")
        self.hardware = profile.get(hardware) if isinstance(hardware, str) and hardware else hardware or None
        self.ideal = rule
        on_chip = lambda rule: stored.on_chip(rule, self.hardware)  # noqa: E731
        self.rule = rule if not self.hardware else rule.mapped(on_chip) if hasattr(rule, "rules") else on_chip(rule)
        self.engine, self.mode, self.feedback = engine, mode, feedback
        self.layers, self.n_hidden = layers, sum(layers)  # of each hidden layer; of all
        self.network = written.of(network, engine, layers, feedback)
        if engine not in self.network.engines:
            able, why = " or ".join(map(repr, self.network.engines)) or "none", getattr(self.network, "why", "")
            raise UserError(f"network {str(network)!r} does not run on engine {engine!r}, but on {able}{why}")
        if hasattr(rule, "rules"):
            rule.check(self.network.projections)
        if hasattr(self.network, "check"):
            self.network.check(self.rule, self.hardware)
        self.network_name, self.prediction, self.batch, self.dtype = network, prediction, batch, dtype
        self.dense = dense
        self.parameters, self.network_parameters = parameters or {}, network_parameters or {}

    def constants(self, curriculum):
        """Constants in force for a curriculum: of the network, and of the rule by projection."""
        task, data = curriculum.name, curriculum.dataset.name
        unknown = {k.rpartition(".")[0] for k in self.parameters} - {"", *self.network.projections}
        if unknown:
            raise UserError(suggest("projection", unknown.pop(), self.network.projections))
        where = self.network_name, self.engine, task, data, self.feedback
        return {
            "network": asdict(self._of_network(curriculum)),
            "rule": tuned.constants(self.rule, written.bases(self.network), *where, self.parameters),
        }

    def _of_network(self, curriculum):
        """Constants of the network in force for a curriculum."""
        own = stimuli.network_parameters(self.network, self.network_name, curriculum.dataset, self.network_parameters)
        return self.network.parameters(curriculum.name, curriculum.dataset.name, own)

    def run(self, curriculum, seed=0, out=None, resume=False, progress=None, weights=None, shared=None, forks=(), record=None):
        """Run every phase of a curriculum.

        Parameters
        ----------
        curriculum : Curriculum
        seed : int
            Decides weights, noise and spikes; the same seed gives the same result, resumed or not.
        out : Path or None
            Folder for the state after each phase, and every `spikemeta.simulation.checkpoint.INTERVAL` seconds within one;
            there it is also saved when Ctrl-C or SIGTERM comes.
        resume : bool
            Continue from what ``out`` holds.
        progress : callable or None
            ``progress(phase_name, done, total)``, in presentations of the whole run.
        weights : dict of str to ndarray or None
            Initial weights by projection, (n_pre, n_post), 1, instead of random ones: such as the `Run.weights` of
            another network of the same sizes.
        shared : Path or None
            Folder of the beginnings that this run has in common with others.
        forks : iterable of int
            Numbers of phases after which others part from this run (`shared_beginnings.forks`). The longest of
            these beginnings that is in ``shared`` is not simulated again; those that are missing there are left for others.
        record : Recording, str or sequence of str, or None
            What to record of single synapses and of neurons, as for `spikemeta.simulation.recording.Recording`:
            ``"hidden.weight"``, ``"hidden.v"``. It changes nothing else, and goes into ``out`` as it comes. Nothing is shared
            with other runs then.

        Returns
        -------
        Run

        Raises
        ------
        InstabilityError
            If a state variable becomes NaN or infinite; what earlier phases wrote stays.
        UserError
            For a state file of another rule, seed or data; for weights that do not fit; without a C++ compiler; for names to
            record that do not exist.
        """
        constants, record = self.constants(curriculum), recording.of(record)
        if self.rule is not self.ideal:
            ranges = self._ranges(curriculum, seed, weights)
            for p, values in constants["rule"].items():
                grid = stored.grid_parameters(self.ideal.of(p), self.hardware, ranges[p])
                values |= {name: parameter.value for name, parameter in grid.items()}
        sizes = self._sizes(curriculum)
        start, state = self.begin(curriculum, sizes, seed, weights, constants)
        before, own = state, identity.of(self, curriculum, seed, constants, start if weights else {}, record)
        run, checkpoint = Run(curriculum.n_tasks, constants), Checkpoint(out, own) if out else None
        common = shared_beginnings.checkpoints(shared, own, curriculum.phases, forks) if shared and not record else {}
        age, partial = 0, None
        for kept in [*([checkpoint] if checkpoint and resume else []), *common.values()]:
            if not (run.phases or partial):
                state, age, finished, partial = kept.load(state)
                run.phases = [PhaseResult(p, *result) for p, result in zip(curriculum.phases, finished, strict=False)]
        recorder, found = None, out and resume and (run.phases or partial)
        if record:
            phases = len(run.phases) if found else None
            recorder = recording.Recorder(record, self, curriculum, start, before, constants, out, phases)
        watched = recorder.watched if recorder else ()
        with execution.open_executor(self, sizes, constants, start, watched=watched) as execute:
            run.compile_seconds, execute.phases = execute.compile_seconds, curriculum.phases
            rest = execute, curriculum, seed, progress or (lambda *_: None), checkpoint, common, recorder
            state, age = self._phases(run, state, age, partial, *rest)
        run.recorded = recorder.arrays() if recorder else {}
        run.state, run.weights = state, synaptic_weights.mean_weights(self.rule, state, constants["rule"], age)
        if self.rule is self.ideal:
            first = synaptic_weights.mean_weights(self.rule, before, constants["rule"], 0)
            _RANGES[json.dumps(own)] = self._ranges_between((before, first), (state, run.weights))
        return run

    def _sizes(self, curriculum):
        """(n_input, n_hidden, n_classes)."""
        return curriculum.dataset.train_images.shape[1], self.n_hidden, curriculum.n_classes

    def _phases(self, run, state, age, partial, execute, curriculum, seed, report, checkpoint, common, recorder):
        """Run the phases that are not yet in ``run``; (state, age) at the end."""
        total, done = sum(len(p.indices) for p in curriculum.phases), 0
        for number, phase in enumerate(curriculum.phases):
            if number >= len(run.phases):
                tick = lambda n, name=phase.name, base=done: report(name, base + n, total)  # noqa: E731
                found = self._phase(execute, number, curriculum, state, age, seed, tick, checkpoint, run, partial, recorder)
                if phase.kind == "train":
                    state, age = found, age + execute.duration(phase)
                partial = None
                if number + 1 in common and not common[number + 1].path.is_file():
                    common[number + 1].save(state, age, run.phases)
            done += len(phase.indices)
            report(phase.name, done, total)
        return state, age

    def _ranges_between(self, *moments):
        """Ranges of the stored variables, by projection, from (state, mean weights) at the first and the last moment."""

        def of(projection, state, weights):
            here = {name.partition(".")[2]: v for name, v in state.items() if name.startswith(f"{projection}.")}
            return here | {"cell": weights[projection]}

        return {p: stored.ranges_of(self.rule.of(p), *(of(p, *m) for m in moments)) for p in self.network.projections}

    def _ranges(self, curriculum, seed, weights):
        """Ranges of the stored variables, by projection, from the same run without a chip."""
        plain = copy.copy(self)
        plain.hardware, plain.rule = None, self.ideal
        start, _ = plain.begin(curriculum, self._sizes(curriculum), seed, weights)
        key = json.dumps(identity.of(plain, curriculum, seed, plain.constants(curriculum), start if weights else {}))
        if key not in _RANGES:
            plain.run(curriculum, seed, weights=weights)
        return _RANGES[key]

    def _phase(self, execute, number, curriculum, state, age, seed, tick, checkpoint, run, partial, recorder):
        """Run one phase, or the rest of it, saving now and then; the state after it."""
        phase, began = curriculum.phases[number], time.perf_counter()
        before = float(partial.pop("seconds")) if partial else 0.0
        seeds = np.random.SeedSequence([seed, 2, number]).generate_state(1)
        words, learned = (phase, curriculum.dataset, state, age, int(seeds[0]), tick), phase.kind == "train"
        watch = recorder.of_phase(number, age) if recorder and learned else None
        if not checkpoint:
            counts, rate, after = execute(*words, watch=watch)
            synaptic_weights.check(self.rule, after, phase, (state, age), run.constants)
            if watch:
                watch.take(len(phase.indices), after)
            run.phases.append(PhaseResult(phase, counts, rate, time.perf_counter() - began, execute.events))
            return after

        def seconds():
            return before + time.perf_counter() - began

        def keep(held, so_far):
            synaptic_weights.check(self.rule, so_far, phase, (state, age), run.constants)
            checkpoint.save(state, age, run.phases, held | {"seconds": np.array(seconds())})
            if stopping.wanted():
                raise stopping.interrupt()

        with stopping.deferred():
            counts, rate, after = execute(*words, keep, partial, watch)
            synaptic_weights.check(self.rule, after, phase, (state, age), run.constants)
            if watch:
                watch.take(len(phase.indices), after)
            run.phases.append(PhaseResult(phase, counts, rate, seconds(), execute.events))
            checkpoint.save(after if learned else state, age + execute.duration(phase) * learned, run.phases)
        return after

    def respond(self, curriculum, state, images, weights, seed=0, progress=None):
        """Show images under given weights, without learning.

        Parameters
        ----------
        curriculum : Curriculum
            What the network was trained on; decides its constants and its size.
        state : dict of str to ndarray
            As in `Run`.
        images : (n, pixels) uint8
        weights : iterable of dict of str to ndarray
            For each showing of all images, the transmitted weight of every synapse, by projection, (n_pre, n_post), 1.
        seed : int
            Decides the spikes, which are fresh in each showing.
        progress : callable or None
            ``progress(n)``: presentations of this call so far.

        Returns
        -------
        ndarray of int32, (n_showings, n, n_classes)
            Spikes of each readout neuron.

        Raises
        ------
        UserError
            Without a C++ compiler.
        """
        constants, data = self.constants(curriculum), replace(curriculum.dataset, test_images=images)
        sizes = (images.shape[1], self.n_hidden, curriculum.n_classes)
        parameters = self._of_network(curriculum)
        start = self.network.start(sizes, parameters, np.random.default_rng([seed, 1]))
        none = np.full(len(images), -1, np.int32)
        phase = Phase("probe", 0, "probe", 0, "test", np.arange(len(images), dtype=np.int32), none, None, False)
        counts, report = [], progress or (lambda _: None)
        with execution.open_executor(self, sizes, constants, start) as execute:
            for number, given in enumerate(weights):
                shown = state | {f"{name}.transmitted": values for name, values in given.items()}
                spikes = int(np.random.SeedSequence([seed, 3, number]).generate_state(1)[0])
                base = number * len(images)
                counts.append(execute(phase, data, shown, 0, spikes, lambda n, base=base: report(base + n))[0])
                report(base + len(images))
        return np.array(counts).reshape(-1, len(images), sizes[2])

    def begin(self, curriculum, sizes, seed, weights=None, constants=None):
        """What a run starts from.

        Parameters
        ----------
        curriculum : Curriculum
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        seed : int
        weights : dict of str to ndarray or None
            As for `run`.
        constants : dict or None
            From `constants`, and for a chip with its grids.

        Returns
        -------
        start : dict of str to ndarray
            As from the network's ``start``.
        state : dict of str to ndarray
            Of every synapse, by ``projection.variable``, (n_pre, n_post).
        """
        rng = np.random.default_rng([seed, 1])
        parameters = self._of_network(curriculum)
        start = self.network.start(sizes, parameters, rng)
        start = synaptic_weights.replaced(start, weights or {}, self.network.projections)
        of_rule = (constants or self.constants(curriculum))["rule"]
        kept = self.network.kept(sizes, parameters) if hasattr(self.network, "kept") else {}
        return start, synaptic_weights.first_state(self.rule, start, of_rule, rng) | kept
