"""Brian2's program of some fifty files as one: each of them reads the same headers, which takes longer than its own lines."""

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
#: What is done once, and does no arithmetic: optimizing all of it takes longer than what is done at every step. The first
#: reads, writes and sets arrays by name; the others go through synapses and spikes.
_ONCE = {r"objects\.cpp": "O0", r"code_objects/(before|after)_run_\w+\.cpp": "O1"}


def _optimized(text, source):
    """A part of the program, less optimized where it is done once."""
    level = next((level for pattern, level in _ONCE.items() if re.fullmatch(pattern, source)), None)
    if level is None:
        return text
    return f'#pragma GCC push_options\n#pragma GCC optimize ("{level}")\n{text}\n#pragma GCC pop_options\n'


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
    for number, source in enumerate(inner):
        header = source.removesuffix(".cpp") + ".h"
        included += [name for name in _INCLUDE.findall(texts[source]) if name != f'"{header}"']
        lines = _INCLUDE.sub("", texts[source])
        made = _FUNCTION.findall((folder / header).read_text())
        declared = "".join(f"using joined_{number}::{name};\n" for name in made)
        undefined = "".join(f"#undef {name}\n" for name in dict.fromkeys(_MACRO.findall(lines)))
        part = f'namespace joined_{number} {{\n#include "{header}"\n#line 1 "{source}"\n{lines}\n}}\n{declared}{undefined}'
        parts.append(_optimized(part, source))
    parts += [_optimized(f'#include "{source}"\n', source) for source in texts if source not in inner]
    return "".join(f"#include {name}\n" for name in dict.fromkeys(included)) + "\n".join(parts)
