"""Runs the points of a study, a point being one rule under one seed, on several processes."""

import concurrent.futures
import contextlib
import functools
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spikemeta.analysis.rows import FinishedRun
from spikemeta.data import tuned
from spikemeta.errors import InstabilityError, UserError
from spikemeta.system import source_identity, stopping
from spikemeta.system.files import plain


@dataclass(frozen=True)
class Point:
    """One simulation of a study; everything that a worker needs, in plain types.

    Attributes
    ----------
    label : str
        The row of the study.
    rule : str
        Name, variant or path, for `spikemeta.language.registry.get_rule`.
    seed : int
        Seeds both the curriculum and the network.
    curriculum : dict
        Arguments of `spikemeta.data.curricula.build`, or of `spikemeta.data.items.build` for the name ``"items"``
        (``dataset`` by name).
    simulation : dict
        Arguments of `spikemeta.simulation.simulation.Simulation`.
    state : str
        Folder for the state of the unfinished run.
    resume : bool
        Go on from the state in that folder.
    fingerprint : str
    forks : tuple of int
        Numbers of phases after which points with the same rule and seed part from this one; the state there is kept for them
        in the folder ``shared`` beside the states.
    record : dict
        Arguments of `spikemeta.simulation.recording.Recording`; empty to record nothing.
    """

    label: str
    rule: str
    seed: int
    curriculum: dict
    simulation: dict
    state: str = ""
    resume: bool = False
    fingerprint: str = ""
    probe: dict = field(default_factory=dict)
    forks: tuple = ()
    record: dict = field(default_factory=dict)


