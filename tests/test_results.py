"""Output folders and the machinery around a simulation, with a stand-in for the simulation itself."""

import base64
import io
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from spikemeta.analysis import tasks
from spikemeta.analysis.rows import FinishedRun
from spikemeta.errors import InstabilityError, UserError
from spikemeta.language import registry
from spikemeta.runs import display, pool, provenance, report, report_page, scale
from spikemeta.runs.results import Store, slug
from spikemeta.system import files, memory

#: A picture in place of each figure, which takes a second to draw.
ONE_PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==")

forgetting = registry.load("studies", "forgetting")
search = registry.load("studies", "search")


class FakeSimulation:
    """Answers like a network that learns every task at 90 % and keeps 60 %, without simulating."""

    started = []  # (rule, seed) of every run
    fails = {}  # (rule, seed) -> exception

    def __init__(self, rule, parameters=None, **_):
        self.rule, self.parameters, self.n_hidden = rule, parameters or {}, 4

    def run(self, curriculum, seed, out, resume, progress):
        self.started.append((self.rule.title, seed))
        if (self.rule.title, seed) in self.fails:
            raise self.fails[self.rule.title, seed]
        n, phases = curriculum.n_tasks, []
        bonus = 0.01 * seed + self.parameters.get("lr", 0.0)
        matrix = np.full((n, n), 0.6) + 0.3 * np.eye(n) - 0.1 * np.triu(np.ones((n, n)), 1) + bonus
        total = sum(len(p.indices) for p in curriculum.phases)
        for phase in curriculum.phases:
            progress(phase.name, len(phase.indices), total)
            accuracy = matrix[phase.after - 1, phase.task] if phase.kind == "test" else 0.7
            phases.append(
                SimpleNamespace(
                    phase=phase,
                    accuracy=accuracy,
                    hidden_rate=20.0,
                    silent=0.0,
                    answers=[1, 0, 0],
                    readout_spikes=5.0,
                    events={},
                )
            )
        constants = {"network": {"presentation": 100.0, "step": 1.0}, "lr": 0.1}
        weights = {"hidden": np.ones((3, 4)), "readout": np.zeros((4, 2))}
        more = {"compile_seconds": 0.0, "weights": weights, "recorded": {}}
        return SimpleNamespace(phases=phases, accuracy_matrix=matrix, constants=constants, **more)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(FakeSimulation, "started", [])
    monkeypatch.setattr(FakeSimulation, "fails", {})
    monkeypatch.setattr(pool, "make_simulation", lambda rule, **arguments: FakeSimulation(rule, **arguments))
    return FakeSimulation


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr(Figure, "savefig", lambda _, path, **more: Path(path).write_bytes(ONE_PIXEL))


@pytest.fixture
def console():
    return Console(record=True, width=200, force_terminal=False)


def options(folder, **more):
    return forgetting.options(**{"rules": "sgd,laplace", "seeds": 2, "workers": 1, "out": str(folder)} | more)


def a_run(seed=0, mark="f"):
    arrays = {
        "accuracy_matrix": np.array([[0.9, 0.5], [0.6, 0.8]]),
        "test_task": np.array([0, 1, 0, 1]),
        "test_after": np.array([1, 1, 2, 2]),
        "test_presentations": np.array([10, 10, 20, 20]),
        "test_accuracy": np.array([0.9, 0.5, 0.6, 0.8]),
        "test_hidden_rate": np.full(4, 12.5),
    }
    return FinishedRun("laplace", seed, mark, arrays, {"constants": {"lr": 0.1}, "seconds": 1.0})


# --- files


def test_atomic_write_leaves_the_old_file_and_no_litter_when_it_fails(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"x": 1})

    def fail():
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert json.loads(path.read_text()) == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_is_strict(tmp_path):
    files.write_json(tmp_path / "a.json", {"x": [np.float64("nan"), np.inf, np.int32(2), (1.5, np.bool_(True))], 3: None})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": [None, "inf", 2, [1.5, True]], "3": None}


def test_run_round_trip(tmp_path):
    store = Store(tmp_path, "s", {})
    store.state_folder("laplace", 0).mkdir(parents=True)
    store.save(a_run())
    back = store.find("laplace", 0, "f")
    assert back.info == a_run().info
    assert set(back.arrays) == set(a_run().arrays)
    for name, values in a_run().arrays.items():
        np.testing.assert_array_equal(back.arrays[name], values)
    assert not store.state_folder("laplace", 0).exists(), "state of a finished run is not kept"
    assert store.find("laplace", 0, "another rule text") is None
    assert store.find("laplace", 1, "f") is None


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_truncated_run_counts_as_missing(tmp_path, suffix):
    store = Store(tmp_path, "s", {})
    store.save(a_run())
    path = tmp_path / "runs" / "laplace" / f"0{suffix}"
    path.write_bytes(path.read_bytes()[:40])
    assert store.find("laplace", 0, "f") is None


