"""Sweeps on a Dask scheduler: whatever happens to workers, every point is there once, equal to the same sweep run serially."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from distributed import Client, LocalCluster
from rich.console import Console

from spikemeta.errors import InstabilityError, UserError
from spikemeta.language import registry
from spikemeta.runs import cluster, experiment, planning, pool, scheduler, study, sweep

FORGETTING = registry.load("studies", "forgetting")
SMALL = {"rules": "sgd", "engine": "torch", "tasks": 2, "images": 20, "workers": 1}


def options(folder, grid, **more):
    return sweep.options_of(FORGETTING.options)(**(SMALL | {"grid": grid, "out": str(folder)} | more))


def serially(points, on_progress, on_done, work):
    """In place of the cluster: one after another, in this process."""
    for number, point in enumerate(points):
        kind, value = pool.guarded(work, point, lambda *words, n=number: on_progress(n, *words))
        on_done(point, value if kind == "done" else None, "" if kind == "done" else value)


@pytest.fixture
def no_cluster(monkeypatch):
    monkeypatch.setattr(sweep.cluster, "open_client", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(sweep.cluster, "runner", lambda _: serially)


@pytest.fixture
def console():
    return Console(record=True, width=200, force_terminal=False)


GATED = """
import os, time
from spikemeta.language import registry

while "GATE" in os.environ and not os.path.exists(os.environ["GATE"]):  # at work until the test says so
    time.sleep(0.02)
