"""Bad files of constants: every problem at once, each with its line; and what is written into one keeps the rest."""

import math

import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.data import tuned
from spikemeta.data.constants_file import Block
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.user_files import load_file
from spikemeta.runs.study import resolve_rules
from spikemeta.simulation import written

RULE = (
    "from spikemeta.language.rule import Parameter, Rule\n"
    "rule = Rule(name='mesu', state='w : 1', weight='w', initial='w = w_init', on_gradient='w -= lr*gradient/(1 + c)',\n"
    "    parameters={'lr': Parameter(1e-3, low=0), 'c': Parameter(0.5)}, variants={'fast': {'lr': 0.5}})\n"
)
SOUND = """\
# what a search found
[[tuned]]
network = "feedforward"
engine = "brian2"
task = "split"
found = "spikemeta run search"  # a day's work
[tuned.values]
lr = 0.25
hidden.c = inf

# on torch
[[tuned]]
network = "feedforward"
engine = "torch"
task = "split"
dataset = "digits"
[tuned.values]
lr = 2
"""
#: What to replace in SOUND, by what, and the (line, message) of every problem that must be found.
MALFORMED = {
    "value": ("lr = 0.25", "hidden.lr = -1", [(8, "hidden.lr must be at least 0, not -1")]),
    "no number": ("lr = 0.25", "lr = true", [(8, "lr must be a number, not True")]),
    "nan": ("lr = 0.25", "lr = nan", [(8, "lr must be a number, not nan")]),
    "no parameter": ("lr = 0.25", "rl = 0.25", [(8, "unknown parameter of rule 'mesu' 'rl'; did you mean 'lr'?")]),
    "no task": ('task = "split"\nfound', 'task = "spilt"\nfound', [(5, "unknown task 'spilt'; did you mean 'split'?")]),
    "no data": ('"digits"', '"mnits"', [(16, "unknown dataset 'mnits'; did you mean 'mnist'")]),
    "no engine": ('"torch"', '"troch"', [(14, "unknown engine 'troch'; did you mean 'torch'?")]),
    "no network": (
        '"feedforward"\nengine = "torch"',
        '"feedfoward"\nengine = "torch"',
        [(13, "unknown network 'feedfoward'; did you mean 'feedforward'?")],
    ),
    "for nothing": ('dataset = "digits"', 'feedback = "random"', [(16, "with engine torch chooses nothing: leave it out")]),
    "no variant": ('dataset = "digits"', 'variant = "quick"', [(16, "unknown variant 'quick'")]),
    "no text": ('dataset = "digits"', "dataset = 3", [(16, "dataset must be a text, not 3")]),
    "missing": ('engine = "torch"\n', "", [(12, "engine is missing: every block says network, engine, task")]),
    "key": ("dataset =", "datset =", [(16, "unknown key of a block, 'datset'; did you mean 'dataset'?")]),
    "no values": ("[tuned.values]\nlr = 2\n", "", [(12, "a block needs either [tuned.values] or same_as")]),
    "values of another kind": (
        "[tuned.values]\nlr = 2\n",
        "values = 2\n",
        [(17, "values must be a table, as in [tun")],
    ),
    "same as nothing": (
        "[tuned.values]\nlr = 2\n",
        'same_as = "sdg"\n',
        [(17, "unknown rule in same_as, 'sdg'; did you")],
    ),
    "same as one that lacks it": (
        "[tuned.values]\nlr = 2\n",
        'same_as = "mesu_multiplicative"\n',
        [(12, "rule 'mesu_multiplicative' has no constants of its own for split/digits, feedforward on torch")],
    ),
    "same as one with other constants": (
        "[tuned.values]\nlr = 2\n",
        'same_as = "laplace"\n',
        [(12, "same_as 'laplace': unknown parameter of rule 'mesu' 'curvature'")],
    ),
    "twice": (
        'network = "feedforward"\nengine = "torch"\ntask = "split"\ndataset = "digits"',
        'network = "feedforward"\nengine = "brian2"\ntask = "split"',
        [(12, "a second block for split, feedforward on brian2: the first stands in line 2")],
    ),
    "another table": ("# what a search found", "[tuning]", [(1, "unknown key 'tuning'; did you mean 'tuned'?")]),
    "no block": ("[[tuned]]", "[tuned]", [(12, "not TOML")]),
    "not TOML": ("lr = 0.25", "lr = = 0.25", [(8, "not TOML")]),
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(RULE)
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    return path


def constants(path, network="feedforward", engine="brian2", **more):
    rule = load_file(path.with_suffix(".py"))
    return tuned.constants(rule, ("hidden", "readout"), network, engine, "split", **more)


def test_the_sound_file_is_sound_and_read(file):
    """It is this rule's own: a name that one of ours has too brings nothing of ours."""
    assert tuned.check_file(file) == tuned.check_file(file.with_suffix(".py")) == []
    assert constants(file) == {"hidden": {"lr": 0.25, "c": math.inf}, "readout": {"lr": 0.25, "c": 0.5}}
    assert constants(file, overrides={"hidden.lr": 3.0})["hidden"]["lr"] == 3.0
    assert constants(file, "feedforward", "torch", dataset="digits")["hidden"] == {"lr": 2.0, "c": 0.5}
    assert constants(file, "feedforward", "torch", dataset="mnist")["hidden"] == {"lr": 1e-3, "c": 0.5}
    file.unlink()
    assert constants(file)["hidden"] == {"lr": 1e-3, "c": 0.5}


@pytest.mark.parametrize("case", MALFORMED)
def test_each_problem_has_its_line(case, file):
    old, new, expected = MALFORMED[case]
    assert old in SOUND
    file.write_text(SOUND.replace(old, new))
    found = tuned.check_file(file)
    assert [f.split(": ")[0] for f in found] == [f"{file}:{line}" for line, _ in expected], found
    for problem, (_, message) in zip(found, expected, strict=True):
        assert message in problem
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 2
    assert result.stderr == "\n".join(found) + "\n"
    with pytest.raises(UserError) as error:
        [
            tuned.layers(rule, "feedforward", "torch", "split", "digits")
            for rule in resolve_rules(str(file.with_suffix(".py"))).values()
        ]
    assert str(error.value) == "\n".join(found)


def test_all_problems_are_reported_at_once(file):
    file.write_text(SOUND.replace('"feedforward"', '"feedfoward"').replace("lr = 2", "lr = -2").replace('"digits"', '"digts"'))
    assert [f.split(":")[1] for f in tuned.check_file(file)] == ["3", "13", "16", "18"]


def test_a_projection_that_the_network_lacks(file):
    file.write_text(SOUND.replace("hidden.c", "hiden.c"))
    with pytest.raises(UserError, match="mine.toml:2: unknown projection of network 'feedforward', 'hiden'; did you"):
        constants(file)


def test_constants_without_a_rule(file):
    file.with_suffix(".py").unlink()
    assert tuned.check_file(file) == [f"{file}:1: constants lie beside the file of their rule, and there is no mine.py here"]


def test_what_is_written_replaces_its_own_block_alone(file):
    rule = load_file(file.with_suffix(".py"))
    tuned.write(rule, file, Block("feedforward", "brian2", "split", found='search "x"', values={"lr": 1e-05}))
    old, new = SOUND.splitlines(), file.read_text().splitlines()
    assert new[:5] + new[9:] == old[:5] + old[9:]
    assert new[5:9] == ['found = "search \\"x\\""', "[tuned.values]", "hidden.c = inf", "lr = 1e-05"]
    tuned.write(rule, file, Block("feedforward", "brian2", "split", variant="fast", values={"c": 7.0}))
    assert file.read_text().splitlines()[: len(new)] == new
    assert tuned.constants(rule.with_variant("fast"), ("hidden",), "feedforward", "brian2", "split") == {
        "hidden": {"lr": 0.5, "c": 7.0}
    }


def test_a_file_that_is_wrong_is_left_alone(file):
    text = SOUND.replace("lr = 2", "lr = -2")
    file.write_text(text)
    rule = load_file(file.with_suffix(".py"))
    with pytest.raises(UserError, match="lr must be at least 0, not -2"):
        tuned.write(rule, file, Block("feedforward", "brian2", "split", values={"lr": 1.0}))
    file.write_text(SOUND)
    with pytest.raises(UserError, match="lr must be at least 0, not -1"):
        tuned.write(rule, file, Block("feedforward", "brian2", "split", values={"lr": -1.0}))
    assert file.read_text() == SOUND


def test_the_search_writes_what_it_found(file, tmp_path):
    words = ["run", "search", "--rules", str(file.with_suffix(".py")), "--tasks", "1", "--seeds", "1", "--workers", "1"]
    words += [
        "--engine",
        "torch",
        "--images",
        "50",
        "--hidden",
        "10",
        "--set",
        "c=0",
        "--grid",
        "lr=0,0.5",
        "--out",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(app, [*words, "--write", str(file)])
    assert result.exit_code == 0, result.output
    rule = load_file(file.with_suffix(".py"))
    (block,) = [b for b in tuned.of_rule(rule) if b.engine == "torch"]
    assert (block.place, block.values) == (("feedforward", "torch", "split", "digits", "", ""), {"lr": 0.5, "c": 0.0})
    assert block.found.startswith("spikemeta run search --rules ")
    assert "--write" in block.found
    assert f"written: {file} (split/digits, feedforward on torch)" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--write", "mine.txt"], "--write mine.txt: name a file that ends in .toml"),
        (["--write", "mine.toml", "--rules", "sgd,laplace"], "--write takes the constants of one rule, and --rules names 2"),
        (["--write", "mine.toml", "--grid", "network.tau_error=30"], "leave network.tau_error out of --grid"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_search(words, message, tmp_path):
    start = ["run", "search", "--rules", "sgd", "--grid", "lr=0.1", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*start, *words])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_networks_have_files_too(monkeypatch, tmp_path):
    path = tmp_path / "feedforward.toml"
    text = SOUND[: SOUND.index("\n# on torch")].replace("lr = 0.25\nhidden.c = inf", "tau_eror = 30.0")
    path.write_text(text.replace("task =", 'feedback = "tied"\ntask ='))
    monkeypatch.setattr(registry, "constants_file", lambda kind, name: path)
    with pytest.raises(UserError) as error:
        written.of("feedforward", "brian2").parameters("split")
    assert "feedforward.toml:5: feedback 'tied' chooses nothing here: leave it out" in str(error.value)
    assert "feedforward.toml:9: unknown parameter of network 'feedforward' 'tau_eror'; did you mean" in str(error.value)
    path.write_text(text.replace("tau_eror", "tau_error"))
    assert written.of("feedforward", "brian2").parameters("split").tau_error == 30.0
    assert written.of("feedforward", "brian2").parameters("joint").tau_error == 60.0


def test_constants_of_a_network_for_one_engine_leave_the_other_alone():
    spreads = {"hidden_spread": 0.1, "readout_spread": 0.12}  # networks/tuned/recurrent.toml
    assert tuned.network_constants("recurrent", "torch", spreads, "items") == spreads
    assert tuned.network_constants("recurrent", "brian2", spreads, "items") == {}
