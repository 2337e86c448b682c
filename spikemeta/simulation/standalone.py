"""Compile a Brian2 network once as a C++ program, keep it in a cache, and run it phase by phase."""

import contextlib
import gc
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import brian2
import numpy as np
from brian2.codegen.translation import make_statements
from brian2.devices.device import get_device

from spikemeta import backends
from spikemeta.errors import UserError
from spikemeta.simulation import one_unit
from spikemeta.system import compiler, stopping
from spikemeta.system.files import turn

_SEED = 'brian::_random_generators[0].seed(std::strtoul(std::getenv("SPIKEMETA_SEED"), NULL, 10));'
#: In place of Brian2's run of the whole phase: blocks of presentations, between which it may end, to go on as if it never had.
#: What Brian2 does not write or read as an array is the generator, and the clocks, which are put to where they were.
_RUN_CPP = """
        {
            static volatile std::sig_atomic_t stop = 0;
            std::signal(SIGINT, [](int) { stop = 1; });
            std::signal(SIGTERM, [](int) { stop = 1; });
            const std::string folder = std::getenv("SPIKEMETA_PHASE");
            const int64_t block = std::atoll(std::getenv("SPIKEMETA_BLOCK"));
            const int64_t total = std::atoll(std::getenv("SPIKEMETA_STEPS"));
            int64_t done = std::atoll(std::getenv("SPIKEMETA_FIRST"));
            const double limit = std::atof(std::getenv("SPIKEMETA_SECONDS")), dt = STEPS.dt[0];
            char* const generator = reinterpret_cast<char*>(&brian::_random_generators[0]);
            const size_t size = sizeof(brian::_random_generators[0]);
            if (done && !std::ifstream(folder + "/generator", std::ios::binary).read(generator, size)) std::exit(3);
            for (Clock* clock : {CLOCKS}) {
                clock->timestep[0] = (int64_t)(done*dt/clock->dt[0] + 0.5);
                clock->t[0] = clock->timestep[0]*clock->dt[0];
            }
            const auto began = std::chrono::steady_clock::now();
            while (done < total) {
                const int64_t next = total - done > block + 1 ? done + block : total;
                ADVANCE
                const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
                if (stop || elapsed.count() > limit) break;
            }
            std::ofstream(folder + "/generator", std::ios::binary).write(generator, size);
            std::ofstream(folder + "/position") << done << "\\n";
        }"""
#: A block of steps as Brian2 makes it; and the same to the same bits, its tolerance between clocks included, without what
#: nothing here needs: the time of day, clocks in sets, objects without code.
_ADVANCE_USUAL = "NETWORK.t = done*dt; NETWORK.run((next - done)*dt, NULL, 10.0); done = next;"
_ADVANCE = """Clock* const clocks[] = {CLOCKS};
                const size_t n_clocks = sizeof(clocks)/sizeof(*clocks);
                std::vector< std::pair<size_t, codeobj_func> > objects;
                for (const auto& object : NETWORK.objects)
                    if (object.second)
                        objects.emplace_back(std::find(clocks, clocks + n_clocks, object.first) - clocks, object.second);
                bool due[n_clocks];
                const double start = done*dt, end = start + (next - done)*dt;
                for (Clock* clock : clocks) clock->set_interval(start, end);
                for (;;) {
                    Clock* earliest = clocks[0];
                    for (Clock* clock : clocks) if (clock->t[0] < earliest->t[0]) earliest = clock;
                    if (!earliest->running()) break;
                    for (size_t k = 0; k < n_clocks; k++)
                        due[k] = std::fabs(clocks[k]->t[0] - earliest->t[0]) <= 1e-14;
                    for (const auto& object : objects) if (due[object.first]) object.second();
                    for (size_t k = 0; k < n_clocks; k++) if (due[k]) clocks[k]->tick();
                }
                done = next;"""