def test_results_file_round_trip(tmp_path):
    data = tasks.Analysis().to_dataset(
        [("laplace", False), ("sgd", True)], [0, 1], {("laplace", 0): a_run()}, 0.5, task="split"
    )
    Store(tmp_path, "s", {}).write_results(data)
    with xarray.open_dataset(tmp_path / "results.nc") as back:
        xarray.testing.assert_identical(back.load(), data)
        assert back.accuracy.dims == ("rule", "seed", "after", "task")
        assert float(back.accuracy.sel(rule="laplace", seed=0, after=2, task=1)) == 0.6
        assert np.isnan(back.accuracy.sel(rule="sgd")).all()
        assert back.attrs["task"] == "split"


# --- whose folder it is


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write into the output folder .*file.*--out"):
        Store(tmp_path / "file", "s", {})


def test_folder_of_another_study_or_of_nobody(tmp_path):
    Store(tmp_path / "a", "search", {}).write_provenance({})
    with pytest.raises(UserError, match="holds results of the study 'search'.*--out"):
        Store(tmp_path / "a", "forgetting", {}, resume=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "summary.json").write_text("{}")
    with pytest.raises(UserError, match="unknown origin.*--out"):
        Store(tmp_path / "b", "forgetting", {})


def test_folder_of_other_options(tmp_path):
    Store(tmp_path, "forgetting", {"hidden": 100}).write_provenance({})
    with pytest.raises(UserError, match="hidden is 100 there and 200 here"):
        Store(tmp_path, "forgetting", {"hidden": 200}, resume=True)


# --- a whole study


