"""Brian2's program of some fifty files as one: each of them reads the same headers, which takes longer than its own lines."""

import collections
import re

#: What every file reads; its own lines of this kind are left out.
_HEADERS = (
    *("stdlib.h", "stdint.h", "random", "vector", "iostream", "fstream", "map", "tuple", "string", "chrono", "csignal"),
    *("cmath", "cstdio", "ctime", "climits", "algorithm"),
)
#: The same as lines, with what only some programs read.
SYSTEM = "".join(f"#include <{name}>\n" for name in (*_HEADERS, "set"))
SYSTEM += "#if defined __x86_64__\n#include <immintrin.h>\n#endif\n"
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<].*)$', re.M)
_FUNCTION = re.compile(r"^void (\w+)\(\);", re.M)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
#: What keeps lines from being read a second time within a file.
_GUARD = re.compile(r"^[ \t]*#[ \t]*ifndef[ \t]+(\w+)\s*#[ \t]*define[ \t]+\1[ \t]*$", re.M)
#: What is done once, and does no arithmetic: optimizing all of it takes longer than what is done at every step. The first
#: reads, writes and sets arrays by name; the others go through synapses and spikes.
_ONCE = {r"objects\.cpp": "O0", r"code_objects/((before|after)_run_\w+|\w+_synapses_create_\w+)\.cpp": "O1"}
_OPEN = r"ofstream (?P<out>\w+);\s+(?P=out)\.open\(results_dir \+ (?P<file>.+), .+\);\s+if\((?P=out)\.is_open\(\)\)\s+\{\s+"
_ELSE = r"\s+\} else\s+\{\s+std::cout.+\s+\}"
#: What Brian2 writes out for every array, a hundred of them or more, and the call that does the same.
_EACH = {
    r"if \(name == (?P<name>\"[^\"]+\")\) \{\s+var_size = (?P<size>.+);\s+data_size = .+;\s+if \(s_value\[0\].+\s+//.+\s+"
    r"set_variable_from_value(<\w+>)?\(name, (?P<array>\S+), var_size, \(\w+\)(?P<number>\w+)\(s_value\.c_str\(\)\)\);"
    r"\s+\} else \{\s+//.+\s+set_variable_from_file\(name, (?P=array), data_size, s_value\);\s+\}\s+return;\s+\}": (
        r"if (name == \g<name>) return set_array(name, s_value, \g<array>, \g<size>, \g<number>);"
    ),
    _OPEN
    + r"(?P=out)\.write\(reinterpret_cast<char\*>\((?P<array>\w+)\), (?P<size>\w+)\*sizeof\(\w+\[0\]\)\);\s+"
    + r"(?P=out)\.close\(\);"
    + _ELSE: r"write_array(\g<file>, \g<array>, \g<size>);",
    _OPEN
    + r"if \(! (?P<array>\w+)\.empty\(\) \)\s+\{\s+(?P=out)\.write\(.+\);\s+(?P=out)\.close\(\);\s+\}"
    + _ELSE: r"write_array(\g<file>, \g<array>.data(), \g<array>.size());",
    r"(?P<array>\w+) = new (?P<type>\w+)\[(?P<size>\d+)\];\s+for\(int i=0; i<(?P=size); i\+\+\) (?P=array)\[i\] = 0;": (
        r"\g<array> = new \g<type>[\g<size>]();"
    ),
}
_CALLED = """
template<class T, class N>
void set_array(const std::string& name, const std::string& value, T* array, size_t size, N (*number)(const char*)) {
    if (value[0] == '-' || (value[0] >= '0' && value[0] <= '9'))
        set_variable_from_value<T>(name, array, size, (T)number(value.c_str()));
    else
        set_variable_from_file(name, array, size * sizeof(T), value);
}

template<class T> void write_array(const char* file, const T* array, size_t size) {
    std::ofstream out((results_dir + file).c_str(), std::ios::binary | std::ios::out);
    if (!out.is_open())
        std::cout << "Error writing output file " << file << "." << std::endl;
    else if (size)
        out.write(reinterpret_cast<const char*>(array), size * sizeof(T));
}
"""
#: What objects.cpp calls `_CALLED` by stands after this line.
_BEFORE = "//////////////// set arrays by name ///////\n"
#: Functions that Brian2 repeats for each file that may need them.
_SUPPORT = re.compile(
    r"(?<=^////// SUPPORT CODE ///////\n)namespace \{\n.*?^\}\n(?=\n*(?:////// HASH|void _(?:before|after)_run_))", re.M | re.S
)


