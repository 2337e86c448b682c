"""The published settings on small data: every file of the contract, resuming to the bit, clear errors."""

import json
from dataclasses import replace

import cut_short
import numpy as np
import pytest
from typer.testing import CliRunner

from spikemeta import cli
from spikemeta.analysis import published
from spikemeta.errors import UserError
from spikemeta.figures import published as figures
from spikemeta.language import registry
from spikemeta.runs import pool, published_setting, study, training

STUDY = registry.load("studies", "published")


def test_seeds_are_multiplied_by_trials(tmp_path):
    module = __import__("spikemeta.studies.published", fromlist=["chosen"])
    options = module.Options(only="items-stable,synaptic_intelligence", scale="full", dataset="digits")
    assert [s.trials for s in module.chosen(options)] == [10, 1]
    part = replace(options, seeds=2, first_seed=1)
    assert (study.seeds_of(part), study.seeds_of(part, 10)) == (range(1, 3), range(10, 30))
    validated = module.chosen(replace(options, validation=True))[0]
    _, tested = published_setting.items_of(validated, "digits", 0)
    assert {phase.split for phase in tested} == {"train"}


def small(label, **changes):
    """A published setting, made small."""
    module = __import__("spikemeta.studies.published", fromlist=["settings"])
    setting = module.settings()[label]
    return replace(setting, **({"hidden": (12,), "tasks": 3, "epochs": 2, "batch": 20, "limit": 200} | changes))


def point(setting, folder, resume=False):
    made = published_setting.Point(setting.label, 0, setting, "digits", str(folder), resume)
    return replace(made, fingerprint=published_setting.fingerprint(made))


