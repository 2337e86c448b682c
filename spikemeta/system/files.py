"""Files written whole or not at all, JSON, and locks on folders."""

import contextlib
import errno
import json
import math
import os
import platform
import tempfile
import time
import weakref
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # not on this system: no locks
    fcntl = None

from spikemeta.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic(path):
    """Yield a temporary path in the same folder that replaces `path` when the block ends without an error.

    Raises
    ------
    UserError
        If the disk is full; `path` is then as it was.
    """
    path = Path(path)
    try:
        with _replacing(path) as temporary:
            yield temporary
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise UserError(
            f"cannot write {path} ({error.strerror}): what was written before is whole; make room and go on with --resume"
        ) from None


def try_writing(folder):
    """Make a folder, and a file in it that goes at once.

    Raises
    ------
    OSError
        If the folder is not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / ".writable"):
        pass
    (folder / ".writable").unlink()


@contextlib.contextmanager
def exclusive(folder):
    """Hold a folder while a file in it is read and written back, so that two processes do not undo one another's changes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        if fcntl:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _replacing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name outlives a reboot
        finally:
            os.close(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def plain(value):
    """The same value in types that JSON knows; nan becomes None, infinity ``"inf"``."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def write_json(path, value):
    """Write a value as indented JSON, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(plain(value), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path):
    """Read a JSON file of ours.

    Raises
    ------
    UserError
        If it is missing or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name the output folder of a finished study") from None
    except ValueError:
        raise UserError(f"{path} is not the JSON file of a study; remove it or name another folder") from None


class Lock:
    """A held lock on a folder, by a file in it; the system releases it when the process ends, however that happens."""

    def __init__(self, path):
        self.file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.file.seek(0)
            holder = self.file.read().strip()
            self.file.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK):
                raise
            raise UserError(
                f"another run writes into the output folder {path.parent} ({holder}): wait for it, or name another with --out"
            ) from None
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        self.file.flush()

    def __del__(self):
        with contextlib.suppress(AttributeError, OSError):
            self.file.close()


@contextlib.contextmanager
def turn(path):
    """Wait until no other process is in such a block of `path`, a file that is there meanwhile; without locks, go on."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "w", encoding="utf-8"))
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
            stack.callback(Path(path).unlink, missing_ok=True)
        except OSError:
            pass
        yield


_locks = weakref.WeakValueDictionary()  # a process may open its own folder twice


def lock(folder):
    """Lock an output folder against other processes, for as long as what is returned is held.

    A lock that a killed run left behind does not hold: the file ``.lock`` stays, but not the system's lock on it.

    Raises
    ------
    UserError
        If another process holds it; the message says which.
    """
    key = str(Path(folder).resolve())
    held = _locks.get(key)
    if held is None and fcntl:
        try:
            held = _locks[key] = Lock(Path(folder) / ".lock")
        except OSError:  # a file system without locks
            return None
    return held
