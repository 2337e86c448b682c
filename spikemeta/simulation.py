"""A network, a rule and a curriculum: compiled once, run phase by phase, resumable after any phase."""

import hashlib
import json
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from spikemeta import registry
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import InstabilityError, UserError, suggest

ENGINES = ("standalone", "runtime")
PREDICTIONS = ("mean", "sample")


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
    """

    phase: object
    counts: np.ndarray
    hidden_rate: float
    seconds: float

    @property
    def accuracy(self):
        """Fraction answered rightly by most spikes; a silent readout counts as wrong, ties go to the lowest index."""
        right = (self.counts.argmax(axis=1) == self.phase.labels) & (self.counts.sum(axis=1) > 0)
        return float(right.mean())


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
    """

    n_tasks: int
    constants: dict
    phases: list = field(default_factory=list)
    compile_seconds: float = 0.0
    state: dict = field(default_factory=dict)

    @property
    def accuracy_matrix(self):
        """Accuracy after each task (rows) on each task (columns); NaN where not tested; shape (n_tasks, n_tasks)."""
        out = np.full((self.n_tasks, self.n_tasks), np.nan)
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
        Name of a network.
    n_hidden : int
    feedback : str
        How the network's error reaches its hidden neurons: ``"tied"`` or ``"random"``.
    engine : {"standalone", "runtime"}
        C++ compiled once, or Brian2's runtime mode, which needs no compiler.
    parameters : dict of str to float or None
        Values that replace the rule's; ``"hidden.lr"`` for one projection.
    network_parameters : dict of str to float or None
        Values that replace the network's.
    prediction : {"mean", "sample"}
        Whether a rule with weight noise is tested without it, or with a fresh draw at each presentation.

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
    ):
        for kind, value, valid in (("engine", engine, ENGINES), ("prediction", prediction, PREDICTIONS)):
            if value not in valid:
                raise UserError(suggest(kind, value, valid))
        if n_hidden < 1:
            raise UserError(f"the number of hidden neurons must be at least 1, not {n_hidden}")
        self.rule, self.engine, self.feedback, self.n_hidden = rule, engine, feedback, n_hidden
        self.network = registry.load("networks", network)
        self.network_name, self.prediction = network, prediction
        self.parameters, self.network_parameters = parameters or {}, network_parameters or {}

    def constants(self, curriculum):
        """Constants in force for a curriculum: of the network, and of the rule by projection."""
        task, data = curriculum.name, curriculum.dataset.name
        unknown = {k.rpartition(".")[0] for k in self.parameters} - {"", *self.network.projections}
        if unknown:
            raise UserError(suggest("projection", unknown.pop(), self.network.projections))
        return {
            "network": asdict(self.network.parameters(task, data, self.network_parameters)),
            "rule": {p: self.rule.constants(task, data, p, self.parameters, self.feedback) for p in self.network.projections},
        }

    def run(self, curriculum, seed=0, out=None, resume=False, progress=None):
        """Run every phase of a curriculum.

        Parameters
        ----------
        curriculum : Curriculum
        seed : int
            Decides weights, noise and spikes; the same seed gives the same result, resumed or not.
        out : Path or None
            Folder for the state after each phase.
        resume : bool
            Continue from the last phase that ``out`` holds.
        progress : callable or None
            ``progress(phase_name, done, total)``, in presentations of the whole run.

        Returns
        -------
        Run

        Raises
        ------
        InstabilityError
            If a state variable becomes NaN or infinite; what earlier phases wrote stays.
        UserError
            For a state file of another rule, seed or data; without a C++ compiler.
        """
        constants = self.constants(curriculum)
        n_input = curriculum.dataset.train_images.shape[1]
        sizes = (n_input, self.n_hidden, curriculum.n_classes)
        run = Run(curriculum.n_tasks, constants)
        rng = np.random.default_rng([seed, 1])
        start = self.network.start(
            sizes, self.network.parameters(curriculum.name, curriculum.dataset.name, self.network_parameters), rng
        )
        state, age = self._start(start, constants["rule"], rng), 0
        checkpoint = _Checkpoint(out, self._identity(curriculum, seed, constants)) if out else None
        done = 0
        if checkpoint and resume:
            state, age, run.phases = checkpoint.load(curriculum, state)
        total = sum(len(p.indices) for p in curriculum.phases)
        report = progress or (lambda *_: None)
        with self._executor(sizes, constants, start) as execute:
            run.compile_seconds = execute.compile_seconds
            for number, phase in enumerate(curriculum.phases):
                if number >= len(run.phases):
                    began = time.perf_counter()
                    tick = lambda n, name=phase.name, base=done: report(name, base + n, total)  # noqa: E731
                    seeds = np.random.SeedSequence([seed, 2, number]).generate_state(1)
                    counts, rate, after = execute(phase, curriculum.dataset, state, age, int(seeds[0]), tick)
                    if phase.kind == "train":
                        self._check(after, phase)
                        state, age = after, age + len(phase.indices)
                    run.phases.append(PhaseResult(phase, counts, rate, time.perf_counter() - began))
                    if checkpoint:
                        checkpoint.save(state, age, run.phases)
                done += len(phase.indices)
                report(phase.name, done, total)
        run.state = state
        return run

    def _start(self, start, constants, rng):
        state = {}
        for p in self.network.projections:
            made = ReferenceSynapses(self.rule, start[p], constants[p], rng)
            state |= {f"{p}.{s}": v for s, v in made.state.items()} | {f"{p}.transmitted": np.array(made.weight())}
        return state

    def _check(self, state, phase):
        for name, values in state.items():
            if not np.isfinite(values).all():
                projection, variable = name.split(".")
                raise InstabilityError(
                    f"rule {self.rule.title!r}: {variable!r} of the {projection} synapses became NaN or infinite in phase "
                    f"{phase.name!r}; earlier phases are kept. Remedy: a smaller lr (it may be set for this projection "
                    f"alone, as {projection}.lr), or bounds on what the rule divides by"
                )

    def _identity(self, curriculum, seed, constants):
        text = json.dumps(
            [
                self.rule.title,
                [
                    getattr(self.rule, f)
                    for f in ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary")
                ],
                constants,
                seed,
                self.network_name,
                self.n_hidden,
                self.feedback,
                self.engine,
                self.prediction,
                curriculum.dataset.digests,
            ]
        )
        digest = hashlib.sha256(text.encode())
        for phase in curriculum.phases:
            digest.update(phase.name.encode() + phase.indices.tobytes() + phase.labels.tobytes())
            digest.update(b"" if phase.permutation is None else phase.permutation.tobytes())
        return digest.hexdigest()

    @contextmanager
    def _executor(self, sizes, constants, start):
        import brian2

        from spikemeta import standalone

        brian2.prefs.logging.display_brian_error_message = False
        stimuli = standalone.Stimuli()
        build = lambda: self.network.build(  # noqa: E731
            self.rule,
            sizes,
            type(self.network.parameters())(**constants["network"]),
            self.feedback,
            stimuli.stimulus,
            stimuli.teacher,
        )
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="spikemeta-") as work:
            if self.engine == "standalone":
                with standalone.device() as device:
                    built = build()
                    program = standalone.compile_network(built.network, device)
                    executor = _Standalone(program, built, Path(work))
            else:
                brian2.set_device("runtime")
                brian2.prefs.codegen.target = "numpy"
                executor = _Runtime(build(), stimuli)
            executor.setup(self, sizes, constants, start)
            executor.compile_seconds = time.perf_counter() - began
            yield executor


