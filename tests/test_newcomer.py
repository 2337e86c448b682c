"""A rule, a network, a chip, a study, a data set, a figure: one new file each, and no other is edited.

The file that ``spikemeta example`` writes of each kind is dropped into a copy of the package, is named by ``list``, and runs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spikemeta.commands import example
from spikemeta.language import registry

ROOT = Path(__file__).parents[1]
PLACES = {
    "rules": "spikemeta/rules",
    "networks": "spikemeta/networks",
    "studies": "spikemeta/studies",
    "hardware": "spikemeta/hardware/chips",
    "datasets": "spikemeta/data/sets",
    "figures": "spikemeta/figures/tasks",
}
#: What a kind is called by ``spikemeta example``.
EXAMPLES = registry.KINDS | {"hardware": "chip"}
#: Commands one after another in one process, which loads torch once; then the network, which no command names, and the figure,
#: which the study ``forgetting`` draws with all others.
RUN = """
import sys
from spikemeta.cli import app
for words in sys.argv[1:]:
    if code := app(words.split(), standalone_mode=False):
        sys.exit(code)
if len(sys.argv) > 2:
    from spikemeta import Simulation, build_curriculum, get_rule
    simulation = Simulation(get_rule("new_rule"), "new_network", n_hidden=5, engine="torch")
    print("accuracy in new_network:", simulation.run(build_curriculum("joint", "new_dataset")).accuracy_matrix[-1, 0])
    import xarray
    from spikemeta.language import registry
    drawn = registry.load("figures", "new_figure")(xarray.open_dataset("study/results.nc"))
    print(f"new_figure: {drawn.get_suptitle().strip()}")
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Runs ``spikemeta`` as it would be installed from a tree with the new files; gives its output."""
    home = tmp_path_factory.mktemp("home")
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "spikemeta", home / "spikemeta", ignore=skipped)
    for folder in ("rules", "networks", "studies"):
        shutil.copytree(ROOT / folder, home / "spikemeta" / folder, ignore=skipped)
    for kind, place in PLACES.items():
        name = f"new_{EXAMPLES[kind]}"
        (home / place / f"{name}.py").write_text(example.text_of(EXAMPLES[kind], name), encoding="utf-8")

    def run(*commands):
        done = subprocess.run(
            [sys.executable, "-c", RUN, *commands],
            cwd=home,
            env=os.environ | {"PYTHONPATH": str(home), "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.home = home
    return run


def test_every_kind_has_its_example():
    assert PLACES.keys() == registry.KINDS.keys()
    assert set(example.KINDS) == set(EXAMPLES.values())


def test_new_files_are_listed(command):
    listed = command("list").split()
    assert [kind for kind, called in EXAMPLES.items() if f"new_{called}" not in listed] == []


def test_new_files_run_together(command):
    shown = command(
        "show new_rule --hardware new_chip",
        "run new_study --rules new_rule --dataset new_dataset --task joint --engine torch --seeds 1 --widths 5 --out study",
    )
    assert "new_rule on new_chip" in shown
    assert "new_rule 5" in shown
    assert "accuracy in new_network: " in shown
    assert "new_figure: Final accuracy" in shown
    assert (command.home / "study/figures/accuracy.png").is_file()
