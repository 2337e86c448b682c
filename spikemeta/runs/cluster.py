"""Runs points on the workers of a Dask scheduler: a local one started here, or one that exists, on any number of machines."""

import contextlib
import functools
import importlib
import logging
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import dask
from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker

from spikemeta.runs import pool
from spikemeta.runs.scheduler import check
from spikemeta.system import source_identity

_TOPIC = "spikemeta-progress"
_JOIN = 60.0  # seconds within which a scheduler that answers takes a client
_TELL = 1.0  # seconds between two reports of a point
DEATHS = 10  # workers that a point may lose before it counts as failed
_BRIAN = threading.Lock()  # its device is one per process, and a worker may have several threads


@contextlib.contextmanager
def open_client(workers, address="", say=print):
    """A Dask client.

    Parameters
    ----------
    workers : int
        Processes of a local cluster, which ends with the block.
    address : str
        Of a scheduler that exists, such as ``tcp://10.0.0.1:8786``.
    say : callable
        ``say(text)``, told if it has no workers.

    Raises
    ------
    UserError
        If no scheduler of our version answers there.
    """
    if address:
        check(address)
        with Client(address, timeout=_JOIN, set_as_default=False) as client:
            if not client.scheduler_info()["workers"]:
                say(f"the scheduler at {address} has no workers yet: start some with 'dask worker {address}'")
            yield client
        return
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


class _Ready(WorkerPlugin):
    """Imports Brian2 in each worker: it sets a handler of Ctrl-C, which Python allows in no thread but the main one."""

    name = "spikemeta"

    def setup(self, worker):
        kept = signal.signal
        if threading.current_thread() is not threading.main_thread():
            signal.signal = lambda *_: None
        try:
            importlib.import_module("brian2")
        finally:
            signal.signal = kept


def _on_worker(work, number, point, sources):
    """In a worker: the outcome of a point, as `spikemeta.runs.pool` has it; any other error ends the task."""
    worker, told = get_worker(), [0.0]
    if source_identity.sources() != sources:
        return "error", f"the worker at {worker.address} has other sources of spikemeta: start it from this environment"

    def progress(phase, done, total):
        if time.monotonic() - told[0] > _TELL:
            told[0] = time.monotonic()
            worker.log_event(_TOPIC, (number, phase, done, total))

    if point.state and not Path(point.state).parents[2].is_dir():
        point = replace(point, state="")  # no disk in common: a point that is lost begins anew
    with _BRIAN:
        return pool.guarded(work, point, progress)


def run_points(points, on_progress, on_done, work=pool.execute, *, client):
    """Run points on the workers of a client; as `spikemeta.runs.pool.run_points`, but a point that fails stops no other.

    A point whose worker is lost is given to another one, where it goes on from its last checkpoint.
    """
    client.register_plugin(_Ready())

    def report(event):
        with contextlib.suppress(Exception):  # of a display that has ended
            on_progress(*event[1])

    client.subscribe_topic(_TOPIC, report)
    sources = source_identity.sources()
    futures = {client.submit(_on_worker, work, k, point, sources, pure=False): point for k, point in enumerate(points)}
    try:
        for future in as_completed(list(futures), loop=client.loop):
            point = futures.pop(future)
            if future.status == "finished":
                kind, value = future.result()
                on_done(point, value if kind == "done" else None, "" if kind == "done" else value)
            else:
                error = future.exception()
                lost = type(error).__name__ == "KilledWorker"
                on_done(point, None, f"{DEATHS + 1} workers were lost with it" if lost else f"{type(error).__name__}: {error}")
            future.release()
    finally:
        client.cancel(list(futures))
        client.unsubscribe_topic(_TOPIC)


def runner(client):
    """`run_points` on a client, for `spikemeta.runs.experiment.run_missing`."""
    return functools.partial(run_points, client=client)
