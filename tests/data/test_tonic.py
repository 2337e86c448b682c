"""Tonic's data sets, by a module that stands for Tonic's interface: nothing is downloaded here."""

import sys
import types

import numpy as np
import pytest

from spikemeta.data import datasets
from spikemeta.errors import UserError

SOUND = [("t", "i8"), ("x", "i8"), ("p", "i8")]
CAMERA = [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]


def stub(monkeypatch, sensor=(3, 1, 1), kind=SOUND, stimuli=None, target=int, fails=None):
    """A module ``tonic`` with one data set, ``Toy``, and one without a test part."""

    class Toy:
        sensor_size = sensor

        def __init__(self, save_to, train=True, transform=None):
            if fails:
                raise fails
            self.part, self.save_to = "train" if train else "test", save_to

        def __len__(self):
            return 4 if self.part == "train" else 2

        def __getitem__(self, number):
            if not number < len(self):
                raise IndexError
            rows = [(2000, 1, 1), (500, number % 2, 1)] if kind is SOUND else [(2, 1, 1000, True), (0, 1, 3000, False)]
            return np.array(stimuli or rows, kind), target(number % 2)

    class Whole:
        sensor_size = sensor

        def __init__(self, save_to):
            pass

    made = types.ModuleType("tonic")
    made.datasets = types.ModuleType("tonic.datasets")
    made.datasets.Toy, made.datasets.Whole = Toy, Whole
    monkeypatch.setitem(sys.modules, "tonic", made)
    monkeypatch.setitem(sys.modules, "tonic.datasets", made.datasets)


def test_events_are_spikes_in_seconds_in_order_of_time(monkeypatch, tmp_path):
    stub(monkeypatch)
    data = datasets.load("tonic:Toy", tmp_path)
    assert (data.name, data.n_classes, data.n_pixels, data.shape) == ("tonic:Toy", 2, 3, (1, 3))
    assert data.spikes
    np.testing.assert_allclose(data.train_images.times, [0.0005, 0.002] * 4)
    assert data.train_images.units.tolist() == [0, 1, 1, 1, 0, 1, 1, 1]
    assert data.train_images.starts.tolist() == [0, 2, 4, 6, 8]
    assert data.test_labels.tolist() == [0, 1]
    assert datasets.label("tonic:Toy") == "tonic:Toy"
    assert data.digests == datasets.load("tonic:Toy", tmp_path).digests


def test_a_camera_has_a_unit_for_each_place_and_polarity_and_names_of_classes_count(monkeypatch, tmp_path):
    stub(monkeypatch, sensor=(3, 2, 2), kind=CAMERA, target=lambda number: ("walk", "clap")[number])
    data = datasets.load("tonic:Toy", tmp_path)
    assert data.n_pixels == 12
    assert data.train_images.units[:2].tolist() == [2 + 3 * (1 + 2 * 1), 0 + 3 * 1]
    assert data.class_names == ("clap", "walk")
    assert data.train_labels.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"stimuli": [(500, 7, 1)]}, "train: units: units 7 to 7; they are numbered 0, 1, 2, ..., below 3"),
        ({"stimuli": [(-500, 1, 1)]}, "train: times: times from -0.0005"),
        ({"stimuli": [(2 * 10**9, 1, 1)]}, "the last spike is at 2000 s"),
        ({"kind": [("t", "i8"), ("y", "i8"), ("p", "i8")]}, "train: events of stimulus 0 have no field x"),
        ({"target": lambda number: 0.5}, "float64 values; labels are whole numbers"),
        ({"fails": OSError("no network")}, "tonic cannot load tonic:Toy into"),
    ],
)
def test_what_is_wrong_is_told(how, text, monkeypatch, tmp_path):
    stub(monkeypatch, **({"stimuli": [(1, 0, 1)]} if "kind" in how else {}) | how)
    with pytest.raises(UserError) as caught:
        datasets.load("tonic:Toy", tmp_path)
    assert text in str(caught.value)


def test_without_tonic_or_with_another_name_it_says_so(monkeypatch, tmp_path):
    stub(monkeypatch)
    for name in ("toy", "Whole"):
        with pytest.raises(UserError, match=f"unknown data set of Tonic with a training and a test part '{name}'"):
            datasets.load(f"tonic:{name}", tmp_path)
    monkeypatch.setitem(sys.modules, "tonic", None)
    with pytest.raises(UserError, match=r"tonic:SHD is read by Tonic, which is not installed: pip install .spikemeta\[tonic\]"):
        datasets.load("tonic:SHD", tmp_path)
