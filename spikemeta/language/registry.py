"""Rules by name, by the name of a variant or from a user's file; everything else that exists by name, see `entries`."""

import importlib
import pkgutil
import re

from spikemeta.errors import UserError, suggest
from spikemeta.language import assignment
from spikemeta.language.entries import KINDS, constants_file, from_file, load, names

__all__ = ["KINDS", "constants_file", "from_file", "get_rule", "load", "names", "variants"]


def variants():
    """Rules' named variants: a dict of variant name to rule name."""
    return {variant: name for name in names("rules") for variant in load("rules", name).variants}


def get_rule(name):
    """A rule by name, by the name of a variant, from a user's file (``path/to/my_rule.py``), or one over another.

    ``stable_flexible(mesu)``, and ``stable(path/to/my_rule.py)``: the first gates the gradient of the second. And one for each
    projection, ``hidden=mesu,readout=sgd``.
    """
    if assignment.PART.match(str(name)) and (found := assignment.read(name, get_rule)):
        return found
    gated = re.fullmatch(r"\s*([^()]+)\((.+)\)\s*", str(name))
    if gated:
        from spikemeta.language.composition import over

        return over(get_rule(gated[1].strip()), get_rule(gated[2].strip()))
    if str(name).endswith(".py"):
        from spikemeta.language.user_files import load_file

        return load_file(name)
    if name in names("rules"):
        return load("rules", name)
    named = variants()
    if name not in named:
        raise UserError(suggest("rule", name, [*names("rules"), *named]))
    return load("rules", named[name]).with_variant(name)


def get_network(name):
    """A network by name, or from a user's file (``path/to/my_network.py``)."""
    if str(name).endswith(".py"):
        from spikemeta.language.network_files import load_file

        return load_file(name)
    return load("networks", name)


def signals():
    """Names of the learning signals."""
    package = importlib.import_module("spikemeta.networks.signals")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def get_signal(name):
    """A learning signal by name, or from a user's file that defines one."""
    if str(name).endswith(".py"):
        from spikemeta.language.network_files import load_signal

        return load_signal(name)
    if name not in signals():
        raise UserError(suggest("signal", name, signals()))
    return importlib.import_module(f"spikemeta.networks.signals.{name}").signal


def get_text(name):
    """A rule, a network or a learning signal: by name, by the name of a rule's variant, or a user's file of one of them."""
    from spikemeta.language.network_files import is_network, is_signal

    if name in signals() or (str(name).endswith(".py") and is_signal(name)):
        return get_signal(name)
    networks = is_network(name) if str(name).endswith(".py") else name in names("networks")
    return get_network(name) if networks else get_rule(name)
