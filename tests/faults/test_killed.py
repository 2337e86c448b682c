"""A run that is killed, stopped or left without room goes on to the same bits, or says what is wrong; all engines.

``SPIKEMETA_KILLS=20 pytest -n 0 tests/faults/test_killed.py`` tries as many moments per engine; by default a few.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import launched
import numpy as np
import pytest

KILLS = int(os.environ.get("SPIKEMETA_KILLS", 2))
ENGINES = ("standalone", "standalone-surrogate", "standalone-eprop", "torch")


def kill(child, number):
    with contextlib.suppress(ProcessLookupError):  # it was faster this time
        os.kill(child, number)


def alive(child):
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(there, child):
    """Until ``there()`` holds, however long that takes, as long as the process lives."""
    while not there():
        assert alive(child) or there(), "the process ended before it came so far"
        time.sleep(0.02)


class Shell:
    """A process that starts runs; see shell.py."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("shell.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.line() == "ready"

    def line(self):
        return self.process.stdout.readline().strip()

    def start(self, engine, folder, how=""):
        """``hold`` lets the run wait for a signal after it has first saved something, ``here`` the shell itself run it."""
        self.process.stdin.write(f"{engine} {folder} {how}\n")
        self.process.stdin.flush()
        return int(self.line())


@pytest.fixture(scope="module")
def shell():
    made = Shell()
    yield made
    made.process.stdin.close()
    made.process.kill()
    made.process.wait()


@pytest.fixture(scope="module")
def uninterrupted(shell, tmp_path_factory):
    """Outcome and duration (s) of a run that nothing disturbs, by engine."""
    made = {}

    def get(engine):
        if engine not in made:
            for how in ("here", "") if engine != "runtime" else ("",):  # once to compile
                folder = tmp_path_factory.mktemp("whole")
                began = time.monotonic()
                shell.start(engine, folder, how)
                assert shell.line() == "finished"
                made[engine] = dict(np.load(folder / "result.npz")), time.monotonic() - began
        return made[engine]

    return get


def assert_same(folder, expected):
    with np.load(folder / "result.npz") as found:
        assert set(found.files) == set(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_run_ends_with_the_same_bits(shell, uninterrupted, engine, tmp_path):
    expected, duration = uninterrupted(engine)
    assert sum(expected[name].sum() for name in expected if name.startswith("counts")) > 0
    random, saved = np.random.default_rng([KILLS, len(engine)]), 0
    for number, part in enumerate(random.uniform(0, 1, KILLS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        child = shell.start(engine, folder)
        began = time.monotonic()
        if number % 2:  # at any moment of the run, as long as the run before it took
            time.sleep((0.1 + 0.9 * part) * duration)
        else:  # soon after something was saved, however slow this machine is at the moment
            wait_for((folder / "state.checkpoint").exists, child)
            time.sleep(0.1 * part)
        moment = time.monotonic() - began
        kill(child, signal.SIGKILL)
        ended = shell.line()
        saved += (folder / "state.checkpoint").exists()
        assert ended in ("killed by 9", "finished")
        shell.start(engine, folder)
        assert shell.line() == "finished"
        assert_same(folder, expected)
        print(f"{engine}: killed after {moment:.2f} of {duration:.2f} s, {ended}: same bits", flush=True)
    assert saved, "every run was killed before it had saved anything"


def test_a_run_killed_again_and_again_ends_with_the_same_bits(shell, uninterrupted, tmp_path):
    """Each attempt gets a little further than the one before; in Brian2's runtime mode."""
    engine = "runtime"
    expected, duration = uninterrupted(engine)
    for attempt in range(KILLS):
        child = shell.start(engine, tmp_path)
        time.sleep(duration * (0.5 + 0.1 * attempt))
        kill(child, signal.SIGKILL)
        if shell.line() == "finished":
            break
    else:
        shell.start(engine, tmp_path)
        assert shell.line() == "finished"
    assert_same(tmp_path, expected)


@pytest.mark.parametrize(("engine", "number"), [("standalone", signal.SIGTERM), ("torch", signal.SIGINT)])
def test_a_signal_saves_and_ends_the_run(shell, uninterrupted, engine, number, tmp_path):
    expected, _ = uninterrupted(engine)
    child = shell.start(engine, tmp_path, "hold")
    wait_for((tmp_path / "state.checkpoint").exists, child)
    kill(child, number)
    assert shell.line() == f"stopped by {'Terminated' if number == signal.SIGTERM else 'KeyboardInterrupt'}"
    assert (tmp_path / "state.checkpoint").exists()
    shell.start(engine, tmp_path)
    assert shell.line() == "finished"
    assert_same(tmp_path, expected)


# --- the command itself

STUDY = "run forgetting --rules sgd,laplace --engine torch --tasks 2 --passes 4 --hidden 20 --seeds 1"


def start(folder, workers, *more):
    return launched.Command([*STUDY.split(), "--workers", workers, "--out", folder, *more], folder.parent / "printed")


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    first = start(folder, 1)
    _, errors = first.communicate()
    assert first.returncode == 0, errors
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_stopped_command_says_how_to_go_on_and_goes_on(tmp_path, whole_study, workers, number):
    """Any number of workers gives the same summary, stopped or not."""
    folder = tmp_path / "out"
    process = start(folder, workers)
    while not list(folder.glob("state/*/*/state.checkpoint")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], errors
    assert "everything up to here is saved: repeat the command with --resume to go on" in errors
    assert "Traceback" not in errors
    assert not (folder / "summary.json").exists()
    assert list(folder.glob("state/*/*/state.checkpoint"))
    again = start(folder, 1, "--resume")
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert json.loads((folder / "summary.json").read_text()) == whole_study


IGNORING = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script starts what runs in the background
from spikemeta.system import stopping
stopping.listen()
import brian2  # puts a handler of its own before what it finds
os.kill(os.getpid(), signal.SIGINT)
with stopping.deferred():
    os.kill(os.getpid(), signal.SIGINT)
    assert not stopping.wanted()
try:
    with stopping.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
except stopping.Terminated:
    print("went on until it was terminated")
"""


def test_ctrl_c_stays_ignored_in_the_background():
    done = subprocess.run([sys.executable, "-c", IGNORING], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("went on until it was terminated", 0), done.stderr


DROPPED = """
import os, signal, time, weakref
from spikemeta.system import stopping
stopping.listen()
class Thing: pass
thing = Thing()
reference = weakref.ref(thing, lambda _: (os.kill(os.getpid(), signal.{name}), time.sleep(0.01)))
try:
    del thing  # what a callback of a weak reference raises is dropped
    time.sleep(600)
    print("never heard of it")
except KeyboardInterrupt as stop:
    print(type(stop).__name__)
"""


@pytest.mark.parametrize(("name", "raised"), [("SIGINT", "KeyboardInterrupt"), ("SIGTERM", "Terminated")])
def test_a_signal_within_a_callback_that_drops_exceptions_is_heard(name, raised):
    done = subprocess.run([sys.executable, "-c", DROPPED.format(name=name)], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr, done.returncode) == (raised, "", 0)
