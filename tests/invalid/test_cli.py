"""Bad input on the command line: exit code 2 and a message that names the remedy, never a traceback."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.runs.results import Store

RULE = "from spikemeta.language.rule import Rule\nrule = Rule(\n    name='mine',\n    state='w : 1',\n    weight='w',\n"


def spikemeta(*args):
    result = CliRunner().invoke(app, [str(a) for a in args], env={"COLUMNS": "200", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def boxed(text):
    """Text without the line breaks and frames that usage errors come with."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("list rule", "did you mean 'rules'"),
        ("show lapalce", "did you mean 'laplace'"),
        ("show no/such_rule.py", "there is no rule file"),
        ("show sgd --as html", "valid: brian2, diagram, latex, text, torch"),
        ("check no/such_rule.py", "there is no rule file"),
        ("swep", "No such command"),
        ("run", "STUDY"),
        ("run forgeting", "did you mean 'forgetting'"),
        ("run forgetting --rules sgd,lapalce", "did you mean 'laplace'"),
        ("run forgetting --dataset mnits", "did you mean 'mnist'"),
        ("run forgetting --task spilt", "did you mean 'split'"),
        ("run forgetting --task split --tasks 6", "n_tasks must be 1 to 5"),
        ("run forgetting --seeds 0", "--seeds must be at least 1, not 0"),
        ("run forgetting --seeds -3", "--seeds must be at least 1, not -3"),
        ("run forgetting --seeds many", "valid integer"),
        ("run forgetting --seeds", "requires an argument"),
        ("run forgetting --seedz 2", "--seeds"),
        ("run forgetting --workers 0", "--workers must be at least 1"),
        ("run forgetting --hidden 0", "--hidden must be at least 1"),
        ("run forgetting --passes 0", "--passes must be at least 1"),
        ("run forgetting --scale big", "valid: full, quick"),
        ("run forgetting --engine brian", "did you mean 'brian2'"),
        ("run forgetting --engine torhc", "did you mean 'torch'"),
        ("run forgetting --engine torch --feedback random", "--feedback means nothing to --engine torch"),
        ("run forgetting --engine torch --mode runtime", "--mode means nothing to --engine torch"),
        ("run forgetting --batch 8", "--batch means nothing to --engine brian2"),
        ("run forgetting --engine torch --batch 0", "--batch must be at least 1"),
        ("run forgetting --feedback ranodm", "did you mean 'random'"),
        ("run search --rules sgd", "--grid is missing; example: --grid"),
        ("run search --rules sgd --grid lr", "is not KEY=NUMBER"),
        ("run search --rules sgd --grid lr=1e-3,x", "is not KEY=NUMBER"),
        ("run search --rules sgd --grid lr=1 lr=2", "names 'lr' twice"),
        ("run search --rules sgd --grid lrr=1", "did you mean 'lr'"),
        ("run search --rules sgd --grid hiden.lr=1", "did you mean 'hidden'"),
        ("run search --rules sgd --grid network.hiden_spread=1", "did you mean 'hidden_spread'"),
        ("run search --rules sgd --engine torch --grid network.tau_error=1", "parameter of network 'feedforward'"),
        ("run search --rules sgd --grid lr=-1", "lr must be at least 0"),
        ("run search --rules sgd --grid lr=1 --hardware loihi", "did you mean 'loihi1'"),
        ("run search --rules sgd --grid lr=1 --n-random 0", "--n-random must be at least 1"),
    ],
)
def test_one_message(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = spikemeta(*words.split())
    assert result.exit_code == 2
    assert message in boxed(result.output)
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir()), "nothing is written before the input is sound"


def test_all_problems_in_one_message():
    result = spikemeta("run", "forgetting", "--seeds", "0", "--scale", "big", "--workers", "-1")
    assert all(part in result.output for part in ("--seeds", "--scale", "--workers"))
    assert result.exit_code == 2
    result = spikemeta("run", "forgetting", "--rules", "lapalce,sgdd")
    assert "'laplace'" in result.output
    assert "'sgd'" in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize(("name", "kept"), [("speed", "nothing is kept"), ("forgetting", "--resume")])
def test_what_a_stopped_study_says(name, kept, monkeypatch):
    """A measurement of time does not promise to go on."""
    from dataclasses import replace

    from spikemeta.language import registry
    from spikemeta.system import stopping

    def run(options, console):
        raise stopping.Terminated

    stopped = replace(registry.load("studies", name), body=run)
    monkeypatch.setattr(registry, "load", lambda kind, name: stopped)
    result = spikemeta("run", name)
    assert result.exit_code == 143
    assert result.stderr.startswith("stopped; ")
    assert kept in result.stderr


