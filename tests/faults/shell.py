"""Starts runs of a small study, each in a process of its own that may be killed; one answer per line of input.

``ENGINE FOLDER`` answers with the process's number, which the process follows by ``finished`` or how it ended. A word
``hold`` after them makes the run wait for a signal as soon as it has saved something; a word ``here`` lets this process
run it itself: those that follow find the network built.
"""

import os
import sys
import time

import numpy as np
import torch

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import checkpoint, executors
from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.simulation.simulation import Simulation
from spikemeta.system import stopping

SEED = 3


def simulation(mode):
    """With a weight noise and a boundary-free forgetting, so that a lost stream or a lost age would show.

    ``standalone-SIGNAL`` learns by another signal than local errors.
    """
    mode, _, feedback = mode.partition("-")
    brian2 = {"mode": mode, "network_parameters": {"presentation": 40.0}, "feedback": feedback or "tied"}
    own = {"torch": {"engine": "torch", "batch": 2}}.get(mode, brian2)
    return Simulation(registry.get_rule("mesu"), n_hidden=8, parameters={"window": 200.0}, **own)


def curriculum(mode):
    sizes = {"standalone": (200, 20, 4), "torch": (60, 20, 1), "runtime": (10, 5, 1)}
    limit, test_limit, passes = sizes[mode.partition("-")[0]]
    return curricula.build("split", datasets.load("digits"), n_tasks=2, limit=limit, test_limit=test_limit, passes=passes)


def held(save):
    """A way of saving that goes on only when a signal waits."""

    def saved(*arguments, **more):
        save(*arguments, **more)
        while not stopping.wanted():
            time.sleep(0.01)

    return saved


def run(mode, folder, hold=False):
    """The run, its state saved every 50 ms, and its outcome in ``result.npz``."""
    checkpoint.INTERVAL, executors.RUNTIME_BLOCK = 0.05, 5
    if hold:
        Checkpoint.save = held(Checkpoint.save)
    stopping.listen()
    try:
        done = simulation(mode).run(curriculum(mode), seed=SEED, out=folder, resume=True)
    except KeyboardInterrupt as stop:
        print(f"stopped by {type(stop).__name__}", flush=True)
        return
    counts = {f"counts {number}": phase.counts for number, phase in enumerate(done.phases)}
    np.savez(os.path.join(folder, "result.npz"), **done.state, **counts, rates=[phase.hidden_rate for phase in done.phases])
    print("finished", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)  # of several, a child would have one that waits for the others
    simulation("torch"), simulation("runtime")  # all is imported
    print("ready", flush=True)
    for line in sys.stdin:
        mode, folder, *how = line.split()
        if how == ["here"]:
            print(os.getpid(), flush=True)
            run(mode, folder)
            continue
        child = os.fork()
        if not child:
            os.setpgrp()
            print(os.getpid(), flush=True)
            code = 1
            try:
                code = run(mode, folder, how == ["hold"]) or 0
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print(f"killed by {os.WTERMSIG(status)}", flush=True)
