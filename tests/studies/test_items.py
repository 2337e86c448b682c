"""The studies of items at toy size with the real simulation, and their numbers against counts made by hand."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray
from rich.console import Console

from spikemeta.analysis import items as rows_of_items
from spikemeta.analysis import recall
from spikemeta.analysis.rows import FinishedRun
from spikemeta.data import items
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import item_study, pool, scale

STUDIES = ("serial_position", "repetition", "poisoning", "frequency")
PASSES = {"repetition": 3, "poisoning": 1}
#: Two of them event-driven; what the others count does not depend on the engine.
ENGINE = dict.fromkeys(("serial_position", "poisoning"), "brian2")
FIGURES = {
    "serial_position": ["serial_position", "items_kept"],
    "repetition": ["by_position", "recall", "worst_item"],
    "poisoning": ["deranged", "mixed", "targeted"],
    "frequency": ["frequency"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a study of four items, two rules and two seeds; returns exit code, output folder and printed text."""
    home = tmp_path_factory.mktemp("items")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.QUICK, "items", (20, 10, 4))

        def once(name, **more):
            study, console = registry.load("studies", name), Console(record=True, width=120, force_terminal=False)
            arguments = {"rules": "conventional,hybrid", "seeds": 2, "workers": 1, "hidden": 20, "out": str(home / name)}
            arguments["engine"] = ENGINE.get(name, "torch")
            if name in PASSES:
                arguments["passes"] = PASSES[name]
            code = study.run(study.options(**(arguments | more)), console)
            return code, home / name, console.export_text()

        yield once


@pytest.fixture(scope="module")
def finished(run):
    return {name: run(name)[1] for name in STUDIES}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_leaves_the_contract(finished, name):
    folder = finished[name]
    summary = json.loads((folder / "summary.json").read_text())
    results = xarray.load_dataset(folder / "results.nc", engine="scipy")
    assert summary["study"] == name
    assert (summary["task"], summary["chance"]) == ("items", 0.25)
    assert json.loads((folder / "provenance.json").read_text())["status"] == "finished"
    # A run of over two minutes draws its memory, too.
    drawn = sorted(path.name for path in (folder / "figures").iterdir() if path.stem != "memory")
    assert drawn == sorted(f"{figure}.{kind}" for figure in FIGURES[name] for kind in ("png", "pdf"))
    for row in summary["rows"]:
        recalls = results.recall.sel(rule=row["rule"]).values
        tests = np.isfinite(recalls).all(axis=(0, 2)).sum()
        at_end = recalls[:, tests - 1]
        assert row["metrics"]["final_accuracy"]["values"] == pytest.approx(at_end.mean(axis=1).tolist())
        assert row["metrics"]["minimum_recall"]["values"] == pytest.approx(at_end.min(axis=1).tolist())
        for kept in row["metrics"]["memorized_items"]["values"]:
            assert 0 <= kept <= 4
        answers = results.answers.sel(rule=row["rule"]).values[:, :tests]
        np.testing.assert_array_equal(answers.sum(axis=3), 10)
        np.testing.assert_allclose(np.diagonal(answers, axis1=2, axis2=3) / 10, recalls[:, :tests], rtol=1e-12)


def test_an_item_is_learned_and_forgotten(finished):
    rows = {row["rule"]: row for row in json.loads((finished["serial_position"] / "summary.json").read_text())["rows"]}
    matrix = np.array(rows["conventional"]["metrics"]["accuracy_matrix"]["mean"])
    assert np.diag(matrix).mean() > 0.5, "an item is not learned when it is taught"
    assert rows["conventional"]["metrics"]["forgetting"]["mean"] > 0.2
    tests = rows["hybrid"]["tests"]
    assert set(tests) == {"primacy", "recency", "first_above_chance", "last_above_chance", "against"}
    assert tests["against"]["rule"] == "conventional"
    assert tests["against"]["memorized_items"]["n"] == 2


