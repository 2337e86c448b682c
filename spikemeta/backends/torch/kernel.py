"""The compiled passes of a rule: compiled once, kept in the cache, called with the addresses of arrays."""

import ctypes
import functools
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spikemeta.backends.torch.passes import BLOCK, source
from spikemeta.system import compiler

_SHARE = 1 << 17  # synapses from which a second thread pays
#: No -ffast-math: it would write x + x*small as x*(1 + small), which is x in float32; infinities are kept too.
_FLAGS = "-std=c++17 -O3 -march=native -fno-math-errno -fno-trapping-math -fno-signed-zeros -freciprocal-math".split()
_FLAGS += ["-D__FAST_MATH__", "-fPIC", "-shared"]
_WIDE = ["-mprefer-vector-width=512"]  # of x86 alone


class Kernels:
    """The compiled kernels of a rule.

    Attributes
    ----------
    needs : dict of str to (list of str, list of str)
        As `source` gives it.

    Raises
    ------
    RuntimeError
        Without a C++ compiler, if it refuses the text, or if the cache cannot be used.
    """

    def __init__(self, rule, base=False):
        text, self.needs = source(rule, base)
        self._library = _compiled(text)
        self._functions = {}

    def __call__(self, name, kind, n, pointers, numbers=(), keys=(), samples=1, threads=1):
        """Run a kernel on ``n`` synapses.

        Parameters
        ----------
        name : str
        kind : {"f", "d"}
            float32 or float64.
        n : int
        pointers : list of int
            Addresses of the arrays, in the order of `needs`, then of given draws (0: draw them here).
        numbers : list of float
            The rule's constants in their order, ``age`` and ``elapsed``.
        keys : list of int
            Two 32-bit numbers for each draw.
        samples : int
            Times to run; what is written then has a first dimension of this length.
        threads : int
        """
        function = self._functions.get((name, kind))
        if function is None:
            self._functions[name, kind] = function = getattr(self._library, f"{name}_{kind}")
            integer, address = ctypes.c_int64, ctypes.c_void_p
            function.argtypes, function.restype = [integer, integer, address, address, address, integer, integer], None
        a, c = struct.pack(f"{len(pointers)}P", *pointers), struct.pack(f"{len(numbers)}d", *numbers)
        k = struct.pack(f"{len(keys)}I", *keys)
        parts = min(threads, n // _SHARE)
        if parts < 2:
            function(0, n, a, c, k, n, samples)
            return
        cuts = [n * part // parts // BLOCK * BLOCK for part in range(parts)] + [n]
        waiting = [_pool().submit(function, *cut, a, c, k, n, samples) for cut in zip(cuts[1:], cuts[2:], strict=False)]
        function(0, cuts[1], a, c, k, n, samples)
        for part in waiting:
            part.result()


@functools.cache
def _pool():
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="spikemeta")


@functools.cache
def _compiled(text):
    """Compile a text, or take the result from the cache, which then need not be writable.

    Raises
    ------
    RuntimeError
        If it cannot be had: why, and the remedy.
    """
    checks = compiler.sanitizers()
    digest = hashlib.sha256("\0".join([text, *_FLAGS, *checks, compiler.processor()]).encode()).hexdigest()[:24]
    path = compiler.cache_folder().with_name("kernels") / f"{digest}.so"
    try:
        if not path.is_file():
            _compile(text, checks, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise RuntimeError(
            f"the cache {path.parent} cannot be used ({error.strerror or error}); name a folder that can be written, and that "
            "programs can be run from, by SPIKEMETA_CACHE"
        ) from error


def _compile(text, checks, path):
    command = compiler.command()
    if not shutil.which(command[0]):
        raise RuntimeError(f"no C++ compiler {command[0]!r}; install g++, or name another by CXX")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as work:
        written, made = Path(work, "kernel.cpp"), Path(work, path.name)
        written.write_text(text)
        for flags in (_FLAGS + _WIDE, _FLAGS):
            done = subprocess.run([*command, *flags, *checks, str(written), "-o", str(made)], capture_output=True, text=True)
            if not done.returncode:
                break
        else:
            raise RuntimeError(f"compiling the update failed:\n{done.stderr[-2000:]}")
        os.replace(made, path)


def keys(*parts):
    """Two 32-bit keys from whole numbers (seed, purpose, age, ...)."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return struct.unpack("=2I", digest)
