"""What Brian2 repeats in the text of a program is compiled once."""

import re

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import execution, one_unit, standalone
from spikemeta.simulation.simulation import Simulation


def generated(rule, monkeypatch, tmp_path):
    """Folder of a program that is generated, and not compiled."""
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    monkeypatch.setattr(standalone, "_make", lambda folder, _: (folder / "main").touch())
    simulation = Simulation(registry.get_rule(rule), n_hidden=7)
    curriculum = curricula.build("joint", datasets.load("digits"), limit=20, test_limit=10)
    start, _ = simulation.begin(curriculum, (64, 7, 10), 0)
    with execution.open_executor(simulation, (64, 7, 10), simulation.constants(curriculum), start) as execute:
        return execute.program.folder


def test_what_a_file_reads_once_is_read_in_each_that_shares_nothing(monkeypatch, tmp_path):
    """The functions of `probabilistic` stand in some files with others, and in some alone; both have the same guard."""
    joined = one_unit.join(generated("probabilistic", monkeypatch, tmp_path))
    parts = re.split(r"^namespace (?:shared|joined)_\d+ \{$", joined, flags=re.M)
    held = [part for part in parts if "#ifndef WEIGHT_NOISE_DOUBLE\n" in part]
    assert len(held) > 1
    assert all("#undef WEIGHT_NOISE_DOUBLE\n" in part for part in held)


def test_what_brian2_repeats_stands_once(monkeypatch, tmp_path):
    folder = generated("mesu", monkeypatch, tmp_path)
    written, joined = (folder / "objects.cpp").read_text(), one_unit.join(folder)
    n_arrays = len(re.findall(r"ofstream outfile__(?:dynamic_)?array_\w+;", written))
    assert n_arrays > 100
    assert (joined.count("    write_array("), joined.count("ofstream outfile__")) == (n_arrays, 0)
    n_set = len(re.findall(r"set_variable_from_value(?:<\w+>)?\(name, ", written))  # bytes are set from a file alone
    assert n_set > 50
    assert (joined.count(") return set_array("), joined.count("set_variable_from_value<T>(name, ")) == (n_set, 1)
    assert re.search(r"for\(int i=0; i<\d+; i\+\+\) _array_\w+\[i\] = 0;", written)
    assert not re.search(r"for\(int i=0; i<\d+; i\+\+\) _array_\w+\[i\] = 0;", joined)
    support = re.compile(r"////// SUPPORT CODE ///////\n(namespace \{.*?\n\}\n)\n*(?:////// HASH|void _)", re.S)
    repeated = [found for path in folder.glob("code_objects/*.cpp") for found in support.findall(path.read_text())]
    assert len(repeated) > 2 * len(set(repeated))
    assert joined.count("_brian_floordiv<int32_t, int32_t>") == len(set(repeated))
