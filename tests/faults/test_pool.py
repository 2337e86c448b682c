"""Workers of a study whose point fails in ways that processes do not tell each other."""

import os
import subprocess
import sys

import pytest

from spikemeta.runs import pool

#: Two points on two workers: the first raises, while the second worker, if it shall be slow, is still at its start.
SCRIPT = """
import os, sys, threading, time
from pathlib import Path
from spikemeta.runs import pool


class OfTwo(Exception):
    def __init__(self, what, how):
        super().__init__(f"{what} is {how}")


class Holding(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


ERRORS = {"two arguments": lambda: OfTwo("the network", "broken"), "a lock": lambda: Holding("the network is broken")}


def work(point, progress):
    raise ERRORS[point.label]()


if __name__ == "__main__":
    points = [pool.Point(sys.argv[1], "sgd", seed, {}, {}) for seed in range(2)]
    try:
        pool.run_points(points, 2, print, print, work)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        print(str(error.__cause__))
elif sys.argv[2] == "slow":
    try:
        Path("first").touch(exist_ok=False)
    except FileExistsError:
        time.sleep(100)
"""


@pytest.mark.parametrize(("kind", "name", "second"), [("two arguments", "OfTwo", "ready"), ("a lock", "Holding", "slow")])
def test_an_error_that_cannot_be_sent_is_told_and_ends_the_study(kind, name, second, tmp_path):
    """It waits for no worker that is still starting: such a one has no group of processes yet, by which others are stopped."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    run = [sys.executable, "script.py", kind, second]
    done = subprocess.run(run, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=90)
    assert f"RuntimeError: {name}: the network is broken" in done.stdout
    assert "in work" in done.stdout  # the traceback of the worker


def test_a_single_point_needs_no_process():
    """Which would take seconds to import what this one has."""
    told, point = [], pool.Point("sgd", "sgd", 0, {}, {})
    pool.run_points([point], 2, print, lambda *outcome: told.append(outcome), lambda point, progress: os.getpid())
    assert told == [(point, os.getpid(), "")]
