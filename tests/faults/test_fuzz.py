"""Rule texts, options, IDX files and checkpoints, sound and mangled: accepted only if they work, else refused with a message.

``SPIKEMETA_EXAMPLES=2500 pytest -n 0 tests/faults/test_fuzz.py`` draws 10,000 and more; by default a few.
"""

import contextlib
import gzip
import os
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.cli import app
from spikemeta.data.formats import idx
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.runs import experiment
from spikemeta.simulation import checkpoint
from spikemeta.simulation.simulation import PhaseResult

EXAMPLES = int(os.environ.get("SPIKEMETA_EXAMPLES", 60))
many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 60, database=None
)


def tried(call):
    """What a call gives, and the message with which it refuses."""
    try:
        return call(), None
    except UserError as error:
        return None, str(error)


# --- rules

names = st.sampled_from(
    ["w", "x", "trace", "lr", "tau", "gradient", "age", "w_init", "presentation", "step", "q", "linux", "double"]
)
numbers = st.one_of(
    st.floats(1e-3, 10).map(lambda v: f"{v:.3g}"),
    st.sampled_from(["0", "1", "1e400", "9**9**9**9", "1_000", "0x1F", "1j", "True"]),
)
expressions = st.recursive(
    st.one_of(names, names, numbers),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["exp", "tanh", "abs", "sqrt", "log", "sign", "int", "sin"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        inner.map(lambda e: f"clip({e}, -1, 1)"),
        inner.map(lambda e: f"({e})**2"),
        st.tuples(inner, inner).map(lambda t: f"int({t[0]} > {t[1]})"),
    ),
    max_leaves=5,
)
statements = st.tuples(st.sampled_from(["w", "x", "trace", "step"]), st.sampled_from(["=", "+=", "-=", "*="]), expressions)
#: Learning that is mostly sound: a gradient times something bounded.
sound = st.tuples(st.sampled_from(["w", "x", "trace"]), st.sampled_from(["+=", "-="]), expressions).map(
    lambda t: f"{t[0]} {t[1]} lr*gradient*clip({t[2]}, -1, 1)"
)
lines = st.lists(st.one_of(sound, sound, sound, statements.map(" ".join)), min_size=1, max_size=3).map("\n".join)
junk = st.text(st.sampled_from("wx=+-*/()<>.,:;'\"\\\n #@!%&|^~[]{}_0123456789eE\u00b2\u03c4\x00"), max_size=6)


def mangled(text, where, cut, more):
    where = where % (len(text) + 1)
    return text[:where] + more + text[where + cut :]


def works(rule):
    """An accepted rule runs, in the reference and as an optimizer on whole tensors, and both agree."""
    gradients = np.random.default_rng(0).standard_normal((3, 1, 4)) * 0.1
    start = np.linspace(-0.2, 0.2, 4)[None]
    synapses = ReferenceSynapses(rule, start, rng=np.random.default_rng(0), noise=lambda rows: np.zeros((len(rows), 4)))
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = rule.optimizer([weight], fused=False)
    optimizer.draw = lambda parameter, purpose="noise": torch.zeros_like(parameter)
    with np.errstate(all="ignore"):
        for age, gradient in enumerate(gradients):
            synapses.touch(0, age)
            synapses.accumulate(0, gradient[0])

            def closure(gradient=gradient):
                weight.grad = torch.tensor(gradient)

            optimizer.step(closure)
        synapses.flush(len(gradients))
        optimizer.flush()
        expected = synapses.weight()
    texts = rule.state + rule.weight + rule.on_gradient + rule.initial + rule.on_presentation
    if not any(word in texts for word in ("int", "sign", "rand")):  # where rounding decides, and where draws differ
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-6, atol=1e-9)


@many
@given(
    st.sampled_from(
        ["w : 1", "dw/dt = -w/tau : 1", "w : 1\ndx/dt = (w - x)/tau : 1", "w : 1\nx : 1\ndtrace/dt = -trace/tau : 1"]
    ),
    lines,
    st.one_of(st.just("w"), st.just("w"), expressions),
    st.one_of(
        st.none(), st.tuples(st.sampled_from(["state", "weight", "on_gradient"]), st.integers(0, 99), st.integers(0, 5), junk)
    ),
)
@example("w : 1", "w -= 9**9**9**9*gradient", "w", None)
@example("w : 1", "w -= lr*gradient", "w*0**-1", None)
@example("w : 1", "w += lr*gradient*clip(1e400, -1, 1)", "w", None)
@example("w : 1", "w += lr*gradient*clip(w, -1, 1)", "(((1_000)**2)**2)**2", None)
@example("w : 1", "w += lr*gradient*clip(w, -1, 1)\nw += lr*gradient*clip(w - True, -1, 1)", "w", None)
@example("dw/dt = -w/tau : 1", "w *= clip(0.125/w, -1, 1)", "w", None)
def test_rules(state, on_gradient, weight, damage):
    texts = {"state": state, "weight": weight, "on_gradient": on_gradient}
    if damage:
        texts[damage[0]] = mangled(texts[damage[0]], *damage[1:])
    declared = [name for name in ("w", "x", "trace") if name in state]
    initial = "\n".join(f"{name} = {'w_init' if name == 'w' else 0}" for name in declared)
    parameters = {"lr": Parameter(1e-2), "tau": Parameter(50.0, "presentation", low=1)}
    rule, refused = tried(lambda: Rule("fuzzed", **texts, initial=initial, parameters=parameters))
    if rule:
        works(rule)
    else:
        assert refused


# --- options

