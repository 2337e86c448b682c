"""The wheel holds what the tree holds, file by file."""

import configparser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "spikemeta": "spikemeta",
    "rules": "spikemeta/rules",
    "networks": "spikemeta/networks",
    "studies": "spikemeta/studies",
}
SKIPPED = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what a wheel is built from, so that the build leaves nothing behind in the checkout."""
    copy = tmp_path_factory.mktemp("tree") / "spikemeta"
    copy.mkdir()
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=SKIPPED)
    return copy


@pytest.fixture(scope="module")
def file(tree):
    """The wheel's path, built without a network."""
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--skip-dependency-check",
        str(tree),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tree / "dist").glob("spikemeta-*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(file):
    """Contents of the wheel, {path: bytes}."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_holds_the_tree(tree, wheel):
    expected = {
        f"{target}/{path.relative_to(tree / folder).as_posix()}": path.read_bytes()
        for folder, target in FOLDERS.items()
        for path in (tree / folder).rglob("*")
        if path.is_file()
    }
    built = {name: data for name, data in wheel.items() if ".dist-info/" not in name}
    missing, surplus = sorted(expected.keys() - built.keys()), sorted(built.keys() - expected.keys())
    suffixes = {Path(name).suffix for name in expected}
    assert {".py", ".toml", ".cpp", ".h"} <= suffixes  # constants and templates are among what is compared
    assert not missing, f"not in the wheel: {missing}; add to packages or package_data in setup.cfg"
    assert not surplus, f"in the wheel, but not in the tree: {surplus}"
    assert [name for name in expected if expected[name] != built[name]] == []


WORKERS = """
import json
from spikemeta.runs import pool


def look(point, progress):
    import spikemeta
    from spikemeta.language import registry

    return spikemeta.__file__, list(registry.names("rules"))


if __name__ == "__main__":
    found = []
    pool.run_points([0, 1], 2, None, lambda point, seen, problem: found.append(seen), look)
    print(json.dumps(found))
"""


def test_workers_find_what_is_installed_and_not_a_checkout(tree, file, tmp_path):
    """The wheel runs from a folder that holds a checkout, whose ``spikemeta/`` has no rules in it."""
    installed = tmp_path / "installed"
    with zipfile.ZipFile(file) as archive:
        archive.extractall(installed)
    script = tmp_path / "look.py"
    script.write_text(WORKERS)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, str(script)], cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rules = sorted(path.stem for path in (tree / "rules").glob("[!_]*.py"))
    for place, names in json.loads(done.stdout):
        assert Path(place).is_relative_to(installed)
        assert sorted(names) == rules


def test_metadata(tree, wheel):
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    metadata = wheel[name].decode()
    config = configparser.ConfigParser()
    config.read(tree / "setup.cfg")
    assert f"Version: {config['metadata']['version']}\n" in metadata
    assert "Requires-Dist: numpy<2.4\n" in metadata, "Brian2 2.9 does not import with numpy 2.4"
    assert wheel[name.replace("METADATA", "entry_points.txt")].decode().split() == [
        "[console_scripts]",
        "spikemeta",
        "=",
        "spikemeta.cli:main",
    ]
    assert wheel[name.replace("METADATA", "licenses/LICENSE")] == (ROOT / "LICENSE").read_bytes()


def test_tested_versions_allow_what_is_required():
    """Each requirement of setup.cfg has a tested version in constraints.txt that it allows."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    required = [Requirement(line) for line in texts.splitlines() if line and not line.startswith("#")]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    tested = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert len(required) > 10
    for requirement in required:
        version = tested[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} does not allow the tested {version}"


def test_readme_commands():
    readme = (ROOT / "README.md").read_text()
    for name, begins in (
        ("run", "pip install -c constraints.txt"),
        ("test", "pip install -c constraints.txt"),
    ):
        before, after = readme.split(f"<!-- command: {name} -->\n```bash\n")
        command = after.split("\n```\n")[0]
        assert command.startswith(begins)
        assert "\n" not in command