BLOCK = 10  # presentations
_ALIGNED_NEW = (Path(backends.__file__).parent / "templates" / "aligned_new.cpp").read_text()
#: One array of stimuli is read from the folder of the phase; the index is printed now and then for progress.
_STIMULI_CPP = """
#include <cstdio>
static std::vector<unsigned char> _read_bytes(const char* name) {
    std::string path = std::string(std::getenv("SPIKEMETA_PHASE")) + "/" + name;
    FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) { std::fprintf(stderr, "cannot read %s\\n", path.c_str()); std::exit(3); }
    std::fseek(file, 0, SEEK_END);
    std::vector<unsigned char> bytes(std::ftell(file));
    std::rewind(file);
    if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::exit(3);
    std::fclose(file);
    return bytes;
}
"""
_PIXEL_CPP = (
    _STIMULI_CPP
    + """
static double stimulus(const int64_t presentation, const int64_t pixel) {
    static const std::vector<unsigned char> images = _read_bytes("images"), order = _read_bytes("indices"),
        places = _read_bytes("places");
    static const int64_t count = order.size()/4, width = places.size()/4;
    if (pixel == 0 && presentation % 50 == 0) { std::printf("%ld\\n", (long)presentation); std::fflush(stdout); }
    if (presentation >= count) return 0.0;
    const int64_t image = reinterpret_cast<const int32_t*>(order.data())[presentation];
    return images[image*width + reinterpret_cast<const int32_t*>(places.data())[pixel]]/255.0;
}
"""
)
_LABEL_CPP = (
    _STIMULI_CPP
    + """
static int64_t teacher(const int64_t presentation) {
    static const std::vector<unsigned char> labels = _read_bytes("labels");
    if (presentation >= (int64_t)labels.size()/4) return -1;
    return reinterpret_cast<const int32_t*>(labels.data())[presentation];
}
"""
)

#: glibc offers exp, log and tanh on vectors only to code that says it may round by a few units in the last place;
#: Brian2's flags do, but keep infinities, and so do not define the macro by which glibc knows.
_VECTOR_MATHS = "-D__FAST_MATH__"


class Stimuli:
    """The functions ``stimulus(presentation, i)`` and ``teacher(presentation)`` of a network.

    In standalone they read the folder of the phase; at runtime they read what `load` was given.
    """

    def __init__(self):
        self._loaded = None
        self.stimulus = brian2.Function(
            self._pixel,
            arg_units=[1, 1],
            return_unit=1,
            arg_types=["integer", "integer"],
            stateless=False,
            auto_vectorise=False,
        )
        self.teacher = brian2.Function(
            self._label, arg_units=[1], return_unit=1, arg_types=["integer"], return_type="integer", stateless=False
        )
        self.stimulus.implementations.add_implementation("cpp", _PIXEL_CPP, name="stimulus")
        self.teacher.implementations.add_implementation("cpp", _LABEL_CPP, name="teacher")

    def load(self, images, indices, places, labels):
        """Images (n, pixels) uint8; indices (count,), places (pixels,) and labels (count,) int32."""
        self._loaded = images, indices, places, labels

    def _pixel(self, presentation, i):
        images, indices, places, _ = self._loaded
        if presentation >= len(indices):
            return np.zeros(np.shape(i))
        return images[indices[int(presentation)]][places[i]] / 255.0

    def _label(self, presentation):
        labels = self._loaded[3]
        return int(labels[int(presentation)]) if presentation < len(labels) else -1


