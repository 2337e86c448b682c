"""The tables on the pages are the recorded results: nothing is typed by hand."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [path.name for path in (DOCS / "recorded").iterdir()])
def test_every_recorded_table_is_on_its_page(tables, name):
    if name.startswith("search-"):
        page, text = "constants.md", tables.table(name, ("final_accuracy", "just_learned_accuracy"), told=False)
    elif name.startswith("joint-"):
        page, text = "forgetting.md", tables.table(name, ("final_accuracy",))
    else:
        page, text = "forgetting.md", tables.table(name)
    content = (DOCS / page).read_text(encoding="utf-8")
    assert text in content
    if not name.startswith("search-"):
        assert tables.command(name) in content


def test_the_readme_quotes_the_recorded_numbers(tables):
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    rows = {row["rule"]: row for row in tables.summary("forgetting-200")["rows"]}
    for rule in ("sgd", "laplace", "hebb_repetition"):
        final = rows[rule]["metrics"]["final_accuracy"]
        assert f"{100 * final['mean']:.1f} ± {100 * final['std']:.1f} %" in readme
