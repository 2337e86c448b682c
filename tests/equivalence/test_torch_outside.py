"""What others do to a model between an optimizer's steps: write its weights, freeze it, compile around, cast gradients."""

import copy
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import CASES, CORNERS, ON_CHIPS, RULES, stepped

FUSED = pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
#: Rules whose weight is a function of several variables, so that a write is otherwise undone at the next step.
COMPOSED = {
    name: rule
    for name, rule in (CASES | ON_CHIPS).items()
    if rule.weight.strip() not in rule.analysis.states or rule.analysis.blocks["on_presentation"]
}
#: What of the state is kept where the weight was written, and what the weight was solved for, by hand.
SOLVED = {
    "laplace": lambda w, s: {"precision": s["precision"], "information": w * s["precision"]},
    "mesu": lambda w, s: {"precision": s["precision"], "information": w * s["precision"]},
    "mesu_multiplicative": lambda w, s: {"mean": w, "spread": s["spread"]},
    "hebb_repetition": lambda w, s: {"slow": w, "fast": torch.zeros_like(w), "strength": s["strength"]},
    "probabilistic": lambda w, s: {"w": w, "consolidation": s["consolidation"]},
    # At the next presentation the jitter is half of itself, times 1 + exp(-4/60).
    "corners": lambda w, s: {
        "w": w / (1 + 0.1 * 0.5 * s["jitter"] * (1 + np.exp(-4 / 60))),
        "trace": torch.zeros_like(w),
        "anchor": s["anchor"],
        "jitter": s["jitter"],
    },
}
CONSTANTS = {"hebb_repetition": {"lr": 0.1, "scale": 0.1}, "laplace": {"curvature": 0.3}, "probabilistic": {"growth": 0.3}}