@contextlib.contextmanager
def device():
    """Brian2 in standalone mode, left as it was found."""
    gc.collect()  # objects of an earlier network would make Brian2 number the names of this one
    brian2.set_device("cpp_standalone", build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    try:
        yield get_device()
    finally:
        get_device().reinit()
        brian2.set_device("runtime")
        # Brian2 keeps every translation, by variables that no other network has: a long study would keep them all.
        getattr(make_statements, "_cache", {}).clear()


@dataclass(frozen=True)
class Program:
    """A compiled network.

    Attributes
    ----------
    folder : Path
    files : dict of str to (str, str, int or None, bool)
        Of every array, by ``object.variable``: result file, data type, length (None if it varies), and whether it can be set.
    compiled : bool
        Whether it had to be compiled now.
    """

    folder: Path
    files: dict
    compiled: bool

    def run(self, work, settings, steps, count, seed, progress=None, held=None, seconds=np.inf):
        """One phase, or a stretch of it.

        Parameters
        ----------
        work : Path
            Folder of the phase, with its stimuli; results go to ``work/results``.
        settings : dict of str to float or ndarray
            Values by ``object.variable``.
        steps : int
            Time steps of a presentation.
        count : int
            Presentations of the phase; one time step follows, in which every synapse is committed.
        seed : int
        progress : callable or None
            Called with the number of presentations done.
        held : dict of str to ndarray or None
            Where the stretch before came to, as given here; it replaces `settings`.
        seconds : float
            After which to stop, at the next whole `BLOCK` of presentations; so does a signal that waits.

        Returns
        -------
        read : callable
            ``read(name)`` gives the array of ``object.variable`` at the end.
        held : dict of str to ndarray or None
            What another call goes on from, to the same bits as if this one had not stopped; None at the end of the phase.

        Raises
        ------
        UserError
            If the disk is full.
        """
        results = work / "results"
        results.mkdir(exist_ok=True)
        first, arguments = 0, []
        if held:
            first = int(held["position"])
            held["generator"].tofile(work / "generator")
            settings = {name: held[name] for name in self.files if name in held}
        for name, value in settings.items():
            if isinstance(value, np.ndarray) or not np.isfinite(value):  # the program takes only plain numbers as text
                path = work / name
                np.asarray(value, self.files[name][1]).tofile(path)
                arguments.append(f"{name}={path}")
            else:
                arguments.append(f"{name}={value!r}")
        environment = os.environ | {
            "SPIKEMETA_PHASE": str(work),
            "SPIKEMETA_BLOCK": str(BLOCK * steps),
            "SPIKEMETA_STEPS": str(count * steps + 1),
            "SPIKEMETA_FIRST": str(first),
            "SPIKEMETA_SECONDS": str(min(seconds, 1e9)),
            "SPIKEMETA_SEED": str(seed),
            "LC_ALL": "C",
        }
        with subprocess.Popen(
            [str(self.folder / "main"), "--results_dir", f"{results}/", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                with stopping.told(process):
                    for line in process.stdout:
                        if progress and line.strip().isdigit():
                            progress(int(line))
                    errors = process.stderr.read()
            except BaseException:
                process.kill()
                raise
        if process.returncode < 0 and stopping.wanted():  # it was only starting
            raise stopping.interrupt()
        if process.returncode == -signal.SIGXFSZ:
            raise UserError(f"the compiled network could not write into {work}: a file-size limit; raise it with ulimit -f")
        if process.returncode or "Error" in errors or "annot" in errors:
            raise RuntimeError(f"the compiled network failed (exit code {process.returncode}): {errors.strip()}")

        def read(name):
            file, kind, size, _ = self.files[name]
            path = results / file
            array = np.fromfile(path, dtype=kind) if path.is_file() else np.empty(0, kind)
            if size is None and not name.endswith(".delay"):
                size = int(read(f"{name.partition('.')[0]}.N")[0])
            if size is not None and len(array) != size:
                raise UserError(f"the disk of {work} is full: make room there, or name another folder with TMPDIR")
            return array

        position = (work / "position").read_text().strip()
        if not position:
            raise UserError(f"the disk of {work} is full: make room there, or name another folder with TMPDIR")
        if int(position) > count * steps:
            return read, None
        held = {name: read(name) for name, (*_, settable) in self.files.items() if settable}
        return read, held | {"position": np.array(int(position)), "generator": np.fromfile(work / "generator", np.uint8)}


def forget_indices(made, device):
    """Free what a compiled program holds of the neurons of each synapse, before it runs; for synapses that walk rows.

    Parameters
    ----------
    made : brian2.Synapses
    device : brian2.devices.Device
        From `device`.
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
        From `device`.
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
    text = _RUN_CPP.replace("ADVANCE", _ADVANCE_USUAL if usual else _ADVANCE)
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
                objects.write(_ALIGNED_NEW)
        files = {
            f"{v.owner.name}.{v.name}": (
                device.get_array_filename(v, basedir=None),
                np.dtype(v.dtype).str,
                None if isinstance(v, brian2.core.variables.DynamicArrayVariable) else int(v.size),
                not v.read_only,
            )
            for v in device.arrays
            if v.owner is not None
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
    make = ["make", f"CXX={shlex.join(command)} {more}", "SRCS=joined.cpp"]
    if compiler.sanitizers():  # at -O3 the checks of one network take a quarter of an hour to compile
        usual = re.search(r"^OPTIMISATIONS = (.*)$", (folder / "makefile").read_text(), re.M)[1]
        make.append(f"OPTIMISATIONS={usual} -O1")
    done = subprocess.run(make, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"compiling the network failed:\n{done.stderr[-2000:]}")
    (folder / "joined.o").unlink()
