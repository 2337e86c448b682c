"""Spikes in HDF5: sound files load, mangled ones are refused with every problem at once, and never followed elsewhere."""

import h5py
import numpy as np
import pytest
import spiked

import spikemeta
from spikemeta.data import datasets, strange
from spikemeta.data.trains import Trains
from spikemeta.errors import UserError
from spikemeta.simulation import activity


def refused(path, *parts):
    with pytest.raises(UserError) as caught:
        datasets.load(path)
    for part in parts:
        assert part in str(caught.value)
    return str(caught.value)


def test_folder_one_of_two_files_and_one_file_are_the_same_data(tmp_path):
    folder = spiked.write(tmp_path / "two")
    with h5py.File(tmp_path / "one.h5", "w") as file:
        for part, n in (("train", 40), ("test", 12)):
            spiked.fill(file.create_group(part), *spiked.stimuli(n, seed=len(part)))
    found = [datasets.load(p) for p in (folder, folder / "toy_test.h5", tmp_path / "one.h5")]
    times, units, labels = spiked.stimuli(40, seed=5)
    for data in found:
        assert data.spikes
        assert data.n_classes == 4
        assert data.n_pixels == spiked.UNITS
        assert len(data.test_images) == 12
        assert (data.train_images.times == np.concatenate(times).astype("f4")).all()
        assert (data.train_images.units == np.concatenate(units)).all()
        assert (data.train_labels == labels).all()
    assert found[0].digests == found[1].digests
    assert set(found[0].digests) == {"toy_train.h5", "toy_test.h5"}
    assert found[0].name == "two/"
    assert found[2].name == "one.h5"


def replaced(name, values, **how):
    def change(file):
        del file[name]
        file.create_dataset(name, data=values, **how) if how or not isinstance(values, list) else spiked.lists(
            file, name, values, "f4"
        )

    return change


def lists(name, change, kind="f4"):
    """Change the lists of an array."""

    def apply(file):
        values = [np.array(v) for v in file[name][:]]
        del file[name]
        spiked.lists(file, name, change(values), kind)

    return apply


def at_first(values, number):
    values[0][0] = number
    return values


def linked(file):
    del file["spikes/times"]
    file["spikes/times"] = h5py.ExternalLink("/etc/elsewhere.h5", "times")


def kept_elsewhere(file):
    del file["labels"]
    file.create_dataset("labels", shape=(40,), dtype="i8", external=[("elsewhere.bin", 0, h5py.h5f.UNLIMITED)])


MANGLED = {
    "no times": (lambda f: f.__delitem__("spikes/times"), "spikes/times: missing"),
    "no labels": (lambda f: f.__delitem__("labels"), "labels: missing"),
    "not lists": (replaced("spikes/times", np.zeros(40, "f4")), "spikes/times: float32 values; wanted a list of numbers"),
    "a table": (replaced("spikes/units", np.zeros((40, 3), "u2")), "spikes/units: shape (40, 3), not (n,): a list"),
    "NaN": (lists("spikes/times", lambda v: at_first(v, np.nan)), "spikes/times: 1 times are NaN or infinite"),
    "before the start": (
        lists("spikes/times", lambda v: at_first(v, -0.1)),
        "spikes/times: times from -0.1; they count from the start",
    ),
    "milliseconds": (lists("spikes/times", lambda v: [1e4 * x for x in v]), "spikes/times: the last spike is at"),
    "whole times": (lists("spikes/times", lambda v: v, "i4"), "spikes/times: int32 values; wanted: seconds"),
    "fractions of units": (lists("spikes/units", lambda v: v), "spikes/units: float32 values; wanted: whole numbers"),
    "no such unit": (
        lists("spikes/units", lambda v: at_first([x.astype(int) for x in v], -1), "i4"),
        "spikes/units: units -1 to 11; they are numbered",
    ),
    "lists that differ": (lists("spikes/units", lambda v: [v[0][1:], *v[1:]], "u2"), "1 stimuli with as many times as units"),
    "too few labels": (replaced("labels", np.arange(39) % 4), "different numbers of stimuli: 40 in spikes/times"),
    "labels in text": (replaced("labels", np.array([b"one"] * 40)), "labels: |S3 values"),
    "a class that is tested alone": (
        replaced("labels", np.arange(40) % 3),
        "classes with test stimuli, but no train stimuli: class 3",
    ),
    "silence": (
        lambda f: [lists(n, lambda v: [[] for _ in v], k)(f) for n, k in (("spikes/times", "f4"), ("spikes/units", "u2"))],
        "spikes/times: no stimulus has a spike",
    ),
    "a link": (linked, "spikes/times: linked from another file, which is never opened"),
    "an external array": (kept_elsewhere, "labels: held in another file, which is never opened"),
}