def test_study_writes_the_contract(tmp_path, fake, console):
    assert forgetting.run(options(tmp_path), console) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert {"study", "engine", "dataset", "scale", "seeds", "rows"} <= set(summary)
    assert (summary["study"], summary["engine"], summary["seeds"]) == ("forgetting", "brian2", 2)
    assert [row["rule"] for row in summary["rows"]] == ["sgd", "laplace"]
    final = summary["rows"][0]["metrics"]["final_accuracy"]
    assert final["values"] == pytest.approx([0.66, 0.67])
    assert final["mean"] == pytest.approx(0.665)
    assert final["std"] == pytest.approx(0.01 / np.sqrt(2))
    assert np.shape(summary["rows"][0]["metrics"]["accuracy_matrix"]["values"]) == (2, 5, 5)
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["status"] == "finished"
    assert provenance["seeds"] == [0, 1]
    assert provenance["data"]["digits"]
    assert provenance["command"].startswith("spikemeta run forgetting --rules sgd,laplace --seeds 2")
    assert "on_gradient" in provenance["rules"]["laplace"]
    assert provenance["versions"]["brian2"]
    for name in ("first_task", "accuracy", "all_tasks", "accuracy_matrices", "cost"):
        assert (tmp_path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    page = report.write(tmp_path).read_text()
    for words in (
        "Accuracy on the first task: test accuracy (%) against",
        "Accuracy, mean over tasks: test accuracy (%); sgd, laplace; after the last task",
    ):
        assert f'<img alt="{words}' in page
    printed = console.export_text()
    assert "66.5 ± 0.7" in printed
    assert str(tmp_path / "summary.json") in printed
    assert "4/4 runs" in printed


def test_resume_runs_only_what_is_missing(tmp_path, fake, undrawn, console):
    fake.fails["laplace", 1] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        forgetting.run(options(tmp_path), console)
    assert not (tmp_path / "summary.json").exists()
    (tmp_path / "runs" / "sgd" / ".2-half.json").write_text("{")  # what a process that is killed as it writes leaves
    with pytest.raises(UserError, match="already holds 3 finished runs.*--resume.*--out"):
        forgetting.run(options(tmp_path), console)
    fake.fails.clear()
    fake.started.clear()
    assert forgetting.run(options(tmp_path, resume=True), console) == 0
    assert fake.started == [("laplace", 1)]
    resumed = json.loads((tmp_path / "summary.json").read_text())
    forgetting.run(options(tmp_path / "fresh"), console)
    assert resumed == json.loads((tmp_path / "fresh" / "summary.json").read_text())
    fake.started.clear()
    forgetting.run(options(tmp_path, resume=True, seeds=3), console)
    assert fake.started == [("sgd", 2), ("laplace", 2)], "more seeds may be added to a finished study"


def test_the_time_of_a_resumed_study_is_that_of_all_its_starts(tmp_path, fake, undrawn, console, monkeypatch):
    monkeypatch.setattr(provenance, "time", SimpleNamespace(**vars(time) | {"time": lambda: 1e9}))
    forgetting.run(options(tmp_path, seeds=1), console)
    assert "earlier_starts" not in json.loads((tmp_path / "provenance.json").read_text())
    lines = [",".join(memory.COLUMNS), "2026-01-01T00:00:10Z,10.0,1,1,1,0,3", "2026-01-01T00:00:20Z,20.0,1,1,1,0,3"]
    lines += ["2026-01-02T00:00:10Z,10.0,1,1,1,0,3"]
    (tmp_path / "memory.csv").write_text("\n".join(lines) + "\n")
    forgetting.run(options(tmp_path, resume=True), console)
    found = json.loads((tmp_path / "provenance.json").read_text())
    assert found["earlier_starts"] == [
        {"until": "2026-01-01T00:00:20Z", "seconds": 20.0},
        {"until": "2026-01-02T00:00:10Z", "seconds": 10.0},
    ]
    assert found["seconds"] == 30


def test_seeds_that_were_run_in_parts_are_put_together(tmp_path, fake, undrawn, console):
    forgetting.run(options(tmp_path / "whole", seeds=3), console)
    forgetting.run(options(tmp_path / "a", seeds=1), console)
    fake.started.clear()
    forgetting.run(options(tmp_path / "b", first_seed=1), console)
    assert fake.started == [("sgd", 1), ("laplace", 1), ("sgd", 2), ("laplace", 2)]
    assert json.loads((tmp_path / "b" / "provenance.json").read_text())["seeds"] == [1, 2]
    assert [row["seeds"] for row in json.loads((tmp_path / "b" / "summary.json").read_text())["rows"]] == [[1, 2], [1, 2]]
    shutil.copytree(tmp_path / "b" / "runs", tmp_path / "a" / "runs", dirs_exist_ok=True)
    fake.started.clear()
    forgetting.run(options(tmp_path / "a", seeds=3, resume=True), console)
    assert not fake.started
    for name in ("summary.json", "results.nc"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_unstable_run_does_not_lose_the_others(tmp_path, fake, undrawn, console):
    fake.fails["sgd", 0] = InstabilityError("rule 'sgd': w became infinite in train task 2; lower lr")
    assert forgetting.run(options(tmp_path), console) == 2
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["rows"][0]["seeds"] == [1]
    assert len(summary["rows"][1]["metrics"]["final_accuracy"]["values"]) == 2
    assert summary["failures"] == ["sgd, seed 0: rule 'sgd': w became infinite in train task 2; lower lr"]
    assert "train task 2" in console.export_text()


def test_all_runs_unstable(tmp_path, fake, undrawn, console):
    fake.fails |= {("sgd", seed): InstabilityError("w became nan") for seed in (0, 1)}
    with pytest.raises(UserError, match="no run finished:\nsgd, seed 0: w became nan"):
        forgetting.run(options(tmp_path, rules="sgd"), console)


def test_any_other_problem_ends_the_study(tmp_path, fake, undrawn, console):
    fake.fails["sgd", 0] = UserError("no C++ compiler found; install one")
    with pytest.raises(UserError, match="no C"):
        forgetting.run(options(tmp_path), console)
    assert fake.started == [("sgd", 0)]


def test_one_task_has_no_matrix_figure(tmp_path, fake, undrawn, console):
    forgetting.run(options(tmp_path, task="joint", seeds=1), console)
    assert sorted(p.name for p in (tmp_path / "figures").glob("*.png")) == ["accuracy.png", "cost.png", "first_task.png"]
    metrics = json.loads((tmp_path / "summary.json").read_text())["rows"][0]["metrics"]
    assert "forgetting" not in metrics
    assert metrics["final_accuracy"]["std"] is None


def test_search_ranks_settings_on_validation_images(tmp_path, fake, undrawn, console):
    chosen = search.options(rules="laplace", grid=("lr=0.01,0.04,0.02",), workers=1, out=str(tmp_path))
    assert search.run(chosen, console) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["evaluated_on"] == "validation images"
    assert [row["rule"] for row in summary["rows"]] == [
        "laplace lr=0.01",
        "laplace lr=0.04",
        "laplace lr=0.02",
    ]
    printed = console.export_text()
    assert "best for laplace on split/digits: {'lr': 0.04} (70.0 %)" in printed
    assert (tmp_path / "figures" / "settings.pdf").exists()


def test_random_settings_are_seeded_and_in_range():
    module = __import__("spikemeta.studies.search", fromlist=["settings_of"])
    grid = {"hidden.lr": [1e-5, 1e-2], "readout.lr": [1e-4, 1e-3]}
    drawn = module.settings_of(grid, 20, 7)
    assert drawn == module.settings_of(grid, 20, 7) != module.settings_of(grid, 20, 8)
    assert all(low <= s[key] <= high for s in drawn for key, (low, high) in grid.items())
    assert min(s["hidden.lr"] for s in drawn) < 1e-4, "log-uniform"
    assert len(module.settings_of({"a": [1, 2], "b": [3, 4, 5]})) == 6


def test_validation_is_cut_from_training_images():
    arguments = scale.curriculum_arguments(search.options(scale="full"), "validation")
    phases = pool.curriculum_of(pool.Point("", "", 0, arguments, {})).phases
    assert {p.split for p in phases} == {"train"}
    trained, tested = (set(np.concatenate([p.indices for p in phases if p.kind == k])) for k in ("train", "test"))
    assert tested
    assert not trained & tested


def test_report_is_one_file(tmp_path, fake, undrawn, console):
    forgetting.run(options(tmp_path), console)
    (tmp_path / "figures" / ".half.png").touch()  # left by a process that was killed as it wrote
    page = report.write(tmp_path).read_text()
    assert page.count("data:image/png;base64,") == 5
    assert "66.5 ± 0.7" in page
    assert "on_gradient" in page
    assert 'src="http' not in page
    assert page.count("<script>") == 1
    for name in ("accuracy", "first_task"):  # enlarged and closed by addresses alone, which exist
        assert f'<a href="#{name}"' in page
        assert f'<div id="{name}">' in page
        assert f'href="#at-{name}"' in page
        assert f'id="at-{name}"' in page
    assert "<summary>laplace</summary>" in page
    for part in ("prefers-color-scheme:dark", "@media print", 'name="viewport"', 'alt="first task"'):
        assert part in page


def contrast(one, other):
    """Of two colours, as WCAG 2.1 defines it."""
    lights = []
    for colour in (one, other):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
        parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        lights.append(0.2126 * r + 0.7152 * g + 0.0722 * b)
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_a_reports_colours_can_be_read():
    """Level AA: 4.5, light, dark and on paper."""
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    schemes = [dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root\{([^}]*)\}", report_page.STYLE)]
    assert len(schemes) == 3
    for scheme in schemes:
        for kind in ("text", "link", "bad"):
            assert contrast(scheme[kind], scheme["page"]) >= 4.5
        assert contrast(scheme["text"], scheme["code"]) >= 4.5


def test_a_reports_table_sorts():
    """The script of the page, on a table of stand-ins: first the largest or the first word, what is no number last."""
    if not shutil.which("node"):
        pytest.skip("no JavaScript here")
    cells = [["a", "9.5 ± 1"], ["b", "-"], ["c", "80.1"], ["d", "-3.0"]]
    program = f"""
const attributes = () => {{ const kept = {{}}; return {{ getAttribute: n => kept[n] ?? null,
  setAttribute: (n, v) => {{ kept[n] = v }}, removeAttribute: n => {{ delete kept[n] }} }} }};
const heads = [0, 1].map(k => ({{ ...attributes(), childNodes: [], append(child) {{ this.button = child }} }}));
const rows = {json.dumps(cells)}.map(row => ({{ cells: row.map(textContent => ({{ textContent }})) }}));
const body = {{ rows, append(...all) {{ this.rows = all }} }};
globalThis.document = {{ createElement: () => ({{ append() {{}} }}),
  querySelectorAll: () => [{{ tHead: {{ rows: [{{ cells: heads }}] }}, tBodies: [body] }}] }};
{report_page.SCRIPT}
const told = () => body.rows.map(row => row.cells[0].textContent).join("");
for (const k of [1, 1, 0, 0]) {{ heads[k].button.onclick(); console.log(told(), heads[k].getAttribute("aria-sort")) }}
"""
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["cadb", "descending", "dacb", "ascending", "abcd", "ascending", "dcba", "descending"], (
        done.stderr
    )


@pytest.mark.parametrize(
    ("name", "shown"), [("optimizer_speed/full", "<th>ratio</th>"), ("published/all", "<th>accuracy</th>")]
)
def test_a_report_of_a_study_that_compares_no_rules(tmp_path, name, shown):
    recorded = Path(__file__).parents[1] / "docs" / "recorded" / name
    for file in ("summary.json", "provenance.json"):
        (tmp_path / file).write_bytes((recorded / file).read_bytes())
    page = report.write(tmp_path).read_text()
    assert shown in page
    assert page.count("<tr>") == 1 + len(json.loads((tmp_path / "summary.json").read_text())["rows"])


def test_the_time_left_settles_within_the_first_tenth(monkeypatch, console):
    """A minute of compiling, then ten presentations a second: 1,000 take 100 s, of which 90 remain at the tenth."""
    at = 0.0
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: at))
    with display.Display(console, [500, 500]) as shown:
        for at in (60.0, 62.0, 65.0, 69.9):
            done = 1 + 10 * (at - 60)
            shown.update(0, "train task 1", int(done), 500)
        shown.line()
    assert "100/1000 presentations, about 1.5 min left" in console.export_text()