class _Executor:
    """Runs one phase; subclasses say how values get in and out."""

    def setup(self, simulation, sizes, constants, start):
        self.sizes, self.simulation, self.start = sizes, simulation, start
        self.presentation = constants["network"]["presentation"] / 1000
        self.constants = constants["rule"]
        self.states = [*simulation.rule.analysis.states, "transmitted"]

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
                out |= {(group, "seen"): -1, (group, "touched"): float(age)}
        sampling = float(teaching or self.simulation.prediction == "sample")
        for name, projection in self.built.projections.items():
            out |= {
                (projection, "sampling"): sampling,
                (projection, "presentation"): 1.0,
                (projection, "gradient"): 0.0,
                (projection, "noise_seed"): float(noise_seed + len(out)),
            }
            out |= {(projection, key): value for key, value in self.constants[name].items()}
            out |= {(projection, s): state[f"{name}.{s}"].ravel() for s in self.states}
        out |= {where: self.start[name].ravel() for name, where in self.built.fixed.items()}
        return out

    def shape(self, name):
        """(n_pre, n_post) of a projection."""
        layer = list(self.built.projections).index(name)
        return self.sizes[layer], self.sizes[layer + 1]

    def __call__(self, phase, dataset, state, age, seed, tick):
        images = dataset.train_images if phase.split == "train" else dataset.test_images
        places = np.arange(self.sizes[0]) if phase.permutation is None else phase.permutation
        stimuli = images, phase.indices.astype(np.int32), places.astype(np.int32), phase.labels.astype(np.int32)
        steps = round(self.presentation / 1e-3)
        read = self.execute(stimuli, self.settings(phase, state, age, seed), len(phase.indices) * steps + 1, seed, tick)
        neuron, when = read(self.built.spikes, "i"), read(self.built.spikes, "t")
        shown = np.floor((when + 0.5e-3) / self.presentation).astype(np.int64)
        cells = (shown * self.sizes[2] + neuron)[shown < len(phase.indices)]
        counts = np.bincount(cells, minlength=len(phase.indices) * self.sizes[2]).reshape(-1, self.sizes[2])
        rate = read(self.built.hidden_spikes, "N").item() / (self.sizes[1] * len(phase.indices) * self.presentation)
        after = (
            {
                f"{name}.{s}": read(p, s).reshape(self.shape(name))
                for name, p in self.built.projections.items()
                for s in self.states
            }
            if phase.kind == "train"
            else {}
        )
        return counts.astype(np.int32), float(rate), after


