"""Imports point downwards, from a room to those beneath it, also inside functions, and nothing is imported in a circle.

The contract is in setup.cfg; ``lint-imports`` tells the same.
"""

import ast
import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("spikemeta", "rules", "networks", "studies")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
#: Imports that the contract forbids: where, the lines, and how they are told.
PLANTED = [
    (
        "spikemeta/analysis/metrics.py",
        "import spikemeta.figures.style",
        "spikemeta.analysis.metrics -> spikemeta.figures.style",
    ),
    (
        "spikemeta/data/items.py",
        "from spikemeta.networks.feedforward import network",
        "spikemeta.data.items -> networks.feedforward",
    ),
    (
        "spikemeta/runs/pool.py",
        "def f():\n    from spikemeta.studies import search",
        "spikemeta.runs.pool -> studies.search",
    ),
    ("rules/sgd.py", "from spikemeta.hardware import profile", "rules.sgd -> spikemeta.hardware.profile"),
    (
        "spikemeta/figures/style.py",
        "def f():\n    from spikemeta.figures import items",
        "No cycles are allowed in spikemeta.figures",
    ),
]


def copy_into(folder):
    """A copy of the sources, in which the three folders beside spikemeta/ are imported by the names they have there.

    Installed, they are subpackages of spikemeta; ``lint-imports`` in a checkout takes an import of ``spikemeta.networks`` for
    one of nothing it knows, and here sees it too.
    """
    shutil.copy(ROOT / "setup.cfg", folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / name).rglob("*.py"):
            path.write_text(beside(path.read_text(encoding="utf-8")), encoding="utf-8")


def beside(text):
    """Imports of installed subpackages as imports of the folders that they lie in."""
    text = re.sub(r"\bfrom spikemeta import (rules|networks|studies)\b", r"import \1", text)
    return re.sub(r"\bspikemeta\.(rules|networks|studies)\b", r"\1", text)


def lint(folder):
    """Exit code and text of ``lint-imports --no-cache`` in a folder."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_imports_point_downwards_and_others_are_found(tmp_path):
    copy_into(tmp_path)
    code, text = lint(tmp_path)
    assert code == 0, text
    for importer, lines, _ in PLANTED:
        with (tmp_path / importer).open("a", encoding="utf-8") as file:
            file.write(f"\n{beside(lines)}\n")
    code, text = lint(tmp_path)
    assert code == 1
    assert [told for *_, told in PLANTED if told not in " ".join(text.split())] == [], text


def test_every_room_has_its_layer():
    """A new package of spikemeta/ that the contract does not name would be free to import anything."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = set(re.findall(r"[\w.]+", config["importlinter:contract:layers"]["layers"]))
    rooms = {path.parent.name for path in (ROOT / "spikemeta").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "spikemeta").glob("*.py")} - {"__init__", "__main__"}
    assert len(rooms) > 8
    assert {f"spikemeta.{name}" for name in rooms | modules} | {"rules", "networks", "studies"} == named


def test_modules_and_functions_are_short():
    """A module has at most 350 lines; a function 60, those of its docstring not counted."""
    long = []
    for path in [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 350:
            long.append(str(path))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                opening = node.body[0]
                told = opening.end_lineno - opening.lineno + 1 if ast.get_docstring(node) else 0
                if node.end_lineno - node.lineno + 1 - told > 60:
                    long.append(f"{path}:{node.lineno} {node.name}")
    assert not long
