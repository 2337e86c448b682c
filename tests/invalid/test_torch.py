"""Mistakes around a rule's optimizer: one message each, before any memory is touched, and nothing lost."""

import copy

import pytest
import torch

from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Rule

RULES = {name: registry.load("rules", name) for name in registry.names("rules")}
FUSED = pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
#: Rules that keep more than the weight that they transmit.
STATEFUL = [name for name, rule in RULES.items() if set(rule.analysis.states) != {rule.weight.strip()}]


def optimizer_of(name, shape=(6, 4), fused=True, **more):
    p = torch.nn.Parameter(torch.linspace(-1, 1, 24).reshape(shape).clone())
    return p, RULES[name].optimizer([p], fused=fused, **more)


def step(optimizer, p, gradient=None):
    def closure():
        p.grad = torch.ones_like(p) if gradient is None else gradient
        return torch.zeros(())

    return optimizer.step(closure)


@FUSED
@pytest.mark.parametrize("change", ["more rows", "fewer rows", "turned", "another number of dimensions"])
@pytest.mark.parametrize("name", STATEFUL)
def test_a_parameter_replaced_by_one_of_another_shape(name, change, fused):
    """As heads grow in class-incremental learning; refused at every entry, and the state stays as it was."""
    p, optimizer = optimizer_of(name, fused=fused)
    step(optimizer, p)
    before = copy.deepcopy({n: v for n, v in optimizer.state[p].items() if isinstance(v, torch.Tensor)})
    w = p.detach().clone()
    p.grad = None
    changed = {"more rows": torch.cat([w, w]), "fewer rows": w[:2], "turned": w.T.contiguous()}
    p.data = changed.get(change, w[None])
    told = [optimizer.boundary] if RULES[name].analysis.blocks["on_boundary"] else []
    calls = [lambda: step(optimizer, p), *told, optimizer.flush, optimizer.restart]
    is_the_parameter = RULES[name].weight.strip() in RULES[name].analysis.states  # then nothing is computed from what is stored
    for call in calls[:1] if is_the_parameter else calls:
        with pytest.raises(UserError, match="replaced after the optimizer was made; call release"):
            call()
    for variable, values in before.items():
        assert torch.equal(optimizer.state[p][variable], values)
    optimizer.release()
    _, other = p, RULES[name].optimizer([p], fused=fused)
    step(other, p)
    assert p.isfinite().all()


@FUSED
def test_a_parameter_that_is_all_of_its_state_may_grow(fused):
    """Rule sgd keeps nothing else: it goes on as torch.optim.SGD does."""
    p, optimizer = optimizer_of("sgd", fused=fused, lr=0.5)
    step(optimizer, p)
    p.grad = None
    p.data = torch.cat([p.detach(), torch.ones(3, 4)])
    before = p.detach().clone()
    step(optimizer, p)
    assert torch.equal(p, before - 0.5)


@FUSED
@pytest.mark.parametrize("name", ["sgd", "laplace"])
def test_a_gradient_of_the_parameter_before(name, fused):
    """Replaced between backward and step: the gradient still has the old shape."""
    p, optimizer = optimizer_of(name, fused=fused)
    p.grad = torch.ones_like(p)
    p.data = torch.ones(60, 4)
    with pytest.raises(UserError, match="gradient|replaced"):
        optimizer.step()


@FUSED
@pytest.mark.parametrize("name", ["sgd", "laplace"])
def test_gradients_that_no_rule_can_take(name, fused):
    p, optimizer = optimizer_of(name, fused=fused)
    before = p.detach().clone()
    with pytest.raises(UserError, match="does not support sparse gradients"):
        step(optimizer, p, torch.ones(6, 4).to_sparse())
    p.grad = None
    assert torch.equal(p, before)
    assert optimizer.age == 0


def test_a_gradient_without_memory():
    p, optimizer = optimizer_of("laplace")
    with pytest.raises(UserError, match="'gradient'.* in one piece of memory"):
        step(optimizer, p, torch._efficientzerotensor((6, 4)))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16], ids=str)
def test_a_model_made_narrower_after_its_optimizer(kind):
    p, optimizer = optimizer_of("laplace")
    p.data = p.data.to(kind)
    p.grad = None
    with pytest.raises(UserError, match="rules need torch.float32 or torch.float64"):
        step(optimizer, p)


def test_buffers_follow_the_parameter():
    """Stacked samples of a model that was made float64 after a first step: not the memory of the float32 samples."""
    p, optimizer = optimizer_of("mesu")
    loss = lambda weights: (weights[0] ** 2).flatten(1).sum(1)  # noqa: E731
    optimizer.step(loss, samples=3, stacked=True)
    p.data, p.grad = p.data.double(), None
    optimizer.step(loss, samples=3, stacked=True)
    assert p.isfinite().all()
    assert p.abs().max() < 10


