"""Both engines side by side: which rows are compared, how far they agree, and the figure."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.analysis import engines
from spikemeta.errors import UserError
from spikemeta.figures import engines as figures
from spikemeta.figures import style
from spikemeta.language import registry
from spikemeta.system.files import atomic, read_json

registry.load("studies", "engines")


def rows(values):
    """Rows of a summary: {rule: values over seeds}."""
    table = {rule: {"mean": sum(v) / len(v), "values": v} for rule, v in values.items()}
    return {"rows": [{"rule": rule, "metrics": {"final_accuracy": found}} for rule, found in table.items()]}


def test_rows_that_both_have_are_ranked():
    spiking = rows({"a": [0.5, 0.7], "b": [0.8, 0.8], "c": [0.9, 0.9], "only here": [0.1]})
    trained = rows({"a": [0.3, 0.3], "b": [0.2, 0.2], "c": [0.7, 0.7]})
    made = engines.pairs("forgetting", "final_accuracy", {"brian2": spiking, "torch": trained})
    assert [row["rule"] for row in made] == ["a", "b", "c"]
    found = engines.agreement(made)["forgetting"]
    assert found["rank_correlation"] == pytest.approx(0.5)  # ranks 1 2 3 and 2 1 3: 1 - 6*2/(3*8)
    assert found["difference"] == pytest.approx((0.3 + 0.2 + 0.7 - 0.6 - 0.8 - 0.9) / 3)


def test_no_correlation_where_an_engine_tells_no_rules_apart(tmp_path):
    alike = rows({"a": [0.5], "b": [0.5], "c": [0.5]})
    made = engines.pairs("poisoning", "final_accuracy", {"brian2": alike, "torch": rows({"a": [0.1], "b": [0.2], "c": [0.3]})})
    agreement = engines.agreement(made)
    assert agreement["poisoning"]["rank_correlation"] is None
    drawn = figures.engines(made, agreement, {"dataset": "digits", "scale": "quick", "seeds": 1})
    assert style.save(drawn, tmp_path, "engines")[0].read_bytes().startswith(b"\x89PNG")


def test_every_study_is_run_under_both_engines(tmp_path, monkeypatch):
    calls, real = [], registry.load("studies", "forgetting")

    def stand_in(options, console):
        calls.append((options.engine, options.rules, options.seeds))
        with atomic(Path(options.out) / "summary.json") as path:
            path.write_text(json.dumps(rows({"sgd": [0.5, 0.6], "laplace": [0.7, 0.8], "mesu": [0.6, 0.9]})))
        return 0

    module = sys.modules["spikemeta.studies.engines"]
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda *a: replace(real, body=stand_in) if a[1] == "forgetting" else load(*a))
    options = module.Options(studies="forgetting", rules="sgd,laplace,mesu", out=str(tmp_path))
    assert module.study.run(options) == 0
    assert calls == [("brian2", "sgd,laplace,mesu", 2), ("torch", "sgd,laplace,mesu", 2)]
    assert read_json(tmp_path / "summary.json")["agreement"]["forgetting"]["rank_correlation"] == pytest.approx(1)
    assert (tmp_path / "figures" / "engines.png").is_file()


def test_compare_runs_nothing(tmp_path):
    module = sys.modules["spikemeta.studies.engines"]
    options = module.Options(studies="forgetting", compare=True, out=str(tmp_path))
    with pytest.raises(UserError, match="forgetting-brian2"):
        module.study.run(options)
    for engine, values in (("brian2", [0.5, 0.6, 0.7]), ("torch", [0.4, 0.5])):
        (tmp_path / f"forgetting-{engine}").mkdir()
        head = {"study": "forgetting", "engine": engine, "dataset": "digits", "scale": "quick"}
        found = head | rows({"sgd": values, "laplace": values, "mesu": values})
        (tmp_path / f"forgetting-{engine}" / "summary.json").write_text(json.dumps(found))
    assert module.study.run(options) == 0
    found = read_json(tmp_path / "summary.json")
    assert (len(found["rows"]), found["seeds"], found["fewest_seeds"]) == (3, 3, 2)
    other = {"study": "forgetting", "engine": "brian2", "dataset": "digits", "scale": "full"}
    (tmp_path / "forgetting-torch" / "summary.json").write_text(json.dumps(other))
    with pytest.raises(UserError, match="cannot be compared: engine brian2 there, torch here, scale full there, quick here"):
        module.study.run(options)


def test_an_unknown_study():
    done = CliRunner().invoke(cli.app, ["run", "engines", "--studies", "poisonning"])
    assert done.exit_code != 0
    assert "did you mean" in done.output
    assert "Traceback" not in done.output
