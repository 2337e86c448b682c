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
#: Reads, writes and sets arrays by name, and does no arithmetic: optimizing it takes as long as everything else.
_ONCE = "objects.cpp"


def join(folder, names=None):
    """A text that compiles to the same machine code as the program's files.

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
        parts.append(
            f'namespace joined_{number} {{\n#include "{header}"\n#line 1 "{source}"\n{lines}\n}}\n{declared}{undefined}'
        )
    outer = [source for source in texts if source not in inner]
    parts += [f'#include "{source}"\n' for source in outer if source != _ONCE]
    if _ONCE in outer:
        parts.append(f'#pragma GCC push_options\n#pragma GCC optimize ("O0")\n#include "{_ONCE}"\n#pragma GCC pop_options\n')
    return "".join(f"#include {name}\n" for name in dict.fromkeys(included)) + "\n".join(parts)
