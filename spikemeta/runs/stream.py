"""A stream of permuted tasks, each seen once, as long as wanted: one task is held at a time, the state after each is kept."""

import contextlib
import time
from dataclasses import replace

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.analysis.rows import FinishedRun
from spikemeta.analysis.stream import RECENT
from spikemeta.data import curricula
from spikemeta.errors import UserError
from spikemeta.hardware import counters
from spikemeta.language import registry
from spikemeta.runs import pool
from spikemeta.simulation import execution, weights
from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.simulation.outcome import PhaseResult

_ALONG = ("seconds", "rates", "prequential", "events")  # what is measured of the training of each task
_TRAIN, _TEST = 4, 5  # random streams of a seed, beside those of `spikemeta.simulation.simulation`


def total(point):
    """Presentations of a stream, those of its tests included.

    Parameters
    ----------
    point : spikemeta.runs.pool.Point
        Its curriculum: ``dataset``, ``n_tasks``, ``limit``, ``test_limit``.

    Returns
    -------
    int
    """
    data, c = pool.dataset(point.curriculum["dataset"]), point.curriculum
    n, recent = c["n_tasks"], min(RECENT, c["n_tasks"])
    train, test, whole = (
        min(len(labels), most or len(labels))
        for labels, most in (
            (data.train_labels, c["limit"]),
            (data.test_labels, c["test_limit"]),
            (data.test_labels, None),
        )
    )
    along = sum(min(RECENT, task + 1) for task in range(n)) * test
    return n * train + along + (n - recent) * test + recent * whole


def identity(point):
    """What decides a stream, but for its length."""
    curriculum = {k: v for k, v in point.curriculum.items() if k != "n_tasks"}
    rest = pool.fingerprint(registry.get_rule(point.rule), replace(point, curriculum=curriculum))
    return {"rule": point.label, "seed": point.seed, "constants, data or network": rest}


def execute(point, progress):
    """Run a stream: each task is trained once, the last `RECENT` are tested after each, all of them at the end.

    Parameters
    ----------
    point : spikemeta.runs.pool.Point
        ``state`` keeps the state after the last finished task, also when the stream has ended, so that it may be made longer.
    progress : callable
        ``progress(phase_name, done, total)``, in presentations.

    Returns
    -------
    FinishedRun
        ``accuracy_matrix`` (tasks, tasks): after each task (rows) on each task (columns), fraction, NaN where not tested;
        ``training_seconds``, ``hidden_rate`` (Hz) and ``prequential`` accuracy (fraction) of each task, (tasks,);
        ``counts_train``, what happened while all tasks were learned, by `spikemeta.hardware.counters.COUNTS`.

    Raises
    ------
    InstabilityError
        If a state variable becomes NaN or infinite.
    UserError
        If the state is of another stream, damaged, or of more tasks than asked for.
    """
    stream, n = _Stream(point, progress), point.curriculum["n_tasks"]
    with stream.opened():
        done = stream.load() if point.resume else 0
        for task in range(done, n):
            stream.train(task)
            for other in range(max(0, task + 1 - RECENT), task + 1):
                stream.test(task + 1, other, stream.limits["test_limit"])
            stream.save(task + 1)
        just_learned = np.diag(stream.matrix).copy()
        for other in range(n):
            stream.test(n + 1, other, None if other >= n - RECENT else stream.limits["test_limit"])
    progress("done", stream.length, stream.length)
    arrays = {
        "accuracy_matrix": stream.matrix,
        "just_learned": just_learned,
        "training_seconds": stream.along["seconds"],
        "hidden_rate": stream.along["rates"],
        "prequential": stream.along["prequential"],
        "counts_train": stream.along["events"].sum(0),
    }
    info = {"rule": point.rule, "constants": stream.constants, "seconds": float(stream.along["seconds"].sum())}
    return FinishedRun(point.label, point.seed, point.fingerprint, arrays, info)


def _right(counts, phase):
    """Whether each presentation was answered rightly; a silent readout is wrong."""
    return (counts.argmax(1) == phase.labels) & (counts.sum(1) > 0)


