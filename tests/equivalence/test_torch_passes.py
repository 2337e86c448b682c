"""What only the torch optimizer has: a base optimizer's steps, stacked weight samples, noise drawn in the compiled pass."""

import copy
import io
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from spikemeta.backends.torch import kernel, passes
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

SI, MESU = registry.load("rules", "synaptic_intelligence"), registry.load("rules", "mesu")
ADAM = partial(torch.optim.Adam, lr=0.02)
FUSED = pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])


def numbers(shape, seed, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def published_path(gradients, start, c, xi, boundary, lr=0.02):
    """Synaptic Intelligence around Adam, written by hand (Zenke et al. 2017; Kingma & Ba 2015, algorithm 1)."""
    w, reference = start.copy(), start.copy()
    path, importance, m, v = (np.zeros_like(w) for _ in range(4))
    for t, g in enumerate(gradients, 1):
        whole = g + 2 * c * importance * (w - reference)
        m, v = 0.9 * m + 0.1 * whole, 0.999 * v + 0.001 * whole**2
        step = -lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        path -= g * step
        w = w + step
        if t == boundary:
            importance = np.maximum(importance + path / ((w - reference) ** 2 + xi), 0)
            reference, path = w.copy(), np.zeros_like(w)
    return w, path, importance


@FUSED
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_synaptic_intelligence_around_adam(dtype, tolerance, fused):
    """Tolerances: those of the equivalence tests, times ten for Adam's division by the root of a small second moment."""
    start, gradients = numbers((40,), 1, dtype), [numbers((40,), 10 + k, dtype) for k in range(30)]
    p = torch.nn.Parameter(start.clone())
    optimizer = SI.optimizer([p], base=ADAM, c=0.7, damping=0.01, fused=fused)
    for t, g in enumerate(gradients, 1):
        p.grad = g.clone()
        optimizer.step()
        assert torch.equal(p.grad, g)
        if t == 12:
            optimizer.boundary()
    wide = [g.double().numpy() for g in gradients]
    w, path, importance = published_path(wide, start.double().numpy(), 0.7, 0.01, 12)
    assert importance.max() > 0.1
    for found, expected in ((p, w), (optimizer.state[p]["path"], path), (optimizer.state[p]["importance"], importance)):
        np.testing.assert_allclose(found.detach().double(), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@FUSED
def test_without_a_pull_the_base_is_all(fused):
    """With c = 0 every step is Adam's, to the rounding of old + (new - old)."""
    ours, theirs = (torch.nn.Parameter(numbers((50,), 2)) for _ in range(2))
    optimizer, adam = SI.optimizer([ours], base=ADAM, c=0.0, fused=fused), ADAM([theirs])
    for k in range(40):
        ours.grad, theirs.grad = numbers((50,), 100 + k), numbers((50,), 100 + k)
        optimizer.step()
        adam.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-15)


@FUSED
def test_a_run_with_a_base_resumes_to_the_bit(fused):
    ends = []
    for stop in (None, 7):
        p = torch.nn.Parameter(numbers((20,), 3, torch.float32))
        optimizer = SI.optimizer([p], base=ADAM, c=1.0, fused=fused)
        for k in range(15):
            if k == 5:
                optimizer.boundary()
            if k == stop:
                buffer = io.BytesIO()
                torch.save([p.detach(), optimizer.state_dict()], buffer)
                buffer.seek(0)
                start, saved = torch.load(buffer, weights_only=True)
                p = torch.nn.Parameter(start)
                optimizer = SI.optimizer([p], base=ADAM, c=1.0, fused=fused)
                optimizer.load_state_dict(saved)
            p.grad = numbers((20,), 50 + k, torch.float32)
            optimizer.step()
        ends.append(p.detach())
    assert torch.equal(*ends)


def test_a_copy_of_an_optimizer_with_a_base_goes_its_own_way():
    p = torch.nn.Parameter(numbers((6,), 4))
    optimizer = SI.optimizer([p], base=ADAM)
    q, copied = copy.deepcopy((p, optimizer))
    q.grad = torch.ones_like(q)
    copied.step()
    assert not torch.equal(p, q)
    assert copied.base.param_groups[0]["params"][0] is q


def test_a_group_added_later_has_the_base_too():
    p, q = (torch.nn.Parameter(numbers((3,), k)) for k in (5, 6))
    optimizer = SI.optimizer([p], base=ADAM)
    optimizer.add_param_group({"params": [q]})
    before = q.detach().clone()
    q.grad = torch.ones_like(q)
    optimizer.step()
    torch.testing.assert_close(before - q, torch.full_like(q, 0.02), rtol=1e-6, atol=0)  # Adam's first step is its rate


@FUSED
def test_a_base_may_begin_anew_at_a_boundary(fused):
    """``optimizer.base.state.clear()``: Adam's first step is its rate again; a boundary alone keeps the moments."""
    p = torch.nn.Parameter(numbers((6,), 5))
    optimizer = SI.optimizer([p], base=ADAM, c=0.0, fused=fused)
    for k in range(5):
        p.grad = numbers((6,), 60 + k)
        optimizer.step()
    optimizer.boundary()
    assert optimizer.base.state[p]["step"] == 5
    optimizer.base.state.clear()
    before, p.grad = p.detach().clone(), numbers((6,), 70)
    optimizer.step()
    # its epsilon, 1e-8, beside gradients above 1e-2
    torch.testing.assert_close(p.detach(), before - 0.02 * p.grad.sign(), rtol=1e-6, atol=0)


def test_biases_may_be_without_a_gate():
    """Under stable_flexible biases have a flexibility too, and in a group with least = most = 1 they learn as under sgd."""
    rule = registry.load("rules", "stable_flexible")
    ends = []
    for group in ({}, {"least": 1.0, "most": 1.0}):
        model = torch.nn.Linear(4, 3).double()
        with torch.no_grad():
            for k, q in enumerate(model.parameters()):
                q.copy_(numbers(q.shape, 80 + k))
        optimizer = rule.optimizer(
            [{"params": [model.weight]}, {"params": [model.bias], **group}], lr=0.1, displacement=0.01, seed=2
        )
        start = model.bias.detach().clone()
        for k in range(3):
            model.bias.grad = numbers((3,), 90 + k)
            optimizer.step()
            optimizer.boundary()
        ends.append(start - model.bias.detach())
    plain = 0.1 * sum(numbers((3,), 90 + k) for k in range(3))
    torch.testing.assert_close(ends[1], plain, rtol=1e-12, atol=1e-14)
    assert (ends[0] - plain).abs().min() > 1e-3


def test_refused_bases():
    p = torch.nn.Parameter(numbers((3,), 7))
    with pytest.raises(UserError, match="rule 'mesu' has no on_base_step"):
        MESU.optimizer([p], base=ADAM)
    saved = SI.optimizer([torch.nn.Parameter(numbers((3,), 7))], base=ADAM).state_dict()
    with pytest.raises(UserError, match="an optimizer with a base, and this one is without"):
        SI.optimizer([p]).load_state_dict(saved)


# ---- weight samples


def model_and_data():
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3)).double()
    with torch.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(0.5 * numbers(p.shape, 20 + k))
    return model, numbers((8, 5), 30), torch.arange(8) % 3