def _optimized(text, source):
    """A part of the program, less optimized where it is done once."""
    level = next((level for pattern, level in _ONCE.items() if re.fullmatch(pattern, source)), None)
    if level is None:
        return text
    return f'#pragma GCC push_options\n#pragma GCC optimize ("{level}")\n{text}\n#pragma GCC pop_options\n'


def _undefined(macros):
    return "".join(f"#undef {name}\n" for name in dict.fromkeys(macros))


def _objects(text):
    """objects.cpp with a call where Brian2 writes out the same lines for every array."""
    if _BEFORE not in text:
        return text
    for written, call in _EACH.items():
        text = re.sub(written, call, text)
    return text.replace(_BEFORE, _CALLED + _BEFORE)


def _shared(texts):
    """Functions that several files repeat, once; and the files without them.

    Parameters
    ----------
    texts : dict of str to str
        By file.

    Returns
    -------
    str
    dict of str to str
    """
    found = collections.Counter(block for text in texts.values() for block in _SUPPORT.findall(text))
    common = {block: f"shared_{number}" for number, block in enumerate(b for b, times in found.items() if times > 1)}
    shared = "".join(f"namespace {name} {{\n{block}}}\n{_undefined(_GUARD.findall(block))}" for block, name in common.items())
    rest = {}
    for source, text in texts.items():
        block = _SUPPORT.search(text)
        if block and block[0] in common:
            after = text.count("\n", 0, block.end()) + 1
            line = f'using namespace {common[block[0]]};\n#line {after} "{source}"\n'
            text = text[: block.start()] + line + text[block.end() :]
        rest[source] = text
    return shared, rest


def join(folder, names=None):
    """A text that compiles to the same machine code as the program's files, but for what is done once.

    Each file under ``code_objects`` keeps its functions, constants and macros for itself.

    Parameters
    ----------
    folder : Path
        As `brian2.devices.Device.build` leaves it.
    names : sequence of str or None
        Files under ``code_objects``, without ending, to be joined alone; None for the whole program.

    Returns
    -------
    str
    """
    sources = re.search(r"^SRCS = (.*)$", (folder / "makefile").read_text(), re.M)[1].split()
    if names is not None:
        sources = [f"code_objects/{name}.cpp" for name in names]
    texts = {source: (folder / source).read_text() for source in sources}
    parts, included = [], [f"<{name}>" for name in _HEADERS] + ['"objects.h"', '"brianlib/common_math.h"']
    inner = [source for source in texts if source.startswith("code_objects/")]
    shared, rest = _shared({source: texts[source] for source in inner})
    usual = set(_MACRO.findall(shared)) - set(_GUARD.findall(shared))
    for number, source in enumerate(inner):
        header = source.removesuffix(".cpp") + ".h"
        included += [name for name in _INCLUDE.findall(texts[source]) if name != f'"{header}"']
        lines = _INCLUDE.sub("", rest[source])
        made = _FUNCTION.findall((folder / header).read_text())
        declared = "".join(f"using joined_{number}::{name};\n" for name in made)
        own = _undefined(name for name in _MACRO.findall(lines) if name not in usual)
        part = f'namespace joined_{number} {{\n#include "{header}"\n#line 1 "{source}"\n{lines}\n}}\n{declared}{own}'
        parts.append(_optimized(part, source))
    for source in texts:
        if source not in inner:
            parts.append(_optimized(_objects(texts[source]) if source == "objects.cpp" else f'#include "{source}"\n', source))
    return "".join(f"#include {name}\n" for name in dict.fromkeys(included)) + shared + "\n".join(parts)
