"""The hot loops of the generated programs run in vector registers: the compiler's own report says so, whatever the time."""

import re
import subprocess
from functools import cache

import pytest

from spikemeta.backends.torch import kernel, passes
from spikemeta.benchmarks import machine, speed
from spikemeta.data import datasets
from spikemeta.hardware import profile, stored
from spikemeta.language import registry
from spikemeta.simulation import execution, one_unit, standalone
from spikemeta.system import compiler

#: Loops over synapses of a row, neurons of a block, and neurons.
LOOP = re.compile(
    r"for ?\((size_t _column = 0|size_t _k = 0; _k < _length|int32_t _lane = 0|int _idx ?= ?0|int64_t _j = 0; _j < 200)"
)
#: Of layers larger than a few vectors: the loops of a readout of ten neurons are unrolled instead, and `start` runs once.
NEURONS = (
    "hidden_signal",
    "hidden_stateupdater",
    "hidden_spike_thresholder",
    "hidden_touch_thresholder",
    "input_spike_thresholder",
    "input_touch_thresholder",
    "input_gap",
    "input_spike_resetter",
)
BYTES = {"AVX2": 32, "AVX-512": 32}  # g++ may prefer the narrower vectors


@pytest.fixture(autouse=True)
def code_alone(monkeypatch, tmp_path):
    """Programs are generated, and not compiled whole."""
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    monkeypatch.setattr(standalone, "_make", lambda folder, _: (folder / "main").touch())


@cache
def vectors():
    """Bytes of a vector here, or None where the compiler gives no report of this form."""
    described = subprocess.run([*compiler.command(), "--version"], capture_output=True, text=True).stdout
    return BYTES.get(machine.describe()["vectors"]) if "Free Software Foundation" in described else None


def scalar_loops(rule, names, **how):
    """Loops of generated files that the compiler has not turned into whole vectors, as ``file: line of code``."""
    work = speed.workload(datasets.load("digits"), 20)
    simulation, sizes, constants, start, *_ = speed._begin(rule, work, 200, **how)
    with execution.open_executor(simulation, sizes, constants, start) as execute:
        folder = execute.program.folder
    flags = re.search(r"^OPTIMISATIONS = (.*)$", (folder / "makefile").read_text(), re.M)[1].split()
    found, looked, wide = [], 0, {}
    text = one_unit.join(folder, [f"{name}_codeobject" for name in names])
    report = ["-fopt-info-vec-optimized", "-fno-ipa-icf"]  # of functions that are alike, too, of which one would be kept
    command = [*compiler.command(), standalone._VECTOR_MATHS, *flags, "-I.", *report, "-x", "c++"]
    done = subprocess.run([*command, "-c", "-", "-o", "/dev/null"], input=text, cwd=folder, capture_output=True, text=True)
    assert not done.returncode, done.stderr[-2000:]
    vectorised = re.compile(r"(\w+)_codeobject.cpp:(\d+):\d+: optimized: loop vectorized using (\d+) byte")
    for name, line, size in vectorised.findall(done.stderr):
        wide[name, int(line)] = max(int(size), wide.get((name, int(line)), 0))
    for name in names:
        source = folder / "code_objects" / f"{name}_codeobject.cpp"
        for number, line in enumerate(source.read_text().split("\n"), 1):
            if re.search(LOOP, line):
                looked += 1
                if wide.get((name, number), 0) < vectors():
                    found.append(f"{name}: {line.strip()}")
    assert looked >= len(names)
    return found


@pytest.mark.parametrize("name", registry.names("rules"))
def test_loops_over_synapses(name):
    if not vectors():
        pytest.skip("no report of g++ for AVX2 or AVX-512")
    rule = registry.get_rule(name)
    pathways = ["to_hidden_absorb", "to_hidden_commit", "to_hidden_transmit"]
    pathways += ["to_hidden_boundary"] if rule.analysis.blocks["on_boundary"] else []
    assert scalar_loops(rule, pathways) == []


@pytest.mark.parametrize(("name", "chip"), [("mesu", "spinnaker1"), ("hebb_repetition", "loihi1"), ("mesu", "memristor")])
def test_loops_over_synapses_on_a_chip(name, chip):
    """Rounding to what is stored, to the nearest and stochastic, and programming by pulses."""
    if not vectors():
        pytest.skip("no report of g++ for AVX2 or AVX-512")
    rule = stored.on_chip(registry.get_rule(name), profile.get(chip))
    assert scalar_loops(rule, ["to_hidden_absorb", "to_hidden_commit", "to_hidden_transmit"]) == []


def test_loops_over_neurons():
    if not vectors():
        pytest.skip("no report of g++ for AVX2 or AVX-512")
    assert scalar_loops(registry.get_rule("sgd"), NEURONS) == []


@pytest.mark.parametrize(("feedback", "dtype"), [("surrogate", "float64"), ("eprop", "float32")])
def test_loops_back_through_a_presentation(feedback, dtype):
    if not vectors():
        pytest.skip("no report of g++ for AVX2 or AVX-512")
    names = ("history", "hidden_signal", "hidden_stateupdater")
    assert scalar_loops(registry.get_rule("sgd"), names, feedback=feedback, dtype=dtype) == []


@pytest.mark.parametrize("name", ["benna_fusi", "stc"])
def test_loops_of_a_torch_update(name):
    """Of six variables and more, each an array: the compiler does not find out by itself that they lie apart."""
    if not vectors():
        pytest.skip("no report of g++ for AVX2 or AVX-512")
    text = passes.source(registry.get_rule(name))[0]
    command = [*compiler.command(), *kernel._FLAGS, "-fopt-info-vec-optimized", "-x", "c++", "-", "-o", "/dev/null"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert not done.returncode, done.stderr[-2000:]
    wide = {int(line) for line in re.findall(r"<stdin>:(\d+):\d+: optimized: loop vectorized", done.stderr)}
    lines = text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith("static void update("))
    loop = next(n for n, line in enumerate(lines[start:], start + 1) if "for (int64_t j = 0" in line)
    assert loop in wide
