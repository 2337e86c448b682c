"""A cache of compiled code that cannot be used, or only be read, and compilers that are wrapped or have options."""

import os
import shutil
import stat
import subprocess
import sys
import warnings

import pytest
import torch

from spikemeta.language.rule import Parameter, Rule
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
    real, opened = os.mkdir, os.open

    def refuse(path, *args, **kwargs):
        if str(path).startswith(str(folder)) and not os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", refuse)
    assert opened is os.open
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
