"""The machine that costs are measured on: its processor, what its vector registers hold, its caches and the compiler."""

import contextlib
import os
import platform
import subprocess
from pathlib import Path

from spikemeta.system import compiler

#: Widest vectors by the macro that says the compiler may use them, widest first.
VECTORS = {
    "__AVX512F__": "AVX-512",
    "__AVX2__": "AVX2",
    "__AVX__": "AVX",
    "__ARM_FEATURE_SVE": "SVE",
    "__ARM_NEON": "NEON",
    "__SSE2__": "SSE2",
}


def describe():
    """The machine, in words.

    Returns
    -------
    dict
        ``cores``; ``processor``, as it calls itself; ``vectors``, the widest that compiled code may use here; ``caches``, by
        name such as ``L1 data``, in KiB, of the first core; ``compiler``. What cannot be found out is an empty string or dict.
    """
    return {
        "cores": os.cpu_count(),
        "processor": _model(),
        "vectors": _vectors(),
        "caches": caches(Path("/sys/devices/system/cpu/cpu0/cache")),
        "compiler": _asked("--version").partition("\n")[0].strip(),
    }


def sentence(machine):
    """One line of `describe`, for the table."""
    sizes = ", ".join(f"{name} {size} KiB" for name, size in machine["caches"].items())
    found = (machine["processor"], machine["vectors"], sizes, machine["compiler"])
    return "; ".join(part for part in found if part)


def caches(folder):
    """Sizes in KiB by name, from a folder of the form of Linux's ``cpu0/cache``; instruction caches are left out."""
    found = {}
    for place in sorted(folder.glob("index*")):
        with contextlib.suppress(OSError, ValueError):
            level, kind, size = ((place / name).read_text().strip() for name in ("level", "type", "size"))
            if kind != "Instruction":
                found[f"L{level}" + (" data" if kind == "Data" else "")] = int(size.removesuffix("K"))
    return found


def _model():
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor()


def _asked(*options):
    """What the compiler prints, or an empty string."""
    try:
        done = subprocess.run([*compiler.command(), *options], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _vectors():
    macros = set(_asked("-march=native", "-dM", "-E", "-x", "c++", "-").split())
    return next((name for macro, name in VECTORS.items() if macro in macros), "")