class _Standalone(_Executor):
    def __init__(self, program, built, work):
        self.program, self.built, self.work = program, built, work

    def execute(self, stimuli, settings, steps, seed, tick):
        for name, values in zip(("images", "indices", "places", "labels"), stimuli, strict=True):
            values.tofile(self.work / name)
        named = {f"{owner.name}.{variable}": value for (owner, variable), value in settings.items()}
        read = self.program.run(self.work, named, steps * 1e-3, seed, tick)
        return lambda owner, variable: read(f"{owner.name}.{variable}")


class _Runtime(_Executor):
    def __init__(self, built, stimuli):
        self.built, self.stimuli = built, stimuli
        built.network.store()

    def execute(self, stimuli, settings, steps, seed, tick):
        import brian2

        self.built.network.restore()
        self.stimuli.load(*stimuli)
        for (owner, variable), value in settings.items():
            setattr(owner, variable, bool(value) if variable == "boundary_first" else value)
        brian2.seed(seed)
        count = len(stimuli[1])
        self.built.network.run(
            steps * brian2.ms,
            namespace={},
            report_period=0.5 * brian2.second,
            report=lambda elapsed, part, start, duration: tick(int(part * count)),
        )
        return lambda owner, variable: np.array(owner.variables[variable].get_value())


class _Checkpoint:
    """State after each phase, in one file that is replaced as a whole."""

    def __init__(self, folder, identity):
        self.path, self.identity = Path(folder) / "state.npz", identity

    def save(self, state, age, phases):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f"state/{k}": v for k, v in state.items()}
        arrays |= {f"counts/{n}": p.counts for n, p in enumerate(phases)}
        arrays["phases"] = np.array([[p.hidden_rate, p.seconds] for p in phases])
        arrays |= {"age": np.array(age), "identity": np.array(self.identity)}
        with tempfile.NamedTemporaryFile(dir=self.path.parent, suffix=".npz", delete=False) as file:
            np.savez(file, **arrays)
        os.replace(file.name, self.path)

    def load(self, curriculum, state):
        if not self.path.is_file():
            return state, 0, []
        with np.load(self.path, allow_pickle=False) as file:
            if str(file["identity"]) != self.identity:
                raise UserError(
                    f"{self.path} holds another run (rule text, constants, seed, network or data differ): "
                    "choose another --out, or run without --resume"
                )
            phases = [
                PhaseResult(curriculum.phases[n], file[f"counts/{n}"], float(rate), float(seconds))
                for n, (rate, seconds) in enumerate(file["phases"])
            ]
            return {k: file[f"state/{k}"] for k in state}, int(file["age"]), phases
