"""Animals: 10,000 silhouettes of ten animals, 28 x 28 grey, 1,000 each (the package animal_mnist 0.4, MIT licence).

Read from four IDX files, or from the published package's own wheel, which nothing installs or runs:
``pip download --no-deps animal_mnist==0.4 -d FOLDER/animals``. Its two arrays are pickled there; as both files are known
by their
digests, the numbers are taken from their known places, and nothing is unpickled.

8,000 training and 2,000 test images: of each class, groups of identical images in the order of the SHA-256 of their
content go to
the test images while these stay within 200; within each part images stand in the order of the source.
"""

import gzip
import hashlib

import numpy as np

from spikemeta.data.dataset import assemble, refuse
from spikemeta.data.formats.archive import Archive
from spikemeta.data.formats.idx import IdxFiles
from spikemeta.data.sources import places

NAMES = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
_TEST = 200  # test images of a class
_WHEEL = "animal_mnist-0.4*.whl"
_INSIDE = "animal_mnist/data/Animal_MNIST/animal_{}_version_3.gz"
_PACKED = {
    "data": "68a30346781a0984f839463a4615d2decb899d1ce65091bb92586311754a34ce",
    "label": "dec8dba7c469830989fbab46825021a08a38470753a512f27ada847eced97b57",
}
_CONTENT = {
    "train-images-idx3-ubyte": "c828fb269bff870e2878e8934bff43457d2d33b057e2b7a95e2ce9c947be7346",
    "train-labels-idx1-ubyte": "a9869d7706c8bf29efa6987cd188a49886290741876bd7ca8bd329c21ea4637a",
    "t10k-images-idx3-ubyte": "2a28f362450d9134b8174d8a661d1ee3f099e0c9c22760178df26bcf7067c74b",
    "t10k-labels-idx1-ubyte": "eb38fdf2e7cddffd64c12cfddcab895a23599b60b02814c435fb3787b8eace28",
}


class _Animals(IdxFiles):
    """The four files; where they are not, the wheel."""

    def __call__(self, folder=None):
        wheels = self.wheels(folder)
        return from_wheel(wheels[0]) if wheels else super().__call__(folder)

    def wheels(self, folder=None):
        """Paths of the wheels that are there."""
        return [path for place in places(self.name, folder) for path in sorted(place.glob(_WHEEL))]

    def present(self, folder=None):
        """Raise an error unless the wheel or the four files are there."""
        return self.wheels(folder) or self.find(folder)

    def find(self, folder=None):
        # A folder that is given is never a place to download to: this set has no address for single files.
        return super().find(places(self.name)[0] if folder is None else folder)


def from_wheel(path):
    """The data set from the published package's wheel.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Dataset
        Equal to that of the IDX files, digests included.

    Raises
    ------
    UserError
        If the wheel is damaged or another.
    """
    held, raw = Archive(path), {}
    lacking = [_INSIDE.format(what) for what in _PACKED if _INSIDE.format(what) not in held.names]
    refuse(path, [f"it holds no {name}" for name in lacking])
    raw = {what: held.read(_INSIDE.format(what)) for what in _PACKED}
    refuse(path, [f"{_INSIDE.format(k)}: altered" for k, v in _PACKED.items() if hashlib.sha256(raw[k]).hexdigest() != v])
    n = 10_000
    images = _payload(gzip.decompress(raw["data"]), n * 784, np.uint8).reshape(n, 28, 28)
    labels = _payload(gzip.decompress(raw["label"]), n * 8, "<i8")
    test = held_out(images, labels)
    arrays, digests = {}, {}
    for part, of, file in (("train", ~test, "train"), ("test", test, "t10k")):
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = images[of], labels[of]
        count = int(of.sum()).to_bytes(4, "big")
        side = (28).to_bytes(4, "big")
        data = b"\0\0\x08\x03" + count + side + side + images[of].tobytes()
        digests[f"{file}-images-idx3-ubyte"] = hashlib.sha256(data).hexdigest()
        data = b"\0\0\x08\x01" + count + labels[of].astype(np.uint8).tobytes()
        digests[f"{file}-labels-idx1-ubyte"] = hashlib.sha256(data).hexdigest()
    return assemble("animals", path, arrays, digests, NAMES)


def _payload(pickled, size, dtype):
    """The bytes of the only array in a pickle, which stand behind the opcode B and their length."""
    start = pickled.index(b"B" + size.to_bytes(4, "little")) + 5
    return np.frombuffer(pickled, dtype, count=size // np.dtype(dtype).itemsize, offset=start)


def held_out(images, labels, n_test=_TEST):
    """Which images are test images: whole groups of identical ones, `n_test` of each class.

    Parameters
    ----------
    images : (n, rows, columns) uint8
    labels : (n,) int
    n_test : int

    Returns
    -------
    (n,) bool
    """
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        groups = {}
        for k in np.flatnonzero(labels == label):
            groups.setdefault(hashlib.sha256(images[k].tobytes()).hexdigest(), []).append(k)
        taken = 0
        for _, members in sorted(groups.items()):
            if taken + len(members) <= n_test:
                test[members] = True
                taken += len(members)
    return test


dataset = _Animals(
    name="animals",
    url="the package animal_mnist: pip download --no-deps animal_mnist==0.4, whose wheel may lie there as it is",
    shape=(28, 28),
    packed={},
    content=_CONTENT,
    class_names=NAMES,
)