class _Stream:
    """A stream under way: synapses, what was measured after each task, and the checkpoint that holds both."""

    def __init__(self, point, progress):
        self.point, self.progress, self.length = point, progress, total(point)
        self.data, n = pool.dataset(point.curriculum["dataset"]), point.curriculum["n_tasks"]
        self.simulation = pool.make_simulation(registry.get_rule(point.rule), **point.simulation)
        self.limits = {k: point.curriculum[k] for k in ("limit", "test_limit")}
        first = curricula.build("permuted", self.data, seed=point.seed, n_tasks=1, **self.limits)
        self.constants = self.simulation.constants(first)
        self.sizes = (self.data.n_pixels, self.simulation.n_hidden, first.n_classes)
        self.start, self.state = self.simulation.begin(first, self.sizes, point.seed)
        self.matrix, self.age, self.shown = np.full((n, n), np.nan), 0, 0
        self.along = {"matrix": self.matrix} | {name: np.zeros(n) for name in _ALONG}
        self.along["events"] = np.zeros((n, len(counters.COUNTS)))
        self.checkpoint = Checkpoint(point.state, identity(point))

    @contextlib.contextmanager
    def opened(self):
        """While a program stands ready."""
        with execution.open_executor(self.simulation, self.sizes, self.constants, self.start) as self._execute:
            yield

    def _run(self, phase, key):
        base, seeds = self.shown, np.random.SeedSequence([self.point.seed, *key]).generate_state(1)
        tell = lambda k: self.progress(phase.name, base + k, self.length)  # noqa: E731
        found = self._execute(phase, self.data, self.state, self.age, int(seeds[0]), tell)
        self.shown += len(phase.indices)
        return found

    def train(self, task):
        """Show all images of a task once."""
        phase, began = curricula.permuted_task(self.data, task, self.point.seed, **self.limits)[0], time.perf_counter()
        counts, rate, after = self._run(phase, (_TRAIN, task))
        self.along["seconds"][task], self.along["rates"][task] = time.perf_counter() - began, rate
        happened = counters.count([PhaseResult(phase, counts, rate, 0.0, self._execute.events)], self.sizes)
        self.along["events"][task] = [happened[name] for name in counters.COUNTS]
        self.along["prequential"][task] = metrics.prequential_accuracy(_right(counts, phase))
        weights.check(self.simulation.rule, after, phase, (self.state, self.age), self.constants)
        self.state, self.age = after, self.age + self._execute.duration(phase)

    def test(self, after, task, test_limit):
        """Measure the accuracy on a task, after so many; one more than there are at the end."""
        phase = curricula.permuted_task(self.data, task, self.point.seed, test_limit=test_limit)[1]
        counts, _, _ = self._run(replace(phase, name=f"test task {task + 1} after task {after}"), (_TEST, after, task))
        self.matrix[min(after, len(self.matrix)) - 1, task] = float(_right(counts, phase).mean())

    def save(self, n):
        """Keep the state after n tasks."""
        so_far = {"matrix": self.matrix[:n, :n]} | {k: self.along[k][:n] for k in _ALONG}
        self.checkpoint.save(self.state | so_far, self.age, [])

    def load(self):
        """Go on from the state that is kept; the number of tasks that it holds."""
        if not self.checkpoint.path.is_file():
            return 0
        kept, self.age, _, _ = self.checkpoint.load(self.state | self.along)
        done = len(kept["matrix"])
        if done > len(self.matrix):
            raise UserError(
                f"{self.checkpoint.path} holds {done} tasks, more than the {len(self.matrix)} that are asked for: ask for "
                "more, choose another --out, or run without --resume"
            )
        self.state = {name: kept[name] for name in self.state}
        self.matrix[:done, :done] = kept["matrix"]
        for name in _ALONG:
            self.along[name][:done] = kept[name]
        part = replace(self.point, curriculum=self.point.curriculum | {"n_tasks": done})
        self.shown = total(part) - _closing(self.point, done)
        return done


def _closing(point, n):
    """Presentations of the tests at the end of a stream of n tasks."""
    labels = pool.dataset(point.curriculum["dataset"]).test_labels
    return max(0, n - RECENT) * min(len(labels), point.curriculum["test_limit"] or len(labels)) + min(n, RECENT) * len(labels)
