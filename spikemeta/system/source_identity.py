"""Which sources computed a result: a digest of the installed package, and its git commit where there is one."""

import functools
import hashlib
import importlib
import subprocess
from pathlib import Path

PACKAGES = ("spikemeta", "spikemeta.rules", "spikemeta.networks", "spikemeta.studies")
#: Files and folders that only show what was computed; with them, every new colour of a line would make finished runs foreign.
_SHOWING = (
    "__main__.py",
    "cli.py",
    "backends/rendering.py",
    "backends/trace.py",
    "commands/",
    "figures/",
    "runs/display.py",
    "runs/provenance.py",
    "runs/report.py",
    "system/memory.py",
)


@functools.cache
def sources():
    """SHA-256 digest of the sources that can decide a number: the package's Python and C++ files, and its constants."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        folder = Path(importlib.import_module(package).__path__[0])
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.suffix in (".py", ".cpp", ".h", ".toml") and not name.startswith(_SHOWING):
                digest.update(f"{package}/{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit():
    """The commit of the checkout that the package runs from, with ``+changes`` if it was edited since; None elsewhere."""
    root = Path(importlib.import_module("spikemeta").__path__[0]).parent
    if not (root / ".git").exists():
        return None

    def git(*words):
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True).stdout

    try:
        return git("rev-parse", "HEAD").strip() + ("+changes" if git("status", "--porcelain", "-uno").strip() else "")
    except (OSError, subprocess.SubprocessError):
        return None
