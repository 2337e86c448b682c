"""A user's own network: a Python file that defines one, run and checked."""

import ast
from pathlib import Path

from spikemeta.errors import RuleError, UserError
from spikemeta.language.network import Network
from spikemeta.language.python_files import read_source, run, the_one, told
from spikemeta.language.signal import Signal


def load_signal(path):
    """Run a user's file and return the `Signal` that it defines.

    Raises
    ------
    UserError
        If there is no such file, it fails, or it does not define exactly one signal.
    """
    if not Path(path).is_file():
        raise UserError(f"there is no file of a signal {str(path)!r}")
    try:
        space = run(Path(path))
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise UserError(told(Path(path), error)) from None
    found = list({id(value): value for value in space.values() if isinstance(value, Signal)}.values())
    if len(found) != 1:
        raise UserError(f"{path}: must define exactly one Signal, as in 'signal = Signal(...)'; it defines {len(found)}")
    return found[0]


def load_file(path):
    """Run a user's network file and return the `Network` it defines. The file is code: it is executed.

    Raises
    ------
    UserError
        If there is no such file, it fails, or it does not define exactly one network.
    """
    return the_one(path, "network", _load)


def check_file(path):
    """Every problem of a network file, each as ``file:line: message``; an empty list if it is sound."""
    return _load(Path(path))[0]


def is_network(path):
    """Whether a Python file makes a network, or takes one by ``get_network``, rather than a rule."""
    try:
        tree = ast.parse(read_source(path))
    except (UserError, SyntaxError, ValueError):
        return False
    return any(_called(node, "Network") or _called(node, "get_network") for node in ast.walk(tree))


def is_signal(path):
    """Whether a Python file makes a learning signal, and no network."""
    try:
        nodes = list(ast.walk(ast.parse(read_source(path))))
    except (UserError, SyntaxError, ValueError):
        return False
    return any(_called(n, "Signal") for n in nodes) and not any(
        _called(n, "Network") or _called(n, "get_network") for n in nodes
    )


def _called(node, name):
    return isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name


def _load(path):
    try:
        space = run(path)
    except RuleError as error:
        lines = _field_lines(path)
        where = [_line(lines, field) + line for field, line, _ in error.problems]
        return [f"{path}:{line}: {text}" for line, (*_, text) in zip(where, error.problems, strict=True)], None
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        return [told(path, error)], None
    found = list({id(value): value for value in space.values() if isinstance(value, Network)}.values())
    if len(found) != 1:
        text = "must define exactly one Network, as in 'network = Network(...)'"
        return [f"{path}:1: the file {text}; it defines {len(found)}"], None
    return [], found[0]


def _line(lines, field):
    """Line of the file on which a field's text starts, or that of the field that holds it."""
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 1)


def _field_lines(path):
    """Line of the file on which the text of each field of ``Network(...)`` starts; ``neurons.lif.reset`` of nested ones."""

    def fields(call, prefix, names):
        given = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords if k.arg)]
        for name, value in given:
            lines[f"{prefix}{name}"] = value.lineno
            for key, entry in zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ():
                if isinstance(key, ast.Constant):
                    lines[f"{prefix}{name}.{key.value}"] = key.lineno
                    if _called(entry, "Neurons"):
                        fields(entry, f"{prefix}{name}.{key.value}.", ("equations", "threshold", "reset"))

    lines = {}
    made = (node for node in ast.walk(ast.parse(read_source(path))) if _called(node, "Network"))
    for node in made:
        lines[""] = node.lineno
        fields(node, "", ("name",))
        break
    return lines