OPTIONS = {
    "--rules": ["sgd", "sgd,laplace", "sdg", "", "sgd,sgd", "hybrid"],
    "--dataset": ["digits", "digit"],
    "--task": ["split", "permuted", "joint", "items", "splat"],
    "--seeds": ["1", "2", "0", "-1", "x", "1e3"],
    "--tasks": ["1", "2", "5", "6", "0"],
    "--passes": ["1", "2", "0"],
    "--hidden": ["1", "10", "0", "ten", "99999999999"],
    "--engine": ["brian2", "torch", "numpy"],
    "--mode": ["standalone", "runtime", "fast"],
    "--batch": ["4", "0"],
    "--feedback": ["tied", "random", "none"],
    "--scale": ["quick", "full", "half"],
    "--workers": ["1", "2", "0"],
    "--frobnicate": ["1"],
}
SOUND = {
    "--rules": {"sgd", "sgd,laplace", "", "hybrid", "sgd,sgd"},
    "--dataset": {"digits"},
    "--task": {"split", "permuted", "joint", "items"},
    "--seeds": {"1", "2"},
    "--tasks": {"1", "2", "5", "6"},
    "--passes": {"1", "2"},
    "--hidden": {"1", "10"},
    "--engine": {"brian2", "torch"},
    "--mode": {"standalone", "runtime"},
    "--batch": {"4"},
    "--feedback": {"tied", "random"},
    "--scale": {"quick", "full"},
    "--workers": {"1", "2"},
}


@pytest.fixture
def stopped(monkeypatch):
    """Studies that stop where they would start to simulate."""

    def stop(*_, **__):
        raise UserError("ACCEPTED")

    monkeypatch.setattr(experiment, "run_missing", stop)


@many
@given(
    st.sampled_from(["run forgetting", "run serial_position", "sweep forgetting"]),
    st.dictionaries(st.sampled_from(list(OPTIONS)), st.integers(0, 9), max_size=6),
    st.sampled_from(
        [
            "",
            "hidden.lr=1,2",
            "lr=1",
            "hidden=5,6",
            "laplace.lr=1",
            "lr",
            "hiden.lr=1",
            "network.tau_error=30",
            "lr=1,1",
            "task=split",
        ]
    ),
)
def test_options(tmp_path_factory, stopped, monkeypatch, command, chosen, grid):
    monkeypatch.setattr("spikemeta.runs.cluster.open_client", lambda *_: contextlib.nullcontext())
    given = {name: OPTIONS[name][k % len(OPTIONS[name])] for name, k in chosen.items()}
    words = [word for pair in given.items() for word in pair] + (["--grid", grid] if grid else [])
    out = tmp_path_factory.mktemp("out")
    result = CliRunner().invoke(app, [*command.split(), *words, "--out", str(out / "made")])
    assert result.exit_code == 2, result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.output.strip()
    assert "Traceback" not in result.output
    if "ACCEPTED" in result.output:
        assert all(value in SOUND.get(name, ()) for name, value in given.items())
        assert bool(grid) == command.startswith("sweep")
        assert grid not in ("lr", "hiden.lr=1", "lr=1,1")
        if given.get("--engine") == "torch":
            assert not {"--mode", "--feedback"} & {k for k, v in given.items() if v not in ("standalone", "tied")}
        elif "--batch" in given:
            pytest.fail("--batch was accepted for brian2")
    else:
        assert not (out / "made" / "runs").exists()


# --- IDX files


def idx_file(n, rows, columns, labels):
    head = struct.pack(">II", 0x801, n) if labels else struct.pack(">IIII", 0x803, n, rows, columns)
    return head + bytes(k % 251 for k in range(n if labels else n * rows * columns))


@many
@given(
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4), st.binary(max_size=5)), max_size=2),
)
def test_idx_files(tmp_path_factory, n, labels, zipped, damage):
    whole = idx_file(n, 2, 3, labels)
    data = gzip.compress(whole, mtime=0) if zipped else whole
    for where, cut, more in damage:
        where %= len(data) + 1
        data = data[:where] + more + data[where + cut :]
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(data)
    found, refused = tried(lambda: idx.read(path, None if labels else (2, 3)))
    if refused:
        assert str(path) in refused
        assert data != (gzip.compress(whole, mtime=0) if zipped else whole)
        return
    array, content = found
    head = 8 if labels else 16
    assert content[:4] == whole[:4]
    assert len(content) == head + array.size
    assert struct.unpack(">I", content[4:8]) == (len(array),)
    assert labels or content[8:16] == whole[8:16]
    np.testing.assert_array_equal(array.ravel(), np.frombuffer(content[head:], np.uint8))


# --- checkpoints


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    made = checkpoint.Checkpoint(tmp_path_factory.mktemp("saved"), {"seed": 3})
    phase = SimpleNamespace(labels=np.zeros(3, int))
    made.save({"hidden.w": np.arange(50.0)}, 7, [PhaseResult(phase, np.ones((3, 2), np.int32), 1.5, 0.1)])
    return made, made.path.read_bytes()


@many
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 600), st.binary(max_size=80)), max_size=3))
@example([(0, 5000, b"")])
@example([(0, 5000, b"\x80\x04cposix\nsystem\n")])
def test_checkpoints(saved, damage):
    made, whole = saved
    data = whole
    for where, cut, more in damage:
        where %= len(data) + 1
        data = data[:where] + more + data[where + cut :]
    made.path.write_bytes(data)
    found, refused = tried(lambda: made.load({"hidden.w": np.zeros(50)}))
    if refused:
        assert str(made.path) in refused
        assert data != whole
    else:
        assert data == whole
        assert found[1] == 7
        np.testing.assert_array_equal(found[0]["hidden.w"], np.arange(50.0))


def test_the_rules_of_this_package_work_as_the_fuzzed_ones_must():
    for name in registry.names("rules"):
        works(registry.load("rules", name))
