"""What stops a study before or while it runs, each with one clear message: locks, room, other sources, silent layers."""

import errno
import os
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import launched
import numpy as np
import pytest

from spikemeta.analysis.rows import FinishedRun
from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import pool
from spikemeta.runs.results import Store
from spikemeta.simulation import checkpoint, execution, identity, program
from spikemeta.simulation.simulation import PhaseResult, Simulation
from spikemeta.system import compiler, files, guards, source_identity

HOLD = """
import sys
from spikemeta.runs.results import Store
held = Store(sys.argv[1], "s", {})
print("held", flush=True)
input()
"""


def test_two_runs_at_once_are_refused_and_a_stale_lock_is_not(tmp_path):
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"another run writes into .*process {other.pid} on .*--out"):
            Store(tmp_path, "s", {})
        other.kill()
    assert (tmp_path / ".lock").exists(), "left behind by the killed one"
    first = Store(tmp_path, "s", {})
    assert Store(tmp_path, "s", {})._lock is first._lock, "one process may open its folder twice"


def test_work_folders_of_killed_runs_are_removed_at_once_and_those_in_use_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(execution.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(compiler, "cache_folder", lambda: tmp_path / "cache")
    for name in ("spikemeta-killed", "spikemeta-mine", "spikemeta-starting", "cache/building-old", "cache/building-new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "spikemeta-starting" / ".lock").touch()  # as it is between the opening of the file and the lock
    (tmp_path / "spikemeta-killed" / ".lock").write_text("process 1")
    os.utime(tmp_path / "cache" / "building-old", (time.time() - 2e5,) * 2)
    held = files.lock(tmp_path / "spikemeta-mine")
    execution.remove_stale()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "spikemeta-mine", "spikemeta-starting"]
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["building-new"]
    del held


# --- room


def test_a_full_disk_keeps_what_was_there(tmp_path, monkeypatch):
    """As `write` behaves on a full disk; a real one is tried below."""
    files.write_json(tmp_path / "a.json", {"x": 1})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*a.json \(No space left on device\).*make room.*--resume"):
        files.write_json(tmp_path / "a.json", {"x": 2})
    assert files.read_json(tmp_path / "a.json") == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(("engine", "limit"), [("brian2", 300000), ("torch", 150000)])
def test_files_that_may_not_grow_end_a_study_with_a_message(engine, limit, tmp_path):
    """A limit on the size of files, which fails as a full disk does, in a study that has finished runs."""
    study = (
        f"run forgetting --rules sgd --engine {engine} --tasks 1 --images 50 --workers 1 --hidden 400 --out {tmp_path / 'out'}"
    )

    def spikemeta(limit, *more):
        done = launched.Command([*study.split(), *more], tmp_path / "printed", limit=limit)
        return done.communicate()[1], done.returncode

    assert spikemeta(0, "--seeds", "1")[1] == 0
    kept = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.suffix in (".npz", ".nc")}
    assert len(kept) == 2
    errors, code = spikemeta(limit, "--seeds", "2", "--resume")
    assert code == 2, errors
    assert "cannot write" in errors or "could not write" in errors
    assert "Traceback" not in errors
    assert {p: p.read_bytes() for p in kept} == kept
    assert spikemeta(0, "--seeds", "2", "--resume")[1] == 0


def test_a_program_that_could_not_write_all_is_not_believed(tmp_path):
    (tmp_path / "results").mkdir()
    compiled = program.Program(tmp_path, {"a.N": ("N", "<i4", 1, False), "a.w": ("w", "<f8", None, True)}, False)
    script = tmp_path / "main"
    script.write_text(
        "#!/bin/sh\nprintf '\\\\003\\\\000\\\\000\\\\000' > $2/N\nprintf 12345678 > $2/w\necho 99 > $SPIKEMETA_PHASE/position\n"
    )
    script.chmod(0o700)
    read, _ = compiled.run(tmp_path, {}, 1, 1, 0)
    with pytest.raises(UserError, match="is full: make room there"):
        read("a.w")