rule = registry.get_rule("sgd")
"""


def test_workers_that_are_killed_lose_nothing(tmp_path, monkeypatch, console):
    """Eight points on two workers, of which one is killed twice while it is at work."""
    (tmp_path / "gated.py").write_text(GATED)
    rules, gate = str(tmp_path / "gated.py"), tmp_path / "open"
    grid = ("lr=0.001,0.01", "hidden=4,8")
    killed = []
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0, env={"GATE": str(gate)}
        ) as local,
        Client(local, set_as_default=False) as client,
    ):

        def kill():
            """Kill a worker that is at a point, and its successor; then let all of them go on."""
            victim = local.workers[0]
            while len(killed) < 2:
                pid = victim.pid
                if pid and pid not in killed and client.processing().get(victim.worker_address):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                time.sleep(0.05)
            gate.touch()

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        code = sweep.run(
            FORGETTING,
            options(tmp_path / "a", grid, rules=rules, seeds=2, engine="torch", scheduler=local.scheduler_address),
            console,
        )
        killer.join()
    assert code == 0
    assert len(set(killed)) == 2
    lines = [line for line in console.export_text().splitlines() if ", seed " in line]
    assert len(lines) == 8
    assert len({line.split("; ")[1].split(":")[0] for line in lines}) == 8
    assert lines[-1].startswith("8/8 runs")
    monkeypatch.setattr(sweep.cluster, "open_client", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(sweep.cluster, "runner", lambda _: serially)
    assert sweep.run(FORGETTING, options(tmp_path / "b", grid, rules=rules, seeds=2, engine="torch"), console) == 0
    one, other = (xarray.open_dataset(tmp_path / name / "results.nc").load() for name in "ab")
    xarray.testing.assert_identical(one, other)
    assert one.accuracy.dims == ("lr", "hidden", "rule", "seed", "after", "task")
    assert one.accuracy.shape == (2, 2, 1, 2, 2, 2)
    assert np.isfinite(one.accuracy).all()
    assert not (tmp_path / "a" / "state").exists() or not list((tmp_path / "a" / "state").rglob("*.checkpoint"))


def test_a_point_of_the_grid_is_the_run_of_the_study(tmp_path, no_cluster, console):
    assert (
        sweep.run(FORGETTING, options(tmp_path / "a", ("rule.lr=0.01,0.05", "hidden=6"), rules="sgd,laplace", seeds=1), console)
        == 0
    )
    whole = xarray.open_dataset(tmp_path / "a" / "results.nc").load()
    assert {"rule.lr", "hidden"} < set(whole.dims)
    plain = FORGETTING.options(**(SMALL | {"hidden": 6, "out": str(tmp_path / "b"), "seeds": 1}))
    entry = planning.entries_of(plain)[0]
    experiment.run("forgetting", plain, [replace(entry, parameters={"lr": 0.05})], console)
    alone = xarray.open_dataset(tmp_path / "b" / "results.nc").load()
    found = whole.accuracy.sel({"rule.lr": 0.05, "hidden": 6, "rule": "sgd"})
    np.testing.assert_array_equal(found.values, alone.accuracy.sel(rule="sgd").values)
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert [row["grid"] for row in summary["rows"]] == [{"rule.lr": v, "hidden": 6} for v in (0.01, 0.01, 0.05, 0.05)]
    provenance = json.loads((tmp_path / "a" / "provenance.json").read_text())
    assert provenance["command"].startswith("spikemeta sweep forgetting --rules sgd,laplace")
    assert provenance["status"] == "finished"


def test_a_failed_point_is_reported_and_stops_no_other(tmp_path, no_cluster, console, monkeypatch):
    real = pool.make_simulation

    def fail(rule, **arguments):
        if arguments["parameters"]["lr"] == 0.05:
            raise InstabilityError("w became infinite; a smaller lr")
        return real(rule, **arguments)

    monkeypatch.setattr(pool, "make_simulation", fail)
    chosen = options(tmp_path, ("lr=0.01,0.05,0.002",), hidden=5, seeds=1)
    assert sweep.run(FORGETTING, chosen, console) == 2
    data = xarray.open_dataset(tmp_path / "results.nc").load()
    assert np.isfinite(data.final_accuracy.sel(lr=[0.01, 0.002])).all()
    assert np.isnan(data.final_accuracy.sel(lr=0.05)).all()
    assert "failed: sgd lr=0.05, seed 0: w became infinite; a smaller lr" in console.export_text(clear=False)
    monkeypatch.setattr(pool, "make_simulation", real)
    again = Console(record=True, width=200, force_terminal=False)
    more = options(tmp_path, ("lr=0.01,0.05,0.002,0.02",), hidden=5, seeds=1, resume=True)
    assert sweep.run(FORGETTING, more, again) == 0
    assert "2 of 4 runs are there already" in again.export_text(), "only what is missing is run; a grid may grow"


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ((), "--grid is missing"),
        (("lr",), "is not KEY=V1,V2"),
        (("lr=1", "lr=2"), "names 'lr' twice"),
        (("lr=1,1",), "names a value twice"),
        (("lrr=1",), "did you mean 'lr'"),
        (("hiden.lr=1",), "did you mean 'hidden'"),
        (("sgdd.lr=1",), "did you mean 'sgd'"),
        (("sgd.lrr=1",), "did you mean 'lr'"),
        (("network.hiden_spread=1",), "did you mean 'hidden_spread'"),
        (("hidden=ten",), "'ten' is not a whole number"),
        (("lr=x",), "could not convert"),
        (("lr=-1",), "lr must be at least 0"),
        (("hidden=0",), "--hidden must be at least 1"),
        (("task=spilt",), "did you mean 'split'"),
    ],
)
def test_bad_grids(grid, message, tmp_path, console):
    with pytest.raises(UserError, match=message):
        sweep.run(FORGETTING, options(tmp_path / "out", grid), console)
    assert not (tmp_path / "out").exists()


def test_a_constant_that_is_set_and_varied(tmp_path, console):
    with pytest.raises(UserError, match="--set lr is given, and varied by --grid: leave one out"):
        sweep.run(FORGETTING, options(tmp_path / "out", ("lr=0.1",), set=("lr=0.2",)), console)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1", "tcp://no.such.host.invalid:1"])
def test_no_scheduler_there(address, tmp_path, console, monkeypatch):
    monkeypatch.setattr(scheduler, "ANSWER", 0.5)
    with pytest.raises(UserError, match=f"no Dask scheduler answers at '{address}'.*--scheduler"):
        sweep.run(FORGETTING, options(tmp_path / "out", ("lr=0.1",), scheduler=address), console)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64])
def test_a_program_that_is_no_scheduler(greeting, monkeypatch):
    """It listens and says nothing, or it speaks as a web page or a printer does."""
    monkeypatch.setattr(scheduler, "ANSWER", 1.0)
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            with contextlib.suppress(OSError):
                lines.append(server.accept()[0])
                lines[0].sendall(greeting)

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(UserError, match="no Dask scheduler answers"):
            scheduler.check(f"tcp://127.0.0.1:{server.getsockname()[1]}")
    for line in lines:
        line.close()


def test_a_scheduler_of_another_version(monkeypatch):
    with LocalCluster(n_workers=0, processes=True, host="127.0.0.1", dashboard_address=None) as local:
        scheduler.check(local.scheduler_address)
        monkeypatch.setattr(scheduler.distributed, "__version__", "2019.1")
        with pytest.raises(UserError, match=r"is of Dask 20\S+, and this is 2019\.1: start it and its workers"):
            scheduler.check(local.scheduler_address)


def test_a_worker_of_other_sources(monkeypatch):
    """Its numbers would be stored as those of these sources."""
    monkeypatch.setattr(cluster, "get_worker", lambda: SimpleNamespace(address="tcp://there:1"))
    kind, text = cluster._on_worker(pool.execute, 0, None, "of another version")
    assert kind == "error"
    assert "the worker at tcp://there:1 has other sources" in text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "there is no scheduler file"),
        ("none", None, "there is no scheduler file"),
        ("no/folder.json", None, "there is no scheduler file"),
        ("half.json", '{"type": "Sched', "is not a scheduler file"),
        ("other.json", "{}", "it has no address"),
        ("list", "[1]", "it has no address"),
        ("bytes.json", b"\xff\xfe", "is not a scheduler file"),
        (".", None, "is a folder"),
    ],
)
def test_what_is_no_scheduler_file(name, content, message, tmp_path, console, monkeypatch):
    """Named with the remedy before anything is written; a file that may still come is waited for, visibly."""
    monkeypatch.setattr(scheduler, "WRITTEN", 0.0)
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=f"{message}.*--scheduler"):
        sweep.run(FORGETTING, options(tmp_path / "out", ("lr=0.1",), scheduler=str(tmp_path / name)), console)
    assert not (tmp_path / "out").exists()


def test_a_scheduler_file_is_waited_for_visibly(tmp_path, monkeypatch):
    """It comes in two pieces, as a scheduler writes it: no half of it is taken for the whole."""
    path, told, pieces = tmp_path / "file.json", [], ['{"addr', '{"address": "tcp://127.0.0.1:1"}']
    monkeypatch.setattr(scheduler, "WRITTEN", 1e9)
    monkeypatch.setattr(scheduler.time, "sleep", lambda _: path.write_text(pieces.pop(0)))
    assert scheduler.address_of(str(path), told.append) == "tcp://127.0.0.1:1"
    assert not pieces
    assert len(told) == 1
    assert "waiting for it" in told[0]


def test_every_study_of_simulations_can_be_swept():
    assert {"forgetting", "serial_position", "uncertainty", "memory_window"} <= set(sweep.names())
    assert not {"search", "published", "carry"} & set(sweep.names())
    for name in set(sweep.names()) - {"memristor"}:  # whose rule is fixed
        made = sweep.study_of(name)
        chosen = made.options(rules="laplace", dataset="digits", grid=("laplace.lr=0.01,0.1",))  # which are always there
        cells = sweep.cells_of(
            registry.load("studies", name),
            chosen,
            sweep.axes_of(
                chosen.grid,
                registry.load("studies", name).options,
                {"laplace": registry.get_rule("laplace")},
                registry.load("networks", "feedforward"),
            ),
        )
        assert len(cells) == 2
        assert study.command(name, chosen, "sweep").startswith(f"spikemeta sweep {name}")
        moved = [entry.label for entry in cells[0].entries.values() if entry.label.startswith("laplace")]
        assert moved, "rows of reference, such as joint (sgd), are of other rules and stay"
        assert all("laplace.lr=0.01" in label for label in moved)
