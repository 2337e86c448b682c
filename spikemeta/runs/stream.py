"""A stream of permuted tasks, each seen once, as long as wanted: one task is held at a time, the state after each is kept."""

import time
from dataclasses import replace

import numpy as np

from spikemeta.analysis.rows import FinishedRun
from spikemeta.analysis.stream import RECENT
from spikemeta.data import curricula
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import pool
from spikemeta.simulation import execution
from spikemeta.simulation.checkpoint import Checkpoint

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
        ``training_seconds`` and ``hidden_rate`` (Hz) of each task, (tasks,).

    Raises
    ------
    InstabilityError
        If a state variable becomes NaN or infinite.
    UserError
        If the state is of another stream, damaged, or of more tasks than asked for.
    """
    data = pool.dataset(point.curriculum["dataset"])
    simulation = pool.make_simulation(registry.get_rule(point.rule), **point.simulation)
    n, seed, limits = point.curriculum["n_tasks"], point.seed, {k: point.curriculum[k] for k in ("limit", "test_limit")}
    first = curricula.build("permuted", data, seed=seed, n_tasks=1, **limits)
    constants = simulation.constants(first)
    sizes = (data.n_pixels, simulation.n_hidden, first.n_classes)
    matrix, done, shown = np.full((n, n), np.nan), 0, 0
    along = {"matrix": matrix, "seconds": np.zeros(n), "rates": np.zeros(n)}
    start, state = simulation.begin(first, sizes, seed)
    checkpoint = Checkpoint(point.state, identity(point))
    age, length = 0, total(point)

    with execution.open_executor(simulation, sizes, constants, start) as execute:

        def run(phase, state, key):
            nonlocal shown
            name, base = phase.name, shown
            seeds = np.random.SeedSequence([seed, *key]).generate_state(1)
            found = execute(phase, data, state, age, int(seeds[0]), lambda k: progress(name, base + k, length))
            shown += len(phase.indices)
            return found

        def test(after, task, test_limit):
            phase = curricula.permuted_task(data, task, seed, test_limit=test_limit)[1]
            counts, _, _ = run(replace(phase, name=f"test task {task + 1} after task {after}"), state, (_TEST, after, task))
            return float(((counts.argmax(1) == phase.labels) & (counts.sum(1) > 0)).mean())

        if point.resume and checkpoint.path.is_file():
            kept, age, _, _ = checkpoint.load(state | along)
            done = len(kept["matrix"])
            if done > n:
                raise UserError(
                    f"{checkpoint.path} holds {done} tasks, more than the {n} that are asked for: ask for more, "
                    "choose another --out, or run without --resume"
                )
            state = {name: kept[name] for name in state}
            matrix[:done, :done] = kept["matrix"]
            for name in ("seconds", "rates"):
                along[name][:done] = kept[name]
            shown = total(replace(point, curriculum=point.curriculum | {"n_tasks": done})) - _closing(point, done)
        for task in range(done, n):
            phase = curricula.permuted_task(data, task, seed, **limits)[0]
            began = time.perf_counter()
            _, along["rates"][task], after = run(phase, state, (_TRAIN, task))
            along["seconds"][task] = time.perf_counter() - began
            simulation.check(after, phase)
            state, age = after, age + execute.duration(phase)
            for other in range(max(0, task + 1 - RECENT), task + 1):
                matrix[task, other] = test(task + 1, other, limits["test_limit"])
            so_far = {"matrix": matrix[: task + 1, : task + 1]} | {k: along[k][: task + 1] for k in ("seconds", "rates")}
            checkpoint.save(state | so_far, age, [])
        just_learned = np.diag(matrix).copy()
        for other in range(n):
            matrix[-1, other] = test(n + 1, other, None if other >= n - RECENT else limits["test_limit"])
    progress("done", length, length)
    arrays = {
        "accuracy_matrix": matrix,
        "just_learned": just_learned,
        "training_seconds": along["seconds"],
        "hidden_rate": along["rates"],
    }
    info = {"rule": point.rule, "constants": constants, "seconds": float(along["seconds"].sum())}
    return FinishedRun(point.label, seed, point.fingerprint, arrays, info)


def _closing(point, n):
    """Presentations of the tests at the end of a stream of n tasks."""
    labels = pool.dataset(point.curriculum["dataset"]).test_labels
    return max(0, n - RECENT) * min(len(labels), point.curriculum["test_limit"] or len(labels)) + min(n, RECENT) * len(labels)
