"""What exists: every file in rules/, networks/, studies/ and spikemeta/hardware/chips/ is an entry; no list is kept by hand."""

import functools
import importlib
import pkgutil
from pathlib import Path

from spikemeta.errors import UserError, suggest

KINDS = {"rules": "rule", "networks": "network", "studies": "study", "hardware": "hardware", "datasets": "dataset"}
_FOLDERS = {"hardware": "hardware.chips", "datasets": "data.sets"}


def names(kind):
    """Names of the entries of a kind (``"rules"``, ``"networks"``, ``"studies"`` or ``"hardware"``), sorted."""
    package = importlib.import_module(f"spikemeta.{_FOLDERS.get(kind, kind)}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


def load(kind, name):
    """The object that an entry's file defines under its kind's name: ``rule``, ``network``, ``study`` or ``hardware``.

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


def variants():
    """Rules' named variants: a dict of variant name to rule name."""
    return {variant: name for name in names("rules") for variant in load("rules", name).variants}


def get_rule(name):
    """A rule by name, by the name of a variant, or from a user's file (``path/to/my_rule.py``)."""
    if str(name).endswith(".py"):
        from spikemeta.language.rule import load_file

        return load_file(name)
    if name in names("rules"):
        return load("rules", name)
    named = variants()
    if name not in named:
        raise UserError(suggest("rule", name, [*names("rules"), *named]))
    return load("rules", named[name]).with_variant(name)