@FUSED
def test_stacked_samples_are_the_samples_one_by_one(fused):
    """Under the same noise; to the order of additions (1e-10)."""
    ends = []
    for stacked in (False, True):
        model, x, y = model_and_data()
        optimizer = MESU.optimizer(model.named_parameters(), sigma_init=0.2, window=50, fused=fused)
        drawn = {}

        def draw(p, purpose, drawn=drawn, optimizer=optimizer):
            count = drawn[p] = drawn.get(p, -1) + 1
            which = [q is p for g in optimizer.param_groups for q in g["params"]].index(True)
            return numbers(p.shape, 1000 * which + count)

        optimizer.draw = draw

        def loss_of(weights, model=model, x=x, y=y):
            return torch.nn.functional.cross_entropy(torch.func.functional_call(model, weights, (x,)), y)

        def closure(model=model, optimizer=optimizer, loss_of=loss_of):
            optimizer.zero_grad()
            loss = loss_of(dict(model.named_parameters()))
            loss.backward()
            return loss

        losses = [
            optimizer.step(torch.func.vmap(loss_of) if stacked else closure, samples=4, stacked=stacked) for _ in range(5)
        ]
        ends.append([torch.stack(losses).detach(), *[p.detach() for p in model.parameters()]])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_stacked_weights_without_names_come_in_a_tuple():
    p, q = (torch.nn.Parameter(numbers((3,), k)) for k in (8, 9))
    optimizer = MESU.optimizer([p, q])
    before = q.detach().clone()

    def losses(weights):
        assert [tuple(w.shape) for w in weights] == [(6, 3), (6, 3)]
        assert weights[0].std(0).min() > 0
        return (weights[0] ** 2).sum(1)

    optimizer.step(losses, samples=6, stacked=True)
    assert q.grad is None
    assert torch.equal(q, before)


