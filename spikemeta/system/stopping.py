"""Ctrl-C and SIGTERM: while work is under way that can be saved, they wait until it is."""

import contextlib
import os
import signal
import sys
import threading

_wanted = None  # the signal that came while `deferred`
_background = False  # whether whoever started this process has it ignore Ctrl-C
_programs = set()


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def interrupt():
    """The exception that a signal stands for."""
    return Terminated() if _wanted == signal.SIGTERM else KeyboardInterrupt()


def wanted():
    """Whether a signal waits for the work at hand to be saved."""
    return _wanted is not None


def _wait(number, _):
    global _wanted
    if _wanted is not None:  # the second time: at once
        raise interrupt()
    _wanted = number
    for program in _programs:
        program.terminate()


def _raise(number, _):
    raise Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _unheard(unraisable):
    """Send a signal once more that came within a callback whose exceptions Python drops, as that of a weak reference."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        number = signal.SIGTERM if isinstance(unraisable.exc_value, Terminated) else signal.SIGINT
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()  # the callback has ended by then
    else:
        sys.__unraisablehook__(unraisable)


def _ignore(*_):
    """What SIG_IGN does. Brian2 calls the handler that it finds, which SIG_IGN cannot be."""


def listen():
    """Let SIGTERM end this process by an exception, as Ctrl-C does, so that it can say what is kept.

    Scripts start programs in the background with Ctrl-C ignored; it stays so.
    """
    global _background
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _raise)
        sys.unraisablehook = _unheard
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            _background = True
            signal.signal(signal.SIGINT, _ignore)


@contextlib.contextmanager
def deferred():
    """Signals within set `wanted`, and raise their exception at the end of the block; the second one raises at once."""
    global _wanted
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield
        return
    numbers = (signal.SIGTERM,) if _background else (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _wait) for number in numbers}
    try:
        yield
        if _wanted is not None:
            raise interrupt()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _wanted = None


@contextlib.contextmanager
def told(program):
    """A subprocess that is told of a deferred signal, so that it comes to an end."""
    _programs.add(program)
    try:
        if wanted():
            program.terminate()
        yield
    finally:
        _programs.discard(program)
