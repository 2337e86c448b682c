"""The binary records of CIFAR-10 and CIFAR-100: label bytes, then red, green and blue planes of 32 x 32."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from spikemeta.data import sources
from spikemeta.data.dataset import assemble, refuse
from spikemeta.data.formats import pictures
from spikemeta.data.formats.archive import Archive

SIDE = 32
_ADDRESS = "https://www.cs.toronto.edu/~kriz/"
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class Records:
    """A published archive of records; called with a folder, or none, it gives the data set.

    Attributes
    ----------
    name, file : str
        Of the set, and of its archive.
    digest : str
        sha256 of the archive.
    labels : int
        Label bytes of a record; the last is the class.
    members : dict of str to tuple of str
        Files of the archive that hold the training and the test records.
    names : str
        The file that names the classes.
    """

    name: str
    file: str
    digest: str
    labels: int
    members: dict
    names: str

    def __call__(self, folder=None):
        path = self.find(folder)
        if path.name == self.file:
            return self.read(path)
        return replace(pictures.load(path, self.name), name=self.name)

    def find(self, folder=None):
        """Path of the archive, of another one of images, or of a folder of them; downloaded if need be.

        Raises
        ------
        UserError
            If there is none.
        """
        where = sources.places(self.name, folder)
        for place in where[:1] if folder is None else where:
            if (place / self.file).is_file():
                return place / self.file
            others = sorted(p for p in place.glob(f"{self.name}*") if p.name.endswith(_ARCHIVES) and p.is_file())
            if others or (place / "train").is_dir():
                return others[0] if others else place
        if sources.downloads(folder):
            return sources.fetch(self.name, _ADDRESS + self.file, self.file, self.digest)
        raise sources.missing(self.name, [self.file], folder, where, f"Put there {_ADDRESS}{self.file}")

    def read(self, path):
        """The data set from its archive, as it was published.

        Raises
        ------
        UserError
            If the archive is another, or damaged.
        """
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.digest:
            refuse(path, [f"altered: its sha256 is {found}, not {self.digest}"], f"Replace it by {_ADDRESS}{self.file}.")
        held, arrays, problems = Archive(path), {}, []
        inside = {name.rpartition("/")[2]: name for name in held.names}
        needed = [self.names, *(file for files in self.members.values() for file in files)]
        refuse(path, [f"it holds no {file}" for file in needed if file not in inside])
        for part, files in self.members.items():
            read = [records(held.read(inside[file]), self.labels, file, problems) for file in files]
            arrays[f"{part}_images"], arrays[f"{part}_labels"] = (np.concatenate(column) for column in zip(*read, strict=True))
        named = held.read(inside[self.names]).decode("ascii", "replace").split()
        return assemble(self.name, path, arrays, {self.file: found}, named, problems)


def records(data, labels, where, problems):
    """Images and labels of one file.

    Parameters
    ----------
    data : bytes
    labels : int
        Label bytes of a record; the last is the class.
    where : str
        The file, for messages.
    problems : list of str
        Gets what is wrong.

    Returns
    -------
    images : (n, 3, 32, 32) uint8
    classes : (n,) int64
    """
    size = labels + 3 * SIDE * SIDE
    if not data or len(data) % size:
        problems.append(f"{where}: truncated, {len(data)} bytes are no whole number of records of {size}")
    rows = np.frombuffer(data, np.uint8, count=len(data) // size * size).reshape(-1, size)
    return rows[:, labels:].reshape(-1, 3, SIDE, SIDE), rows[:, labels - 1].astype(np.int64)
