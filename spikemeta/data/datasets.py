"""Data sets by name, found in ``sets/``, or by the path of your own."""

import functools

from spikemeta.data import own, sources
from spikemeta.data.dataset import Dataset
from spikemeta.data.formats import tonic
from spikemeta.data.sources import VARIABLE
from spikemeta.errors import UserError, suggest
from spikemeta.language import registry
from spikemeta.system.health import Part

__all__ = ["VARIABLE", "Dataset", "label", "load", "names"]


@functools.cache
def _sets():
    return tuple(registry.names("datasets"))


def names():
    """Names of the known data sets, sorted."""
    return list(_sets())


def label(name):
    """A short name of a data set for titles and folders: of your own, the last part of its path."""
    return name if name in names() or name.startswith(tonic.PREFIX) else own.label(name)


def load(name, folder=None):
    """Load a data set.

    Parameters
    ----------
    name : str or Path
        One of `names`; one of Tonic's, as ``tonic:SHD``; or the path of your own: a ``.npz`` file, a folder with four IDX
        files, a folder or an archive of images in ``train/CLASS/`` and ``test/CLASS/``, or spikes in HDF5. A known name counts
        before a path; write ``./mnist`` for a folder of that name.
    folder : path, optional
        Where the files of a known set are, either directly or in a subfolder ``name``. Default: the folder named by the
        environment variable ``SPIKEMETA_DATA``; where that is not set either, the user's cache, to which
        missing files are downloaded once.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        Unknown name; missing, truncated or altered files (all of them in one message); failed download.
    """
    name = str(name)
    if name in names():
        return registry.load("datasets", name)(folder)
    if name.startswith(tonic.PREFIX):
        return tonic.load(name, folder)
    if own.is_path(name):
        return own.load(name)
    raise UserError(suggest("dataset", name, names()) + "; or the path of your own data")


def here():
    """Which known data sets are there without a network; their content is checked when they are loaded.

    Returns
    -------
    list of spikemeta.system.health.Part
    """
    found = []
    for name in names():
        known = registry.load("datasets", name)
        try:
            with sources.offline() as due:
                getattr(known, "present", getattr(known, "find", known))(None)
        except UserError as error:
            told = " ".join(str(error).split())
            first = "It is downloaded once, when it is first used. Without a network: " if due else ""
            found.append(Part(f"data set {name}", "not here", first + told))
        else:
            found.append(Part(f"data set {name}", "here"))
    return found
