"""A network, a rule and a curriculum: compiled once, run phase by phase, resumable at any time."""

import copy
import hashlib
import importlib.metadata
import json
import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.data import tuned
from spikemeta.data.curricula import Phase
from spikemeta.errors import InstabilityError, UserError, suggest
from spikemeta.hardware import profile, stored
from spikemeta.language import equations
from spikemeta.simulation import execution, shared_beginnings, written
from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.system import source_identity, stopping

ENGINES = ("standalone", "runtime", "torch")
PREDICTIONS = ("mean", "sample")
DTYPES = ("float64", "float32")
#: Ranges that runs without a chip needed, by what decides them.
_RANGES = {}


@dataclass(frozen=True)
class PhaseResult:
    """What the readout did in one phase.

    Attributes
    ----------
    phase : Phase
    counts : ndarray of int32, shape (n, n_classes)
        Spikes of each readout neuron in each presentation.
    hidden_rate : float
        Mean rate of the hidden neurons, Hz.
    seconds : float
        Wall-clock time.
    events : dict of str to int
        Spikes and touches of each layer, and steps; see `spikemeta.hardware.counters`. Empty with engine torch.
    """

    phase: object
    counts: np.ndarray
    hidden_rate: float
    seconds: float
    events: dict = field(default_factory=dict)

    @property
    def counted(self):
        """`counts` with those of answers that the phase does not allow at 0."""
        allowed = getattr(self.phase, "allowed", None)
        return self.counts if allowed is None else self.counts * np.isin(np.arange(self.counts.shape[1]), allowed)

    @property
    def accuracy(self):
        """Fraction answered rightly by most spikes; a silent readout counts as wrong, ties go to the lowest index."""
        counts = self.counted
        right = (counts.argmax(axis=1) == self.phase.labels) & (counts.sum(axis=1) > 0)
        return float(right.mean())

    @property
    def answers(self):
        """How often each answer was given; the last is silence. Shape (n_classes + 1,)."""
        counts = self.counted
        spoke = counts.sum(axis=1) > 0
        given = np.bincount(counts[spoke].argmax(axis=1), minlength=counts.shape[1])
        return np.append(given, np.sum(~spoke))

    @property
    def readout_spikes(self):
        """Mean number of spikes of a readout neuron in a presentation."""
        return float(self.counts.mean())

    @property
    def silent(self):
        """Fraction of presentations without a spike of the readout."""
        return float((self.counts.sum(axis=1) == 0).mean())


@dataclass
class Run:
    """A finished curriculum.

    Attributes
    ----------
    phases : list of PhaseResult
    constants : dict
        Of the network, and of the rule by projection.
    compile_seconds : float
    state : dict of str to ndarray
        State of every synapse at the end, by ``projection.variable``, shape (n_pre, n_post).
    weights : dict of str to ndarray
        Mean weights at the end, by projection, the weight noise at zero; (n_pre, n_post), 1. They can start another run.
    """

    n_tasks: int
    constants: dict
    phases: list = field(default_factory=list)
    compile_seconds: float = 0.0
    state: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)

    @property
    def accuracy_matrix(self):
        """Accuracy after each task (rows) on each task (columns); NaN where not tested; shape (n_tasks, n_tasks).

        There are more rows where tasks come again.
        """
        rows = max([self.n_tasks, *[result.phase.after for result in self.phases]])
        out = np.full((rows, self.n_tasks), np.nan)
        for result in self.phases:
            if result.phase.kind == "test":
                out[result.phase.after - 1, result.phase.task] = result.accuracy
        return out


