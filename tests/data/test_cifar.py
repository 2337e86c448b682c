"""The binary records of CIFAR-10 and CIFAR-100, in archives of the published layout with few images."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from spikemeta.data.formats.cifar import Records
from spikemeta.data.sets import cifar100
from spikemeta.errors import UserError

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)


def content(label_bytes):
    """Two training files and one test file of two records each, the last label byte counting 0, 1; the classes' names."""
    rows = [bytes([9] * (label_bytes - 1) + [k % 2]) + IMAGES[k].tobytes() for k in range(6)]
    files = {name: rows[2 * k] + rows[2 * k + 1] for k, name in enumerate(("one.bin", "two.bin", "test.bin"))}
    return files | {"names.txt": b"cat\ndog\n"}


def archive(folder, files, label_bytes=1):
    """The files as an archive, and the data set that it is."""
    path = folder / "toy.tar.gz"
    with tarfile.open(path, "w:gz") as held:
        for name, data in files.items():
            member = tarfile.TarInfo(f"batches/{name}")
            member.size = len(data)
            held.addfile(member, io.BytesIO(data))
    members = {"train": ("one.bin", "two.bin"), "test": ("test.bin",)}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, Records("toy", path.name, digest, label_bytes, members, "names.txt")


@pytest.mark.parametrize("label_bytes", [1, 2])
def test_planes_and_labels(tmp_path, label_bytes):
    _, records = archive(tmp_path, content(label_bytes), label_bytes)
    found = records(tmp_path)
    assert (found.planes, found.shape, found.class_names) == (3, (32, 32), ("cat", "dog"))
    assert np.array_equal(found.pictures(found.train_images), IMAGES[:4])
    assert np.array_equal(found.test_images[1], IMAGES[5].ravel())
    assert found.train_labels.tolist() == [0, 1, 0, 1]


def test_cifar100_takes_the_fine_label():
    assert cifar100.dataset.labels == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"one.bin": content(1)["one.bin"][:-1]}, "one.bin: truncated, 6145 bytes are no whole number of records of 3073"),
        ({"test.bin": b""}, "test.bin: truncated, 0 bytes"),
        ({"two.bin": bytes([2]) + content(1)["two.bin"][1:]}, "1 labels beyond the 2 classes"),
        ({"test.bin": content(1)["test.bin"][:3073]}, "1 classes with train images, but no test images: dog"),
        ({"two.bin": None}, "it holds no two.bin"),
        ({"names.txt": None}, "it holds no names.txt"),
    ],
)
def test_mangled_records(tmp_path, change, message):
    files = {name: data for name, data in (content(1) | change).items() if data is not None}
    path, records = archive(tmp_path, files)
    with pytest.raises(UserError) as caught:
        records(tmp_path)
    assert f"cannot use {path}:" in str(caught.value)
    assert message in str(caught.value)


def test_every_problem_of_the_records_at_once(tmp_path):
    files = content(1)
    files |= {
        "one.bin": files["one.bin"][:-1],
        "two.bin": bytes([2]) + files["two.bin"][1:],
        "test.bin": files["test.bin"][:3073],
    }
    _, records = archive(tmp_path, files)
    with pytest.raises(UserError) as caught:
        records(tmp_path)
    for part in (
        "one.bin: truncated",
        "1 labels beyond the 2 classes: 2",
        "2 classes with train images, but no test images: dog, class 2",
    ):
        assert part in str(caught.value)


def test_a_published_archive_that_climbs_out_of_its_folder_is_refused(tmp_path):
    path, records = archive(tmp_path, content(1) | {"../../evil.bin": b"x"})
    with pytest.raises(UserError, match=r"1 members climb out of the archive's folder: batches/\.\./\.\./evil\.bin"):
        records(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_another_archive_is_told_by_its_digest(tmp_path):
    path, records = archive(tmp_path, content(1))
    with pytest.raises(UserError, match="altered: its sha256 is "):
        replace(records, digest="0" * 64)(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=r"toy\.tar\.gz not found"):
        records(tmp_path)
