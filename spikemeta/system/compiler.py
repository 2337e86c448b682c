"""The C++ compiler: which one, for which processor, and where what it made is kept."""

import os
import platform
import shlex
from pathlib import Path

import pooch


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
