"""A network made ready: what executes its phases, in a work folder of its own."""

import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from spikemeta.backends import paths
from spikemeta.backends.networks import watched as monitors
from spikemeta.errors import UserError
from spikemeta.simulation import devices, executors, programs, standalone, stimuli
from spikemeta.system import compiler
from spikemeta.system.files import Lock, lock

_WORK = "spikemeta-"
_STALE = 86_400.0  # seconds: no phase goes on for a day without writing into its folder


def remove_stale():
    """Remove the work folders of runs that were killed, and what they left half compiled.

    A work folder is in use while its run holds the lock on the file ``.lock`` in it; one where that file is missing, or still
    empty because its run is just about to lock it, while it changes.
    """
    found = [*Path(tempfile.gettempdir()).glob(f"{_WORK}*"), *compiler.cache_folder().glob("building-*")]
    for folder in found:
        with suppress(OSError, UserError):
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            locked = (folder / ".lock").is_file() and (folder / ".lock").stat().st_size > 0
            if folder.stat().st_uid == os.getuid() and (locked or time.time() - newest > _STALE):
                held = Lock(folder / ".lock") if locked else None  # not if it is in use
                shutil.rmtree(folder, ignore_errors=True)
                del held


@contextmanager
def open_executor(simulation, sizes, constants, start, connect=None, watched=()):
    """Build (and compile) a simulation's network.

    Parameters
    ----------
    simulation : Simulation
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    constants : dict
        From `Simulation.constants`.
    start : dict of str to ndarray
        From the network's ``start``.
    connect : dict of str to dict or None
        Arguments of ``Synapses.connect`` for projections that are not all-to-all, on the engine brian2; their state is (n,).
    watched : sequence of str
        What is recorded of neurons; a compiled network has a second program for it.

    Yields
    ------
    callable
        ``execute(phase, dataset, state, age, seed, tick)`` gives spike counts (n, n_classes), the mean hidden rate in Hz,
        and, for a phase that learns, the state after it; ``execute.duration(phase)`` is what it adds to rule time. A
        further ``keep(partial, state)`` is called every `spikemeta.simulation.checkpoint.INTERVAL` seconds, and when a signal
        waits; given one of these ``partial`` (dict of str to ndarray), the phase goes on from there to the same bits.
        ``execute.events`` counts the events of the phase last executed, where the engine counts them.
    """
    if simulation.engine == "torch":
        from spikemeta.simulation import torch_engine

        with torch_engine.one_thread():
            yield torch_engine.Executor(simulation, sizes, constants, start)
        return
    began, shown = time.perf_counter(), stimuli.Stimuli()
    parameters = type(simulation.network.parameters())(**constants["network"])
    how = {"dtype": simulation.dtype, "dense": simulation.dense} | ({"connect": connect} if connect else {})

    def build(names=()):
        takes_spikes = getattr(simulation.network, "takes_spikes", False)
        functions = shown.next_spike if takes_spikes else shown.stimulus, shown.teacher
        own = {"start": start} if hasattr(simulation.network, "text") else {}
        made = simulation.network.build(simulation.rule, sizes, parameters, simulation.feedback, *functions, **how, **own)
        return monitors.add(made, names)

    remove_stale()
    with tempfile.TemporaryDirectory(prefix=_WORK) as work, ExitStack() as alone:
        held = lock(work)
        if simulation.mode == "standalone":
            once = partial(programs.once, simulation, sizes, parameters, start)
            known = _compiled(build) if connect else once(partial(_compiled, build))
            observing = once(partial(_compiled, partial(build, watched)), watched) if watched else ()
            executor = executors.Standalone(*known, Path(work), observing)
        else:
            alone.enter_context(devices.runtime())
            executor = executors.Runtime(build(watched), shown)
        executor.setup(simulation, sizes, constants, start)
        executor.compile_seconds = time.perf_counter() - began
        yield executor
        del held


def _compiled(build):
    with devices.standalone() as device:
        built = build()
        for made in filter(paths.in_rows, built.projections.values()):
            standalone.forget_indices(made, device)
        return standalone.compile_network(built.network, device), built
