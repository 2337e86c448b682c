"""Your own data by a path: what the path holds is told from its content, and read by the format that it is in."""

from pathlib import Path

from spikemeta.data.dataset import PARTS, assemble, refuse, several
from spikemeta.data.formats import hdf5, idx, npz, pictures
from spikemeta.data.sources import verified
from spikemeta.errors import UserError

ACCEPTED = (
    "Wanted: a .npz file (train_images, train_labels, test_images, test_labels), a folder with four IDX files, or a folder or "
    "an archive (zip, tar, tar.gz, tar.xz) of PNG or JPEG images in train/CLASS/ and test/CLASS/, or spikes in HDF5: train.h5 "
    "and test.h5, each with spikes/times, spikes/units and labels."
)
_PICKLED = (".pkl", ".pickle", ".pt", ".pth", ".npy", ".joblib")
_DEPTH = 3  # folders within folders that IDX files are looked for in, as torchvision's DIR/MNIST/raw


def is_path(name):
    """Whether the name of a data set is meant as a path."""
    return any(sign in str(name) for sign in "/\\.") or Path(name).expanduser().exists()


def label(name):
    """A path's last part, as a short name: ``cats.npz``, or ``cats/`` for a folder."""
    path = Path(name).expanduser().absolute()
    return path.name + "/" * path.is_dir()


def load(name):
    """Load your own data.

    Parameters
    ----------
    name : str or Path

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        If nothing is there, or with all that is wrong with it.
    """
    path = Path(name).expanduser()
    if path.is_dir() and hdf5.find(path):
        return hdf5.load(path, label(name))
    if path.is_dir():
        return _folder(path, label(name))
    if not path.is_file():
        raise UserError(f"there is no data set {str(name)!r}. {ACCEPTED}")
    try:
        with path.open("rb") as file:
            begins = file.read(8)
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror})") from None
    if begins == hdf5.SIGNATURE or path.suffix.lower() in hdf5.ENDS:
        return hdf5.load(path, label(name))
    if path.suffix in _PICKLED:
        refuse(path, [f"{path.suffix} files may hold pickled objects, which are never opened"], ACCEPTED)
    if path.suffix == ".npz":
        return npz.load(path, label(name))
    try:
        return pictures.load(path, label(name))
    except UserError as error:
        raise UserError(f"{error}\n{ACCEPTED}") from None


def _folder(path, name):
    """A folder of IDX files, or of images."""
    sets = {}
    for depth in range(_DEPTH):
        for folder in [path] if not depth else sorted(p for p in path.glob("/".join("*" * depth)) if p.is_dir()):
            sets |= {(folder, owner): parts for owner, parts in idx.find(folder).items()}
    images = any((path / part).is_dir() for part in PARTS)
    if not sets:
        try:
            return pictures.load(path, name)
        except UserError as error:
            raise UserError(f"{error}\n{ACCEPTED}") from None
    problems = ["it holds both IDX files and folders train/ or test/"] if images else []
    if len(sets) > 1:
        found = [f"{owner or 'train/t10k'} in {folder}" for folder, owner in sets]
        problems.append(several(found, "{n} sets of IDX files; name a folder with the four files of one"))
        refuse(path, problems)
    ((_, parts),) = sets.items()
    arrays, digests = {}, {}
    for part in idx.FILES:
        files = parts.get(part, [])
        if len(files) != 1:
            problems.append(several(files, "{n} files for " + part) if files else f"no IDX file of {part.replace('_', ' ')}")
            continue
        try:
            arrays[part], data = idx.read(files[0], labels="labels" in part)
            digests[files[0].name.removesuffix(".gz")] = verified(files[0], data, None)
        except UserError as error:
            problems.append(str(error))
    return assemble(name, path, arrays, digests, problems=problems)