def test_rows_of_an_attack(finished):
    summary = json.loads((finished["poisoning"] / "summary.json").read_text())
    rows = {row["rule"]: row["metrics"] for row in summary["rows"]}
    assert len(rows) == 2 * 6
    for rule in ("conventional", "hybrid"):
        attacked = rows[f"{rule}: 1 clean, deranged"]
        assert attacked["accuracy_after_attack"]["values"] == attacked["final_accuracy"]["values"]
        # The first pass is the same in both rows, image by image.
        clean = np.array(rows[f"{rule}: not attacked"]["recall_after_test"]["values"])
        assert attacked["accuracy_before_attack"]["values"] == pytest.approx(clean[:, 0].tolist())
        assert "attack_success" not in rows[f"{rule}: not attacked"]
        assert rows[f"{rule}: 0% wrong"]["final_accuracy"]["values"] == pytest.approx(clean[:, 0].tolist())
    assert rows["conventional: 1 clean, deranged"]["attack_success"]["mean"] > 0.25
    shared = finished["poisoning"] / "state" / "shared"
    assert shared.is_dir(), "beginnings were shared"
    assert not list(shared.iterdir()), "and removed when the runs of a seed were there"


def test_tables_for_the_page_of_repetition(finished, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "docs"))
    tables = importlib.import_module("tables")
    monkeypatch.setattr(importlib.import_module("tables.recorded"), "RECORDED", finished["repetition"].parent)
    rows = {row["rule"]: row for row in json.loads((finished["repetition"] / "summary.json").read_text())["rows"]}
    lines = [made("repetition").split("\n")[2:] for made in (tables.repeated, tables.hidden_list)]
    for rule, ordered, hidden in zip(("conventional", "hybrid"), *lines, strict=True):
        recall = rows[f"{rule}: in order"]["metrics"]["recall_after_pass"]
        cells = [f"{100 * recall['mean'][k]:.1f} ± {100 * recall['std'][k]:.1f}" for k in (0, 2)]  # after 1 and 3 passes
        assert ordered.startswith(f"| {rule} | {' | '.join(cells)} | ")
        advantage = rows[f"{rule}: hidden list"]["tests"]["hidden_advantage"]
        assert f" | {100 * advantage['mean']:+.1f} ({advantage['p']:.1g}) | " in hidden


def test_spaced_against_massed(run, tmp_path):
    """Two conditions, and for each rule the difference of their recalls, seed by seed."""
    code, _, text = run("repetition", spacing=True, rules="sgd", passes=2, out=str(tmp_path / "made"))
    assert code == 0
    rows = {row["rule"]: row["metrics"] for row in json.loads((tmp_path / "made" / "summary.json").read_text())["rows"]}
    assert list(rows) == ["sgd: spaced", "sgd: massed"]
    spaced, massed = (np.array(rows[f"sgd: {c}"]["repeated_recall"]["values"]) for c in ("spaced", "massed"))
    np.testing.assert_allclose(rows["sgd: spaced"]["spacing_effect"]["values"], spaced - massed)
    assert "spacing_effect" not in rows["sgd: massed"]
    assert "- massed" in text


def test_the_fraction_of_wrong_labels_that_breaks_a_rule(finished):
    """By hand: half of .8 lies halfway between .5 and .3; half of .6 is met at .2; never; nothing was learned."""
    fractions = (0.0, 0.1, 0.2, 0.3)
    recalls = [[0.8, 0.5, 0.3, 0.1], [0.6, 0.5, 0.3, 0.4], [0.5, 0.4, 0.3, 0.26], [0.0, 0.0, 0.1, 0.0]]
    found = recall.breaking_fraction(fractions, recalls)
    np.testing.assert_allclose(found, [0.15, 0.2, np.nan, 0.0], rtol=1e-12)
    rows = {row["rule"]: row["metrics"] for row in json.loads((finished["poisoning"] / "summary.json").read_text())["rows"]}
    for rule in ("conventional", "hybrid"):
        names = [f"{rule}: {n}% wrong" for n in (0, 20, 40)]
        recalls = np.transpose([rows[name]["final_accuracy"]["values"] for name in names])
        expected = recall.breaking_fraction([0, 0.2, 0.4], recalls)
        values = np.array(rows[names[0]]["breaking_fraction"]["values"], float)  # None is nan
        np.testing.assert_allclose(values, expected, rtol=1e-12)
        assert "breaking_fraction" not in rows[names[1]]


