"""What a machine offers: versions of packages, the compiler, room in the caches, cores and memory; and what is missing."""

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spikemeta.system import compiler as compiling

#: What may be left out, and what then is missing.
SPARED = {name: "--engine torch, optimizers, published" for name in ("torch", "snntorch", "nir", "nirtorch")}
SPARED |= {"distributed": "spikemeta sweep"}
SOURCE = "#include <cmath>\nint main() { return std::exp(0.0) == 1.0 ? 0 : 1; }\n"


@dataclass(frozen=True)
class Part:
    """One thing that is there or not.

    Attributes
    ----------
    name, state : str
    remedy : str
        What to do where it is missing; empty where it is there.
    needed : bool
        Whether nothing runs without it.
    """

    name: str
    state: str
    remedy: str = ""
    needed: bool = False


def packages():
    """Python, spikemeta, and every package that it requires, in the order of its list.

    Returns
    -------
    list of Part
    """
    from packaging.requirements import Requirement

    found = [Part("python", platform.python_version()), Part("spikemeta", metadata.version("spikemeta"))]
    required = [Requirement(line) for line in metadata.requires("spikemeta") or ()]
    for need in required:
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            spared = SPARED.get(need.name, "")
            state = "not installed" + (f": nothing of {spared}" if spared else "")
            found.append(Part(need.name, state, f"pip install '{need}'", needed=not spared))
            continue
        wrong = not need.specifier.contains(version, prereleases=True)
        found.append(Part(need.name, version, f"pip install '{need}'" if wrong else "", needed=wrong))
    return found


def compiler():
    """The C++ compiler, tried on a program of two lines.

    Returns
    -------
    list of Part
    """
    words = compiling.command()
    remedy = "install g++ (Debian: apt install g++; conda: conda install gxx), or name another compiler by CXX; until then: "
    remedy += "--engine torch, or --mode runtime"
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "try.cpp", Path(folder) / "try"
        source.write_text(SOURCE)
        try:
            done = subprocess.run([*words, source, "-o", program], capture_output=True, text=True, timeout=120)
            ran = done.returncode == 0 and subprocess.run([program], timeout=60).returncode == 0
        except (OSError, subprocess.TimeoutExpired) as error:
            return [Part("C++ compiler", f"{' '.join(words)}: {error}", remedy)]
        if not ran:
            return [Part("C++ compiler", f"{' '.join(words)}: {done.stderr.strip()[:200] or 'its program fails'}", remedy)]
    told = subprocess.run([*words, "--version"], capture_output=True, text=True).stdout.splitlines()
    return [Part("C++ compiler", told[0] if told else " ".join(words))]


def caches():
    """Folders that spikemeta writes into: where, how much they hold, how much room there is.

    Returns
    -------
    list of Part
    """
    found = []
    for name, folder, variable in (
        ("compiled programs", compiling.cache_folder(), "SPIKEMETA_CACHE"),
        ("temporary files", Path(tempfile.gettempdir()), "TMPDIR"),
    ):
        above = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(above).free
        held = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if name == "compiled programs" else None
        state = f"{folder}" + (f", {held / 1e6:.0f} MB" if held is not None else "") + f", {free / 1e9:.1f} GB free"
        writable = os.access(above, os.W_OK)
        found.append(Part(name, state, "" if writable else f"not writable: name another folder by {variable}"))
    return found


def machine():
    """Cores, memory, and whether there is an accelerator that torch knows.

    Returns
    -------
    list of Part
    """
    import psutil

    memory = psutil.virtual_memory()
    return [
        Part("processor", f"{platform.machine()}, {os.cpu_count()} cores"),
        Part("memory", f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} free"),
    ]