def fingerprint(rule, point):
    """Digest of what decides a point's outcome: the rule's text, constants, network, curriculum, version and sources."""
    from spikemeta.simulation import written

    task, data = point.curriculum["name"], point.curriculum["dataset"]
    network = written.of(*(point.simulation[name] for name in ("network", "engine", "n_hidden", "feedback")))
    text = {f: getattr(rule, f) for f in ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary")}
    simulation = point.simulation
    where = simulation["network"], simulation["engine"], task, data, simulation["feedback"]
    constants = tuned.constants(rule, written.bases(network), *where, simulation["parameters"])
    parts = [
        text,
        constants,
        network.parameters(task, data, point.simulation["network_parameters"]),
        getattr(network, "text", ""),
        rule.title,
        rule.boundary_if,
        dataset(data).digests,
        point.seed,
        point.curriculum,
        point.simulation,
        importlib.metadata.version("spikemeta"),
        source_identity.sources(),
        *([point.probe] if point.probe else []),
        *([point.record] if point.record else []),
    ]
    return hashlib.sha256(json.dumps(plain(parts), sort_keys=True).encode()).hexdigest()


@functools.cache
def dataset(name):
    """A data set, loaded once per process."""
    from spikemeta.data import datasets

    return datasets.load(name)


def curriculum_of(point):
    """The sequence of phases of a point."""
    from spikemeta.data import curricula, items

    arguments = dict(point.curriculum) | {"seed": point.seed}
    name, data = arguments.pop("name"), dataset(arguments.pop("dataset"))
    return items.build(data, **arguments) if name == "items" else curricula.build(name, data, **arguments)


def make_simulation(rule, **arguments):
    """The simulation of a rule; replaced in tests."""
    from spikemeta.simulation.simulation import Simulation

    return Simulation(rule=rule, **arguments)


def execute(point, progress, probe=None):
    """Simulate one point.

    Parameters
    ----------
    point : Point
    progress : callable
        ``progress(phase_name, done, total)``, counted in presentations of this point.
    probe : callable or None
        ``probe(point, simulation, curriculum, run, progress)`` gives more arrays of the trained network, to be stored.

    Returns
    -------
    FinishedRun
    """
    from spikemeta.analysis import recorded
    from spikemeta.language import registry
    from spikemeta.simulation import recording

    rule, start = registry.get_rule(point.rule), time.perf_counter()
    curriculum = curriculum_of(point)
    simulation = make_simulation(rule, **point.simulation)
    folder = Path(point.state).parents[1] / "shared" / str(point.seed) if point.state and point.forks else None
    more = {"shared": folder, "forks": point.forks} if folder else {}
    more |= {"record": recording.Recording(**point.record)} if point.record else {}
    run = simulation.run(curriculum, seed=point.seed, out=point.state or None, resume=point.resume, progress=progress, **more)
    shown, right, tests, answers = 0, 0.0, [], []
    for result in run.phases:
        if result.phase.kind == "train":
            shown += len(result.phase.indices)
            right += len(result.phase.indices) * result.accuracy
        else:
            measured = result.accuracy, result.hidden_rate, result.silent, result.readout_spikes
            tests.append((result.phase.task, result.phase.after, shown, *measured))
            answers.append(result.answers)
    columns = [np.array(column) for column in zip(*tests, strict=True)]
    measured = ("accuracy", "hidden_rate", "silent", "readout_spikes")
    arrays = dict(zip([f"test_{name}" for name in ("task", "after", "presentations", *measured)], columns, strict=True))
    arrays |= {"test_answers": np.array(answers)} | curriculum.notes
    arrays["accuracy_matrix"] = np.asarray(run.accuracy_matrix, float)
    if point.curriculum.get("passes", 1) == 1:  # every image was tested before it was learned
        arrays["prequential_accuracy"] = np.array(right / shown)
    arrays |= _costs(point, rule, simulation, curriculum, run)
    arrays |= recorded.arrays_of(run.recorded)
    arrays |= probe(point, simulation, curriculum, run, progress) if probe else {}
    info = {
        "rule": point.rule,
        "constants": run.constants,
        "compile_seconds": run.compile_seconds,
        "seconds": time.perf_counter() - start,
    }
    return FinishedRun(point.label, point.seed, point.fingerprint, arrays, info)


def _costs(point, rule, simulation, curriculum, run):
    from spikemeta.analysis import cost
    from spikemeta.simulation import written

    sizes = written.sizes(
        getattr(simulation, "network", None), (curriculum.dataset.n_pixels, simulation.n_hidden, curriculum.n_classes)
    )
    torch = point.simulation["engine"] == "torch"
    itemsize = 4 if torch or point.simulation.get("dtype") == "float32" else 8
    batch, stored = point.simulation.get("batch", 1), point.curriculum.get("replay", 0)
    each = [(len(rule.of(p).analysis.states), weights.size) for p, weights in run.weights.items()]
    n_states = sum(n * size for n, size in each) / sum(size for _, size in each)
    found = cost.of_run(run, sizes, n_states, itemsize, batch, stored)
    return {f"cost_{name}": np.array(value) for name, value in found.items()}


def guarded(work, point, progress):
    """Outcome of a point as (kind, value): errors of the user's making travel as text."""
    try:
        return "done", work(point, progress)
    except InstabilityError as error:
        return "unstable", str(error)
    except UserError as error:
        return "error", str(error)
    except MemoryError as error:
        return "error", f"not enough memory ({error}): use fewer --hidden neurons or fewer --workers"


_messages = None


STOPPING = 20.0  # seconds that workers have to save what they are at


def _initialise(messages):
    """In a worker: report to `messages`; die with the parent, along with any program started here."""
    global _messages
    _messages = messages
    stopping.listen()
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # a Ctrl-C reaches the parent only

    def watch():
        multiprocessing.parent_process().join()
        os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_ended = False  # whether a signal ended this worker's point: it takes no other


def _work(work, number, point):
    global _ended
    if _ended:
        raise KeyboardInterrupt
    try:
        return _tried(work, number, point)
    except KeyboardInterrupt:
        _ended = True
        raise


def _tried(work, number, point):
    try:
        return guarded(work, point, lambda phase, done, total: _messages.put((number, phase, done, total)))
    except Exception as error:
        if _travels(error):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _travels(error):
    """Whether an exception arrives as it was sent: one with arguments of its own, or that holds a lock, does not."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def run_points(points, workers, on_progress, on_done, work=execute):
    """Run points on processes of their own; for a single worker or point in this process, which has imported everything.

    Parameters
    ----------
    points : list of Point
    workers : int
    on_progress : callable
        ``on_progress(number_of_point, phase_name, done, total)``.
    on_done : callable
        ``on_done(point, run, problem)`` as soon as a point ends; `run` is None if it became unstable.
    work : callable
        What a point is run by, a function of a module: ``work(point, progress)`` gives its `FinishedRun`.

    Raises
    ------
    UserError
        For any other problem of the input, or if a worker process was killed. Finished points were handed on
        before.
    """

    def settle(point, outcome):
        kind, value = outcome
        if kind == "error":
            raise UserError(value)
        on_done(point, value if kind == "done" else None, value if kind == "unstable" else "")

    if min(workers, len(points)) <= 1:
        for number, point in enumerate(points):
            settle(point, guarded(work, point, functools.partial(on_progress, number)))
        return
    others = set(multiprocessing.active_children())
    # Not a process to fork from: it would import what lies in the working directory, as in a checkout of this package.
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    pool = concurrent.futures.ProcessPoolExecutor(min(workers, len(points)), context, _initialise, (messages,))
    waiting = {pool.submit(_work, work, number, point): point for number, point in enumerate(points)}
    try:
        while waiting:
            done, _ = concurrent.futures.wait(waiting, 0.2, concurrent.futures.FIRST_COMPLETED)
            with contextlib.suppress(queue.Empty):
                while True:
                    on_progress(*messages.get_nowait())
            for future in done:
                settle(waiting.pop(future), future.result())
    except concurrent.futures.process.BrokenProcessPool:
        raise UserError("a worker process was killed (out of memory?); go on with --resume and fewer --workers") from None
    finally:
        if waiting:  # an error, SIGTERM or Ctrl-C: what is still being simulated is saved, and not waited for
            workers = set(multiprocessing.active_children()) - others
            try:
                for future in waiting:
                    future.cancel()
                _signal(workers, signal.SIGTERM)
                concurrent.futures.wait([f for f in waiting if not f.cancelled()], STOPPING)
            finally:
                _signal(workers, signal.SIGKILL)
        pool.shutdown(wait=True, cancel_futures=True)


def _signal(workers, number):
    """Tell workers and any programs that they started; a worker that is still starting has no group of its own yet."""
    for worker in workers:
        with contextlib.suppress(OSError, AttributeError):
            if hasattr(os, "killpg") and os.getpgid(worker.pid) == worker.pid:
                os.killpg(worker.pid, number)
            else:
                worker.kill() if number == signal.SIGKILL else worker.terminate()
