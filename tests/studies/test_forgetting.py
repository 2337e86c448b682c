"""The forgetting study at toy size with the real simulation: compiles and runs spiking networks (minutes).

The rules are files of the test's own, so that the numbers do not depend on the constants of the repo's rules.
"""

import json
import os
import signal
import time

import launched
import numpy as np
import pytest

from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import experiment, planning, results, scale

RULE = """
from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name={name!r},
    state="w : 1",
    weight="w",
    initial="w = w_init",
    on_gradient="w -= lr*gradient{factor}",
    parameters={{"lr": Parameter({lr}, low=0)}},
)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Run the study in a process of its own; returns (exit code or process, output folder)."""
    home = tmp_path_factory.mktemp("study")
    explosion = "*exp(10*age/presentation)"  # infinite after 70 presentations
    for name, lr, factor in (("learns", 1e-4, ""), ("frozen", 0.0, ""), ("explodes", 1.0, explosion)):
        (home / f"{name}.py").write_text(RULE.format(name=name, lr=lr, factor=factor))

    def run(out, *more, rules="learns,frozen", wait=True):
        rules = ",".join(f"{name}.py" for name in rules.split(","))
        words = ["run", "forgetting", "--rules", rules, "--out", out, "--tasks", "2", "--seeds", "2", "--hidden", "30", *more]
        process = launched.Command(words, home / f"{out} printed", home)
        if not wait:
            return process, home / out
        text = "".join(process.communicate())
        assert "Traceback" not in text, text
        return process.returncode, home / out, text

    return run


@pytest.fixture(scope="module")
def finished(study):
    code, folder, text = study("one", "--workers", "1")
    assert code == 0, text
    return folder


def rows(folder):
    return {row["rule"]: row["metrics"] for row in json.loads((folder / "summary.json").read_text())["rows"]}


def test_learning_and_forgetting(finished):
    learns, frozen = rows(finished)["learns"], rows(finished)["frozen"]
    matrix = np.array(learns["accuracy_matrix"]["mean"])
    assert matrix.shape == (2, 2)
    # On validation images, two seeds: 0.97 and 1.0 on the first task, 0.89 and 1.0 on the second.
    assert matrix[0, 0] > 0.9
    assert matrix[1, 1] > 0.8
    assert learns["forgetting"]["mean"] == pytest.approx(matrix[0, 0] - matrix[1, 0], abs=1e-12)
    assert learns["forgetting"]["mean"] > 0.05, "plain gradient descent forgets"
    # Untrained, the readout of so small a network hardly spikes, and silence counts as wrong.
    assert frozen["just_learned_accuracy"]["mean"] < 0.6
    assert abs(frozen["forgetting"]["mean"]) < 0.1


@pytest.mark.parametrize("task", ["split", "permuted", "joint", "items"])
def test_the_number_of_images_can_be_given(task):
    """Every training phase of 50 images (of an item: with as many others), every test of a fifth."""
    from spikemeta.runs import pool
    from spikemeta.studies import forgetting

    options = forgetting.Options(task=task, scale="full", images=50)
    point = pool.Point("", "", 0, scale.curriculum_arguments(options, "test"), {})
    phases = pool.curriculum_of(point).phases
    shown = {kind: sum(len(p.indices) for p in phases if p.kind == kind and p.after == 1) for kind in ("train", "test")}
    tests = sum(p.kind == "test" and p.after == 1 for p in phases)
    assert shown == {"train": 104 if task == "items" else 50, "test": 10 * tests}


def test_same_result_on_two_workers(study, finished):
    code, folder, text = study("two", "--workers", "2")
    assert code == 0, text
    assert (folder / "summary.json").read_bytes() == (finished / "summary.json").read_bytes()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_killed_and_resumed_gives_the_same_numbers(study, finished):
    process, folder = study("killed", "--workers", "2", wait=False)
    while not list(folder.glob("runs/*/[!.]*.json")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 1 <= len(list(folder.glob("runs/*/[!.]*.json"))) < 4, "killed while at work"
    assert not (folder / "summary.json").exists()
    code, folder, text = study("killed", "--workers", "1", "--resume")
    assert code == 0, text
    assert "runs are there already" in text
    assert (folder / "summary.json").read_bytes() == (finished / "summary.json").read_bytes()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_interrupt_says_how_to_go_on_and_leaves_no_process(study):
    process, folder = study("interrupted", "--workers", "2", wait=False)
    while not (folder / "state").exists() and process.poll() is None:  # the workers are at work
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    text = "".join(process.communicate())  # ends only when no process of it is left
    assert process.returncode == 130
    assert "--resume" in text
    assert "Traceback" not in text


def test_an_unstable_rule_is_named_and_the_rest_is_kept(study):
    code, folder, text = study("unstable", "--workers", "1", "--seeds", "1", rules="explodes,frozen")
    assert code == 2
    assert "failed: explodes, seed 0: rule 'explodes': 'w'" in text
    assert "train task 1" in text
    assert rows(folder)["frozen"]["final_accuracy"]["values"]
    assert not rows(folder)["explodes"]


def test_constants_of_a_run(tmp_path):
    """What ``--set`` gives reaches every row that has the constant, and no other."""
    base = registry.load("studies", "forgetting")
    words = ("hidden.lr=0.5", "laplace.curvature=0.25", "laplace.readout.window=7", "network.onset=1.5")
    entries = experiment.plan_of(base, base.options(rules="sgd,laplace,hybrid", set=words)).entries
    found = {entry.label: (entry.parameters, entry.network_parameters) for entry in entries}
    own = {"hidden.lr": 0.5}
    assert found["laplace"] == (own | {"curvature": 0.25, "readout.window": 7.0}, {"onset": 1.5})
    assert found["sgd"] == (own, {"onset": 1.5})
    assert found["hybrid"] == (own, {"onset": 1.5})
    (point, *_) = planning.points_of(entries, base.options(rules="sgd"), "test", results.Store(tmp_path, "forgetting", {}))
    assert point.simulation["parameters"] == own


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lr", "--set 'lr' is not KEY=V1,V2"),
        ("lr=a", "--set lr: could not convert"),
        ("lr=1,2", "--set lr takes one value: to try several, use 'spikemeta sweep'"),
        ("hiden.lr=1", "owner in --set hiden.lr.*did you mean 'hidden'"),
        ("curvatur=1", "constant in --set.*did you mean 'curvature'"),
        ("hidden=7", "unknown constant in --set 'hidden'"),
        ("network.onst=3", "did you mean 'onset'"),
        ("lr=-1", "lr must be at least 0"),
    ],
)
def test_bad_constants_of_a_run(word, message):
    base = registry.load("studies", "forgetting")
    with pytest.raises(UserError, match=message):
        experiment.plan_of(base, base.options(rules="laplace", set=(word,)))


def test_a_study_keeps_what_it_varies_itself():
    base = registry.load("studies", "memory_window")
    with pytest.raises(UserError, match="--set window: this study varies 'window' itself"):
        experiment.plan_of(base, base.options(rules="laplace", set=("window=3",)))
