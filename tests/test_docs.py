"""The tables on the pages are the recorded results: nothing is typed by hand, nothing is stored that no page shows."""

import importlib
import json
import re
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

import spikemeta

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))
gallery, more_seeds, notebooks, pages, record, tables = (
    importlib.import_module(name) for name in ("gallery", "more_seeds", "notebooks", "pages", "record", "tables")
)

ACCURACIES = ("final_accuracy", "just_learned_accuracy", "forgetting")
#: Page of a study that compares rules, and its columns.
PAGES = {
    "forgetting": ("forgetting.md", ACCURACIES),
    "serial_position": (
        "serial_position.md",
        ("final_accuracy", "minimum_recall", "memorized_items", "memorized_items_published", "primacy", "recency"),
    ),
}
#: Page and makers of the tables of studies whose rows are no comparison of rules.
OTHERS = {
    "published": ("published.md", ("published", "positions")),
    "optimizer_speed": ("torch.md", ("costs",)),
    "carry": ("interchange.md", ("carried",)),
    "speed": ("speed.md", ("speed", "shapes")),
    "stream": ("speed.md", ("stream",)),
    "uncertainty": ("uncertainty.md", ("uncertain", "against_uniform")),
    "poisoning": ("poisoning.md", ("deranged", "mixed", "targeted")),
    "repetition": ("repetition.md", ("repeated", "hidden_list")),
    "engines": ("engines.md", ("both_engines",)),
    "memory_window": ("memory_window.md", ("windows",)),
    "frequency": ("frequency.md", ("frequent",)),
    "hardware": ("hardware.md", ("chips", "losses", "chip_costs", "chip_curves")),
    "memristor": ("hardware.md", ("devices",)),
    "objects": ("scenarios.md", ("scenario",)),
    "memory_lifetime": ("memory_lifetime.md", ("lifetimes",)),
    "compare": ("forgetting.md", ("compared",)),
}
#: The same for runs whose names begin so, where they differ from the others of their study.
RUNS = {
    "published/mesu_stream-6": ("published.md", ("published", "triangle")),
    "published/mesu_stream": ("published.md", ("published",)),
    "published/bimu": ("published.md", ("published",)),
    "speed/chain": ("speed.md", ("speed",)),
    "speed/four-rules": ("speed.md", ("speed",)),
    "speed/xeon": ("speed.md", ("speed",)),
    "published/validation": ("published.md", ("positions",)),
    "stream/counted": ("speed.md", ("stream", "stream_course", "stream_energy")),
    "stream/thousand": ("speed.md", ("stream", "stream_course")),
    "uncertainty/areas": ("constants.md", ("areas",)),
    "repetition/spacing": ("repetition.md", ("spaced",)),
    "hardware/hidden": ("hardware.md", ("chip_curves",)),
    "hardware/demands": ("hardware.md", ("visits",)),
    "hardware/mnist-": ("hardware.md", ("chips", "losses")),
    "forgetting/class-buffers": ("scenarios.md", ("buffers",)),
    "objects/class-buffers": ("scenarios.md", ("buffers",)),
    "objects/animals-joint": ("scenarios.md", ("rules final_accuracy",)),
    "memristor/fashion": ("scenarios.md", ("devices",)),
    **{f"forgetting/{start}": ("scenarios.md", ("scenario",)) for start in ("fashion", "animals", "class", "domain", "task")},
    "forgetting/winner-joint": ("networks.md", ("rules final_accuracy",)),
    "forgetting/winner": ("networks.md", ("scenario",)),
    "forgetting/recruiting": ("networks.md", ("scenario",)),
    "forgetting/chip-": ("hardware.md", ("own_constants",)),
    "forgetting/layers": ("networks.md", ("rules final_accuracy",)),
}
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", tables.names())
def test_every_recorded_table_is_on_its_page(name):
    study, run = name.split("/")
    own = [found for start, found in RUNS.items() if name.startswith(start)]
    if own or study in OTHERS:
        where, makers = own[0] if own else OTHERS[study]
        for maker, *columns in map(str.split, makers):
            assert getattr(tables, maker)(name, *columns) in page(where)
        assert tables.command(name) in page(where)
        return
    where, metrics = PAGES[study]
    if run.startswith("joint"):
        metrics = ("final_accuracy",)
    assert tables.rules(name, *metrics) in page(where)
    assert tables.command(name) in page(where)
    if study == "serial_position":
        assert tables.ends(name) in page(where)


