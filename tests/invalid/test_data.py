"""One malformed input for each message about datasets and curricula."""

import gzip
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from spikemeta.data import curricula, datasets
from spikemeta.data.formats.idx import IdxFiles
from spikemeta.errors import UserError
from spikemeta.language import registry

DIGITS = datasets.load("digits")
FILES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


TOY = IdxFiles("toy", "http://127.0.0.1:9/", (2, 2), dict.fromkeys(FILES, "0" * 64), {}, class_names=tuple("abc"))


def add(monkeypatch, source):
    """Make a data set known, as a file in the folder sets/ does."""
    known = tuple(sorted({*registry.names("datasets"), "toy"}))
    monkeypatch.setattr(datasets, "_sets", lambda: known)
    plain = registry.load
    monkeypatch.setattr(registry, "load", lambda kind, name: source if name == "toy" else plain(kind, name))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A well-formed dataset ``toy``: three training and three test images of 2x2 pixels, digests unknown."""
    add(monkeypatch, TOY)
    (tmp_path / "toy").mkdir()
    for file in FILES:
        if "images" in file:
            data = bytes.fromhex("00000803 00000003 00000002 00000002") + bytes(range(12))
        else:
            data = bytes.fromhex("00000801 00000003") + bytes([0, 1, 2])
        (tmp_path / "toy" / file).write_bytes(data)
    monkeypatch.setenv("SPIKEMETA_DATA", str(tmp_path))
    assert datasets.load("toy").train_images.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    return tmp_path / "toy"


def refused(*parts, name="toy", **arguments):
    with pytest.raises(UserError) as caught:
        datasets.load(name, **arguments)
    for part in parts:
        assert part in str(caught.value)


def test_unknown_dataset():
    refused(
        "unknown dataset 'mnsit'; did you mean 'mnist'?", "digits, fashion, mnist", "the path of your own data", name="mnsit"
    )


def test_missing_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMETA_DATA", str(tmp_path / "nowhere"))
    refused(str(tmp_path / "nowhere" / "mnist"), *FILES, "unset SPIKEMETA_DATA", name="mnist")


def test_missing_folder_given(tmp_path):
    refused(
        str(tmp_path / "nowhere"),
        "train-images-idx3-ubyte",
        "folder=",
        name="fashion",
        folder=tmp_path / "nowhere",
    )


def test_missing_file(toy):
    (toy / FILES[2]).unlink()
    refused(f"toy: {FILES[2]} (.gz or not) not found in {toy}")


@pytest.mark.parametrize("file", FILES)
def test_truncated(toy, file):
    data = (toy / file).read_bytes()
    (toy / file).write_bytes(data[:-1])
    refused(str(toy / file), "truncated", f"{len(data) - 1} bytes where its header announces {len(data)}")


def test_truncated_header(toy):
    (toy / FILES[0]).write_bytes((toy / FILES[0]).read_bytes()[:13])
    refused(str(toy / FILES[0]), "truncated, its header has 13 bytes of 16")


def test_truncated_gzip(toy):
    packed = gzip.compress((toy / FILES[0]).read_bytes())
    (toy / FILES[0]).write_bytes(packed[:-9])
    refused(str(toy / FILES[0]), "truncated or damaged")


def test_damaged_gzip(toy):
    packed = bytearray(gzip.compress((toy / FILES[0]).read_bytes()))
    packed[len(packed) // 2] ^= 0xFF
    (toy / FILES[0]).write_bytes(packed)
    refused(str(toy / FILES[0]), "truncated or damaged")


def test_too_long(toy):
    (toy / FILES[1]).write_bytes((toy / FILES[1]).read_bytes() + b"\0")
    refused(str(toy / FILES[1]), "too long")


def test_bad_magic(toy):
    (toy / FILES[0]).write_bytes((toy / FILES[1]).read_bytes())
    refused(str(toy / FILES[0]), "not an IDX file of images: it begins with 0x00000801, not 0x00000803")


def test_empty_file(toy):
    (toy / FILES[0]).write_bytes(b"")
    refused(str(toy / FILES[0]), "it begins with nothing")


def test_pickle_is_not_opened(toy):
    (toy / FILES[0]).write_bytes(b"\x80\x04cos\nsystem\n")
    refused(str(toy / FILES[0]), "not an IDX file of images")


def test_image_size(toy):
    (toy / FILES[0]).write_bytes(bytes.fromhex("00000803 00000003 00000001 00000004") + bytes(12))
    refused("images of 1x4 pixels, not 2x2")


def test_sizes_beyond_memory(toy):
    (toy / FILES[0]).write_bytes(bytes.fromhex("00000803 ffffffff 00000002 00000002") + bytes(12))
    refused("truncated", str(16 + 4 * 0xFFFFFFFF))


def test_counts_that_differ(toy):
    (toy / FILES[1]).write_bytes(bytes.fromhex("00000801 00000002") + bytes(2))
    refused("3 train images, but 2 train labels")


def test_label_out_of_range(toy):
    (toy / FILES[3]).write_bytes(bytes.fromhex("00000801 00000003") + bytes([0, 1, 10]))
    refused("1 labels beyond the 3 classes: 10", "1 classes with train images, but no test images: c")


def test_no_images(toy):
    (toy / FILES[2]).write_bytes(bytes.fromhex("00000803 00000000 00000002 00000002"))
    (toy / FILES[3]).write_bytes(bytes.fromhex("00000801 00000000"))
    refused("no test images")


def test_wrong_digest(toy, monkeypatch):
    add(monkeypatch, replace(TOY, content={FILES[0]: "ab" * 32}))
    refused(str(toy / FILES[0]), "altered", "ab" * 32)


def test_one_changed_pixel_of_mnist(data_folder, tmp_path):
    for path in (data_folder / "mnist").iterdir():
        (tmp_path / path.name).symlink_to(path.resolve())
    (found,) = tmp_path.glob("t10k-images-idx3-ubyte*")
    raw = found.read_bytes()
    data = bytearray(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    data[5000] ^= 1
    found.unlink()
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)
    refused("t10k-images-idx3-ubyte: altered", name="mnist", folder=tmp_path)


def test_all_problems_at_once(toy):
    for file in FILES[:2]:
        (toy / file).write_bytes((toy / file).read_bytes()[:-1])
    refused(str(toy / FILES[0]), str(toy / FILES[1]), "Replace them by the files from")


def test_no_connection(toy, tmp_path, monkeypatch):
    import pooch

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.delenv("SPIKEMETA_DATA")
    refused("cannot download http://127.0.0.1:9/train-images-idx3-ubyte.gz", "SPIKEMETA_DATA")


PARTS = [f"animal_mnist/data/Animal_MNIST/animal_{part}_version_3.gz" for part in ("data", "label")]


@pytest.mark.parametrize(
    ("members", "messages"),
    [
        ({}, [f"it holds no {part}" for part in PARTS]),
        (dict.fromkeys(PARTS, b"\x80\x04cos\nsystem\n."), [f"{part}: altered" for part in PARTS]),
        ({PARTS[0]: b"", "../evil.py": b"x"}, ["1 members climb out of the archive's folder: ../evil.py"]),
    ],
)
def test_a_wheel_of_animals_with_another_content_is_not_unpickled(tmp_path, members, messages):
    with zipfile.ZipFile(tmp_path / "animal_mnist-0.4-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
    refused(str(tmp_path / "animal_mnist-0.4-py3-none-any.whl"), *messages, name="animals", folder=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "permutted"}, "unknown curriculum 'permutted'; did you mean 'permuted'?"),
        ({"dataset": "digit"}, "unknown dataset 'digit'; did you mean 'digits' or 'two_digit'?"),
        ({"limit": 0}, "limit must be a whole number of at least 1, not 0"),
        ({"limit": 2.5}, "limit must be a whole number of at least 1, not 2.5"),
        ({"test_limit": -1}, "test_limit must be a whole number of at least 1, not -1"),
        ({"passes": 0}, "passes must be a whole number of at least 1, not 0"),
        ({"chunks": 0}, "chunks must be a whole number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": None}, "seed must be a whole number of at least 0, not None"),
        ({"n_tasks": 0}, "n_tasks must be 1 to 5 for split digits, not 0"),
        ({"n_tasks": 6}, "n_tasks must be 1 to 5 for split digits, not 6"),
        ({"name": "joint", "n_tasks": 2}, "n_tasks must be 1 to 1 for joint digits, not 2"),
        ({"validation": 1.0}, "validation must be a fraction from 0 to below 1, not 1.0"),
        ({"validation": float("nan")}, "validation must be a fraction from 0 to below 1, not nan"),
        ({"evaluate": "validation", "validation": 0}, "needs a validation fraction above 0"),
        ({"evaluate": "tests"}, "unknown evaluation 'tests'; did you mean 'test'?"),
        (
            {"evaluate": "validation", "validation": 0.001},
            "task 2 (classes 2..3) has no validation images in digits",
        ),
        ({"limit": 3, "chunks": 4}, "chunks=4 is more than the 3 presentations of task 1"),
    ],
)
def test_curriculum(arguments, message):
    with pytest.raises(UserError) as caught:
        curricula.build(**{"name": "split", "dataset": DIGITS, **arguments})
    assert message in str(caught.value)


def test_curriculum_problems_come_together():
    with pytest.raises(UserError) as caught:
        curricula.build("split", DIGITS, limit=0, passes=-1, n_tasks=9, evaluate="train")
    for part in ("limit", "passes", "n_tasks", "evaluation"):
        assert part in str(caught.value)


def test_task_without_images():
    kept = DIGITS.train_labels < 8
    lacking = replace(
        DIGITS,
        train_images=np.concatenate([DIGITS.train_images[kept], DIGITS.train_images[:1]]),
        train_labels=np.append(DIGITS.train_labels[kept], np.int32(11)),
    )
    with pytest.raises(UserError, match=r"task 5 \(classes 8\.\.9\) has no training images") as caught:
        curricula.build("split", lacking)
    assert "task 6 (classes 10..11) has no test images" in str(caught.value)
