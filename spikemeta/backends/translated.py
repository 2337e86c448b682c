"""What the templates of compiled code make of the lines that Brian2 translated: rows and columns, draws, single precision."""

import re

from brian2.core.variables import Constant

_FUNCTION = r"\b(\w+)\("
#: What code in single precision may call: each takes and gives it.
_NARROW = {"exp", "log", "sqrt", "expm1", "log1p", "tanh", "fabs", "int_", "_brian_abs", "_brian_pow", "_clip", "sign_"}


def _lines(code):
    """Brian2's pieces of code, of one or more lines each, as lines."""
    return [line.strip() for line in "\n".join(code).split("\n") if line.strip()]


def _split_rows(lines, listed, first=0, of="pre"):
    """Brian2's vector code as what is the same for all synapses of one neuron, and what is not.

    ``of`` is the end at which that neuron is, ``first`` the first neuron of a row at the other end.
    """
    other = {"pre": "post", "post": "pre"}[of]
    column = f"_column + {first}" if first else "_column"
    row, body, varying = [], [], {"_idx", "_column", "_vectorisation_idx"}
    for line in _lines(lines):
        if not listed:
            line = re.sub(rf"= \S+synaptic_{other}\[_idx\];", f"= {column};", line)
        if re.match(rf"(const )?\w+ _{of}synaptic_idx =", line):
            continue
        constant = re.match(r"const \w+ (\w+) = (.*);$", line)
        if constant and not varying & set(re.findall(r"\w+", constant[2])):
            row.append(line)
            continue
        declared = re.match(r"(?:const )?(?:\w+ )?(\w+)(?: [-+*/]?=|;)", line)
        if declared:
            varying.add(declared[1])
        body.append(line)
    return row, body


def _added(lines, first, variables):
    """What is added to what, if code of a row does nothing but add an array of synapses to one of the targets; else None.

    Returns
    -------
    dict or None
        ``type`` of numbers, arrays ``row`` and ``sum``, number of ``columns``.
    """
    row, body = _split_rows(lines, False, first)
    known = {}
    for line in body:
        read = re.match(r"(?:const )?(float|double) (\w+) = (_ptr\w+)\[(\w+)\];$", line)
        named = re.match(r"const (?:float|double) (\w+) = (\w+);$", line)
        if read:
            known[read[2]] = read[1], read[3], read[4]
        elif named and named[2] in known:
            known[named[1]] = known[named[2]]
    text = "\n".join(line for line in body if not line.startswith("const "))
    found = re.fullmatch(r"(\w+) (\w+) = (\w+)\[_postsynaptic_idx\];\n\2 \+= (\w+);\n\3\[_postsynaptic_idx\] = \2;", text)
    columns = getattr(variables.get("N_post"), "value", None)
    if row or not found or not columns or known.get(found[4], "")[::2] != (found[1], "_idx"):
        return None
    return {"type": found[1], "row": known[found[4]][1], "sum": found[3], "columns": int(columns)}


def _independent(lines, of="pre"):
    """Whether no synapse of a neuron writes what another one reads: none writes to that neuron."""
    return not re.search(rf"\[_{of}synaptic_idx\] [-+*/]?=[^=]", "\n".join(lines))


def _silenced(lines):
    """The array that code of a neuron writes, and the shared number by which all of it is multiplied; else None."""
    wrote = [found.groups() for line in lines if (found := re.match(r"(_ptr\w+)\[_idx\] = (\w+);$", line))]
    if len(wrote) != 1:
        return None
    (array, name), given = wrote[0], [line for line in lines if re.match(r"(const )?(\w+ )?\w+ [-+*/]?= ", line)]
    made = [found for line in given if (found := re.fullmatch(rf"{name} = ((?:_narrow_)?_lio_\d+) \* (\(.*\));", line))]
    whole = len(made) == 1 and _closes_at_the_end(made[0][2]) and sum(f" {name} " in f" {line}" for line in given) == 1
    return (array, made[0][1]) if whole else None