def numbers(shape, seed, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def trained(rule, fused=True, dtype=torch.float64, steps=4, shape=(5, 7), **constants):
    """A parameter and its optimizer after a few steps, and a function that makes one more."""
    p = torch.nn.Parameter(0.3 * numbers(shape, 1, dtype))
    optimizer = rule.optimizer([p], fused=fused, seed=3, **(CONSTANTS.get(rule.name, {}) | constants))

    def step(gradient=None):
        def closure():
            optimizer.zero_grad()
            p.grad = numbers(shape, 10 + optimizer.age, dtype) if gradient is None else gradient.clone()
            return torch.zeros(())

        optimizer.step(closure)

    for _ in range(steps):
        step()
    return p, optimizer, step


def state_of(optimizer, p):
    return {n: v.clone() for n, v in optimizer.state[p].items() if isinstance(v, torch.Tensor)}


# ---- weights written from outside


@FUSED
@pytest.mark.parametrize("name", SOLVED)
def test_a_written_weight_is_taken_over_and_the_rest_is_kept(name, fused):
    rule = COMPOSED[name]
    p, optimizer, _ = trained(rule, fused)
    before = state_of(optimizer, p)
    w = numbers(p.shape, 77)
    with torch.no_grad():
        p.copy_(w)
    optimizer.flush()
    assert torch.equal(p, w)
    for variable, expected in SOLVED[name](w, before).items():
        # float64: a secant and a product
        torch.testing.assert_close(optimizer.state[p][variable], expected, rtol=1e-12, atol=1e-15, msg=variable)


@FUSED
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", COMPOSED)
def test_what_was_written_is_still_there_after_a_step_without_gradient(name, dtype, fused):
    """On a chip, or of a rule with few weights: what can be held of it, as a synapse that is made with this weight shows it."""
    rule = COMPOSED[name]
    p, optimizer, step = trained(rule, fused, dtype)
    w = 0.1 * numbers(p.shape, 78, dtype)
    with torch.no_grad():
        p.copy_(w)
    if name in ON_CHIPS or stepped(rule):
        optimizer.flush()
        fresh = torch.nn.Parameter(w.clone())
        rule.optimizer([fresh], fused=fused)
        # Solved in float64, stored in the parameter's own: a level times a step differs by a few roundings.
        close = 8 * torch.finfo(dtype).eps * float(fresh.detach().abs().max())
        assert ((p == w) | ((p - fresh).abs() <= close)).all()
    elif name == "corners":  # its next presentation draws, and it relaxes
        optimizer.flush()
        assert torch.equal(p, w)
    else:
        step(torch.zeros_like(w))
        # windows of 1e4 steps and more move a weight by 1e-4 of it; else roundings
        torch.testing.assert_close(p.detach(), w, rtol=2e-4, atol=1e-7)


@FUSED
@pytest.mark.parametrize("name", COMPOSED)
def test_clamping_changes_the_clamped_synapses_alone(name, fused):
    p, optimizer, _ = trained(COMPOSED[name], fused)
    if name in ON_CHIPS or stepped(COMPOSED[name]):
        pytest.skip("such weights are few, so that the edge is one of them")
    optimizer.flush()
    before, weights = state_of(optimizer, p), p.detach().clone()
    with torch.no_grad():
        p.clamp_(-0.2, 0.2)
    clamped = weights.abs() > 0.2
    assert 0 < clamped.sum() < p.numel()
    optimizer.flush()
    for variable, values in state_of(optimizer, p).items():
        if variable != "transmitted":
            assert torch.equal(values[~clamped], before[variable][~clamped]), variable


@FUSED
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", CASES | ON_CHIPS)
def test_writing_the_same_weight_changes_nothing(name, dtype, fused):
    """To the bit, at any time: also between a boundary and a step, after loading, and with a missing gradient."""
    rule, ends = (CASES | ON_CHIPS)[name], []
    for touched in (False, True):
        p, optimizer, step = trained(rule, fused, dtype, steps=0)
        for k in range(12):
            if k == 5:
                optimizer.boundary()
            if k == 8:
                optimizer.load_state_dict(optimizer.state_dict())
            if touched:
                with torch.no_grad():
                    p.copy_(p.clone())
            if k == 6:
                optimizer.age += 1  # as if another parameter alone had had a gradient
                optimizer.flush()
            else:
                step()
        ends.append((p.detach().clone(), state_of(optimizer, p)))
    (one, states), (other, others) = ends
    assert torch.equal(one, other)
    for variable in states:
        assert torch.equal(states[variable], others[variable]), variable


@pytest.mark.parametrize("name", ["laplace", "mesu", "hebb_repetition", "probabilistic", "corners"])
def test_a_saved_model_may_be_loaded_after_its_optimizer(name):
    """In either order a resumed run ends with the same bits."""
    ends = []
    for order in ("model first", "optimizer first"):
        p, optimizer, step = trained(CASES[name])
        saved = copy.deepcopy(([p.detach()], optimizer.state_dict()))
        p, optimizer, step = trained(CASES[name], steps=2)
        for what in (0, 1) if order == "model first" else (1, 0):
            if what:
                optimizer.load_state_dict(saved[1])
            else:
                with torch.no_grad():
                    p.copy_(saved[0][0])
        for _ in range(3):
            step()
        ends.append(p.detach())
    assert torch.equal(*ends)


@pytest.mark.parametrize("name", ["laplace", "hebb_repetition", "mesu"])
def test_what_was_written_is_saved_and_copied(name):
    """A write that no step has seen yet is in what is saved."""
    for keep in (lambda pair: copy.deepcopy(pair), _through_a_file):
        p, optimizer, _ = trained(RULES[name])
        w = numbers(p.shape, 79)
        with torch.no_grad():
            p.copy_(w)
        q, other = keep((p, optimizer))
        other.flush()
        assert torch.equal(q, w)
        expected = SOLVED[name](w, state_of(other, q))
        for variable, values in expected.items():
            torch.testing.assert_close(other.state[q][variable], values, rtol=1e-12, atol=1e-15)


def _through_a_file(pair):
    p, optimizer = pair
    buffer = io.BytesIO()
    torch.save([p.detach(), optimizer.state_dict()], buffer)
    buffer.seek(0)
    weights, saved = torch.load(buffer, weights_only=True)
    q = torch.nn.Parameter(weights)
    other = optimizer.rule.optimizer([q], seed=3)
    other.load_state_dict(saved)
    return q, other


@FUSED
def test_restart_is_for_writes_that_torch_does_not_count_and_for_a_new_beginning(fused):
    p, optimizer, step = trained(RULES["laplace"], fused)
    precision = optimizer.state[p]["precision"].clone()
    p.data.clamp_(-0.1, 0.1)
    optimizer.restart()
    assert torch.equal(optimizer.state[p]["precision"], precision)
    step(torch.zeros_like(p))
    assert p.abs().max() <= 0.1 * (1 + 1e-12)  # a product and a quotient
    optimizer.restart([p], keep=False)
    assert (optimizer.state[p]["precision"] == 1).all()
    fresh = copy.deepcopy(p.detach())
    q = torch.nn.Parameter(fresh)
    other = RULES["laplace"].optimizer([q], fused=fused, curvature=0.3)
    p.grad, q.grad = numbers(p.shape, 5), numbers(p.shape, 5)
    optimizer.step()
    other.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize("name", ["stable_flexible", "synaptic_intelligence"])
def test_where_the_weight_is_the_parameter_a_write_is_a_move(name):
    """The reference stays where it was, unless the synapses are told to begin anew."""
    reference = {"stable_flexible": "w_start", "synaptic_intelligence": "w_reference"}[name]
    p, optimizer, _ = trained(RULES[name])
    before, w = optimizer.state[p][reference].clone(), numbers(p.shape, 80)
    with torch.no_grad():
        p.copy_(w)
    optimizer.flush()
    assert torch.equal(optimizer.state[p][reference], before)
    optimizer.restart(keep=False)
    assert torch.equal(optimizer.state[p][reference], w)
    assert torch.equal(p, w)


def test_restore_undoes_a_write():
    p, optimizer, _ = trained(RULES["mesu"])
    before = p.detach().clone()
    with torch.no_grad():
        p.zero_()
    optimizer.restore()
    torch.testing.assert_close(p.detach(), before, rtol=1e-14, atol=0)  # a quotient, or a product with a reciprocal
    optimizer.flush()
    torch.testing.assert_close(p.detach(), before, rtol=1e-14, atol=0)


def test_a_weight_that_bends_in_what_initial_sets_starts_anew():
    """weight = w**3 from w = w_init: no straight line, so the synapse shows what a new one would show."""
    bent = replace(CORNERS, name="bent", state="w : 1\nn : 1", weight="w**3 + 0*n", initial="w = w_init\nn = 0",
                   on_presentation="", on_gradient="w -= lr*gradient\nn += abs(gradient)", on_boundary="")  # fmt: skip
    p, optimizer, step = trained(bent)
    w = numbers(p.shape, 81)
    with torch.no_grad():
        p.copy_(w)
    step(torch.zeros_like(w))
    torch.testing.assert_close(p.detach(), w**3, rtol=1e-14, atol=0)
    assert (optimizer.state[p]["n"] == 0).all()


# ---- frozen layers


def noisy_model(fused):
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3)).double()
    with torch.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(0.5 * numbers(p.shape, 20 + k))
    optimizer = RULES["mesu"].optimizer(model.named_parameters(), sigma_init=0.2, window=20, fused=fused)
    x = numbers((8, 5), 30)

    def loss_of(weights):
        return (torch.func.functional_call(model, weights, (x,)) ** 2).mean()

    def closure():
        optimizer.zero_grad()
        loss = loss_of(dict(model.named_parameters()))
        loss.backward()
        return loss

    return model, optimizer, {"stacked": torch.func.vmap(loss_of), "one by one": closure}


