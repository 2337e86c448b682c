"""Where a study writes if it is not told: a folder of a short name, whatever the path of the data."""

import dataclasses

import numpy as np
import pytest

from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import results, study, sweep
from spikemeta.runs.item_study import ItemOptions

STUDIES = [name for name in registry.names("studies") if hasattr(registry.load("studies", name).options, "dataset")]


@pytest.fixture
def opened(monkeypatch):
    """The folders that stores were opened in; the study ends there."""
    folders = []

    def stop(self, folder, *_):
        folders.append(folder)
        raise UserError("far enough")

    monkeypatch.setattr(results.Store, "__init__", stop)
    return folders


def options_of(study, path):
    """Options with data of one's own, four classes of forty images."""
    labels = np.repeat(np.arange(4), 40)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8), dtype=np.uint8)
    np.savez(path, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    given = {"dataset": str(path), "images": 10}
    given |= {"tasks": 3} if issubclass(study.options, ItemOptions) else {}
    has = {f.name for f in dataclasses.fields(study.options)}
    given |= {"grid": ("lr=0.1",), "rules": "sgd"} if "grid" in has else {}
    return study.options(**{name: value for name, value in given.items() if name in has})


@pytest.mark.parametrize("name", STUDIES)
def test_data_by_a_path(name, tmp_path, opened):
    own = registry.load("studies", name)
    with pytest.raises(UserError, match="far enough"):
        own.run(options_of(own, tmp_path / "my own.npz"))
    assert [folder.partition("my_own.npz")[0] for folder in opened] == [f"results/{name}-"]
    assert str(tmp_path) not in opened[0]


def test_a_sweep_of_data_by_a_path(tmp_path, opened):
    base = registry.load("studies", "forgetting")
    own = dataclasses.asdict(options_of(base, tmp_path / "my own.npz"))
    with pytest.raises(UserError, match="far enough"):
        sweep.run(base, sweep.options_of(base.options)(**own | {"grid": ("hidden=3,4",), "rules": "sgd"}))
    assert opened == ["results/sweep-forgetting-my_own.npz-split"]


@pytest.mark.parametrize(
    ("dataset", "more", "folder"), [("digits", (), "results/x-digits"), ("/a/b c/", ("", "split"), "results/x-b_c-split")]
)
def test_folder(dataset, more, folder):
    assert study.folder("x", study.SimulationOptions(dataset=dataset), *more) == folder
    assert study.folder("x", study.SimulationOptions(dataset=dataset, out="mine"), *more) == "mine"
