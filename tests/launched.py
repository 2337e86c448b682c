"""The command in processes of its own, forked from one that has imported everything: a start costs no seconds of imports."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import psutil

LOADED = ("spikemeta.cli", "spikemeta.runs.experiment", "spikemeta.simulation.simulation", "spikemeta.simulation.torch_engine")
LOADED += ("spikemeta.backends.torch.optimizer", "sklearn.datasets", "distributed", "launched")


def _main(words, folder, limit, out, errors, environment):
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, errors)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    if folder:
        os.chdir(folder)
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from spikemeta.cli import main

    sys.argv = ["spikemeta", *words]
    main()


class Command:
    """A ``spikemeta`` command at work, as `subprocess.Popen` would show it.

    Parameters
    ----------
    words : sequence of str
    out : Path
        Folder for what it prints; ``stdout`` and ``stderr`` there.
    folder : Path or None
        Where it runs.
    limit : int
        Largest size of a file that it may write, in bytes; 0 for none.
    """

    def __init__(self, words, out, folder=None, limit=0):
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(LOADED))
        self.out, self.errors = out / "stdout", out / "stderr"
        for path in (self.out, self.errors):
            path.write_text("")
        arguments = (
            [str(word) for word in words],
            folder and str(folder),
            limit,
            str(self.out),
            str(self.errors),
            dict(os.environ),
        )
        self.process = context.Process(target=_main, args=arguments)
        self.process.start()
        self.pid = self.process.pid

    def poll(self):
        """Exit status, or None while it is at work."""
        return self.process.exitcode

    def send_signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def communicate(self):
        """Wait until neither it nor any process that it started is left; what it printed, and its errors."""
        self.process.join()
        while self.left():
            time.sleep(0.05)
        return self.out.read_text(), self.errors.read_text()

    def left(self):
        """Numbers of processes that it started and that are alive."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if os.getsid(process.pid) == self.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    @property
    def returncode(self):
        return self.process.exitcode