@FUSED
@pytest.mark.parametrize("how", ["stacked", "one by one", "one sample"])
def test_a_frozen_layer_stands_still(how, fused):
    """Weight, state and rule time, also across a boundary; afterwards it learns on."""
    model, optimizer, closures = noisy_model(fused)
    samples = {} if how == "one sample" else {"samples": 3}
    given = (closures.get(how, closures["one by one"]),), samples | {"stacked": how == "stacked"}
    optimizer.step(*given[0], **given[1])
    model[0].requires_grad_(False)
    frozen = [*model[0].parameters()]
    before = [(p.detach().clone(), state_of(optimizer, p)) for p in frozen]
    moving = model[2].weight.detach().clone()
    for k in range(4):
        if k == 2:
            optimizer.boundary()
            optimizer.flush()
        optimizer.step(*given[0], **given[1])
    for p, (weight, state) in zip(frozen, before, strict=True):
        assert p.grad is None
        assert torch.equal(p, weight)
        for variable in ("precision", "information"):
            assert torch.equal(optimizer.state[p][variable], state[variable])
    assert not torch.equal(model[2].weight, moving)
    model[0].requires_grad_(True)
    optimizer.flush()
    assert torch.equal(frozen[0], before[0][0]), "the time that it was frozen does not count"
    optimizer.step(*given[0], **given[1])
    assert not torch.equal(frozen[0], before[0][0])


