"""Where the files of known data sets are: in a folder of yours or of the system, or in a cache, downloaded once."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from spikemeta.data.dataset import assemble, refuse
from spikemeta.data.formats import idx
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


def downloads(folder=None):
    """Whether missing files are downloaded: where neither a folder nor ``SPIKEMETA_DATA`` is given."""
    return folder is None and not os.environ.get(VARIABLE)


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


@dataclass(frozen=True)
class IdxFiles:
    """A published set of four IDX files; called with a folder, or none, it gives the data set.

    Attributes
    ----------
    name : str
    url : str
        Address that the file names are added to.
    shape : (int, int)
        Rows and columns.
    packed : dict of str to str
        sha256 of each gzip file as it is published at ``url``, by the file's name without ``.gz``.
    content : dict of str to str
        sha256 of each uncompressed file.
    class_names : tuple of str
    installed : tuple of str
        Folders where packages of operating systems put the files.
    """

    name: str
    url: str
    shape: tuple[int, int]
    packed: dict[str, str]
    content: dict[str, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()

    def __call__(self, folder=None):
        paths, arrays, digests, problems = self.find(folder), {}, {}, []
        for part, file in idx.FILES.items():
            try:
                array, data = idx.read(paths[part], self.shape if "images" in part else None)
                arrays[part] = array.reshape(-1, *self.shape) if "images" in part else array
                digests[file] = verified(paths[part], data, self.content.get(file))
            except UserError as error:
                problems.append(str(error))
        remedy = f"Replace them by the files from {self.url} (in the cache: delete them and try again)."
        if problems:
            refuse(f"the {self.name} files", problems, remedy)
        return assemble(self.name, f"the {self.name} files", arrays, digests, self.class_names, remedy=remedy)

    def find(self, folder=None):
        """Paths of the four files, by part; downloaded if need be.

        Raises
        ------
        UserError
            If files are missing.
        """
        where = places(self.name, folder, self.installed)
        found = [idx.find(place).get("", {}) for place in where]
        best = next((parts for parts in found if len(parts) == 4), None)
        if best is None and downloads(folder):
            best = found[0] | {
                part: [fetch(self.name, f"{self.url}{file}.gz", f"{file}.gz", self.packed[file])]
                for part, file in idx.FILES.items()
                if part not in found[0]
            }
        if best is None:
            lacking = [file for part, file in idx.FILES.items() if not any(part in parts for parts in found)]
            lacking = lacking or [file for part, file in idx.FILES.items() if part not in found[0]]
            lacking[-1] += " (.gz or not)"
            raise missing(self.name, lacking, folder, where, f"Put there the files from {self.url}")
        return {part: paths[0] for part, paths in best.items()}