def test_supplied_noise_of_another_shape():
    p, optimizer = optimizer_of("mesu")
    optimizer.draw = lambda parameter, purpose: torch.zeros(3)
    with pytest.raises(UserError, match=r"the noise supplied to rule 'mesu' has the shape \(3,\)"):
        step(optimizer, p)


def test_a_lazy_parameter():
    with pytest.raises(UserError, match="show the lazy module one input"):
        RULES["laplace"].optimizer(torch.nn.LazyLinear(3).parameters())


# ---- constants


def test_constants_given_by_place():
    with pytest.raises(UserError, match=r"by name, as in optimizer\(params, lr=0.001"):
        RULES["laplace"].optimizer([torch.nn.Parameter(torch.ones(3))], 0.1)


@FUSED
@pytest.mark.parametrize(
    ("name", "constant", "value", "message"),
    [
        ("laplace", "lr", -1, "lr must be at least 0, not -1 .parameter group 0, at step 1"),
        ("laplace", "lr", float("nan"), "lr must be a number"),
        ("sgd", "lr", "fast", "lr must be a number"),
        ("sgd", "lr", torch.tensor(0.1), "lr must be a number"),
        ("laplace", "window", 0.0, "window must be at least 1"),
        ("stable_flexible", "held", 2.0, "held must be at most"),
    ],
)
def test_constants_changed_to_what_the_rule_cannot_run_with(name, constant, value, message, fused):
    p, optimizer = optimizer_of(name, fused=fused)
    step(optimizer, p)
    before, kept = p.detach().clone(), optimizer.param_groups[0][constant]
    optimizer.param_groups[0][constant] = value
    for _ in range(2):
        with pytest.raises(UserError, match=message):
            step(optimizer, p)
    assert torch.equal(p, before)
    optimizer.param_groups[0][constant] = kept
    step(optimizer, p)
    assert optimizer.age == 2


@pytest.mark.parametrize("scheduler", [torch.optim.lr_scheduler.ExponentialLR, torch.optim.swa_utils.SWALR], ids=["exp", "swa"])
def test_a_rule_without_lr_under_a_scheduler(scheduler):
    _, optimizer = optimizer_of("mesu")
    with pytest.raises(UserError, match="rule 'mesu' has no 'lr': its constants are lr_mu, lr_sigma, window"):
        scheduler(optimizer, 0.9)
    again = copy.deepcopy(optimizer)
    with pytest.raises(KeyError):  # for tools that ask and go on
        again.param_groups[0]["lr"]
    assert again.param_groups[0].get("lr") is None


@pytest.mark.parametrize("key", ["lrr", "momentum", "weight_decay"])
def test_unknown_keys_of_a_group_given_to_the_constructor(key):
    with pytest.raises(UserError, match=f"unknown parameter of rule 'laplace' '{key}'"):
        RULES["laplace"].optimizer([{"params": [torch.nn.Parameter(torch.ones(3))], key: 0.1}])


def test_keys_of_other_tools_are_kept():
    """As torch does: what SWALR and a name put into a group is saved, loaded and copied."""
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = RULES["laplace"].optimizer([{"params": [p], "name": "head"}], lr=0.5)
    scheduler = torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
    optimizer.param_groups[0]["of another tool"] = [1, 2]
    for _ in range(3):
        step(optimizer, p)
        scheduler.step()
    saved = copy.deepcopy(optimizer.state_dict())
    optimizer.load_state_dict(saved)
    q = torch.nn.Parameter(torch.ones(3))
    other = RULES["laplace"].optimizer([q])
    other.load_state_dict(saved)
    for made in (optimizer, other, copy.deepcopy(optimizer)):
        (group,) = made.param_groups
        assert (group["swa_lr"], group["name"], group["of another tool"]) == (0.05, "head", [1, 2])
        assert group["initial_lr"] == 0.5
        assert group["lr"] == optimizer.param_groups[0]["lr"]
    step(optimizer, p)
    step(other, q)
    assert torch.equal(p, q)


def test_a_state_dict_that_lacks_a_constant():
    _, optimizer = optimizer_of("laplace")
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["window"]
    with pytest.raises(UserError, match="has no value of 'window'"):
        optimizer.load_state_dict(saved)


def test_a_parameter_named_like_a_key_of_a_scheduler():
    from spikemeta.language.rule import Parameter

    rule = Rule("mine", state="w : 1", weight="w", initial="w = w_init", on_gradient="w -= swa_lr*gradient",
                parameters={"swa_lr": Parameter(0.1)})  # fmt: skip
    with pytest.raises(UserError, match="needs the name 'swa_lr'"):
        rule.optimizer([torch.nn.Parameter(torch.ones(3))])


def test_restart_of_a_stranger():
    _, optimizer = optimizer_of("laplace")
    with pytest.raises(UserError, match="take parameters of this optimizer"):
        optimizer.restart([torch.nn.Parameter(torch.ones(3))])
    with pytest.raises(UserError, match="keeps its weights in the parameters alone"):
        optimizer_of("sgd")[1].restore()
