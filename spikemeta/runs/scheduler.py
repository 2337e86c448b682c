"""Where a Dask scheduler is, and whether one of our version answers there."""

import asyncio
import concurrent.futures
import contextlib
import json
import re
import time
from pathlib import Path

import distributed
from distributed import comm, core, security

from spikemeta.errors import UserError

ANSWER = 10.0  # seconds within which a scheduler answers
WRITTEN = 10.0  # seconds that a scheduler file is waited for


def address_of(scheduler, say=print):
    """The address of a scheduler; a file of it that does not exist yet is waited for, `WRITTEN` seconds at most.

    Parameters
    ----------
    scheduler : str
        Address, such as ``tcp://10.0.0.1:8786`` or ``node7:8786``, or the path of a scheduler file.
    say : callable
        ``say(text)``, told what is waited for.

    Returns
    -------
    str

    Raises
    ------
    UserError
        If there is no such file after that time, or it is not a scheduler file.
    """
    path = Path(scheduler)
    if not path.exists() and ("://" in scheduler or re.fullmatch(r"[\w.-]+:\d+", scheduler)):
        return scheduler
    told, last = False, time.monotonic() + WRITTEN
    while True:
        address, problem = _written_in(path)
        if address:
            return address
        if path.is_dir() or not path.parent.is_dir() or time.monotonic() > last:
            raise UserError(
                f"{problem}: give --scheduler an address, such as tcp://HOST:8786, or the file that "
                "'dask scheduler --scheduler-file FILE' writes; or leave it out for processes on this machine"
            )
        if not told:
            told = True
            say(f"{problem} yet: waiting for it, {WRITTEN:g} s at most")
        time.sleep(min(0.2, WRITTEN))


def _written_in(path):
    """The address in a scheduler file, and an empty text; or None, and what keeps the path from being one."""
    if path.is_dir():
        return None, f"{path} is a folder, not a scheduler file"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, f"there is no scheduler file {path}"
    except (OSError, ValueError) as error:  # half written, or of another kind
        return None, f"{path} is not a scheduler file ({error})"
    if not isinstance(held, dict) or not isinstance(held.get("address"), str):
        return None, f"{path} is not a scheduler file (it has no address)"
    return held["address"], ""


def check(address):
    """Make sure that a scheduler answers, and is of our version of Dask, whose messages another version may misread.

    `distributed.Client` waits for ever for the greeting of a program that listens and says nothing.

    Parameters
    ----------
    address : str

    Raises
    ------
    UserError
        If nothing answers there within `ANSWER` seconds, or another version of Dask does.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as thread:  # a notebook has an event loop in its own
        try:
            theirs = thread.submit(asyncio.run, asyncio.wait_for(_version_at(address), ANSWER)).result()
        except Exception as error:  # whatever a program that is no scheduler may make of it
            raise UserError(
                f"no Dask scheduler answers at {address!r} ({str(error) or type(error).__name__}): start one with "
                "'dask scheduler', or leave out --scheduler for processes on this machine"
            ) from None
    if theirs != distributed.__version__:
        raise UserError(
            f"the scheduler at {address!r} is of Dask {theirs}, and this is {distributed.__version__}: start it and its "
            "workers from this environment"
        )


async def _version_at(address):
    """The version of Dask that answers at an address."""
    arguments = security.Security().get_connection_args("client")
    line = await comm.connect(address, timeout=ANSWER, **arguments)
    try:
        found = await core.send_recv(line, op="versions")
        return found["packages"]["distributed"]
    finally:
        with contextlib.suppress(Exception):
            line.abort()
