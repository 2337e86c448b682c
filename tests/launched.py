"""The command in processes of its own, forked from one that has imported everything: a start costs no seconds of imports."""

import ast
import contextlib
import io
import multiprocessing
import os
import signal
import sys
import time
import traceback
import types
from pathlib import Path

import psutil

LOADED = ("spikemeta.cli", "spikemeta.runs.experiment", "spikemeta.simulation.simulation", "spikemeta.simulation.torch_engine")
LOADED += ("spikemeta.backends.torch.optimizer", "distributed", "launched")


def _begin(folder, out, errors, environment):
    """A session of its own, with this environment, in this folder, that prints into these files."""
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


def _main(words, folder, limit, out, errors, environment):
    _begin(folder, out, errors, environment)
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


class Python:
    """A notebook's Python: cells one after another, in a process that has everything imported.

    Parameters
    ----------
    out : Path
        Folder for what it prints beside what cells show.
    folder : Path
        Where it runs.
    """

    def __init__(self, out, folder):
        out.mkdir(parents=True)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(LOADED))
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, str(folder), str(out / "stdout"), str(out / "stderr"), dict(os.environ))
        self.process = context.Process(target=_cells, args=arguments, daemon=True)
        self.process.start()
        theirs.close()

    def run(self, source):
        """Run a cell.

        Returns
        -------
        str
            What it printed, then its last value as a notebook without pictures shows it.

        Raises
        ------
        RuntimeError
            Where it fails, with its traceback.
        """
        self.pipe.send(source)
        failed, shown = self.pipe.recv()
        if failed:
            raise RuntimeError(shown)
        return shown

    def close(self):
        self.pipe.send("")
        self.process.join()


def _cells(pipe, folder, out, errors, environment):
    _begin(folder, out, errors, environment)
    # A notebook has IPython, and the tests need not: the picture must be there.
    display = types.ModuleType("IPython.display")
    display.Image = _picture
    main = types.ModuleType("__main__")
    sys.modules |= {"IPython.display": display, "__main__": main}
    while source := pipe.recv():
        printed, failed = io.StringIO(), False
        try:
            with contextlib.redirect_stdout(printed):
                _show(source, main.__dict__)
        except BaseException:
            failed = True
            printed.write(traceback.format_exc())
        pipe.send((failed, printed.getvalue()))


def _picture(path, width=None):
    if not Path(path).read_bytes().startswith(b"\x89PNG"):
        raise ValueError(f"{path} is no PNG")


def _show(source, names):
    """Run a cell in these names, and print the value at its end unless a semicolon hides it."""
    import matplotlib.pyplot as plt

    tree, value = ast.parse(source), None
    last = [tree.body.pop()] if isinstance(tree.body[-1], ast.Expr) else []
    exec(compile(tree, "a cell", "exec"), names)
    for shown in last:
        value = eval(compile(ast.Expression(shown.value), "a cell", "eval"), names)
    if value is not None and not source.rstrip().endswith(";"):
        if hasattr(value, "_repr_html_"):
            value._repr_html_()
        print(repr(value))
    plt.close("all")