def test_resume_keeps_what_is_there(run, finished):
    before = (finished["frequency"] / "summary.json").read_bytes()
    with pytest.raises(UserError, match="already holds 4 finished runs"):
        run("frequency")
    code, folder, text = run("frequency", resume=True)
    assert (code, "4 of 4 runs are there already" in text) == (0, True)
    assert (folder / "summary.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("serial_position", {"passes": 2}, "--passes must be at most 1, not 2"),
        ("frequency", {"tasks": 11}, "the number of items must be 3 to 10 for digits, not 11"),
        ("repetition", {"passes": 1}, "--passes must be at least 2, not 1"),
        ("poisoning", {"task": "split"}, "unknown value of --task 'split'"),
    ],
)
def test_errors(run, tmp_path, name, arguments, message):
    with pytest.raises(UserError) as caught:
        run(name, out=str(tmp_path / "new"), **arguments)
    assert message in str(caught.value)


def test_default_rows_are_the_populations_and_every_other_rule():
    study = registry.load("studies", "serial_position")
    labels = [entry.label for entry in item_study.entries_of(study.options())]
    assert labels[:5] == ["conventional", "stable", "hybrid", "biased_flexible", "biased_stable"]
    assert set(labels[5:]) == set(registry.names("rules")) - {"stable_flexible"}


def test_a_search_may_vary_the_network_and_the_items_rules():
    from spikemeta.studies import search

    options = search.Options(rules="conventional", task="items", grid=("network.inhibition=0,0.1", "lr=1e-4"))
    entries = search._entries(options)
    assert [entry.network_parameters for entry in entries] == [{"inhibition": 0.0}, {"inhibition": 0.1}]
    with pytest.raises(UserError, match="inhibition must be at least 0, not -1"):
        search._entries(search.Options(rules="sgd", grid=("network.inhibition=-1",)))


# --- numbers by hand


def a_run(recalls, answers=None, n_images=10, **arguments):
    """A finished run of four items of digits with given recalls (n_tests, 4), or answers (n_tests, 4, 5), by position."""
    point = pool.Point(
        "", "", 5, {"name": "items", "dataset": "digits", "n_items": 4, "limit": 6, "test_limit": 3} | arguments, {}
    )
    curriculum = pool.curriculum_of(point)
    after = [phase.after for phase in curriculum.phases if phase.kind == "test"]
    labels = curriculum.notes["answers"]
    if answers is None:  # what is not right is silent
        answers = np.zeros((len(recalls), 4, 5), int)
        for t, k in np.ndindex(len(recalls), 4):
            answers[t, k, [k, 4]] = np.round(np.array([recalls[t][k], 1 - recalls[t][k]]) * n_images)
    stored = np.empty_like(answers)
    stored[:, :, np.append(labels, 4)] = answers
    assert len(after) == 4 * len(answers)
    arrays = curriculum.notes | {
        "test_after": np.array(after),
        "test_accuracy": np.diagonal(answers, axis1=1, axis2=2).ravel() / answers.sum(axis=2).ravel(),
        "test_answers": stored.reshape(-1, 5),
    }
    return FinishedRun("x", 5, "", arrays, {})


def test_serial_position_by_hand():
    recalls = np.array([[0.9, 0, 0, 0], [0.5, 0.8, 0, 0], [0.4, 0.3, 1, 0], [0.7, 0.1, 0.2, 0.9]])
    found = recall.of_serial_position(a_run(recalls, n_images=100, tests="items"), 0.25)
    assert found["final_accuracy"] == pytest.approx((0.7 + 0.1 + 0.2 + 0.9) / 4)
    assert found["minimum_recall"] == 0.1
    assert found["primacy"] == pytest.approx(0.7 - 0.15)
    assert found["recency"] == pytest.approx(0.9 - 0.15)
    assert found["first_above_chance"] == pytest.approx(0.45)
    assert found["just_learned_accuracy"] == pytest.approx((0.9 + 0.8 + 1 + 0.9) / 4)
    np.testing.assert_allclose(found["average_accuracy"], [0.9, 0.65, 1.7 / 3, 1.9 / 4])
    # Each answer is given only to its own item's images, so that even 10 of 100 have p < .001 against shuffled labels.
    np.testing.assert_array_equal(found["items_kept"], [1, 2, 3, 4])