class Simulation:
    """A spiking network whose synapses follow a rule.

    Parameters
    ----------
    rule : Rule
    network : str
        Name of a network, or the path of a file that defines a `spikemeta.language.network.Network`.
    n_hidden : int
    feedback : str
        How the network's error reaches its hidden neurons: ``"tied"`` or ``"random"``. Not for engine torch.
    engine : {"standalone", "runtime", "torch"}
        C++ compiled once; Brian2's runtime mode, which needs no compiler; or, for network surrogate, torch.
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
        Of the synapses' state, on Brian2's engines; torch computes in float32.
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
        engine="standalone",
        parameters=None,
        network_parameters=None,
        prediction="mean",
        batch=16,
        dtype="float64",
        dense="auto",
        hardware=None,
    ):
        given = (("engine", engine, ENGINES), ("prediction", prediction, PREDICTIONS), ("dtype", dtype, DTYPES))
        for kind, value, valid in given:
            if value not in valid:
                raise UserError(suggest(kind, value, valid))
        if n_hidden < 1:
            raise UserError(f"the number of hidden neurons must be at least 1, not {n_hidden}")
        if batch < 1:
            raise UserError(f"the batch must be at least 1, not {batch}")
        self.hardware = profile.get(hardware) if isinstance(hardware, str) and hardware else hardware or None
        self.ideal = rule
        self.rule = stored.on_chip(rule, self.hardware) if self.hardware else rule
        self.engine, self.feedback, self.n_hidden = engine, feedback, n_hidden
        self.network = written.of(network)
        if engine not in self.network.engines:
            able = " or ".join(map(repr, self.network.engines)) or "none"
            raise UserError(f"network {str(network)!r} does not run on engine {engine!r}, but on {able}")
        self.network_name, self.prediction, self.batch, self.dtype = network, prediction, batch, dtype
        self.dense = dense
        self.parameters, self.network_parameters = parameters or {}, network_parameters or {}

    def constants(self, curriculum):
        """Constants in force for a curriculum: of the network, and of the rule by projection."""
        task, data = curriculum.name, curriculum.dataset.name
        unknown = {k.rpartition(".")[0] for k in self.parameters} - {"", *self.network.projections}
        if unknown:
            raise UserError(suggest("projection", unknown.pop(), self.network.projections))
        where = self.network_name, "torch" if self.engine == "torch" else "brian2", task, data, self.feedback
        return {
            "network": asdict(self.network.parameters(task, data, self.network_parameters)),
            "rule": tuned.constants(self.rule, self.network.projections, *where, self.parameters),
        }

    def run(self, curriculum, seed=0, out=None, resume=False, progress=None, weights=None, shared=None, forks=()):
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

        Returns
        -------
        Run

        Raises
        ------
        InstabilityError
            If a state variable becomes NaN or infinite; what earlier phases wrote stays.
        UserError
            For a state file of another rule, seed or data; for weights that do not fit; without a C++ compiler.
        """
        constants = self.constants(curriculum)
        if self.rule is not self.ideal:
            ranges = self._ranges(curriculum, seed, weights)
            for p, values in constants["rule"].items():
                grid = stored.grid_parameters(self.ideal, self.hardware, ranges[p])
                values |= {name: parameter.value for name, parameter in grid.items()}
        n_input = curriculum.dataset.train_images.shape[1]
        sizes = (n_input, self.n_hidden, curriculum.n_classes)
        run = Run(curriculum.n_tasks, constants)
        (start, state), age = self.begin(curriculum, sizes, seed, weights, constants), 0
        before = state | {f"{p}.cell": w for p, w in self._weights(state, constants["rule"], 0).items()}
        own = self._identity(curriculum, seed, constants, start if weights else {})
        checkpoint = Checkpoint(out, own) if out else None
        common = shared_beginnings.checkpoints(shared, own, curriculum.phases, forks) if shared else {}
        done = 0
        partial = None
        for kept in [*([checkpoint] if checkpoint and resume else []), *common.values()]:
            if not (run.phases or partial):
                state, age, finished, partial = kept.load(state)
                run.phases = [PhaseResult(p, *result) for p, result in zip(curriculum.phases, finished, strict=False)]
        total = sum(len(p.indices) for p in curriculum.phases)
        report = progress or (lambda *_: None)
        with execution.open_executor(self, sizes, constants, start) as execute:
            run.compile_seconds = execute.compile_seconds
            for number, phase in enumerate(curriculum.phases):
                if number >= len(run.phases):
                    tick = lambda n, name=phase.name, base=done: report(name, base + n, total)  # noqa: E731
                    found = self._phase(execute, number, curriculum, state, age, seed, tick, checkpoint, run, partial)
                    if phase.kind == "train":
                        state, age = found, age + execute.duration(phase)
                    partial = None
                    if number + 1 in common and not common[number + 1].path.is_file():
                        common[number + 1].save(state, age, run.phases)
                done += len(phase.indices)
                report(phase.name, done, total)
        run.state, run.weights = state, self._weights(state, constants["rule"], age)
        if self.rule is self.ideal:
            after = state | {f"{p}.cell": w for p, w in run.weights.items()}
            of = lambda p, values: {name.partition(".")[2]: v for name, v in values.items() if name.startswith(f"{p}.")}  # noqa: E731
            ranges = {p: stored.ranges_of(self.rule, of(p, before), of(p, after)) for p in self.network.projections}
            _RANGES[json.dumps(own)] = ranges
        return run

    def _ranges(self, curriculum, seed, weights):
        """Ranges of the stored variables, by projection, from the same run without a chip."""
        plain = copy.copy(self)
        plain.hardware, plain.rule = None, self.ideal
        sizes = curriculum.dataset.train_images.shape[1], self.n_hidden, curriculum.n_classes
        start, _ = plain.begin(curriculum, sizes, seed, weights)
        key = json.dumps(plain._identity(curriculum, seed, plain.constants(curriculum), start if weights else {}))
        if key not in _RANGES:
            plain.run(curriculum, seed, weights=weights)
        return _RANGES[key]

    def _phase(self, execute, number, curriculum, state, age, seed, tick, checkpoint, run, partial):
        """Run one phase, or the rest of it, saving now and then; the state after it."""
        phase, began = curriculum.phases[number], time.perf_counter()
        before = float(partial.pop("seconds")) if partial else 0.0
        seeds = np.random.SeedSequence([seed, 2, number]).generate_state(1)
        words = phase, curriculum.dataset, state, age, int(seeds[0]), tick
        if not checkpoint:
            counts, rate, after = execute(*words)
            self.check(after, phase)
            run.phases.append(PhaseResult(phase, counts, rate, time.perf_counter() - began, execute.events))
            return after

        def seconds():
            return before + time.perf_counter() - began

        def keep(held, so_far):
            self.check(so_far, phase)
            checkpoint.save(state, age, run.phases, held | {"seconds": np.array(seconds())})
            if stopping.wanted():
                raise stopping.interrupt()

        with stopping.deferred():
            counts, rate, after = execute(*words, keep, partial)
            self.check(after, phase)
            run.phases.append(PhaseResult(phase, counts, rate, seconds(), execute.events))
            learned = phase.kind == "train"
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
        parameters = self.network.parameters(curriculum.name, curriculum.dataset.name, self.network_parameters)
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

    def _replace(self, start, weights):
        known = self.network.projections
        problems = [suggest("projection", name, known) for name in weights if name not in known]
        for name in [name for name in known if name in weights]:
            given = np.asarray(weights[name])
            if given.shape != start[name].shape:
                problems.append(f"weights of {name!r} must have the shape {start[name].shape}, not {given.shape}")
            elif not np.isfinite(given).all():
                problems.append(f"weights of {name!r} must be finite")
            else:
                start[name] = given.astype(float)
        if problems:
            raise UserError("\n".join(problems))

    def _weights(self, state, constants, age):
        quiet, out = {"age": float(age), "rand": lambda: 0.5, "randn": lambda: 0.0}, {}
        for p in self.network.projections:
            space = constants[p] | {s: state[f"{p}.{s}"] for s in self.rule.analysis.states} | quiet
            if self.rule.analysis.noisy:
                space = equations.compile_statements(self.rule.analysis.blocks["on_presentation"])(space)
            weight = equations.compile_expression(self.rule.weight.strip())(space)
            out[p] = np.broadcast_to(weight, state[f"{p}.transmitted"].shape).copy()
        return out

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
        parameters = self.network.parameters(curriculum.name, curriculum.dataset.name, self.network_parameters)
        start = self.network.start(sizes, parameters, rng)
        self._replace(start, weights or {})
        return start, self._start(start, (constants or self.constants(curriculum))["rule"], rng)

    def _start(self, start, constants, rng):
        state = {}
        for p in self.network.projections:
            made = ReferenceSynapses(self.rule, start[p], constants[p], rng)
            state |= {f"{p}.{s}": v for s, v in made.state.items()} | {f"{p}.transmitted": np.array(made.weight())}
        return state

    def check(self, state, phase):
        """Refuse a state that became NaN or infinite in a phase.

        Raises
        ------
        InstabilityError
        """
        for name, values in state.items():
            if not np.isfinite(values).all():
                projection, variable = name.split(".")
                raise InstabilityError(
                    f"rule {self.rule.title!r}: {variable!r} of the {projection} synapses became NaN or infinite in phase "
                    f"{phase.name!r}; earlier phases are kept. Remedy: a smaller lr (it may be set for this projection "
                    f"alone, as {projection}.lr), or bounds on what the rule divides by"
                )

    def _identity(self, curriculum, seed, constants, weights):
        fields = ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary")
        given = hashlib.sha256(b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights)))
        return {
            "version": importlib.metadata.version("spikemeta"),
            "sources of spikemeta": source_identity.sources(),
            "rule": self.rule.title,
            "rule text": "\0".join(getattr(self.rule, field) for field in fields),
            "constants": json.dumps(constants, sort_keys=True),
            "seed": seed,
            "network": self.network_name,
            "network text": getattr(self.network, "text", ""),
            "hidden neurons": self.n_hidden,
            "feedback": self.feedback,
            "engine": self.engine,
            "prediction": self.prediction,
            "batch": self.batch,
            "precision": self.dtype,
            "data": json.dumps(curriculum.dataset.digests, sort_keys=True),
            "curriculum": shared_beginnings.chain(curriculum.phases)[-1],
            "initial weights": given.hexdigest(),
        }