def test_refused_stacks():
    p = torch.nn.Parameter(numbers((3,), 8))
    optimizer = MESU.optimizer([p])
    with pytest.raises(UserError, match="must return the losses of the 4 samples, not \\(\\)"):
        optimizer.step(lambda weights: weights[0].sum(), samples=4, stacked=True)
    with pytest.raises(UserError, match="no samples to stack"):
        SI.optimizer([torch.nn.Parameter(numbers((3,), 8))]).step(lambda weights: None, stacked=True)


def noise_of(seed, shape=(300, 1000), purpose="noise", number=0):
    p = torch.nn.Parameter(torch.zeros(shape))
    optimizer = MESU.optimizer([p], sigma_init=1.0, seed=seed)
    optimizer._transmit(optimizer.param_groups[0], p, {}, number, purpose)
    return optimizer.state[p]["noise"].double().numpy().ravel()


def test_noise_is_standard_normal():
    """20 Kolmogorov-Smirnov tests of 300,000 draws each, of which the smallest p is at least 1e-4/20: errs once in 10,000."""
    found = [stats.kstest(noise_of(seed), "norm").pvalue for seed in range(20)]
    assert min(found) > 1e-4 / 20


def test_noise_is_not_correlated():
    """Between samples, steps' keys, purposes and neighbours; |r| of n independent pairs is below 5/sqrt(n) but for 1 in 2e6."""
    sets = [noise_of(0), noise_of(1), noise_of(0, number=1), noise_of(0, purpose="prediction")]
    sets += [np.roll(sets[0], k) for k in (1, 512, 1000, 1024)]
    for transform in (lambda x: x, np.square):
        r = np.corrcoef([transform(x) for x in sets]) - np.eye(len(sets))
        assert np.abs(r).max() < 5 / np.sqrt(sets[0].size)


def test_noise_does_not_depend_on_threads_or_kind():
    many = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = noise_of(3, (700, 1000))
        torch.set_num_threads(2)
        assert np.array_equal(one, noise_of(3, (700, 1000)))
    finally:
        torch.set_num_threads(many)
    p = torch.nn.Parameter(torch.zeros(700, 1000, dtype=torch.float64))
    optimizer = MESU.optimizer([p], sigma_init=1.0, seed=3)
    optimizer._transmit(optimizer.param_groups[0], p, {})
    np.testing.assert_allclose(optimizer.state[p]["noise"].numpy().ravel(), one, rtol=1e-6, atol=1e-7)


# ---- the compiled pass itself


def test_slow_decays_are_not_lost():
    """A window of 1e7 steps, in float32: the change of each step is 1e-7 of the value, and adds up (rounding: 1 in 3)."""
    p = torch.nn.Parameter(torch.full((4000,), 1.0) + 0.1 * numbers((4000,), 9, torch.float32))
    rule = registry.load("rules", "laplace")
    optimizer = rule.optimizer([p], window=1e7, curvature=0.0, lr=0.0)
    before = optimizer.state[p]["information"].double().mean()
    for _ in range(2000):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    lost = 1 - optimizer.state[p]["information"].double().mean() / before
    assert 0.6 * 2e-4 < lost < 1.4 * 2e-4


