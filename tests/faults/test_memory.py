"""The trace of memory: what it counts, what survives a torn line, and what growth means."""

import contextlib
import subprocess
import sys
import time

import numpy as np
import pytest

from spikemeta.figures import memory as memory_figure
from spikemeta.system import memory


def wait_for(condition):
    """However long it takes: the trace is written by a thread."""
    while True:
        with contextlib.suppress(TypeError):  # no whole line yet
            if condition():
                return
        time.sleep(0.05)


def test_a_child_that_takes_memory_shows(tmp_path):
    take = "held = bytearray(b'1')*200_000_000; print('ready', flush=True); input()"
    with memory.Trace(tmp_path / "memory.csv", every=0.05):
        wait_for(lambda: len(memory.read(tmp_path / "memory.csv")["workers"]) > 1)
        with subprocess.Popen([sys.executable, "-c", take], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            wait_for(lambda: np.ptp(memory.read(tmp_path / "memory.csv")["workers"]) > 190)
            child.kill()
    trace = memory.read(tmp_path / "memory.csv")
    assert trace["workers"].max() - trace["workers"][0] > 190
    assert trace["processes"].max() > trace["processes"][0]
    assert trace["own"].min() > 20
    np.testing.assert_allclose(trace["total"], trace["own"] + trace["workers"] + trace["programs"])


def lines(*rows):
    return "\n".join([",".join(memory.COLUMNS), *(f"2026-01-01T00:00:00Z,{s},{own},200.0,50.0,{c},4" for s, own, c in rows)])


def test_growth_is_from_the_second_to_the_last_ten_minutes_of_the_last_start_and_without_compilers(tmp_path):
    path = tmp_path / "memory.csv"
    before = [(10, 9000.0, 0), (2000, 9000.0, 0)]
    early = [(10, 40.0, 800), (300, 45.0, 0), (610, 50.0, 0), (1000, 60.0, 0), (1150, 60.0, 0)]
    late = [(1300, 700.0, 0), (1900, 65.0, 0), (2000, 70.0, 0), (2400, 70.0, 900)]
    path.write_text(lines(*before, *early, *late) + "\n2026-01-01T0")
    found = memory.summary(path)
    assert found["growth_after_ten_minutes"] == pytest.approx(320 / 310 - 1)
    assert found["peak_mib"] == 950
    assert found["minutes"] == 40
    assert memory_figure.memory(memory.read(path)) is not None
    path.write_text(lines(*early))
    assert "growth_after_ten_minutes" not in memory.summary(path)


@pytest.mark.parametrize(("end", "dotted"), [(300, False), (900, True)])
def test_the_figure_ends_with_the_run(tmp_path, end, dotted):
    path = tmp_path / "memory.csv"
    path.write_text(lines((10, 40.0, 0), (end / 2, 45.0, 0), (end, 50.0, 0)))
    (panel,) = memory_figure.memory(memory.read(path)).axes
    assert panel.get_xlim()[1] == pytest.approx(end / 60, rel=0.1)
    assert ("dotted" in panel.get_xlabel()) == (len(panel.lines) == 5) == dotted


def test_a_short_or_missing_trace_says_nothing(tmp_path):
    assert memory.summary(tmp_path / "memory.csv") == {}
    assert memory_figure.memory(None) is None
    (tmp_path / "memory.csv").write_text(lines((10, 40.0, 0)))
    assert "growth_after_ten_minutes" not in memory.summary(tmp_path / "memory.csv")
    assert memory_figure.memory(memory.read(tmp_path / "memory.csv")) is None
