"""The tables on the pages are the recorded results: nothing is typed by hand."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
#: Page and columns of a recorded study, by the first word of its folder.
PAGES = {
    "search": ("constants.md", ("final_accuracy", "just_learned_accuracy")),
    "joint": ("forgetting.md", ("final_accuracy",)),
    "forgetting": ("forgetting.md", ("final_accuracy", "just_learned_accuracy", "forgetting")),
    "permuted": ("forgetting.md", ("final_accuracy", "just_learned_accuracy", "forgetting")),
    "sweep": ("forgetting.md", ("final_accuracy", "just_learned_accuracy", "forgetting")),
    "serial_position": (
        "serial_position.md",
        ("final_accuracy", "minimum_recall", "memorized_items", "memorized_items_published", "primacy", "recency"),
    ),
}
#: Page and maker of the table of studies whose rows are no comparison of rules.
OTHERS = {
    "published": ("published.md", ("published", "positions")),
    "mesu_stream": ("published.md", ("published",)),
    "validation": ("published.md", ("positions",)),
    "optimizer_speed": ("torch.md", ("costs",)),
    "carry": ("interchange.md", ("carried",)),
    "speed": ("speed.md", ("speed", "shapes")),
    "stream": ("speed.md", ("stream",)),
    "uncertainty": ("uncertainty.md", ("uncertain", "against_uniform")),
    "areas": ("constants.md", ("areas",)),
    "poisoning": ("poisoning.md", ("deranged", "mixed", "targeted")),
    "repetition": ("repetition.md", ("repeated", "hidden_list")),
    "engines": ("engines.md", ("both_engines",)),
    "memory_window": ("memory_window.md", ("windows",)),
    "frequency": ("frequency.md", ("frequent",)),
    "hardware": ("hardware.md", ("chips", "losses", "chip_costs", "chip_curves")),
    "memristor": ("hardware.md", ("devices",)),
}


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [path.name for path in (DOCS / "recorded").iterdir()])
def test_every_recorded_table_is_on_its_page(tables, name):
    if name.partition("-")[0] in OTHERS:
        page, makers = OTHERS[name.partition("-")[0]]
        content = (DOCS / page).read_text(encoding="utf-8")
        for maker in makers:
            assert getattr(tables, maker)(name) in content
        assert tables.command(name) in content
        return
    page, metrics = PAGES[name.partition("-")[0]]
    if name.startswith("search-") and "-items" in name:
        metrics = ("final_accuracy", "memorized_items")
    if "-deranged" in name:
        metrics = ("accuracy_before_attack", "final_accuracy", "retained", "items_before_attack", "items_after_attack")
    text = tables.table(name, metrics, told=not name.startswith("search-"))
    content = (DOCS / page).read_text(encoding="utf-8")
    assert text in content
    if not name.startswith("search-"):
        assert tables.command(name) in content
    if name.startswith("serial_position"):
        assert tables.ends(name) in content


def test_the_readme_quotes_the_recorded_numbers(tables):
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    rows = {row["rule"]: row for row in tables.summary("forgetting-200")["rows"]}
    for rule in ("sgd", "laplace", "hebb_repetition"):
        final = rows[rule]["metrics"]["final_accuracy"]
        assert f"{100 * final['mean']:.1f} ± {100 * final['std']:.1f} %" in readme
    rows = {row["rule"]: row["metrics"] for row in tables.summary("permuted-500")["rows"]}
    rows |= {row["rule"]: row["metrics"] for row in tables.summary("poisoning-mnist")["rows"]}
    quoted = {"laplace": "final_accuracy", "mesu": "final_accuracy"}
    quoted |= dict.fromkeys(("hybrid: 9 clean, deranged", "conventional: 9 clean, deranged"), "retained")
    for row, metric in quoted.items():
        assert f"{100 * rows[row][metric]['mean']:.1f} ± {100 * rows[row][metric]['std']:.1f} %" in readme
    wide = tables.summary("sweep-probabilistic-1000")["rows"][0]["metrics"]["final_accuracy"]
    assert f"`probabilistic` ends at {100 * wide['mean']:.1f} ± {100 * wide['std']:.1f} %" in readme
    long = tables.summary("mesu_stream-120")["rows"][0]["metrics"]["accuracy"]["mean"]
    assert f"ends at {100 * long:.1f} % on the last five" in readme
    rows = {row["rule"]: row for row in tables.summary("published")["rows"]}
    for setting in ("mesu-10", "synaptic_intelligence"):
        assert f"{100 * rows[setting]['metrics']['accuracy']['mean']:.1f} %" in readme
    for row in tables.summary("stream")["rows"]:
        if row["rule"] in ("sgd", "laplace"):
            quoted = f"{100 * row['metrics']['recent_accuracy']['mean']:.1f} %"
            assert f"`{row['rule']}` has {quoted}" in readme or f"`{row['rule']}` {quoted}" in readme
    for row in tables.summary("speed")["rows"]:
        if row["rule"] in ("sgd", "laplace"):
            costs = [f"{row['metrics'][m]['mean']:.2g}" for m in ("ms_per_presentation", "ratio_to_brian2")]
            assert f"`{row['rule']}` {costs[0]} ms, {costs[1]} of" in readme