@pytest.mark.parametrize(("change", "message"), MANGLED.values(), ids=MANGLED)
def test_mangled_files(tmp_path, change, message):
    folder = spiked.write(tmp_path / "spikes")
    with h5py.File(folder / "toy_train.h5", "r+") as file:
        change(file)
    refused(folder, f"toy_train.h5: {message}" if "classes" not in message else message)


def test_every_problem_at_once(tmp_path):
    folder = spiked.write(tmp_path / "spikes")
    with h5py.File(folder / "toy_train.h5", "r+") as file:
        del file["labels"]
        lists("spikes/times", lambda v: at_first(v, np.inf))(file)
    (folder / "toy_test.h5").write_bytes((folder / "toy_test.h5").read_bytes()[:700])
    told = refused(
        folder, "toy_train.h5: labels: missing", "1 times are NaN", "toy_test.h5: no HDF5 file, or damaged", "Wanted: two files"
    )
    assert told.count("\n  ") == 3


def test_files_that_are_not_two_parts(tmp_path):
    folder = spiked.write(tmp_path / "spikes")
    (folder / "other_train.h5").write_bytes((folder / "toy_train.h5").read_bytes())
    refused(folder, "2 files of the train part: other_train.h5, toy_train.h5")
    refused(folder / "other_train.h5", "beside it lies no file other_test.h5")
    (folder / "toy_train.h5").rename(folder / "toy.h5")
    refused(folder / "toy.h5", "toy.h5: no group 'train', and its name says neither train nor test", "no group 'test'")
    (tmp_path / "no.h5").write_text("spikes")
    assert refused(tmp_path / "no.h5", "no.h5: no HDF5 file, or damaged").count("\n  ") == 1


def test_networks_and_data_of_two_kinds_do_not_meet(tmp_path):
    data = datasets.load(spiked.write(tmp_path / "spikes"))
    tasks = spikemeta.build_curriculum("split", data, n_tasks=2)
    rule = spikemeta.get_rule("sgd")
    for engine in ("torch", "brian2"):
        with pytest.raises(UserError, match="holds spikes, and network 'feedforward' is shown images: take --network spikes"):
            spikemeta.Simulation(rule, engine=engine).run(tasks)
        with pytest.raises(UserError, match="takes given spikes, and 'digits' holds images"):
            spikemeta.Simulation(rule, network="spikes", engine=engine).run(
                spikemeta.build_curriculum("joint", datasets.load("digits"))
            )
    with pytest.raises(UserError, match="holds spikes: there is no image"):
        data.pictures(data.train_images)
    with pytest.raises(UserError, match="strange images are made of images"):
        strange.kinds_of(data, [])
    simulation = spikemeta.Simulation(rule, network="spikes", engine="torch", n_hidden=5)
    weights = {"hidden": np.zeros((12, 5)), "readout": np.zeros((5, 2))}
    with pytest.raises(UserError, match=r"spikes are shown to this network: give some of the data set's"):
        activity.show(simulation, tasks, weights, np.zeros((1, 12), np.uint8))
    with pytest.raises(UserError, match="70000 units in 100000 steps are too many: take a longer step"):
        Trains([0.0], [0], [0, 1], 70_000).codes([0], 1e-3, 100_000)
