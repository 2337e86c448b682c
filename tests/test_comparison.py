"""Finished studies side by side."""

import json

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import ttest_rel
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.errors import UserError
from spikemeta.runs.comparison import compare

ACCURACIES = {"tied": {"sgd": [0.6, 0.7, 0.65], "laplace": [0.9, 0.8, 0.85]}, "random": {"laplace": [0.7, 0.75, 0.5]}}


def study(folder, accuracies, seeds=(0, 1, 2), **head):
    """An output folder, as far as a comparison reads it."""
    rows = [
        {
            "rule": rule,
            "seeds": list(seeds),
            "constants": {"rule": {}},
            "metrics": {"final_accuracy": {"mean": float(np.mean(v)), "std": float(np.std(v, ddof=1)), "values": v}},
            "tests": {"against": {"rule": "sgd"}},
        }
        for rule, v in accuracies.items()
    ]
    folder.mkdir()
    summary = {"study": "forgetting", "dataset": "digits", "task": "split", "scenario": "domain", "chance": 0.5} | head
    (folder / "summary.json").write_text(json.dumps(summary | {"rows": rows}))
    provenance = {"study": "forgetting", "command": f"spikemeta run forgetting --out {folder.name}", "data": {"digits": {}}}
    (folder / "provenance.json").write_text(json.dumps(provenance | {"rules": {rule: "text" for rule in accuracies}}))
    return folder


def test_rows_that_all_have_are_tested_against_the_first(tmp_path):
    folders = [study(tmp_path / name, own, feedback=name) for name, own in ACCURACIES.items()]
    console = Console(record=True, width=100, force_terminal=False)
    written = compare(folders, tmp_path / "both", by="feedback", console=console)
    assert {path.name for path in written} == {"summary.json", "provenance.json", "final_accuracy.png", "final_accuracy.pdf"}
    found = json.loads((tmp_path / "both" / "summary.json").read_text())
    assert (found["study"], found["dataset"], found["seeds"]) == ("compare", "digits", 3)
    assert "feedback" not in found, "they differ in it"
    assert [(row["rule"], row["grid"]) for row in found["rows"]] == [
        ("laplace", {"feedback": "tied"}),
        ("laplace", {"feedback": "random"}),
    ]
    assert "tests" not in found["rows"][0]
    test = found["rows"][1]["tests"]["final_accuracy"]
    assert test["p"] == pytest.approx(ttest_rel(ACCURACIES["random"]["laplace"], ACCURACIES["tied"]["laplace"]).pvalue)
    assert found["rows"][1]["tests"]["against"] == "tied"
    assert "65.0 ± 13.2" in console.export_text()
    origin = json.loads((tmp_path / "both" / "provenance.json").read_text())
    assert origin["of"]["random"]["command"] == "spikemeta run forgetting --out random"
    assert set(origin["rules"]) == {"sgd", "laplace"}


def test_seeds_are_paired_by_number(tmp_path):
    first = study(tmp_path / "a", {"sgd": [0.1, 0.2, 0.3]})
    second = study(tmp_path / "b", {"sgd": [0.35, 0.5, 0.9]}, seeds=(1, 2, 7))
    compare([first, second], tmp_path / "out")
    test = json.loads((tmp_path / "out" / "summary.json").read_text())["rows"][1]["tests"]["final_accuracy"]
    assert test["n"] == 2
    assert test["mean"] == pytest.approx((0.15 + 0.2) / 2)


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    one = study(tmp_path / "one", ACCURACIES["tied"])
    with pytest.raises(UserError) as found:
        compare([one, tmp_path / "none"], one, ["a", "b", "c"])
    assert [word in str(found.value) for word in ("holds no finished study", "gives 3 for 2", "another folder")] == [True] * 3
    with pytest.raises(UserError, match="at least two"):
        compare([one], tmp_path / "out")
    with pytest.raises(UserError, match="two folders have one name"):
        compare([one, one], tmp_path / "out")
    other = study(tmp_path / "other", {"mesu": [0.1, 0.2, 0.3]})
    with pytest.raises(UserError, match="no row is in all.*one has sgd, laplace; other has mesu"):
        compare([one, other], tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        compare([one, other], tmp_path / "file")
    assert not (tmp_path / "out" / "summary.json").exists()


def test_the_command(tmp_path):
    folders = [str(study(tmp_path / name, own)) for name, own in ACCURACIES.items()]
    out = str(tmp_path / "both")
    done = CliRunner().invoke(cli.app, ["compare", *folders, "--names", "here, there", "--out", out, "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.output)["written"]) == 4
    again = CliRunner().invoke(cli.app, ["compare", *folders, "--out", out])
    assert again.exit_code == 0, "a comparison may be made again"
