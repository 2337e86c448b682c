"""Python files of a user: read as Python reads them, run as ``python FILE`` would, their faults told with file and line."""

import builtins
import contextlib
import importlib.machinery
import io
import re
import sys
import threading
import tokenize
import types
from pathlib import Path

from spikemeta.errors import UserError

_LOCK = threading.RLock()
#: What the files of each folder have imported from beside them, by folder.
_BESIDE = {}


def read_source(path):
    """The text of a Python file, in the encoding that its first lines name, else UTF-8.

    Raises
    ------
    UserError
        As ``file:line: message``, where it is not text in that encoding, or names one that does not exist.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}:1: cannot be read: {error.strerror or error}") from None
    encoding = "utf-8"
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
        text = raw.decode(encoding)
    except SyntaxError as error:  # an unknown encoding, a BOM beside another one, or bytes of the first lines that are no UTF-8
        what = str(error.msg)
        if "invalid or missing" in what:
            raise UserError(_not_in(path, raw, "utf-8")) from None
        line = next((k for k, text in enumerate(raw.split(b"\n")[:2], 1) if b"coding" in text), 1)
        known = "write '# -*- coding: utf-8 -*-' and save the file so"
        raise UserError(f"{path}:{line}: {what}; {known}") from None
    except UnicodeDecodeError:
        raise UserError(_not_in(path, raw, encoding)) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError(f"{path}:{line}: not Python: the file holds a null byte")
    return text


def _not_in(path, raw, encoding):
    """The message for bytes that an encoding does not have."""
    try:
        raw.decode(encoding)
        place = 0
    except UnicodeDecodeError as error:
        place = error.start
    line = raw[:place].count(b"\n") + 1
    return (
        f"{path}:{line}: not text in {encoding}: byte 0x{raw[place]:02x}; save the file as UTF-8, or name its encoding in the "
        "first line, as in '# -*- coding: latin-1 -*-'"
    )


@contextlib.contextmanager
def _beside(folder):
    """Let modules beside a file be found first, and keep them apart from those of the same name beside other files."""
    with _LOCK:
        own = _BESIDE.setdefault(folder, {})
        hidden = {name: sys.modules.pop(name) for name in own if name in sys.modules}
        sys.modules.update(own)
        before = set(sys.modules) - set(own)
        finder = _Finder(folder)
        sys.path.insert(0, folder)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            with contextlib.suppress(ValueError):
                sys.path.remove(folder)
            for name in set(sys.modules) - before:
                if _lies_in(sys.modules[name], folder):
                    own[name] = sys.modules.pop(name)
            sys.modules.update(hidden)


class _Finder:
    """Finds the modules in a folder; what these import later, in their functions, is looked for there as well."""

    def __init__(self, folder):
        self.folder = folder

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if Path(self.folder) not in Path(spec.origin).resolve().parents:
            return None
        spec.loader = _Loader(spec.loader.name, spec.loader.path, self.folder)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, folder):
        super().__init__(name, path)
        self.folder = folder

    def exec_module(self, module):
        vars(module)["__builtins__"] = _builtins(self.folder)  # a function keeps those with which it was made
        super().exec_module(module)


def _builtins(folder):
    """Python's own, of which ``__import__`` looks into a folder first."""

    def imported(*arguments, **named):
        with _beside(folder):
            return builtins.__import__(*arguments, **named)

    return vars(builtins) | {"__import__": imported}


def _lies_in(module, folder):
    """Whether a module is a file, or a package's folder, of this folder."""
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
    return any(Path(folder) in Path(place).resolve().parents for place in places if place)


def run(path):
    """Run a Python file, as ``python FILE`` does: modules beside it are found, also by what runs later.

    By ``import`` statements, of the file and of those modules, wherever they stand; by ``importlib.import_module`` only while
    the file is read.

    Parameters
    ----------
    path : Path or str

    Returns
    -------
    dict of str to object
        The names that it defines.

    Raises
    ------
    UserError
        As `read_source`.
    BaseException
        Whatever the file raises.
    """
    path = Path(path)
    text = read_source(path)
    folder = str(path.resolve().parent)

    code = compile(text, str(path), "exec", dont_inherit=True)
    module = types.ModuleType("<user file>")
    vars(module).update(__file__=str(path), __builtins__=_builtins(folder))
    with _LOCK:
        outer, sys.modules[module.__name__] = sys.modules.get(module.__name__), module  # dataclasses look there
        try:
            exec(code, vars(module))
        finally:
            del sys.modules[module.__name__]
            if outer is not None:
                sys.modules[module.__name__] = outer
    return vars(module)


def told(path, error):
    """What a file raised, as ``file:line: message``."""
    if isinstance(error, UserError):
        return str(error) if re.match(rf"{re.escape(str(path))}:\d+: ", str(error)) else f"{path}:1: {error}"
    if isinstance(error, SyntaxError) and str(error.filename) == str(path):
        return f"{path}:{error.lineno or 1}: not Python: {error.msg}"
    trace, line = error.__traceback__, 1
    while trace:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    return f"{path}:{line}: {type(error).__name__}: {error}"


def the_one(path, kind, load):
    """What a user's file defines.

    Parameters
    ----------
    path : str or Path
    kind : str
        What it should hold, for the message.
    load : callable
        ``load(path)`` gives the list of problems and what was found.

    Raises
    ------
    UserError
        If there is no such file, or for its problems.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no {kind} file {str(path)!r}")
    problems, found = load(path)
    if problems:
        raise UserError("\n".join(problems))
    return found
