"""A cache of compiled code that cannot be used, or only be read, and compilers that are wrapped or have options."""

import os
import shutil
import stat
import subprocess
import sys
import warnings

import pytest
import torch

from spikemeta.data import curricula, datasets
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule
from spikemeta.simulation.simulation import Simulation
from spikemeta.system import compiler

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="no g++ here")


def rule_of(name):
    """A rule that no other test compiles: the text decides what is taken from the cache, and a process keeps what it took."""
    text = f"w -= lr*gradient*(1 + 0*{sum(map(ord, name))})"
    return Rule(name, state="w : 1", weight="w", initial="w = w_init", on_gradient=text, parameters={"lr": Parameter(0.5)})


def learns(optimizer, p):
    before = p.detach().clone()
    p.grad = torch.ones_like(p)
    optimizer.step()
    return torch.equal(p, before - 0.5)


@pytest.mark.parametrize("place", ["a file", "below a file", "nowhere"])
def test_a_cache_that_cannot_be_written_warns_and_runs(place, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    folder = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "cache", "nowhere": "/proc/nowhere"}[place]
    monkeypatch.setenv("SPIKEMETA_CACHE", str(folder))
    p = torch.nn.Parameter(torch.ones(3))
    with pytest.warns(UserWarning, match="runs on whole tensors, which is slower: the cache .* by SPIKEMETA_CACHE"):
        optimizer = rule_of("unwritable_" + place.replace(" ", "_")).optimizer([p])
    assert learns(optimizer, p)


def read_only(monkeypatch, folder):
    """Nothing can be made in a folder; permissions alone would not stop the superuser, who runs tests in containers."""
    real = os.mkdir

    def refuse(path, *args, **kwargs):
        if str(path).startswith(str(folder)) and not os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", refuse)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(stat.S_IRUSR | stat.S_IXUSR)


@needs_compiler
def test_a_read_only_cache_that_holds_the_pass_is_used(tmp_path, monkeypatch):
    """As in a container image: a first process compiled it, this one may only read."""
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    rule, p = rule_of("read_only"), torch.nn.Parameter(torch.ones(3))
    made = (
        "from spikemeta.language.rule import Parameter, Rule\nimport torch\n"
        f"Rule('read_only', state='w : 1', weight='w', initial='w = w_init', on_gradient={rule.on_gradient!r}, "
        "parameters={'lr': Parameter(0.5)}).optimizer([torch.nn.Parameter(torch.ones(3))])"
    )
    subprocess.run([sys.executable, "-c", made], check=True)
    assert [*tmp_path.rglob("*.so")]
    read_only(monkeypatch, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        optimizer = rule.optimizer([p])
    assert optimizer._kernels is not None
    assert learns(optimizer, p)


def test_a_compiler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler -m64")
    with pytest.warns(UserWarning, match="no C.. compiler 'no-such-compiler'; install g.., or name another by CXX"):
        rule_of("no_compiler").optimizer([torch.nn.Parameter(torch.ones(3))])


@needs_compiler
@pytest.mark.parametrize("kind", ["options", "wrapper"])
def test_a_compiler_with_options_or_behind_a_wrapper(kind, tmp_path, monkeypatch):
    """``CXX="g++ -DMINE"``, and ``CXX="ccache g++"`` with a program of our own in its place, which counts its calls."""
    wrapper, calls = tmp_path / "wrap it", tmp_path / "calls"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> "{calls}"\nexec "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", "g++ -DMINE" if kind == "options" else f'"{wrapper}" g++')
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path / "cache"))
    rule, p = rule_of(kind), torch.nn.Parameter(torch.ones(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        optimizer = rule.optimizer([p])
    assert optimizer._kernels is not None
    assert learns(optimizer, p)
    assert calls.exists() == (kind == "wrapper")
    assert compiler.command()[-1] in ("g++", "-DMINE")


@pytest.fixture
def simulate():
    """Runs a toy network once, in C++; its weights at the end."""
    toy = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=3, test_limit=2)

    def run():
        small = {"n_hidden": 4, "network_parameters": {"presentation": 20.0}}
        return Simulation(registry.get_rule("sgd"), **small).run(toy, seed=1).weights

    return run


@needs_compiler
def test_a_compiled_network_by_a_wrapped_compiler_and_from_a_read_only_cache(simulate, tmp_path, monkeypatch):
    """Compiled by ``CXX="wrapper g++ -DMINE"``; then the cache can only be read, and there is no compiler any more."""
    wrapper, calls, cache = tmp_path / "wrapper", tmp_path / "calls", tmp_path / "cache"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> "{calls}"\nexec "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", f"{wrapper} g++ -DMINE")
    monkeypatch.setenv("SPIKEMETA_CACHE", str(cache))
    first = simulate()
    compiled = [line for line in calls.read_text().splitlines() if "joined.cpp" in line or "joined.o" in line]
    assert compiled
    assert all(line.startswith("g++ -DMINE ") for line in compiled)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with monkeypatch.context() as context:
        read_only(context, cache)
        again = simulate()
    for name, weights in first.items():
        assert (weights == again[name]).all()


def test_a_network_that_an_unwritable_cache_does_not_hold(simulate, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot write .*file.* by SPIKEMETA_CACHE"):
        simulate()


@needs_compiler
def test_checks_are_compiled_in_and_kept_apart(tmp_path, monkeypatch):
    """``SPIKEMETA_SANITIZE=1``: other options, and another entry of the cache, so that neither is taken for the other."""
    assert compiler.sanitizers() == []
    monkeypatch.setenv("SPIKEMETA_SANITIZE", "1")
    assert "-fsanitize=address,undefined" in compiler.sanitizers()
    wrapper, calls = tmp_path / "wrapper", tmp_path / "calls"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> "{calls}"\nexit 1\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", str(wrapper))
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    with pytest.warns(UserWarning, match="compiling the update failed"):
        rule_of("sanitized").optimizer([torch.nn.Parameter(torch.ones(3))])
    assert "-fsanitize=address,undefined" in calls.read_text()


@needs_compiler
@pytest.mark.parametrize("count", [100, 99], ids=["whole", "one number short"])
def test_a_sanitised_pass_stops_at_a_read_outside_of_its_array(count, tmp_path):
    """The pass is told of 100 synapses, and given a gradient of as many or of one less; nothing in between looks at it."""
    libraries = [
        subprocess.run(["g++", f"-print-file-name={name}.so"], capture_output=True, text=True).stdout.strip()
        for name in ("libasan", "libubsan")
    ]
    if not all(os.path.isabs(path) for path in libraries):
        pytest.skip("the compiler comes without its sanitisers")
    program = (
        "import ctypes\nfrom spikemeta.backends.torch.kernel import Kernels\nfrom spikemeta.language import registry\n"
        "libc = ctypes.CDLL(None)\nlibc.calloc.restype = ctypes.c_void_p\nlibc.calloc.argtypes = [ctypes.c_size_t]*2\n"
        "rule = registry.load('rules', 'sgd')\nmade = Kernels(rule)\n"
        f"sizes = {{'p': 100, 'gradient': {count}}}\n"
        "arrays = [libc.calloc(sizes[name], 4) for name in made.needs['update'][0]]\n"
        "made('update', 'f', 100, arrays, [0.1]*(len(rule.parameters) + 2))\nprint('went through')"
    )
    environment = os.environ | {
        "SPIKEMETA_SANITIZE": "1",
        "SPIKEMETA_CACHE": str(tmp_path),
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ("went through" in done.stdout) == (count == 100), done.stderr[-2000:]
    assert ("heap-buffer-overflow" in done.stderr) == (count == 99)