def test_without_a_compiler_the_update_runs_on_whole_tensors(monkeypatch, tmp_path):
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    rule = Rule(
        "uncompiled",
        state="w : 1",
        weight="w",
        initial="w = w_init",
        on_gradient="w -= lr*gradient*(1 + 0*lr)",
        parameters={"lr": Parameter(0.5)},
    )
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = rule.optimizer([p])
    p.grad = torch.ones(3)
    optimizer.step()
    torch.testing.assert_close(p.detach(), torch.full((3,), 0.5))


def test_a_text_that_the_compiler_refuses_warns_and_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("SPIKEMETA_CACHE", str(tmp_path))
    monkeypatch.setattr(passes, "HEAD", "#error refused\n")
    monkeypatch.setattr(kernel, "source", passes.source.__wrapped__)  # whatever was made of the text before
    p = torch.nn.Parameter(torch.ones(3))
    with pytest.warns(UserWarning, match="runs on whole tensors"):
        optimizer = registry.load("rules", "sgd").optimizer([p], lr=0.5)
    p.grad = torch.ones(3)
    optimizer.step()
    torch.testing.assert_close(p.detach(), torch.full((3,), 0.5))


def test_state_of_another_kind_or_order_is_not_read_as_it_lies():
    """A model made float64 after its optimizer: whole tensors, which know kinds, go on from the same state."""
    ends = []
    for fused in (True, False):
        model = torch.nn.Linear(3, 2)
        with torch.no_grad():
            for k, p in enumerate(model.parameters()):
                p.copy_(numbers(p.shape, 70 + k))
        optimizer = registry.load("rules", "laplace").optimizer(model.parameters(), fused=fused)
        model.double()
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        optimizer.step()
        ends.append([p.detach().clone() for p in model.parameters()])
    for one, other in zip(*ends, strict=True):
        assert torch.equal(one, other)


def test_parameters_that_are_not_contiguous():
    """They run on whole tensors, to the same result."""
    plain = torch.nn.Parameter(numbers((4, 6), 11))
    turned = torch.nn.Parameter(numbers((4, 6), 11).T.contiguous().T)
    assert not turned.is_contiguous()
    for p in (plain, turned):
        optimizer = registry.load("rules", "laplace").optimizer([p])
        for k in range(5):
            p.grad = numbers((4, 6), 60 + k)
            optimizer.step()
    torch.testing.assert_close(plain, turned, rtol=1e-12, atol=0)


@FUSED
def test_what_a_presentation_draws_may_be_made_of_what_it_drew_just_before(fused):
    """And be read by the gradient alone, in a product: then weight samples can be averaged, in one pass as well.

    With a closure whose gradient is 1, two samples: w falls by lr times the mean of the squared noise.
    """
    rule = Rule(
        "squared",
        state="w : 1\nnoise : 1\nsquare : 1",
        weight="w + 0*noise",
        initial="w = w_init\nnoise = 0\nsquare = 0",
        on_presentation="noise = randn()\nsquare = noise*noise",
        on_gradient="w -= lr*gradient*square",
        parameters={"lr": Parameter(0.5)},
    )
    p = torch.nn.Parameter(torch.zeros(6, dtype=torch.float64))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        optimizer = rule.optimizer([p], fused=fused)
    drawn = [numbers((6,), 31), numbers((6,), 32)]
    left = iter(drawn)
    optimizer.draw = lambda parameter, purpose="noise": next(left)

    def closure():
        p.grad = torch.ones_like(p)
        return torch.zeros(())

    optimizer.step(closure, samples=2)
    torch.testing.assert_close(p.detach(), -0.25 * (drawn[0] ** 2 + drawn[1] ** 2), rtol=1e-12, atol=0)
