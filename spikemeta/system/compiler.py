"""The C++ compiler: which one, for which processor, and where what it made is kept."""

import functools
import hashlib
import os
import platform
import shlex
import subprocess
import tempfile
from pathlib import Path

import pooch

from spikemeta.system.files import turn


def cache_folder():
    """Where compiled programs are kept: ``SPIKEMETA_CACHE``, else the user's cache folder."""
    return Path(os.environ.get("SPIKEMETA_CACHE") or pooch.os_cache("spikemeta")) / "programs"


def command():
    """The words that begin the compiler's command line: ``CXX``, which may hold options or a wrapper, else g++."""
    return shlex.split(os.environ.get("CXX", "")) or ["g++"]


def processor():
    """What the compiled code may rely on: programs are built for the machine at hand, and a cache may be shared."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return f"{platform.system()} {platform.machine()} {platform.processor()}"


def sanitizers():
    """Options with which compiled code checks its own memory and arithmetic: none unless ``SPIKEMETA_SANITIZE`` is set."""
    if os.environ.get("SPIKEMETA_SANITIZE", "0") in ("", "0"):
        return []
    return ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]


@functools.cache
def _version(words):
    return subprocess.run([*words, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def parsed(text, flags):
    """Options by which the compiler takes headers as it has parsed them once, which is a third of a program's time.

    The compiler looks whether what was kept fits, and reads the headers where it does not: what it makes is the same.

    Parameters
    ----------
    text : str
        Lines that include headers, first in whatever is compiled.
    flags : sequence of str
        With which it will be compiled.

    Returns
    -------
    list of str
        Empty where nothing could be kept.
    """
    words = command()
    key = "\0".join([text, *words, *flags, _version(tuple(words)), processor()])
    final = cache_folder().with_name("headers") / hashlib.sha256(key.encode()).hexdigest()[:24]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with turn(f"{final}.building"):
            if not final.is_dir():
                with tempfile.TemporaryDirectory(dir=final.parent, prefix="building-") as work:
                    made = Path(work, "made")
                    made.mkdir()
                    (made / "headers.h").write_text(text)
                    options = ["-x", "c++-header", "headers.h", "-o", "headers.h.gch"]
                    if subprocess.run([*words, *flags, *options], cwd=made, capture_output=True).returncode:
                        return []
                    os.replace(made, final)
    except OSError:
        return []
    return ["-include", str(final / "headers.h")]