@FUSED
@pytest.mark.parametrize("name", CASES | ON_CHIPS)
def test_a_frozen_parameter_beside_one_that_learns(name, fused):
    rule = (CASES | ON_CHIPS)[name]
    still, moving = (torch.nn.Parameter(0.3 * numbers((6,), k)) for k in (1, 2))
    optimizer = rule.optimizer([still, moving], fused=fused)
    still.requires_grad_(False)
    before = still.detach().clone(), state_of(optimizer, still)

    def closure():
        optimizer.zero_grad()
        loss = (still * moving).sum() + (moving**2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
        optimizer.boundary()
    assert torch.equal(still, before[0])
    for variable, values in state_of(optimizer, still).items():
        if not (variable in rule.analysis.writes["on_presentation"] and optimizer._plain):  # the noise of its samples
            assert torch.equal(values, before[1][variable]), variable


# ---- torch.compile


@pytest.mark.parametrize("name", ["sgd", "laplace", "mesu", "hebb_repetition"])
def test_a_compiled_function_steps_to_the_same_bits(name):
    """Around forward, backward and step; four parameters, ten steps; rule time goes on."""
    ends = []
    for compiled in (False, True):
        torch._dynamo.reset()
        model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
        with torch.no_grad():
            for k, p in enumerate(model.parameters()):
                p.copy_(numbers(p.shape, k, torch.float32))
        optimizer, x = RULES[name].optimizer(model.parameters()), numbers((7, 4), 9, torch.float32)

        def train(model=model, optimizer=optimizer, x=x):
            def closure():
                optimizer.zero_grad()
                loss = (model(x) ** 2).mean()
                loss.backward()
                return loss

            if optimizer.rule.analysis.noisy:
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()

        run = torch.compile(train, backend="eager") if compiled else train
        for _ in range(10):
            run()
        optimizer.boundary()
        assert optimizer.age == 10
        ends.append([p.detach() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


# ---- gradients of another kind


@FUSED
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_gradients_of_another_kind_are_cast(name, kind, fused):
    """The same bits as with the cast gradient, and for sgd those of torch (float64: to one rounding)."""
    ends = []
    for cast in (False, True):
        p = torch.nn.Parameter(0.3 * numbers((6, 9), 1, torch.float32))
        optimizer = CASES[name].optimizer([p], fused=fused)
        p.grad_dtype = None
        for k in range(5):

            def closure(k=k, p=p, cast=cast):
                given = numbers((6, 9), 40 + k).to(kind)
                p.grad = given.float() if cast else given
                return torch.zeros(())

            optimizer.step(closure)
        ends.append(p.detach())
    assert torch.equal(*ends)
    if name == "sgd":
        q = torch.nn.Parameter(0.3 * numbers((6, 9), 1, torch.float32))
        theirs = torch.optim.SGD([q], lr=1e-3)
        q.grad_dtype = None
        for k in range(5):
            q.grad = numbers((6, 9), 40 + k).to(kind)
            theirs.step()
        torch.testing.assert_close(ends[0], q.detach(), rtol=1e-6, atol=0)


@FUSED
def test_a_parameter_that_wants_bfloat16_gradients(fused):
    """With a base optimizer, over samples and stacked: what is put into ``.grad`` is of the kind that it wants."""
    p = torch.nn.Parameter(numbers((6,), 1, torch.float32))
    p.grad_dtype = torch.bfloat16
    optimizer = RULES["synaptic_intelligence"].optimizer([p], base=lambda ps: torch.optim.SGD(ps, lr=0.5), fused=fused)
    before = p.detach().clone()
    p.grad = torch.ones(6, dtype=torch.bfloat16)
    optimizer.step()
    torch.testing.assert_close(p.detach(), before - 0.5, rtol=1e-6, atol=1e-6)
    assert p.grad.dtype == torch.bfloat16
    optimizer.release()
    noisy = RULES["mesu"].optimizer([p], fused=fused)
    noisy.step(lambda weights: (weights[0] ** 2).sum(1), samples=2, stacked=True)
    assert p.grad.dtype == torch.bfloat16

    def closure():
        p.grad = torch.ones(6, dtype=torch.bfloat16)
        return torch.zeros(())

    noisy.step(closure, samples=2)
    assert torch.equal(p.grad, torch.ones(6, dtype=torch.bfloat16))


@FUSED
@pytest.mark.parametrize("name", ["sgd", "laplace"])
def test_gradients_whose_memory_is_not_what_they_say(name, fused):
    """Transposed, expanded, negated without being written, or the parameter itself."""
    kinds = (
        lambda p: numbers(p.shape[::-1], 3).T,
        lambda p: numbers((1, p.shape[1]), 3).expand(p.shape),
        lambda p: torch.complex(numbers(p.shape, 3), numbers(p.shape, 4)).conj().imag,
        lambda p: p.detach(),
        lambda p: numbers((2 * p.shape[0], p.shape[1]), 3)[::2],
    )
    for kind in kinds:
        ends = []
        for copied in (False, True):
            p = torch.nn.Parameter(numbers((4, 5), 1))
            optimizer = RULES[name].optimizer([p], fused=fused)
            for _ in range(3):
                given = kind(p)
                p.grad = torch.tensor(given.tolist(), dtype=torch.float64) if copied else given
                optimizer.step()
            ends.append(p.detach())
        assert torch.equal(*ends)
