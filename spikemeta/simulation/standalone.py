"""Compile a Brian2 network once as a C++ program, and keep it in a cache."""

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import brian2
import numpy as np

from spikemeta import backends
from spikemeta.errors import UserError
from spikemeta.simulation import one_unit
from spikemeta.simulation.program import Program
from spikemeta.system import compiler
from spikemeta.system.files import turn

_SEED = 'brian::_random_generators[0].seed(std::strtoul(std::getenv("SPIKEMETA_SEED"), NULL, 10));'
#: glibc offers exp, log and tanh on vectors only to code that says it may round by a few units in the last place;
#: Brian2's flags do, but keep infinities, and so do not define the macro by which glibc knows.
_VECTOR_MATHS = "-D__FAST_MATH__"


def _template(name):
    return (Path(__file__).parent / "templates" / name).read_text()


def forget_indices(made, device):
    """Free what a compiled program holds of the neurons of each synapse, before it runs; for synapses that walk rows.

    Parameters
    ----------
    made : brian2.Synapses
    device : brian2.devices.Device
        From `spikemeta.simulation.devices.standalone`.
    """
    for end in ("pre", "post"):
        array = device.get_array_name(made.variables[f"_synaptic_{end}"], access_data=False)
        device.insert_code("before_network_run", f"brian::{array}.clear(); brian::{array}.shrink_to_fit();")


def compile_network(network, device, usual=False):
    """Generate a network's C++ program and compile it, unless the cache holds the same code compiled.

    Parameters
    ----------
    network : brian2.Network
    device : brian2.devices.Device
        From `spikemeta.simulation.devices.standalone`.
    usual : bool
        Leave the code and the compiler's flags as Brian2 makes them.

    Returns
    -------
    Program

    Raises
    ------
    UserError
        Without a C++ compiler, if compilation fails, or if the cache cannot be written.
    """
    try:
        return _compiled(network, device, usual)
    except OSError as error:
        place, room = error.filename or compiler.cache_folder(), "make room there, or name another folder by SPIKEMETA_CACHE"
        raise UserError(f"cannot write {place} ({error.strerror}): {room}") from None


def _compiled(network, device, usual):
    device.insert_code("before_network_run", _SEED)
    network.run(1 * brian2.second)
    clocks = sorted({item.clock for item in network.sorted_objects}, key=lambda clock: float(clock.dt))
    named = {"STEPS": clocks[0].name, "CLOCKS": ", ".join(f"&{clock.name}" for clock in clocks), "NETWORK": network.name}
    advance = _template("advance_usual.cpp" if usual else "advance.cpp").rstrip("\n")
    text = "\n" + _template("run.cpp").rstrip("\n").replace("ADVANCE", advance)
    run = re.sub(r"\b(STEPS|CLOCKS|NETWORK)\b", lambda found: named[found[0]], text)
    for kind, argument in device.main_queue:
        if kind == "run_network":
            argument[1][:] = [run if ".run(1.0, " in line else line for line in argument[1]]
    cache, refused = compiler.cache_folder(), None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=cache, prefix="building-"))
    except OSError as error:  # it may hold the program all the same
        folder, refused = Path(tempfile.mkdtemp(prefix="spikemeta-building-")), error
    more = " ".join([*([] if usual else [_VECTOR_MATHS]), *compiler.sanitizers()])
    try:
        device.build(str(folder), compile=False, run=False, clean=False)
        if not usual:
            with open(folder / "objects.cpp", "a") as objects:
                objects.write((Path(backends.__file__).parent / "templates" / "aligned_new.cpp").read_text())
        files = {
            f"{owner}.{v.name}": (
                device.get_array_filename(v, basedir=None),
                np.dtype(v.dtype).str,
                _length(v),
                not v.read_only,
            )
            for v, owner in ((v, _owner(v)) for v in device.arrays)
            if owner
        }
        (folder / "files.json").write_text(json.dumps(files))
        final = cache / _digest(folder, more)
        if refused and not (final / "main").is_file():
            raise refused
        with contextlib.nullcontext() if (final / "main").is_file() else turn(f"{final}.building"):
            if (final / "main").is_file():
                return Program(final, json.loads((final / "files.json").read_text()), False)
            _make(folder, more)
            try:
                os.replace(folder, final)
            except OSError:  # a file system without locks, on which another worker was first
                if not (final / "main").is_file():
                    raise
        return Program(final, files, True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _length(variable):
    """Numbers in an array; None if they vary, -n if they vary in rows of n."""
    if not isinstance(variable, brian2.core.variables.DynamicArrayVariable):
        return int(variable.size)
    return None if variable.ndim == 1 else -int(variable.size[1])


def _owner(variable):
    """Name of the object that a variable belongs to; None without one, or if it is no more, as a part of a group may be."""
    try:
        return None if variable.owner is None else variable.owner.name
    except ReferenceError:
        return None


def _digest(folder, flags):
    """Digest of the generated code. Brian2 keeps clocks in sets, so the order of main.cpp's initialisations may vary."""
    digest = hashlib.sha256(f"{flags} {compiler.processor()}".encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "files.json":
            data = path.read_bytes()
            if path.name == "main.cpp":
                data = b"\n".join(sorted(data.splitlines()))
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + data + b"\0")
    return digest.hexdigest()[:24]


def _make(folder, more):
    command = compiler.command()
    if not shutil.which(command[0]) or not shutil.which("make"):
        raise UserError(
            f"no C++ compiler: {command[0]!r} and 'make' must be on the PATH (on Debian or Ubuntu: apt install g++ "
            "make; on macOS: xcode-select --install); or use --mode runtime, which is slower"
        )
    (folder / "joined.cpp").write_text(one_unit.join(folder))
    (folder / "make.deps").touch()  # up to date: nothing here is ever compiled a second time
    flags = re.search(r"^OPTIMISATIONS = (.*)$", (folder / "makefile").read_text(), re.M)[1]
    if compiler.sanitizers():  # at -O3 the checks of one network take a quarter of an hour to compile
        flags += " -O1"
    read = compiler.parsed(one_unit.SYSTEM, [word for word in shlex.split(f"{more} {flags}") if not word.startswith("-I")])
    make = ["make", f"CXX={shlex.join(command)} {more} {shlex.join(read)}", f"OPTIMISATIONS={flags}", "SRCS=joined.cpp"]
    done = subprocess.run(make, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"compiling the network failed:\n{done.stderr[-2000:]}")
    (folder / "joined.o").unlink()