def test_the_study_leaves_the_files_of_the_contract(tmp_path):
    only = "mesu-stream,synaptic_intelligence,items-hybrid"
    run = [
        "run",
        "published",
        "--only",
        only,
        "--stream-tasks",
        "5",
        "--first-seed",
        "2",
        "--workers",
        "1",
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(cli.app, run)
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [row["rule"] for row in summary["rows"]] == only.split(",")
    assert [row["seeds"] for row in summary["rows"]] == [[2], [2], [2]]
    for row in summary["rows"][:2]:
        assert 0.2 < row["metrics"]["accuracy"]["mean"] <= 1
        assert row["published"][0] > 50
        assert row["source"]
    assert len(summary["rows"][2]["tests"]["recall_by_position"]) == 5
    assert (tmp_path / "figures" / "items.png").stat().st_size > 1000
    assert (tmp_path / "figures" / "published.png").stat().st_size > 1000
    assert json.loads((tmp_path / "provenance.json").read_text())["rules"]["mesu"]["weight"]
    again = CliRunner().invoke(cli.app, [*run, "--resume"])
    assert "3 of 3 runs are there already" in again.output


@pytest.mark.parametrize("label", ["mesu-stream", "mesu-10-shuffled", "synaptic_intelligence", "items-hybrid"])
def test_a_killed_run_resumes_to_the_same_bits(label, tmp_path, monkeypatch):
    setting = small(label, **({"batch": 1, "epochs": 1, "recent": 2} if label == "mesu-stream" else {}))
    whole = training.execute(point(setting, tmp_path / "whole"), lambda *_: None)
    monkeypatch.setattr(training.checkpoint, "INTERVAL", -1.0)  # saved at every step

    with pytest.raises(cut_short.CutShort):
        training.execute(point(setting, tmp_path / "cut"), cut_short.after(0.6))
    seen = []
    resumed = training.execute(point(setting, tmp_path / "cut", True), lambda _, done, total: seen.append(done / total))
    assert seen[0] > 0.3
    np.testing.assert_array_equal(resumed.arrays["accuracy_matrix"], whole.arrays["accuracy_matrix"])
    one, other = (training.Trainer(setting, pool.dataset("digits"), 0) for _ in range(2))
    same = published_setting.fingerprint(point(setting, ""), ("tasks",))
    one.load(tmp_path / "whole" / "state.checkpoint", same)
    other.load(tmp_path / "cut" / "state.checkpoint", same)
    for name, w in one.weights.items():
        assert bool((w == other.weights[name]).all())


def test_a_stream_tests_every_task_after_every_task(tmp_path):
    """The headline is the mean over the last few; the whole lower triangle is kept."""
    setting = small("mesu-stream", batch=1, epochs=1, tasks=4, recent=2, limit=30)
    run = training.execute(point(setting, tmp_path), lambda *_: None)
    matrix = run.arrays["accuracy_matrix"]
    np.testing.assert_array_equal(np.isfinite(matrix), np.tri(4, dtype=bool))
    assert published.metrics_of([run], 2)["accuracy"]["mean"] == matrix[3, 2:].mean()
    stored = published.to_dataset([setting], {(setting.label, 0): run}, {}).accuracy
    np.testing.assert_array_equal(stored.sel(setting=setting.label, seed=0), matrix)


def test_a_stream_that_was_cut_ends_with_fewer_tasks_or_goes_on(tmp_path):
    """The state of a longer run, after as many tasks, gives the shorter run, to the bit."""
    short = small("mesu-stream", batch=1, epochs=1, tasks=3, recent=2, limit=30)
    whole = training.execute(point(short, tmp_path / "short"), lambda *_: None).arrays["accuracy_matrix"]

    with pytest.raises(cut_short.CutShort):
        training.execute(point(replace(short, tasks=5), tmp_path / "long"), cut_short.after(0.5))
    cut = training.execute(point(short, tmp_path / "long", True), lambda *_: None).arrays["accuracy_matrix"]
    np.testing.assert_array_equal(cut, whole)
    with pytest.raises(UserError, match="holds more tasks"):
        training.execute(point(replace(short, tasks=2), tmp_path / "long", True), lambda *_: None)


@pytest.mark.parametrize("name", ["perceptron", "gated_perceptron"])
def test_the_perceptron_of_a_stack_is_that_of_each_sample(name):
    import torch

    network, made = registry.load("networks", name), torch.Generator().manual_seed(0)
    sets = [network.start((6, 5, 4, 3), made, "glorot_normal", biases=True) for _ in range(3)]
    sets = [{n: w + 0.1 * torch.randn(w.shape, generator=made) for n, w in s.items()} for s in sets]
    x = torch.rand(7, 6, generator=made)
    stack = {n: torch.stack([s[n] for s in sets]) for n in sets[0]}
    # float32, three layers of at most six additions
    torch.testing.assert_close(network(stack, x), torch.stack([network(s, x) for s in sets]), rtol=1e-5, atol=1e-6)


def test_a_gated_perceptron_is_normalised_and_answers_to_both_signs():
    """Against torch's own layer normalisation; gradients pass within a half of a threshold."""
    import torch

    network, made = registry.load("networks", "gated_perceptron"), torch.Generator().manual_seed(1)
    weights = {n: w.requires_grad_() for n, w in network.start((6, 9, 4), made, 1.0).items()}
    x = torch.randn(5, 6, generator=made)
    inner = torch.nn.functional.layer_norm(x @ weights["weight1"].detach().T, (9,)).requires_grad_()
    gates = (inner.abs() > 1).float().detach().requires_grad_()
    expected = torch.nn.functional.layer_norm(gates @ weights["weight2"].T, (4,))
    found = network(weights, x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)  # float32, sums of nine
    onto = torch.randn(5, 4, generator=made)
    (passed,) = torch.autograd.grad(expected, gates, onto)
    near = ((inner > 0.5) & (inner < 1.5)).float() - ((inner < -0.5) & (inner > -1.5)).float()
    hidden = torch.nn.functional.layer_norm(x @ weights["weight1"].T, (9,))
    (by_hand,) = torch.autograd.grad(hidden, weights["weight1"], passed * near)
    (ours,) = torch.autograd.grad(found, weights["weight1"], onto)
    assert by_hand.abs().max() > 0.1
    torch.testing.assert_close(ours, by_hand, rtol=1e-4, atol=1e-5)


def test_binary_synapses_are_tested_with_signs_alone(monkeypatch):
    setting = small("bimu-stream", batch=1, epochs=1, tasks=1, recent=1, limit=20)
    trainer, seen = training.Trainer(setting, pool.dataset("digits"), 0), []
    trainer.train_epoch(lambda step: None)
    monkeypatch.setattr(trainer.network, "after", lambda x, units: seen.append(x) or x)
    monkeypatch.setattr(trainer.network, "between", lambda x, units: (x.abs() > 1).float())
    trainer.test([0])
    assert len(seen) == setting.samples
    for logits in seen:  # sums of whole numbers
        assert bool((logits == logits.round()).all())


def test_a_state_of_another_setting_or_a_damaged_one_is_refused(tmp_path):
    setting = small("synaptic_intelligence", tasks=1, epochs=1, limit=40)
    training.execute(point(setting, tmp_path), lambda *_: None)
    with pytest.raises(UserError, match="holds another run: setting, seed, data or sources differ"):
        training.execute(point(replace(setting, batch=10), tmp_path, True), lambda *_: None)
    path = tmp_path / "state.checkpoint"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        training.execute(point(setting, tmp_path, True), lambda *_: None)


def test_an_unknown_setting():
    done = CliRunner().invoke(cli.app, ["run", "published", "--only", "mesu-streem"])
    assert done.exit_code == 2
    assert "did you mean 'mesu-stream'" in done.output


def test_a_clipped_loss_has_no_gradient_beyond_the_clip():
    """Keras clips probabilities to [1e-7, 1 - 1e-7]: an image that is surely right, or surely wrong, teaches nothing."""
    setting = small("synaptic_intelligence")
    assert setting.clip == 1e-7
    trainer = training.Trainer(setting, pool.dataset("digits"), 0)
    torch = trainer.torch
    logits = torch.tensor([[3.0, 1.0, 0.0], [30.0, 0.0, 0.0], [0.0, 30.0, 0.0]], requires_grad=True)
    trainer._loss(logits, torch.tensor([0, 0, 0]), "sum").backward()
    np.testing.assert_allclose(logits.grad[0], torch.softmax(logits[0], -1).detach() - torch.tensor([1.0, 0, 0]), rtol=1e-5)
    assert not logits.grad[1:].any()


def test_a_long_stream_has_a_course():
    """The line is the mean over the last tasks after each; short streams and other settings have no such figure."""
    matrix = np.tril(np.random.default_rng(0).uniform(0.8, 1, (25, 25)))
    matrix[matrix == 0] = np.nan
    row = {"rule": "a", "tasks": 25, "recent": 5, "published": [91.0, None]}
    row |= {"metrics": {"accuracy_matrix": {"values": [matrix.tolist()]}}}
    head = {"dataset": "mnist", "scale": "full"}
    figure = figures.course([row], head)
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["task just learned"], 100 * np.diag(matrix))
    np.testing.assert_allclose(lines["last 5 tasks"][[0, 24]], [100 * matrix[0, 0], 100 * matrix[24, 20:].mean()])
    assert figures.course([row | {"tasks": 10}, row | {"recent": 0}], head) is None
