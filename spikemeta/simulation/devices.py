"""Brian2's devices: a device of our own for each compiled network, one network at a time, and the user's left as it was."""

import contextlib
import gc
import importlib
import threading

import brian2
import numpy as np
from brian2.codegen.translation import make_statements
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

#: The module; its package has another object under this name.
_CURRENT = importlib.import_module("brian2.devices.device")
#: Brian2 holds one device, one set of preferences and one generator for a process: whoever comes second waits for the first.
_TURN = threading.RLock()
#: Preferences on which a network's numbers, or what our templates may assume, would depend.
_PREFERENCES = {
    "core.default_float_dtype": np.float64,
    "core.network.default_schedule": ["start", "groups", "thresholds", "synapses", "resets", "end"],
    "devices.cpp_standalone.openmp_threads": 0,
    "logging.display_brian_error_message": False,
}


@contextlib.contextmanager
def _borrowed(preferences):
    """Brian2 for us alone; its device and preferences are afterwards what they were."""
    with _TURN:
        before = _CURRENT.active_device
        kept = {name: brian2.prefs[name] for name in preferences}
        try:
            _prefer(preferences)
            yield
        finally:
            _CURRENT.active_device = before
            _prefer(kept)


def _prefer(preferences):
    for name, value in preferences.items():
        brian2.prefs[name] = value


@contextlib.contextmanager
def standalone():
    """Brian2 in C++ standalone mode, on a device of its own.

    Another thread that builds a network meanwhile waits.

    Yields
    ------
    brian2.devices.Device
    """
    with _borrowed(_PREFERENCES):
        gc.collect()  # objects of an earlier network would make Brian2 number the names of this one
        own = _CURRENT.active_device = CPPStandaloneDevice()
        own.activate(build_on_run=False)
        try:
            yield own
        finally:
            # Brian2 keeps every translation, by variables that no other network has: a long study would keep them all.
            getattr(make_statements, "_cache", {}).clear()


@contextlib.contextmanager
def runtime():
    """Brian2 in runtime mode, by NumPy; its random numbers go on afterwards as if nothing had been.

    Another thread that builds a network, or runs one in runtime mode, meanwhile waits.
    """
    with _borrowed(_PREFERENCES | {"codegen.target": "numpy"}):
        device = _CURRENT.active_device = _CURRENT.runtime_device
        generator = device.get_random_state()
        try:
            yield
        finally:
            device.set_random_state(generator)
