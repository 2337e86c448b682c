"""What may not be done in any thread but the main one."""

import contextlib
import signal
import sys
import threading


@contextlib.contextmanager
def _without_handlers():
    """Handlers of signals, which Python allows in the main thread alone, are left out in others instead of refused."""
    usual = signal.signal

    def allowed(number, handler):
        if threading.current_thread() is threading.main_thread():
            return usual(number, handler)
        return signal.getsignal(number)

    signal.signal = allowed
    try:
        yield
    finally:
        signal.signal = usual


def import_brian2():
    """Import Brian2 now, if this is a thread: it sets a handler of Ctrl-C, and could not be imported. Else do nothing."""
    if threading.current_thread() is not threading.main_thread() and "brian2" not in sys.modules:
        with _without_handlers():
            import brian2  # noqa: F401