def test_two_rules_of_one_name(tmp_path):
    (tmp_path / "mine.py").write_text(
        RULE.replace("mine", "sgd") + "    initial='w = w_init',\n    on_gradient='w -= gradient',\n)\n"
    )
    result = spikemeta("run", "forgetting", "--rules", f"sgd,{tmp_path / 'mine.py'}")
    assert "two rules are called 'sgd'; rename one" in result.output
    assert result.exit_code == 2


def test_output_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    result = spikemeta("run", "forgetting", "--rules", "sgd", "--out", tmp_path / "out")
    assert "cannot write into the output folder" in result.output
    assert "--out" in result.output
    assert result.exit_code == 2


def test_output_folder_of_another_study(tmp_path):
    Store(tmp_path, "search", {}).write_provenance({})
    result = spikemeta("run", "forgetting", "--rules", "sgd", "--out", tmp_path)
    assert "results of the study 'search'" in result.output
    assert "--out" in result.output
    assert result.exit_code == 2


def test_report_of_nothing(tmp_path):
    result = spikemeta("report", tmp_path)
    assert "holds no finished study" in result.output
    assert "spikemeta run" in result.output
    assert result.exit_code == 2


def test_check_prints_every_problem_with_its_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RULE + "    initial='w = w_int',\n    on_gradient='w -= lr*gradient',\n)\n")
    result = spikemeta("check", path)
    assert result.exit_code == 2
    assert f"{path}:6: " in result.output
    assert "w_int" in result.output
    assert f"{path}:7: " in result.output
    assert "lr" in result.output


def test_check_of_a_sound_rule_and_of_python_that_fails(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RULE + "    initial='w = w_init',\n    on_gradient='w -= 0.001*gradient',\n)\n")
    result = spikemeta("check", path)
    assert (result.output, result.exit_code) == ("ok\n", 0)
    path.write_text("x = 1\nrule = Rul()\n")
    result = spikemeta("check", path)
    assert f"{path}:2: NameError" in result.output
    assert result.exit_code == 2


def test_good_input():
    assert "laplace" in spikemeta("list", "rules").output.split()
    everything = spikemeta("list").output
    assert all(word in everything.split() for word in ("rules", "sgd", "networks", "feedforward", "studies", "digits"))
    assert spikemeta("--version").output.startswith("spikemeta ")
    assert "--grid" in spikemeta("run", "search", "--help").output


def test_messages_go_to_stderr_and_listing_loads_nothing_heavy():
    code = (
        "import sys; from spikemeta.cli import main; sys.argv[1:] = ['list']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'brian2', 'matplotlib', 'torch', 'xarray', 'sympy'} & set(sys.modules)\n"
        "sys.argv[1:] = ['show', 'lapalce']\nprint(f'loaded: {sorted(heavy)}')\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 2
    assert "loaded: []" in done.stdout
    assert "did you mean 'laplace'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "error" not in done.stdout


MAIN = "import sys; from spikemeta.cli import main; sys.argv[0] = 'spikemeta'; main()"


def surrounded(words, folder, **variables):
    """A command in a process of its own, with these variables in its environment."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        capture_output=True,
        text=True,
        env=os.environ | variables,
        cwd=folder,
        check=False,
    )


@pytest.mark.parametrize("backend", ["module://of_a_notebook.backend", "garbage"])
def test_a_command_minds_no_variable_of_a_notebook(backend, tmp_path):
    """What the variable names is of another environment; warnings as errors would catch other packages' own."""
    done = surrounded(["list", "rules"], tmp_path, MPLBACKEND=backend, PYTHONWARNINGS="error", HOME=str(tmp_path / "none"))
    assert (done.returncode, done.stderr) == (0, "")
    assert {"sgd", "mesu", "laplace"} <= set(done.stdout.split())


def test_a_terminal_without_columns_shows_what_others_show(tmp_path):
    done = surrounded(["run", "forgetting", "--help"], tmp_path, COLUMNS="0")
    assert done.returncode == 0
    assert "--hidden" in done.stdout


def test_settings_of_matplotlib_that_are_no_text(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"figure.dpi: \xff\xfe")
    done = surrounded(["list", "rules"], tmp_path)
    assert done.returncode == 2
    assert "repair the file matplotlibrc" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_runs_as_the_command_does():
    done = subprocess.run([sys.executable, "-m", "spikemeta", "show", "lapalce"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean 'laplace'" in done.stderr