@pytest.mark.parametrize("name", tables.searches())
def test_every_recorded_search_is_among_the_constants(name):
    rows = tables.searches()[name]
    metrics = {"final_accuracy", "just_learned_accuracy" if rows[0]["task"] != "items" else "memorized_items"}
    if "-deranged" in name:
        metrics = {"accuracy_before_attack", "final_accuracy", "retained", "items_before_attack", "items_after_attack"}
    assert all(set(row["metrics"]) == metrics for row in rows)
    assert tables.search(name) in page("constants.md")


def test_searches_that_are_run_again_go_to_folders_of_their_own():
    folders = [re.search(r"--out (\S+)", rows[0]["command"])[1] for rows in tables.searches().values()]
    assert len(folders) == len(set(folders))


def test_a_recorded_search_tells_where_it_was_and_how_to_repeat_it():
    origins = json.loads((DOCS / "recorded" / "search" / "provenance.json").read_text(encoding="utf-8"))
    assert set(origins) == set(tables.searches())
    for name, rows in tables.searches().items():
        assert len({row["command"] for row in rows}) == 1
        assert rows[0]["command"].startswith(f"spikemeta run search --rules {rows[0]['rule']} ")
        assert len({(row["constants"], row["seed"]) for row in rows}) == len(rows)
        for row in rows:
            # every constant of a setting is one that the command moves, and none of those that all settings share
            moved = [text.partition("=")[0] for text in row["constants"].split()]
            assert all(f"{constant}=" in row["command"] for constant in moved)
        assert set(origins[name]["constants"]) == {"network", "rule"}