def test_progress_in_plain_lines(monkeypatch, console):
    monkeypatch.setattr(display, "LINE_EVERY", -1.0)
    with display.Display(console, [100, 100]) as shown:
        shown.update(0, "train task 1", 50, 100)
        shown.finish(0, "sgd, seed 0: 60.0 %")
    lines = console.export_text().splitlines()
    assert lines[0] == "0/2 runs, 50/200 presentations"  # of which compiling took nobody knows how much
    assert lines[1].startswith("1/2 runs, 100/200 presentations, about")
    assert lines[1].endswith("sgd, seed 0: 60.0 %")


@pytest.mark.parametrize(
    ("terminal", "environment", "seen"),
    [
        (True, {}, True),
        (False, {"FORCE_COLOR": "1"}, False),  # colours were asked for, into a file
        (True, {"JPY_PARENT_PID": "1"}, False),  # what a notebook runs by "!" writes to a terminal that nobody looks at
        (
            True,
            {"TERM": "xterm-color", "GIT_PAGER": "cat", "FORCE_COLOR": "1"},
            False,
        ),  # the same, its kernel started by others
    ],
)
def test_a_bar_is_drawn_only_where_it_is_seen_as_one(monkeypatch, terminal, environment, seen):
    for name in ("JPY_PARENT_PID", "GIT_PAGER", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    screen = io.StringIO()
    screen.isatty = lambda: terminal
    console = Console(file=screen)
    with display.Display(console, [10]) as shown:
        shown.update(0, "train task 1", 5, 10)
        shown.finish(0, "done")
    assert list(display.tracked(range(3), "storing", console)) == [0, 1, 2]
    assert ("storing" in screen.getvalue()) == ("\x1b[?25l" in screen.getvalue()) == seen  # a bar hides the cursor
    assert "1/1 runs" in screen.getvalue()
    assert not display.live(Console(file=screen, quiet=True))


def test_a_table_has_frames_on_a_terminal_and_is_plain_where_it_is_piped(monkeypatch):
    drawn = []
    for terminal in (True, False):
        screen = io.StringIO()
        screen.isatty = lambda terminal=terminal: terminal
        monkeypatch.setattr("sys.stdout", screen)
        table = Table("rule", "final %")
        table.add_row("sgd", "84.3 ± 1.8")
        display.console_of().print(table)
        drawn.append(screen.getvalue())
    assert "│ sgd" in drawn[0]
    assert [line.split() for line in drawn[1].splitlines()] == [["rule", "final", "%"], ["sgd", "84.3", "±", "1.8"]]


def test_a_table_has_room_where_no_terminal_limits_it(monkeypatch, capsys):
    """A table in a file or a pipe loses no word for a width that nobody set."""
    for name in ("JPY_PARENT_PID", "GIT_PAGER", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    assert display.console_of().width == display.WIDE
    monkeypatch.setenv("COLUMNS", "70")
    assert display.console_of().width == 70
    monkeypatch.delenv("COLUMNS")
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr("sys.stdout", screen)
    assert display.console_of().width != display.WIDE
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert display.console_of().width == display.WIDE


@pytest.mark.parametrize("letter", ["a", "\u00e4", "\u4e2d"])
def test_a_setting_of_many_constants_has_a_folder_of_its_own(tmp_path, letter):
    labels = [f"laplace {' '.join(f'hidden.{letter * n}=0.1' for n in range(20))} readout.lr={lr}" for lr in (1, 2)]
    made = Store(tmp_path, "s", {})
    folders = [made.state_folder(label, 0) for label in labels]
    assert folders[0] != folders[1]
    for folder in folders:
        folder.mkdir(parents=True)
    assert slug("laplace hidden.lr=1e-4") == "laplace_hidden.lr=1e-4"
