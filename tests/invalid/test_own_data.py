"""Your own data by a path: sound ones load, mangled ones are refused with every problem at once."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.data import datasets
from spikemeta.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 5, 2), dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1])
WHOLE = {"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES[:2], "test_labels": LABELS[:2]}


def refused(path, *parts):
    with pytest.raises(UserError) as caught:
        datasets.load(path)
    for part in parts:
        assert part in str(caught.value)


def png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "png")
    return stream.getvalue()


FILES = {f"{part}/{c}/{k}.png": png(IMAGES[k]) for part in ("train", "test") for c in ("cat", "dog") for k in range(2)}


def write(folder, files, kind):
    """Files as a folder or an archive; the path."""
    path = folder / f"data.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    elif kind == "folder":
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    else:
        with tarfile.open(path, "w" + kind.removeprefix("tar").replace(".", ":")) as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def test_npz(tmp_path):
    np.savez(tmp_path / "own.npz", **WHOLE)
    found = datasets.load(tmp_path / "own.npz")
    assert found.name == "own.npz"
    assert found.shape == (5, 2)
    assert (found.train_images.reshape(IMAGES.shape) == IMAGES).all()
    assert found.test_labels.tolist() == [0, 1]


def test_colour_becomes_planes(tmp_path):
    colour = RNG.integers(0, 256, (4, 5, 2, 3), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", **WHOLE | {"train_images": colour, "test_images": colour[:2] / 255})
    refused(tmp_path / "own.npz", "give both parts one type and scale")
    np.savez(tmp_path / "own.npz", **WHOLE | {"train_images": colour / 255, "test_images": colour[:2] / 255})
    found = datasets.load(tmp_path / "own.npz")
    assert (found.planes, found.n_pixels) == (3, 30)
    assert (found.pictures(found.train_images) == colour.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_labels": None}, "no array 'test_labels'"),
        ({"test_image": IMAGES}, "unknown array 'test_image'; did you mean 'test_images'"),
        ({"train_labels": LABELS[:3]}, "4 train images, but 3 train labels"),
        ({"train_labels": np.array([0, 0, 0, 0])}, "1 classes with test images, but no train images: class 1"),
        ({"train_labels": np.array([0, 1, 3, 1])}, "1 classes with train images, but no test images: class 3"),
        ({"train_labels": np.array([0.5, 1, 0, 1])}, "labels are whole numbers"),
        ({"train_labels": np.array([-1, 1, 0, 1])}, "labels -1 to 1"),
        ({"train_labels": np.array(list("abab"))}, "text; number the classes"),
        ({"train_labels": np.eye(4)}, "take .argmax(axis=1)"),
        ({"class_names": np.array(["cat"])}, "1 labels beyond the 1 classes: 1"),
        ({"train_images": IMAGES[:, :2]}, "sizes that differ"),
        ({"train_images": np.stack([IMAGES] * 3, 3)}, "colour where grey is wanted"),
        ({"train_images": IMAGES[..., None, None]}, "images are (n, rows, columns)"),
        ({"train_images": IMAGES.astype(int) + 100}, "wanted: 0 to 255"),
        ({"train_images": IMAGES % 2}, "multiply them by 255"),
        ({"train_images": np.zeros_like(IMAGES)}, "every pixel of every image is 0"),
        ({"train_images": IMAGES[:0], "train_labels": LABELS[:0]}, "no train images"),
        ({"train_images": np.where(IMAGES > 99, 1.0, np.nan)}, "values are NaN or infinite"),
        ({"train_images": IMAGES.astype(object)}, "pickled"),
    ],
)
def test_mangled_npz(tmp_path, change, message):
    np.savez(tmp_path / "own.npz", **{name: a for name, a in (WHOLE | change).items() if a is not None})
    refused(tmp_path / "own.npz", message)


def test_every_problem_of_arrays_at_once(tmp_path):
    """A class that one part lacks, a label beyond the classes, sizes that differ, colour for grey, a label too few."""
    colour = np.stack([IMAGES[:, :4]] * 3, 3)
    change = {"train_images": colour, "train_labels": np.array([0, 0, 7]), "class_names": np.array(["cat", "dog"])}
    np.savez(tmp_path / "own.npz", **WHOLE | change)
    refused(
        tmp_path / "own.npz",
        "4 train images, but 3 train labels",
        "the train images have 4 x 2 pixels and the test images have 5 x 2 pixels",
        "colour where grey is wanted",
        "1 labels beyond the 2 classes: 7",
        "1 classes with test images, but no train images: dog",
    )


@pytest.mark.parametrize("study", ["forgetting", "objects", "search"])
def test_a_study_of_data_that_cannot_be_used_begins_nothing(tmp_path, study):
    np.savez(tmp_path / "own.npz", **WHOLE | {"train_labels": np.array([0, 0, 0, 7])})
    words = ["run", study, "--dataset", tmp_path / "own.npz", "--rules", "sgd", "--out", tmp_path / "out"]
    words += ["--grid", "lr=1e-3"] if study == "search" else []
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 2
    for part in ("1 classes with train images, but no test images", "class 1"):
        assert part in " ".join(result.output.split())
    assert [p.name for p in tmp_path.iterdir()] == ["own.npz"]


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.xz"])
def test_pictures(tmp_path, kind):
    found = datasets.load(write(tmp_path, FILES, kind))
    assert found.class_names == ("cat", "dog")
    assert found.train_labels.tolist() == [0, 0, 1, 1]
    assert (found.train_images[:2].reshape(2, 5, 2) == IMAGES[:2]).all()
    assert found.digests == datasets.load(write(tmp_path, FILES, "zip")).digests


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train/cat/0.png": FILES["train/cat/0.png"][:-30]}, "1 files: truncated or damaged: train/cat/0.png"),
        ({"train/cat/0.png": b""}, "1 files: empty"),
        ({"train/cat/0.png": b"\x80\x04cos\nsystem\n."}, "1 files: not a PNG or JPEG image"),
        ({"train/cat/0.png": png(IMAGES[0, :2])}, "1 images have another size than 5 x 2 pixels"),
        ({"train/cat/0.png": png(np.stack([IMAGES[0]] * 3, 2))}, "1 images are colour among grey ones"),
        ({"train/cat/0.png": png(np.stack([IMAGES[0]] * 4, 2))}, "without transparency"),
        ({"train/cat/note.txt": b"x"}, "1 files are neither PNG nor JPEG by their names"),
        ({"train/bird/0.png": FILES["train/cat/0.png"]}, "1 classes with train images, but no test images: bird"),
        ({"val/cat/0.png": FILES["train/cat/0.png"]}, "1 images are not directly in a folder"),
        ({"train/0.png": FILES["train/cat/0.png"]}, "1 images are not directly in a folder"),
    ],
)
def test_mangled_pictures(tmp_path, kind, change, message):
    refused(write(tmp_path, FILES | change, kind), message)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_every_problem_of_pictures_at_once(tmp_path, kind):
    change = {
        "train/cat/0.png": png(np.stack([IMAGES[0]] * 3, 2)),
        "train/cat/2.png": png(IMAGES[0, :2]),
        "train/dog/0.png": b"",
        "train/bird/0.png": png(IMAGES[0]),
        "test/cat/note.txt": b"x",
    }
    parts = (
        "colour among grey",
        "1 images have another size",
        "1 files: empty",
        "no test images: bird",
        "neither PNG nor JPEG",
    )
    refused(write(tmp_path, FILES | change, kind), *parts)


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "train/../../evil.png", "C:/evil.png", "train\\cat\\1.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archive_that_climbs_out(tmp_path, kind, name):
    refused(write(tmp_path, FILES | {name: b"x"}, kind), "backslash" if "\\" in name else "climb out of the archive's folder")
    assert [p.name for p in tmp_path.iterdir()] == [f"data.{kind}"]


def test_links_are_refused(tmp_path):
    with tarfile.open(tmp_path / "data.tar", "w") as archive:
        link = tarfile.TarInfo("train/cat/0.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    refused(tmp_path / "data.tar", "1 members are links: train/cat/0.png")


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz"])
def test_truncated_archive(tmp_path, kind):
    path = write(tmp_path, FILES, kind)
    whole = path.read_bytes()
    for size in (0, 20, len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:size])
        refused(path, str(path))


@pytest.mark.parametrize("name", ["data.zip", "data.tar", "data.npz", "data.pkl", "data.txt"])
def test_not_an_archive(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello, this is text" * 40)
    refused(tmp_path / name, str(tmp_path / name))


def test_nothing(tmp_path):
    refused(tmp_path / "none.npz", "there is no data set")
    refused(tmp_path, "it holds no folders")


def idx(array):
    magic = 0x800 + array.ndim
    return np.array([magic, *array.shape], ">u4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("inside", "names"),
    [
        ("", "{}-{}-idx{}-ubyte"),
        ("MNIST/raw/", "{}-{}.idx{}-ubyte"),
        ("raw/", "emnist-letters-{}-{}-idx{}-ubyte"),
    ],
)
def test_idx_layouts(tmp_path, inside, names):
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    for part, test in (("train", "train"), ("test", "test" if "emnist" in names else "t10k")):
        (tmp_path / inside / names.format(test, "images", 3)).write_bytes(idx(WHOLE[f"{part}_images"]))
        (tmp_path / inside / names.format(test, "labels", 1)).write_bytes(idx(WHOLE[f"{part}_labels"] + 1))
    found = datasets.load(tmp_path)
    assert found.test_labels.tolist() == [0, 1]
    assert found.class_names == ("1", "2")
    next(tmp_path.glob(f"{inside}*labels*")).unlink()
    refused(tmp_path, "no IDX file of t")


def own_idx(folder, change=None):
    """Four IDX files in a folder; `change` replaces some, and removes those that it calls None."""
    files = {f"{part}-{kind}": idx(WHOLE[f"{part}_{kind}"]) for part in ("train", "test") for kind in ("images", "labels")}
    for name, data in (files | (change or {})).items():
        if data is not None:
            (folder / f"{name}-ubyte").write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train-images": idx(IMAGES)[:-1]}, "truncated, it has 55 bytes where its header announces 56"),
        ({"train-images": idx(IMAGES)[:9]}, "truncated, its header has 9 bytes of 16"),
        ({"test-labels": idx(LABELS[:2]) + b"\0"}, "too long"),
        ({"test-labels": b""}, "it begins with nothing"),
        ({"train-labels": b"\x80\x04cos\nsystem\n."}, "not an IDX file of labels: it begins with 0x8004636f"),
        ({"train-images": b"\x1f\x8b" + idx(IMAGES)}, "truncated or damaged"),
        ({"train-images": idx(np.stack([IMAGES] * 3, 3))}, "colour where grey is wanted?"),
        ({"train-images": idx(IMAGES[:, :4])}, "the train images have 4 x 2 pixels and the test images have 5 x 2 pixels"),
        ({"train-labels": idx(LABELS[:3])}, "4 train images, but 3 train labels"),
        ({"train-labels": idx(np.array([0, 1, 0, 2]))}, "1 classes with train images, but no test images: class 2"),
        ({"train-images": idx(IMAGES * 0)}, "every pixel of every image is 0"),
        ({"test-images": None}, "no IDX file of test images"),
        ({"t10k-images": idx(IMAGES[:2])}, "2 files for test_images"),
        ({"letters-train-labels": idx(LABELS)}, "2 sets of IDX files"),
    ],
)
def test_mangled_idx(tmp_path, change, message):
    refused(own_idx(tmp_path, change), f"cannot use {tmp_path}:", message)


def test_every_problem_of_idx_files_at_once(tmp_path):
    change = {"train-images": idx(IMAGES)[:-1], "test-images": None, "test-labels": idx(np.array([0, 7]))}
    refused(own_idx(tmp_path, change), "truncated", "no IDX file of test images", "1 classes with test images")