@pytest.mark.parametrize("path", [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"], ids=lambda path: path.name)
def test_the_marked_tables_are_what_their_makers_draw(path):
    text = path.read_text(encoding="utf-8")
    assert pages.drawn(text) == text


def test_a_table_below_its_mark_is_replaced_and_no_other():
    text = "Before\n\n<!-- carried carry/mnist -->\n| stale |\n|---|\n| 1 |\n\n| other |\n|---|\n\nafter\n"
    drawn = pages.drawn(text)
    assert drawn == text.replace("| stale |\n|---|\n| 1 |", tables.carried("carry/mnist"))
    assert pages.drawn(drawn) == drawn


def test_the_smallest_buffer_that_repairs_is_followed_by_none_that_does_not(monkeypatch):
    """Within five points of all tasks at once; a lucky small buffer below a larger one that fails does not count."""
    final = {"joint (sgd)": 0.9, "sgd": 0.2, "replay 20 (sgd)": 0.86, "replay 50 (sgd)": 0.84, "replay 100 (sgd)": 0.851}
    final |= {"replay 20 (mesu)": 0.5, "replay 100 (mesu)": 0.6}
    rows = [{"rule": label, "metrics": {"final_accuracy": {"mean": mean}}} for label, mean in final.items()]
    monkeypatch.setattr(tables.scenarios, "summary", lambda name: {"rows": rows})
    head, _, first, second = tables.buffers("study/run").splitlines()
    assert head == "| stored images | none | 20 | 50 | 100 | within 5 points of 90.0 |"
    assert first == "| sgd | 20.0 | 86.0 | 84.0 | 85.1 | 100 |"
    assert second == "| mesu |  | 50.0 |  | 60.0 | none |"


def test_every_table_of_a_maker_stands_below_a_mark():
    found = [mark for path in DOCS.glob("*.md") for mark in pages.marks(path.read_text(encoding="utf-8"))]
    marked = {(maker, given[0]) for maker, given in found if given}
    for name in tables.names():  # a table of several runs is given what their names begin with
        assert any(name == given or (given.endswith("-") and name.startswith(given)) for _, given in marked), name
    assert {name for maker, name in marked if maker == "search"} == set(tables.searches())


def test_every_public_name_is_in_the_reference():
    table = page("api.md").partition("Below, the modules")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == spikemeta.__all__


def test_the_gallery_has_every_figure_of_the_pages():
    assert gallery.drawn() == page("gallery.md")


def test_every_recorded_file_is_shown():
    shown = {link for path in DOCS.glob("*.md") for link in LINK.findall(path.read_text(encoding="utf-8"))}
    for path in (DOCS / "recorded").rglob("*"):
        if path.is_file() and path.name not in ("summary.json", "provenance.json"):
            assert path.relative_to(DOCS).as_posix() in shown


@pytest.mark.parametrize("path", [*sorted(DOCS.glob("*.md")), *sorted(DOCS.parent.glob("*.md"))], ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path):
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_links_name_pages():
    """Sphinx keeps no anchors of headings, and refuses a link to one in another page."""
    for path in DOCS.glob("*.md"):
        assert re.findall(r"\]\([^)\s]+\.md#[^)]*\)", path.read_text(encoding="utf-8")) == [], path.name


@pytest.mark.parametrize("name", tables.names())
def test_a_recorded_result_says_where_it_came_from(name):
    found = tables.provenance(name)
    assert found["command"].startswith("spikemeta ")
    assert {"python", "numpy", "spikemeta"} <= set(found["versions"])
    assert found["seconds"] > 0
    summary = tables.summary(name)
    assert summary["study"] == name.split("/")[0]
    if "task" in summary:  # trained here: on which images, by which seeds, under which constants
        assert found["data"][summary["dataset"]]
        assert found["seeds"]
        assert {row["rule"] for row in summary["rows"]} == {label for own in found["constants"] for label in own["rows"]}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty place to record into, with a page that shows one of two figures."""
    (tmp_path / "page.md").write_text("![shown](recorded/forgetting/mine/shown.png)\n", encoding="utf-8")
    monkeypatch.setattr(record, "DOCS", tmp_path)
    monkeypatch.setattr(record, "RECORDED", tmp_path / "recorded")
    monkeypatch.setattr(record, "SEARCHES", tmp_path / "recorded" / "search")
    monkeypatch.setattr(importlib.import_module("tables.recorded"), "SEARCHES", tmp_path / "recorded" / "search")
    return tmp_path


def finished(folder, study, rule="sgd lr=0.1", lr=0.1):
    """What a study leaves: two seeds of one rule, and two figures."""
    from PIL import Image

    constants = {"network": {"tau": 20.0}, "rule": {"hidden": {"lr": lr}, "readout": {"lr": 0.2}}}
    accuracy = {"mean": 0.75, "std": 0.07, "low": 0.1, "high": 1.4, "values": [0.7, 0.8]}
    matrix = {"mean": [[1.0, 0.5]], "std": [[0.0, 0.1]], "values": [[[1.0, 0.4]], [[1.0, 0.6]]]}
    metrics = {"final_accuracy": accuracy, "just_learned_accuracy": accuracy, "accuracy_matrix": matrix}
    row = {"rule": rule, "hardware": None, "needs_boundary": False, "seeds": [0, 1], "constants": constants, "metrics": metrics}
    summary = {"study": study, "dataset": "digits", "task": "split", "engine": "brian2", "failures": [], "rows": [row]}
    runs = [{"rule": rule, "seed": seed, "seconds": 1.6, "constants": constants} for seed in (0, 1)]
    origin = {"command": f"spikemeta run {study}", "seconds": 3.2, "seeds": [0, 1], "versions": {"numpy": "2"}, "runs": runs}
    origin |= {"data": {"digits": {"images": "0123456789abcdef0123"}}, "rules": {"sgd": {"weight": "w"}}, "sources": "f" * 64}
    (folder / "figures").mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    for name in ("shown", "other"):
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(folder / "figures" / f"{name}.png")
    return folder


def test_recording_keeps_what_a_page_shows(place):
    target = record.record(finished(place / "out", "forgetting"), "mine")
    assert target == place / "recorded" / "forgetting" / "mine"
    assert sorted(path.name for path in target.iterdir()) == ["provenance.json", "shown.png", "summary.json"]
    row = json.loads((target / "summary.json").read_text(encoding="utf-8"))["rows"][0]
    kept = {"mean": 0.75, "std": 0.07, "values": [0.7, 0.8]}
    assert row["metrics"] == {"final_accuracy": kept, "just_learned_accuracy": kept}
    origin = json.loads((target / "provenance.json").read_text(encoding="utf-8"))
    assert origin["command"] == "spikemeta run forgetting"
    assert origin["runs"] == {"sgd lr=0.1": [2, 2]}
    assert origin["data"] == {"digits": {"images": "0123456789abcdef"}}
    assert origin["constants"][0]["rows"] == ["sgd lr=0.1"]
    assert origin["constants"][0]["rule"]["hidden"] == {"lr": 0.1}


def part(folder, seeds, values, **other):
    """A finished study with these seeds, and other constants or rules where they are given."""
    finished(folder, "forgetting", **other)
    summary, origin = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("summary", "provenance"))
    (row,) = summary["rows"]
    row["seeds"] = origin["seeds"] = list(seeds)
    curve = {"mean": [statistics.fmean(values), 0.5], "std": [statistics.stdev(values) if len(values) > 1 else None, 0.0]}
    row["metrics"] = {"final_accuracy": curve | {"mean": curve["mean"][0], "std": curve["std"][0], "values": list(values)}}
    row["metrics"]["course"] = curve | {"values": [[value, 0.5] for value in values]}
    summary["seeds"], origin["command"] = len(seeds), f"spikemeta run forgetting --seeds {len(seeds)}"
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    return folder


def test_a_part_adds_its_seeds(place):
    values = [0.7, 0.8, 0.75, 0.9]
    record.record(part(place / "a", (0, 1), values[:2]), "mine")
    more_seeds.add(part(place / "b", (2,), values[2:3]), "forgetting/mine")
    target = more_seeds.add(part(place / "c", (3,), values[3:]), "forgetting/mine")
    summary, origin = (json.loads((target / f"{name}.json").read_text(encoding="utf-8")) for name in ("summary", "provenance"))
    (row,) = summary["rows"]
    assert row["seeds"] == origin["seeds"] == [0, 1, 2, 3]
    assert summary["seeds"] == 4
    found, course = row["metrics"]["final_accuracy"], row["metrics"]["course"]
    assert found == {"mean": statistics.fmean(values), "std": statistics.stdev(values), "values": values}
    assert course["mean"] == pytest.approx([found["mean"], 0.5], rel=1e-14)
    assert course["std"] == pytest.approx([found["std"], 0.0], rel=1e-14)
    assert origin["command"] == "spikemeta run forgetting --seeds 4"
    assert [(own["seeds"], own["command"][-1]) for own in origin["parts"]] == [([0, 1], "2"), ([2], "1"), ([3], "1")]
    assert origin["runs"] == {"sgd lr=0.1": [2] * 6}, "each of the three says that it had two runs"
    assert origin["seconds"] == pytest.approx(3 * 3.2)


@pytest.mark.parametrize(
    ("seeds", "other", "message"),
    [
        ((1, 2), {}, "sgd lr=0.1: seed 1 is recorded already"),
        ((2,), {"lr": 0.3}, "constants, sgd lr=0.1: rule.hidden.lr: recorded 0.1, the part has 0.3"),
        ((2,), {"rule": "laplace"}, "not recorded: laplace"),
    ],
)
def test_a_part_that_is_of_another_result_is_refused(place, seeds, other, message):
    target = record.record(part(place / "a", (0, 1), (0.7, 0.8)), "mine")
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(SystemExit, match=message):
        more_seeds.add(part(place / "b", seeds, (0.7,) * len(seeds), **other), "forgetting/mine")
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_a_recorded_search_joins_its_rules_table(place):
    first, second = finished(place / "a", "search"), finished(place / "b", "search", "sgd lr=0.3", 0.3)
    table = record.record(first, "sgd-b")
    assert record.record(second, "sgd-a") == table == place / "recorded" / "search" / "sgd.csv"
    record.record(first, "sgd-b")  # once more: in place of what was there
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "search,dataset,task,engine,constants,seed,final_accuracy,just_learned_accuracy,command"
    assert lines[1:] == [
        "sgd-a,digits,split,brian2,lr=0.3,0,0.7,0.7,spikemeta run search",
        "sgd-a,digits,split,brian2,lr=0.3,1,0.8,0.8,spikemeta run search",
        "sgd-b,digits,split,brian2,lr=0.1,0,0.7,0.7,spikemeta run search",
        "sgd-b,digits,split,brian2,lr=0.1,1,0.8,0.8,spikemeta run search",
    ]
    assert tables.search("sgd-a").splitlines()[-1] == "| sgd lr=0.3 | 75.0 ± 7.1 | 75.0 ± 7.1 |"


def test_a_setting_that_failed_is_no_row_of_a_search(place):
    """The settings that ended are recorded, with the constants that they share; one without a finished seed is left out."""
    folder = finished(place / "a", "search")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    failed = summary["rows"][0] | {"rule": "sgd lr=9", "seeds": [], "constants": {}, "metrics": {}}
    (folder / "summary.json").write_text(json.dumps(summary | {"rows": [*summary["rows"], failed]}), encoding="utf-8")
    lines = record.record(folder, "sgd-a").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[4] for line in lines[1:]] == ["lr=0.1", "lr=0.1"]
    known = json.loads((place / "recorded" / "search" / "provenance.json").read_text(encoding="utf-8"))
    assert known["sgd-a"]["constants"] == summary["rows"][0]["constants"]


def test_a_figure_keeps_its_colours(tmp_path):
    """A picture of more than 256 colours: each of its pixels within 16 of 255."""
    from PIL import Image

    shades = np.stack(np.broadcast_arrays(np.arange(0, 256, 2)[:, None], np.arange(0, 256, 2), 128), axis=-1).astype(np.uint8)
    Image.fromarray(shades).save(tmp_path / "a.png")
    record.picture(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert np.abs(np.asarray(image.convert("RGB"), int) - shades).max() <= 16


def test_every_cell_that_draws_says_what_the_picture_shows():
    drawing = re.compile(r"\bImage\(|\bplt\.|\bfigures?\(|\.draw\(")
    found = 0
    for path in DOCS.glob("*.md"):
        for cell in re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S):
            if drawing.search(cell) and ":tags: [remove-output]" not in cell:
                found += 1
                assert re.search(r'^:mystnb: \{"image": \{"alt": "[^"]{30,}"\}\}$', cell, re.M), f"{path.name}: {cell}"
    assert found == 12


def test_the_readme_quotes_the_recorded_numbers():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    rows = {row["rule"]: row for row in tables.summary("forgetting/200")["rows"]}
    for rule in ("sgd", "laplace", "hebb_repetition"):
        final = rows[rule]["metrics"]["final_accuracy"]
        assert f"{100 * final['mean']:.1f} ± {100 * final['std']:.1f} %" in readme
    rows = {row["rule"]: row["metrics"] for row in tables.summary("forgetting/permuted-500")["rows"]}
    rows |= {row["rule"]: row["metrics"] for row in tables.summary("poisoning/mnist")["rows"]}
    quoted = {"laplace": "final_accuracy", "mesu": "final_accuracy"}
    quoted |= dict.fromkeys(("hybrid: 9 clean, deranged", "conventional: 9 clean, deranged"), "retained")
    for row, metric in quoted.items():
        assert f"{100 * rows[row][metric]['mean']:.1f} ± {100 * rows[row][metric]['std']:.1f} %" in readme
    whole = tables.summary("forgetting/permuted-500-all")["rows"][0]["metrics"]["final_accuracy"]
    assert f"images each `laplace` ends at {100 * whole['mean']:.1f} ± {100 * whole['std']:.1f} %" in readme
    wide = tables.summary("forgetting/sweep-probabilistic-1000")["rows"][0]["metrics"]["final_accuracy"]
    assert f"`probabilistic` ends at {100 * wide['mean']:.1f} ± {100 * wide['std']:.1f} %" in readme
    long = tables.summary("published/mesu_stream-120")["rows"][0]["metrics"]["accuracy"]["mean"]
    assert f"ends at {100 * long:.1f} % on the last five" in readme
    rows = {row["rule"]: row for row in tables.summary("published/all")["rows"]}
    for setting in ("mesu-10", "synaptic_intelligence"):
        assert f"{100 * rows[setting]['metrics']['accuracy']['mean']:.1f} %" in readme
    (row,) = tables.summary("stream/thousand")["rows"]
    assert f"`laplace` still has {100 * row['metrics']['recent_accuracy']['mean']:.1f} %" in readme
    for row in tables.summary("stream/mnist")["rows"]:
        if row["rule"] in ("sgd", "laplace"):
            quoted = f"{100 * row['metrics']['recent_accuracy']['mean']:.1f} %"
            assert f"`{row['rule']}` has {quoted}" in readme or f"`{row['rule']}` {quoted}" in readme
    for row in tables.summary("speed/four-rules")["rows"]:
        if row["rule"] in ("sgd", "laplace"):
            costs = [f"{row['metrics'][m]['mean']:.2g}" for m in ("ms_per_presentation", "ratio_to_brian2")]
            assert f"`{row['rule']}` {costs[0]} ms, {costs[1]} of" in readme


def test_tutorials_are_notebooks(tmp_path):
    """Of the format that Jupyter reads, with the cells that the build executes, and links that lead to pages."""
    nbformat = pytest.importorskip("nbformat")
    start, found = (DOCS / "start.md").read_text(), notebooks.write(tmp_path)
    assert len(found) == 5
    for path in found:
        made = nbformat.read(path, as_version=4)
        nbformat.validate(made)
        assert made.cells[0].source.startswith("# ")
        code = [cell.source for cell in made.cells if cell.cell_type == "code"]
        text = (DOCS / f"{path.stem}.md").read_text()
        assert len(code) == 1 + text.count("```{code-cell}")
        assert code[0] == notebooks.FIRST
        for source in code[1:]:
            assert f"{source}\n```" in text
        words = "".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
        assert "```{" not in words
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", words):
            assert (DOCS / "notebooks" / link).resolve().is_file(), link
        assert f"<notebooks/{path.name}>" in start
