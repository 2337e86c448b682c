"""Metaplasticity in spiking neural networks: a rule is a short text of synapse equations.

The names below are loaded when they are first used, so that importing the package is quick.
"""

import importlib

_NAMES = {
    "Rule": "language.rule",
    "Parameter": "language.rule",
    "Network": "language.network",
    "Neurons": "language.network",
    "check_file": "language.user_files",
    "get_rule": "language.registry",
    "get_network": "language.registry",
    "run": "runs.result",
    "Result": "runs.result",
    "show": "backends.rendering",
    "trace": "backends.trace",
    "ReferenceSynapses": "backends.reference",
    "Simulation": "simulation.simulation",
    "load_dataset": "data.datasets",
    "build_curriculum": "data.curricula",
    "UserError": "errors",
}
_SHORT = {"load_dataset": "load", "build_curriculum": "build"}
__all__ = sorted(_NAMES)


def __getattr__(name):
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("spikemeta")
    if name not in _NAMES:
        raise AttributeError(f"module 'spikemeta' has no attribute {name!r}")
    return getattr(importlib.import_module(f"spikemeta.{_NAMES[name]}"), _SHORT.get(name, name))


def __dir__():
    return [*globals(), *__all__, "__version__"]
