"""Where the files of known data sets are: in a folder of yours or of the system, or in a cache, downloaded once."""

import contextlib
import contextvars
import hashlib
import os
from pathlib import Path

from spikemeta.errors import UserError

VARIABLE = "SPIKEMETA_DATA"


def places(name, folder=None, installed=()):
    """Folders in which the files of a data set may be, in the order in which they are tried.

    Parameters
    ----------
    name : str
    folder : path, optional
        Given by the user. Default: the folder that ``SPIKEMETA_DATA`` names, else the cache.
    installed : sequence of str
        Folders of the system's packages.

    Returns
    -------
    list of Path
    """
    if folder is not None:
        return [Path(folder).expanduser() / name, Path(folder).expanduser()]
    given = os.environ.get(VARIABLE)
    return [Path(given).expanduser() / name if given else cache(name), *map(Path, installed)]


def cache(name):
    """The user's own folder for downloaded files of a data set."""
    import pooch

    return Path(pooch.os_cache("spikemeta")) / name


_offline = contextvars.ContextVar("offline", default=None)


@contextlib.contextmanager
def offline():
    """Nothing is downloaded within: what is missing is an error. Gives a list, which is not empty if a download was due."""
    token = _offline.set([])
    try:
        yield _offline.get()
    finally:
        _offline.reset(token)


def downloads(folder=None):
    """Whether missing files are downloaded: where neither a folder nor ``SPIKEMETA_DATA`` is given."""
    due = folder is None and not os.environ.get(VARIABLE)
    if due and _offline.get() is not None:
        _offline.get().append(folder)
        return False
    return due


def missing(name, files, folder, where, remedy):
    """The error for files that are not there."""
    words = " or ".join(map(str, where))
    other = (
        "correct folder="
        if folder is not None
        else f"unset {VARIABLE} to download them once"
        if os.environ.get(VARIABLE)
        else ""
    )
    return UserError(f"{name}: {', '.join(files)} not found in {words}. {remedy}" + (f", or {other}." if other else "."))


def fetch(name, address, file, digest):
    """Path of a file in the cache, downloaded there first if it is missing.

    Parameters
    ----------
    name : str
        Data set.
    address : str
        Of the file.
    file : str
        Its name in the cache.
    digest : str
        Its sha256.

    Raises
    ------
    UserError
        If it cannot be had, or is another.
    """
    import pooch
    import requests

    try:
        return Path(pooch.retrieve(address, known_hash=f"sha256:{digest}", fname=file, path=cache(name)))
    except (requests.RequestException, OSError, ValueError) as error:
        raise UserError(
            f"{name}: cannot download {address} to {cache(name)} ({error}). Get it "
            f"by other means, put it into a folder {name}/ and name the folder above it in {VARIABLE}."
        ) from error


def verified(path, data, expected):
    """Sha256 of a file's content, which must be the expected one where that is known.

    Raises
    ------
    UserError
    """
    digest = hashlib.sha256(data).hexdigest()
    if expected is not None and digest != expected:
        raise UserError(f"{path}: altered, its uncompressed content has the sha256 {digest}, not {expected}")
    return digest
