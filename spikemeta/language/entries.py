"""What exists by name: every file in the folder of its kind is an entry; no list is kept by hand.

Whoever asks for an entry imports nothing: what lies above this room, an execution of a rule's text too, is found when it is
asked for.
"""

import functools
import importlib
import pkgutil
from pathlib import Path

from spikemeta.errors import UserError, suggest
from spikemeta.language import python_files

#: What the file of an entry defines, by kind.
KINDS = {
    "rules": "rule",
    "networks": "network",
    "studies": "study",
    "hardware": "hardware",
    "datasets": "dataset",
    "figures": "figure",
}
_FOLDERS = {"hardware": "hardware.chips", "datasets": "data.sets", "figures": "figures.tasks"}


def names(kind):
    """Names of the entries of a kind, one of `KINDS`, sorted."""
    package = importlib.import_module(f"spikemeta.{_FOLDERS.get(kind, kind)}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg and not m.name.startswith("_"))


def load(kind, name):
    """The object that an entry's file defines under its kind's name: ``rule``, ``network`` and so on.

    Raises
    ------
    UserError
        For an unknown name, with the nearest valid ones.
    """
    if name not in names(kind):
        raise UserError(suggest(KINDS[kind], name, names(kind)))
    return _rule(name) if kind == "rules" else _loaded(kind, name)


def _loaded(kind, name):
    return getattr(importlib.import_module(f"spikemeta.{_FOLDERS.get(kind, kind)}.{name}"), KINDS[kind])


@functools.cache
def _rule(name):
    return _loaded("rules", name).with_constants(constants_file("rules", name))


def constants_file(kind, name):
    """Path of the constants that a search found for a rule or a network of ours; there may be none."""
    return Path(importlib.import_module(f"spikemeta.{kind}").__path__[0]) / "tuned" / f"{name}.toml"


def from_file(kind, path):
    """The object that a user's file defines under its kind's name. The file is code: it is executed.

    Raises
    ------
    UserError
        If there is no such file, it fails, or it does not define it.
    """
    path, what = Path(path).expanduser(), KINDS[kind]
    if not path.is_file():
        raise UserError(f"there is no {what} file {str(path)!r}")
    try:
        space = python_files.run(path)
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(f"{path}:") else f"{path}: {error}") from None
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise UserError(python_files.told(path, error)) from None
    if what not in space:
        raise UserError(f"{path}: the file must define the name {what!r}, as 'spikemeta example' writes it")
    return space[what]


def execution(backend):
    """What a backend makes of a rule: the ``execution`` of ``spikemeta.backends.BACKEND``."""
    return importlib.import_module(f"spikemeta.backends.{backend}").execution