def test_a_study_that_cannot_fit_is_refused_before_it_starts(tmp_path, monkeypatch):
    data, usage = datasets.load("digits"), SimpleNamespace(free=10 * 2**20)
    guards.check_room(tmp_path, data, (100, 10), 2, 2)
    with pytest.raises(UserError, match="GiB of memory are there and the study needs .* fewer --workers"):
        guards.check_room(tmp_path, data, (200_000_000, 10), 2, 2)
    monkeypatch.setattr(guards.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError) as error:
        guards.check_room(tmp_path, data, (10_000, 10), 2, 2)
    assert "another --out" in str(error.value)
    assert "set TMPDIR" in str(error.value)


# --- checkpoints


@pytest.fixture
def saved(tmp_path):
    phase = SimpleNamespace(labels=np.zeros(3, int))
    made = checkpoint.Checkpoint(tmp_path, {"version": "0.1.0", "seed": 3, "rule text": "w : 1" * 20})
    made.save(
        {"hidden.w": np.arange(300.0)}, 7, [PhaseResult(phase, np.ones((3, 2), np.int32), 1.5, 0.1)], {"position": np.array(2)}
    )
    return made


def test_any_flipped_or_missing_byte_is_noticed(saved):
    """Every byte of the head, and many of the rest."""
    data, state = saved.path.read_bytes(), {"hidden.w": np.zeros(300)}
    assert saved.load(state)[3] == {"position": 2}
    places = [*range(110), *np.random.default_rng(0).integers(0, len(data), 300)]
    for place in places:
        saved.path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        with pytest.raises(UserError, match="is damaged, or from another version of spikemeta, and nothing of it is used"):
            saved.load(state)
        saved.path.write_bytes(data[:place] + data[place + 1 :])
        with pytest.raises(UserError, match="is damaged"):
            saved.load(state)
    saved.path.write_bytes(data)
    assert saved.load(state)[1] == 7


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": "0.2.0"}, r"version \(0.1.0 there, 0.2.0 here\) differ"),
        ({"seed": 4}, r"seed \(3 there, 4 here\) differ"),
        ({"rule text": "w : 2" * 20}, "holds another run: rule text differ"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_with_what_differs(saved, changed, message):
    other = checkpoint.Checkpoint(saved.path.parent, saved.identity | changed)
    with pytest.raises(UserError, match=message):
        other.load({"hidden.w": np.zeros(300)})


def test_everything_that_decides_a_run_is_in_its_identity():
    data, rule = datasets.load("digits"), registry.get_rule("sgd")
    made = [
        identity.of(Simulation(rule, **more), curricula.build("split", data, limit=limit), seed, constants, weights)
        for more, limit, seed, constants, weights in [
            ({}, 10, 0, {}, {}),
            ({"n_hidden": 9}, 10, 0, {}, {}),
            ({"feedback": "random"}, 10, 0, {}, {}),
            ({"mode": "runtime"}, 10, 0, {}, {}),
            ({}, 11, 0, {}, {}),
            ({}, 10, 1, {}, {}),
            ({}, 10, 0, {"lr": 1.0}, {}),
            ({}, 10, 0, {}, {"hidden": np.ones(2)}),
        ]
    ]
    assert [list(filter(None, [checkpoint.differences(made[0], other)])) != [] for other in made] == [False] + 7 * [True]
    assert {"version", "sources of spikemeta", "rule text", "data"} <= set(made[0])


# --- sources


def test_a_change_of_the_sources_changes_every_fingerprint(monkeypatch):
    rule, point = registry.get_rule("sgd"), None
    simulation = {
        "network": "feedforward",
        "engine": "brian2",
        "mode": "standalone",
        "parameters": None,
        "network_parameters": None,
        "feedback": "tied",
        "n_hidden": 10,
    }
    point = pool.Point("sgd", "sgd", 0, {"name": "split", "dataset": "digits"}, simulation)
    before = pool.fingerprint(rule, point)
    assert before == pool.fingerprint(rule, point)
    monkeypatch.setattr(source_identity, "sources", lambda: "other")
    assert pool.fingerprint(rule, point) != before


def test_the_digest_covers_what_computes_and_not_what_shows(tmp_path, monkeypatch):
    package = tmp_path / "figures" / "package"  # a folder above that happens to be called so means nothing
    for folder in ("figures", "runs", "backends"):
        (package / folder).mkdir(parents=True)
    for name in ("rule.py", "figures/items.py", "runs/display.py", "backends/display.py"):
        (package / name).write_text("1")
    monkeypatch.setattr(source_identity.importlib, "import_module", lambda _: SimpleNamespace(__path__=[str(package)]))
    digests = []
    changes = {
        "shows": ("figures/items.py", "runs/display.py"),
        "computes": ("rule.py", "backends/display.py", "new.cpp", "new.h"),
    }
    for name, text in [("rule.py", "1")] + [(name, "2") for names in changes.values() for name in names]:
        (package / name).write_text(text)
        source_identity.sources.cache_clear()
        digests.append(source_identity.sources())
    source_identity.sources.cache_clear()
    assert digests[0] == digests[1] == digests[2]
    assert len(set(digests)) == 1 + len(changes["computes"])


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_commit_is_that_of_the_checkout_and_of_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "spikemeta").mkdir()
    monkeypatch.setattr(
        source_identity.importlib, "import_module", lambda _: SimpleNamespace(__path__=[str(tmp_path / "spikemeta")])
    )
    assert source_identity.commit() is None
    (tmp_path / "a").write_text("1")
    for words in ("init -q", "add a", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    assert len(source_identity.commit()) == 40
    (tmp_path / "a").write_text("2")
    assert source_identity.commit().endswith("+changes")


def test_runs_of_other_sources_are_moved_aside_and_not_overwritten(tmp_path):
    store, point = Store(tmp_path, "s", {}), SimpleNamespace(label="a rule", seed=0, fingerprint="new")
    store.save(FinishedRun("a rule", 0, "old", {"x": np.arange(3)}, {}))
    assert store.find("a rule", 0, "new") is None
    assert store.set_aside([point]) == ["a rule, seed 0"]
    with np.load(tmp_path / "replaced" / "a_rule" / "0-old.npz") as kept:
        assert kept["x"].tolist() == [0, 1, 2]
    store.save(FinishedRun("a rule", 0, "new", {"x": np.arange(4)}, {}))
    assert store.set_aside([point]) == []
    assert store.find("a rule", 0, "new").arrays["x"].tolist() == [0, 1, 2, 3]


# --- layers


@pytest.mark.parametrize(
    ("hidden", "readout", "silent", "expected"),
    [
        (20.0, 5.0, 0.0, []),
        (0.0, 5.0, 0.0, ["the hidden layer was silent (0 Hz): try a larger hidden_spread"]),
        (700.0, 5.0, 0.0, ["the hidden layer was saturated (700 Hz): try a smaller hidden_spread"]),
        (20.0, 80.0, 0.0, ["the readout was saturated (800 Hz): try a smaller readout_spread"]),
        (20.0, 0.0, 1.0, ["the readout was silent, and so counted as wrong, in 100 %"]),
    ],
)
def test_silent_and_saturated_layers_are_named_with_a_remedy(hidden, readout, silent, expected):
    arrays = {
        "test_hidden_rate": np.full(3, hidden),
        "test_readout_spikes": np.full(3, readout),
        "test_silent": np.full(3, silent),
    }
    run = FinishedRun("r", 0, "", arrays, {"constants": {"network": {"presentation": 100.0}}})
    found = guards.layers([run, run])
    assert len(found) == len(expected)
    assert all(message.startswith(text) for message, text in zip(found, expected, strict=True))
    assert not any("readout_mean" in message for message in found), "this network has none"
    shifted = FinishedRun("r", 0, "", arrays, {"constants": {"network": {"presentation": 100.0, "readout_mean": 0.0}}})
    assert any("readout_mean above 0" in message for message in guards.layers([shifted])) == (silent == 1)
