"""Datasets: what they hold, and that the same content is accepted however it is packed."""

import gzip
import hashlib
import http.server
import importlib.metadata
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from spikemeta.data import datasets
from spikemeta.data.formats import idx
from spikemeta.data.formats.idx import IdxFiles
from spikemeta.data.sets import animals
from spikemeta.data.sets.digits import _file as digits_file
from spikemeta.data.sets.mnist import dataset as mnist_files
from spikemeta.language import registry

# Counts of the classes 0..9 in the published MNIST files (LeCun, Cortes and Burges).
MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def image_bytes(images):
    return b"\0\0\x08\x03" + np.array(images.shape, dtype=">u4").tobytes() + images.tobytes()


def label_bytes(labels):
    return b"\0\0\x08\x01" + np.array(labels.shape, dtype=">u4").tobytes() + labels.tobytes()


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Six training and four test images of 3x2 pixels, gzipped, as the source of a dataset ``toy``."""
    rng = np.random.default_rng(0)
    content = {}
    for part, n in (("train", 6), ("t10k", 4)):
        content[f"{part}-images-idx3-ubyte"] = image_bytes(rng.integers(0, 256, (n, 3, 2), dtype=np.uint8))
        content[f"{part}-labels-idx1-ubyte"] = label_bytes(np.arange(n, dtype=np.uint8) % 3)
    (tmp_path / "toy").mkdir()
    packed = {}
    for file, data in content.items():
        raw = gzip.compress(data, mtime=0)
        (tmp_path / "toy" / f"{file}.gz").write_bytes(raw)
        packed[file] = hashlib.sha256(raw).hexdigest()
    digests = {file: hashlib.sha256(data).hexdigest() for file, data in content.items()}
    source = IdxFiles("toy", "http://localhost/", (3, 2), packed, digests)
    add(monkeypatch, source)
    return tmp_path, content, source


def add(monkeypatch, source):
    """Make a data set known, as a file in the folder sets/ does."""
    known = tuple(sorted({*registry.names("datasets"), "toy"}))
    monkeypatch.setattr(datasets, "_sets", lambda: known)
    plain = registry.load
    monkeypatch.setattr(registry, "load", lambda kind, name: source if name == "toy" else plain(kind, name))


def test_names():
    assert datasets.names() == ["animals", "cifar10", "cifar100", "digits", "fashion", "mnist", "two_digit"]


def test_digits():
    digits = datasets.load("digits")
    assert digits.shape == (8, 8)
    assert digits.n_pixels == 64
    assert digits.n_classes == 10
    assert digits.train_images.shape == (1442, 64)
    assert digits.test_images.shape == (355, 64)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_images.max() == 255
    assert digits.train_labels.dtype == np.int32
    share = np.bincount(digits.test_labels) / (np.bincount(digits.test_labels) + np.bincount(digits.train_labels))
    np.testing.assert_allclose(share, 0.2, atol=0.005)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    raw = load_digits()
    digits = datasets.load("digits")
    ours = np.concatenate([digits.train_images, digits.test_images])
    expected = np.round(raw.data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, expected))


@pytest.mark.parametrize(
    "listed", [None, [importlib.metadata.PackagePath("numpy/__init__.py")]], ids=["no list", "another list"]
)
def test_digits_are_found_without_a_list_of_what_is_installed(monkeypatch, listed):
    usual = digits_file()
    monkeypatch.setattr(importlib.metadata, "files", lambda name: listed)
    assert Path(digits_file()).samefile(usual)


def test_digits_never_change():
    """Stored digests: results on digits are comparable only while these hold."""
    digits = datasets.load("digits")
    assert {part: digest[:16] for part, digest in digits.digests.items()} == {
        "train_images": "503377f9cfaca149",
        "train_labels": "bec3b788b6434874",
        "test_images": "747b8e40cc4d21a2",
        "test_labels": "63e8dadd68cb18c9",
    }


def test_mnist(data_folder):
    mnist = datasets.load("mnist", data_folder)
    assert mnist.shape == (28, 28)
    assert mnist.train_images.shape == (60000, 784)
    assert mnist.test_images.shape == (10000, 784)
    assert np.bincount(mnist.train_labels).tolist() == MNIST_TRAIN
    assert np.bincount(mnist.test_labels).tolist() == MNIST_TEST
    # The mean grey value that most published code normalizes MNIST with.
    assert mnist.train_images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.digests == mnist_files.content


@pytest.mark.parametrize("inside", ["", "toy"])
def test_folder_may_be_the_one_that_holds_the_files_or_the_one_above(toy, inside):
    folder, content, _ = toy
    loaded = datasets.load("toy", folder / inside)
    np.testing.assert_array_equal(
        loaded.train_images.ravel(), np.frombuffer(content["train-images-idx3-ubyte"], np.uint8, offset=16)
    )
    assert loaded.train_labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert loaded.test_labels.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("packing", ["plain", "gz of another level", "plain under the name .gz"])
def test_same_content_packed_otherwise(toy, packing):
    folder, content, _ = toy
    expected = datasets.load("toy", folder)
    for file, data in content.items():
        path = folder / "toy" / f"{file}.gz"
        if packing == "plain":
            path.unlink()
            path.with_suffix("").write_bytes(data)
        else:
            path.write_bytes(gzip.compress(data, compresslevel=0) if packing.startswith("gz") else data)
    loaded = datasets.load("toy", folder)
    np.testing.assert_array_equal(loaded.train_images, expected.train_images)
    assert loaded.digests == expected.digests


def test_environment_variable(toy, monkeypatch):
    folder, _, _ = toy
    monkeypatch.setenv("SPIKEMETA_DATA", str(folder))
    assert len(datasets.load("toy").train_labels) == 6


def test_arrays_are_read_only(toy):
    folder, _, _ = toy
    for dataset in (datasets.load("toy", folder), datasets.load("digits")):
        for part in ("train_images", "train_labels", "test_images", "test_labels"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(dataset, part)[0] = 0


def test_download_once(toy, tmp_path, monkeypatch):
    """Without SPIKEMETA_DATA the files are fetched into the cache, once, and checked by their digest."""
    import pooch

    folder, _, source = toy
    fetched = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            fetched.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder / "toy"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        add(monkeypatch, replace(source, url=url))
        monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
        monkeypatch.delenv("SPIKEMETA_DATA", raising=False)
        for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(proxy, raising=False)
        first, second = datasets.load("toy"), datasets.load("toy")
    finally:
        server.shutdown()
        server.server_close()
    assert len(fetched) == 4
    np.testing.assert_array_equal(first.train_images, second.train_images)
    assert first.digests == source.content


def test_idx_header_is_big_endian(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(b"\0\0\x08\x01\0\0\0\x03\x07\x02\x01")  # the first bytes of a labels file, cut to three labels
    labels, _ = idx.read(path)
    assert labels.tolist() == [7, 2, 1]


def test_animals(data_folder):
    """The IDX files were made from the published package as `held_out` says: the digests of all four are recorded."""
    if not (data_folder / "animals").is_dir():
        pytest.skip("no animals in the data folder")
    found = datasets.load("animals", data_folder)
    assert found.shape == (28, 28)
    assert np.bincount(found.train_labels).tolist() == [800] * 10
    assert np.bincount(found.test_labels).tolist() == [200] * 10
    assert found.class_names[0] == "bear"
    train, test = ({bytes(image) for image in images[:2000]} for images in (found.train_images, found.test_images))
    assert not train & test


def test_groups_of_equal_images_stay_together():
    images = np.array([3, 3, 1, 2, 5, 5, 4, 6], np.uint8).reshape(-1, 1, 1)
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    test = animals.held_out(images, labels, n_test=2)
    assert [int(test[labels == c].sum()) for c in (0, 1)] == [2, 2]
    assert test[0] == test[1]
    assert test[4] == test[5]


def test_fashion_by_its_content(data_folder):
    if not (data_folder / "fashion").is_dir():
        pytest.skip("no Fashion-MNIST in the data folder")
    found = datasets.load("fashion", data_folder)
    assert np.bincount(found.train_labels).tolist() == [6000] * 10
    assert np.bincount(found.test_labels).tolist() == [1000] * 10