def test_edges_hold_two_items_of_ten_and_one_of_four():
    first, middle, last = (list(range(10))[part] for part in recall.ends(10))
    assert (first, middle, last) == ([0, 1], [2, 3, 4, 5, 6, 7], [8, 9])
    assert [list(range(4))[part] for part in recall.ends(4)] == [[0], [1, 2], [3]]


def test_only_items_that_were_shown_are_counted_as_memorized():
    recalls = np.full((4, 4), 0.9)
    found = recall.of_serial_position(a_run(recalls, n_images=100, tests="items"), 0.25)
    np.testing.assert_array_equal(found["items_kept"], [1, 2, 3, 4])


def test_repetition_by_hand():
    recalls = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.2]])
    found = recall.of_repetition(a_run(recalls, passes=2, tests="passes"), 0.25)
    assert found["repetition_gain"] == pytest.approx(0.5 - 0.25)
    assert found["minimum_gain"] == pytest.approx(0.2 - 0.1)
    assert np.isnan(found["hidden_advantage"])
    np.testing.assert_allclose(found["minimum_after_pass"], [0.1, 0.2])
    hidden = recall.of_repetition(a_run(recalls, passes=2, tests="passes", schedule="hidden"), 0.25)
    assert items.n_repeated(4) == 1
    assert hidden["repetition_gain"] == pytest.approx(0.5 - 0.1)
    assert hidden["hidden_advantage"] == pytest.approx(0.5 - 0.5)


def test_attack_by_hand():
    run = a_run(np.zeros((2, 4)), attack="targeted", tests="end")
    victim = int(np.flatnonzero(run.arrays["false_items"] >= 0)[0])
    false = run.arrays["false_items"][victim]
    answers = np.zeros((2, 4, 5), int)
    answers[:, np.arange(4), np.arange(4)] = 10  # all right, before
    answers[1, victim] = 0
    answers[1, victim, [victim, false, 4]] = [3, 6, 1]  # after: 3 of 10 right, 6 as attacked, one silent
    found = recall.of_attack(a_run(None, answers, attack="targeted", tests="end"), 0.25)
    assert found["accuracy_before_attack"] == 1.0
    assert found["accuracy_after_attack"] == pytest.approx((3 + 0.3) / 4)
    assert (found["victims_before_attack"], found["victims_after_attack"]) == (1.0, pytest.approx(0.3))
    assert (found["false_before_attack"], found["attack_success"]) == (0.0, pytest.approx(0.6))
    assert found["retained"] == pytest.approx(3.3 / 4)


def test_frequency_by_hand():
    run = a_run([[0.1, 0.2, 0.4, 0.3]], schedule="frequency", tests="end")
    found = recall.of_frequency(run, 0.25)
    assert found["frequency_correlation"] == pytest.approx(0.8)  # 1 - 6*(0 + 0 + 1 + 1)/(4*15)
    last = [np.flatnonzero(run.arrays["sequence"] == k)[-1] for k in range(4)]
    distance = np.argsort(np.argsort(last)) - np.array([0, 1, 3, 2])
    assert found["recency_correlation"] == pytest.approx(1 - 6 * np.sum(distance**2) / 60)
    np.testing.assert_allclose(found["recall_by_frequency"], [0.1, 0.2, 0.4, 0.3])
    assert np.isnan(recall.of_frequency(a_run([[0.5] * 4], schedule="frequency", tests="end"), 0.25)["frequency_correlation"])


def test_tests_are_paired_by_seed_with_the_first_rule_of_the_condition():
    def row(rule, condition, seeds, values):
        return {"rule": rule, "condition": condition, "seeds": seeds, "metrics": {"final_accuracy": {"values": values}}}

    rows = [
        row("a", "x", [0, 1, 2], [0.1, 0.2, 0.3]),
        row("b", "x", [0, 2], [0.3, 0.4]),  # seed 1 failed
        row("b", "y", [0, 1], [0.5, 0.5]),
    ]
    rows_of_items.Analysis(recall.overall, positive=("final_accuracy",)).add_tests(rows)
    assert rows[0]["tests"]["final_accuracy"]["mean"] == pytest.approx(0.2)
    assert rows[1]["tests"]["against"]["final_accuracy"]["mean"] == pytest.approx((0.2 + 0.1) / 2)
    assert rows[1]["tests"]["against"]["final_accuracy"]["n"] == 2
    assert "against" not in rows[2]["tests"]