def _closes_at_the_end(text):
    """Whether a text's first parenthesis is closed by its last character, and not before."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return place == len(text) - 1
    return False


def _drawing(lines):
    """Brian2's vector code that draws: names of the draws, the code that uses them, and (name, array) of what it stores.

    None for code without a draw, with one that is not the whole of a statement, or with several of one name.
    """
    draws, body, stores = [], [], []
    for line in _lines(lines):
        drawn = re.match(r"(\w+) = _rand\(_vectorisation_idx\);$", line)
        stored = re.match(r"(\w+)\[_idx\] = (\w+);$", line)
        if drawn:
            draws.append(drawn[1])
            line = f"{drawn[1]} = _drawn_{drawn[1]}[_lane];"
        elif stored:
            stores.append((stored[2], stored[1]))
            line = f"_made_{stored[2]}[_lane] = {stored[2]};"
        body.append(line)
    left = "\n".join(body)
    if not draws or len(set(draws)) < len(draws) or re.search(r"_randn?\(|\[_idx\] [-+*/]?=[^=]", left):
        return None
    return draws, left, stores


def _settled(lines, variables):
    """Brian2's scalar code, where what calls a function of nothing but constants and the length of a step is made once."""
    made, known = [], {"dt"}
    for line in _lines(lines):
        found = re.match(r"const double (\w+) = (.*);$", line)
        if found:
            calls = set(re.findall(_FUNCTION, found[2]))
            names = set(re.findall(r"\b[A-Za-z_]\w*", re.sub(r"\b[\d.]+(?:e[-+]?\d+)?f?\b", "", found[2]))) - calls
            if names and all(name in known or isinstance(variables.get(name), Constant) for name in names):
                known.add(found[1])
                line = f"static {line}" if calls & {"exp", "log", "sqrt", "expm1", "tanh", "_brian_pow"} else line
        made.append(line)
    return made


def _single(code, truths=False):
    """Code of one neuron or synapse in single precision, if all that it reads and writes of it is: declarations, and the code.

    Brian2's numbers are double, so that every value would be widened, and what is stored narrowed again: a vector holds half as
    many. Numbers that all share are narrowed once, by the declarations. Other code stays as it is; only that whole numbers are
    kept as floating ones, and that a truth becomes a number at once, where ``truths`` says so, since that may change the order
    in which a product is taken.
    """
    lines = _lines(code)
    declared = [re.match(r"(?:const )?(\w+) (\w+)(?: = (.*))?;$", line) for line in lines]
    types = {found[2]: found[1] for found in declared if found}
    kept = [found[2] for found in declared if found and re.match(r"_ptr\w+\[\w+\]$", found[3] or "")]
    kept += [found[1] for line in lines if (found := re.match(r"_ptr\w+\[\w+\] = (\w+);$", line))]
    calls = {name for line in lines for name in re.findall(_FUNCTION, line)}
    held = {types.get(name) for name in kept}
    if "float" not in held or not held <= {"float", "int32_t", "char", "bool"} or not calls <= _NARROW:
        lines = [re.sub(r"\bint_\(", "_truth(" if truths else "_whole(", line) for line in lines]
        return [], [re.sub(r"^const int64_t (\w+) = (?=_(?:truth|whole)\()", r"const auto \1 = ", line) for line in lines]
    shared, made = set(), []
    for line in lines:
        line = re.sub(r"\bint_\(", "_narrow_truth(", re.sub(r"\b_(?:brian_)?(pow|clip)\(", r"_narrow_\1(", line))
        line = re.sub(r"\bdouble\b", "float", line)
        line = re.sub(r"(?<![\w.])(\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])", r"\1f", line)
        names = set(re.findall(r"(?<![\w.])(?!_ptr)[A-Za-z_]\w*\b(?!\()", line)) - types.keys()
        names -= {"const", "float", "char", "bool", "int32_t", "int64_t", "size_t", "_idx", "_column", "_vectorisation_idx"}
        for name in sorted(names):
            shared.add(name)
            line = re.sub(rf"\b{name}\b", f"_narrow_{name}", line)
        made.append(line)
    return [f"const auto _narrow_{name} = _narrow({name});" for name in sorted(shared)], made


#: By the names that templates know them by.
FILTERS = {
    "row_code": lambda *given: _split_rows(*given)[0],
    "column_code": lambda *given: _split_rows(*given)[1],
    "added": _added,
    "independent": _independent,
    "drawing_code": _drawing,
    "settled": _settled,
    "silenced": _silenced,
    "single": _single,
}
