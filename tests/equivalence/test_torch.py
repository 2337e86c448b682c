"""Every rule as a torch optimizer: against the float64 reference, against torch's SGD, and as an optimizer like any other."""

import copy
import gc
import io
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from cases import CASES, CORNERS, EXAMPLES, ON_CHIPS, RULES, Watched, constants, factors, windows
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from spikemeta.backends.rendering import show
from spikemeta.backends.torch import plan
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

COUNT = 14  # steps
SHAPES = ((3, 4), (5, 2))  # one parameter in each of two groups
#: Relative; beside a zero, of the largest value that the variable ever had. Rounding of a few operations a step (1e-16 or
#: 6e-8 each), one upon the other, under a condition below 1e3 in the first case. In the second every number of the
#: sequence is representable in float32.
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}

#: The functions and operators of the language that no rule of ours uses, and what happens at a presentation without noise.
FUNCTIONS = Rule(
    "functions",
    state="w : 1\nmet : 1\nsince : 1",
    weight="w*(1 + 0.01*(met % 3))",
    initial="w = w_init\nmet = 0\nsince = rand() + 0*randn()",
    on_presentation="met += 1",
    on_gradient="small = not (abs(gradient) > 1 or gradient < -0.5) and w > 0\nscale = sign(lr)*sqrt(abs(lr))/log(2 + lr)\n"
    "rate = clip(lr, 0, 1)*(1 + tanh(lr) + exp(-age/presentation))\n"
    "w -= rate*gradient*(1 + small*0.1) + scale*gradient**2*0.01\n"
    "w = clip(w, -since - 3, 3) + gradient*int(int(met/2) % 2 == 0)/10 + int(2*lr)\nw = w + rate*clip(0.3, 0, abs(gradient))",
    on_boundary="since = since + sqrt(abs(w)) + log(1 + w**2) + pi\nmet = 0",
    parameters={"lr": Parameter(0.01, low=1e-6)},
    per_visit=True,
)
CASES = CASES | {"functions": FUNCTIONS}


@dataclass(frozen=True)
class Events:
    """What happens before and in each step: which parameters have a gradient, boundaries, a save, whether with a closure."""

    present: tuple
    boundaries: frozenset
    save: int
    closure: bool
    seed: int


def make_events(missing, boundaries, save, closure, seed):
    present = tuple(tuple((step, which) not in missing for which in range(2)) for step in range(COUNT))
    return Events(present, frozenset(boundaries), save, closure, seed)


_steps = st.integers(0, COUNT - 1)
events = st.builds(
    make_events,
    missing=st.sets(st.tuples(_steps, st.integers(0, 1)), max_size=COUNT),
    boundaries=st.sets(_steps, max_size=3),
    save=_steps,
    closure=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
#: Sequences that random ones seldom hold: nothing at all; a parameter that waits from start to end; saved at a boundary.
NOTHING = make_events({(s, w) for s in range(COUNT) for w in range(2)}, [3], 5, False, 1)
LONG_WAIT = make_events({(s, 1) for s in range(1, COUNT - 1)}, [], 7, True, 2)
SAVED_AT_BOUNDARY = make_events({(4, 0), (5, 0)}, [0, 5, 9], 5, True, 3)


class Probed(Watched):
    """The watched reference, which also tells what it would be at a later age."""

    def probe(self, age):
        """A copy that is brought to this age, without noise."""
        other = copy.copy(self)
        other.state = {s: v.copy() for s, v in self.state.items()}
        other.gradient, other.touched = self.gradient.copy(), self.touched.copy()
        other.noise = lambda rows: np.zeros((len(rows), other.shape[1]))
        other.dice = lambda rows: np.full((len(rows), other.shape[1]), 0.5)
        other.flush(age)
        return other


class Pair:
    """An optimizer on two parameters, and the reference of each."""

    def __init__(self, rule, dtype, settings_of_groups, seed, fused=True):
        self.fused = fused
        self.rule, self.dtype, self.rng = rule, dtype, np.random.default_rng(seed)
        self.constants, self.noise = settings_of_groups, {}
        starts = [self.numbers(0.1 * self.rng.standard_normal(shape)) for shape in SHAPES]
        self.make([torch.nn.Parameter(torch.tensor(w, dtype=dtype)) for w in starts])
        self.references = []
        for which, (w, p) in enumerate(zip(starts, self.params, strict=True)):
            given = lambda rows, w=which: self.noise[w][rows]  # noqa: E731
            dice = lambda rows, w=which: self.dice[w][rows]  # noqa: E731
            made = Probed(rule, w, self.constants[which], np.random.default_rng(0), given, dice)
            # Random starts are the optimizer's own draws.
            for s in rule.analysis.states:
                if "rand" in "".join(x.expression for x in rule.analysis.blocks["initial"] if x.target == s):
                    made.state[s] = self.state(p, s)
            self.references.append(made)

    def numbers(self, values):
        """As float64, but representable in the parameters' kind."""
        return torch.tensor(values).to(self.dtype).double().numpy()

    def make(self, params):
        self.params = params
        groups = [{"params": [p], **c} for p, c in zip(params, self.constants, strict=True)]
        self.optimizer = self.rule.optimizer(groups, fused=self.fused)
        self.optimizer.draw, self.optimizer.dice = (partial(self.draw, name) for name in ("noise", "dice"))

    def draw(self, name, parameter, purpose="noise"):
        which = next(k for k, p in enumerate(self.params) if p is parameter)
        return torch.tensor(getattr(self, name)[which], dtype=self.dtype)

    def state(self, p, name):
        values = p if name == self.optimizer._own else self.optimizer.state[p][name]
        return values.detach().double().numpy().copy()

    def resume(self):
        """Save to a buffer, and go on with another optimizer, on other parameters."""
        buffer = io.BytesIO()
        torch.save({"model": self.params, "optimizer": self.optimizer.state_dict()}, buffer)
        buffer.seek(0)
        saved = torch.load(buffer, weights_only=True)
        before = [p.detach().clone() for p in self.params]
        self.make([torch.nn.Parameter(p.detach().clone()) for p in saved["model"]])
        self.optimizer.load_state_dict(saved["optimizer"])
        for mine, theirs in zip(before, self.params, strict=True):
            assert torch.equal(mine, theirs)

    def run(self, given):
        closure = given.closure or self.rule.analysis.noisy
        for step in range(COUNT):
            self.noise = [self.numbers(self.rng.standard_normal(shape)) for shape in SHAPES]
            # Near its ends a uniform number about zero has few digits in single precision, which its logarithm would show.
            ends = 0.01 if self.dtype == torch.float32 else 0.0
            self.dice = [self.numbers(self.rng.uniform(ends, 1 - ends, shape)) for shape in SHAPES]
            gradients = [self.numbers(self.rng.uniform(-3, 3, shape)) for shape in SHAPES]
            opened = step in given.boundaries and bool(self.rule.analysis.blocks["on_boundary"])
            if step in given.boundaries:
                self.optimizer.boundary()
            for r in self.references if opened else ():
                r.boundary(step)
            if step == given.save:
                self.resume()
            for which, r in enumerate(self.references):
                touched = given.present[step][which] or self.rule.analysis.noisy
                if touched and not opened:
                    r.touch(np.arange(r.shape[0]), step)
                if given.present[step][which]:
                    r.gradient += gradients[which]

            def evaluate(gradients=gradients, step=step):
                self.optimizer.zero_grad()
                for which, p in enumerate(self.params):
                    if given.present[step][which]:
                        self.close(p, self.references[which].weight(), self.references[which].peaks, "weight in the closure")
                        p.grad = torch.tensor(gradients[which], dtype=self.dtype)
                return torch.tensor(float(step))

            if closure:
                assert self.optimizer.step(evaluate) == step
            else:
                self.optimizer.zero_grad()
                for which, p in enumerate(self.params):
                    p.grad = torch.tensor(gradients[which], dtype=self.dtype) if given.present[step][which] else None
                assert self.optimizer.step() is None
        self.optimizer.flush()
        for p, r in zip(self.params, self.references, strict=True):
            expected = r.probe(COUNT)
            for s in self.rule.analysis.states:
                if s not in self.rule.analysis.writes["on_presentation"]:  # the next presentation begins with the next step
                    self.close(torch.tensor(self.state(p, s)), expected.state[s], {"": r.peaks[s]}, s)
            self.close(p, expected.weight(), r.peaks, "weight")

    def close(self, found, expected, peaks, what):
        assert np.isfinite(expected).all()
        tolerance = TOLERANCES[self.dtype]
        peaks = peaks | {k: max(v, abs(self.constants[0].get(f"{what}_low", 0.0))) for k, v in peaks.items()}
        floor = tolerance * (peaks[""] if "" in peaks else np.abs(expected).max()) + np.finfo(np.float32).tiny
        found = found.detach().double().numpy()
        np.testing.assert_allclose(found, expected, tolerance, floor, err_msg=f"{self.rule.title}: {what}")


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_the_optimizer_follows_the_reference(name, dtype, fused):
    rule = CASES[name]

    @settings(max_examples=EXAMPLES or 4, phases=(Phase.explicit, Phase.generate))
    @example(NOTHING, 10.0, 7.0)
    @example(LONG_WAIT, 10.0, 7.0)
    @example(SAVED_AT_BOUNDARY, 10.0, 7.0)
    @given(events, factors, windows)
    def check(given, factor, window):
        Pair(rule, dtype, [constants(rule, 1.0, None), constants(rule, factor, window)], given.seed, fused).run(given)

    check()


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
@pytest.mark.parametrize("name", ON_CHIPS)
def test_chips_follow_the_reference(name, fused):
    """In float64: in float32 a number beside the edge between two levels may fall on the other side."""
    rule = ON_CHIPS[name]

    @settings(max_examples=EXAMPLES or 2, phases=(Phase.explicit, Phase.generate))
    @example(LONG_WAIT, 10.0, 7.0)
    @example(SAVED_AT_BOUNDARY, 10.0, 7.0)
    @given(events, factors, windows)
    def check(given, factor, window):
        chosen = [constants(rule, 1.0, None), constants(rule, factor, window)]
        Pair(rule, torch.float64, chosen, given.seed, fused).run(given)

    check()


def parameters(dtype=torch.float32, shapes=((3, 4), (4,)), seed=1):
    made = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=made, dtype=torch.float64).to(dtype)) for shape in shapes]


def closure_for(optimizer, loss_of):
    """A closure as torch's documentation writes it."""

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_sgd_is_torch_sgd_to_the_bit(dtype, fused):
    """With two groups, a scheduler and gradients that are missing at times."""
    made = []
    for build in (partial(RULES["sgd"].optimizer, fused=fused), torch.optim.SGD):
        params = parameters(dtype, ((30, 40), (7,), (), (0, 3)))
        groups = [{"params": params[:2], "lr": 0.03}, {"params": params[2:]}]
        optimizer = build(groups, lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
        rng = torch.Generator().manual_seed(3)
        for step in range(25):
            optimizer.zero_grad()
            for k, p in enumerate(params):
                gradient = torch.randn(p.shape, generator=rng, dtype=dtype)
                p.grad = gradient if (step + k) % 5 else None
            optimizer.step()
            scheduler.step()
        made.append((params, [g["lr"] for g in optimizer.param_groups]))
    (ours, our_rates), (theirs, their_rates) = made
    assert our_rates == their_rates
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_mesu_averages_over_weight_samples(samples):
    """The published update (Bonnet et al. 2025, eq. in rules/mesu.py) with the mean over samples of g and of g*noise."""
    (p,) = parameters(torch.float64, ((6,),))
    mu, sigma = p.detach().clone(), torch.full((6,), 0.3, dtype=torch.float64)
    optimizer = RULES["mesu"].optimizer([p], sigma_init=0.3, window=float("inf"), guard=0.9)
    noises = torch.randn(samples, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    drawn, seen = iter(noises), []
    optimizer.draw = lambda parameter, purpose: next(drawn)

    def loss():
        seen.append(p.detach().clone())
        return (p**4).sum() + (p**2).sum()

    returned = optimizer.step(closure_for(optimizer, loss), samples=samples)
    weights = mu + sigma * noises
    gradients = 4 * weights**3 + 2 * weights
    torch.testing.assert_close(torch.stack(seen), weights, rtol=1e-12, atol=0)
    torch.testing.assert_close(returned.detach(), (weights**4 + weights**2).sum() / samples, rtol=1e-12, atol=0)
    torch.testing.assert_close(p.grad, gradients.mean(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(p.detach(), mu - sigma**2 * gradients.mean(0), rtol=1e-12, atol=1e-14)
    expected = sigma * (1 - sigma * (gradients * noises).mean(0) / 2)
    torch.testing.assert_close(optimizer.state[p]["precision"] ** -0.5, expected, rtol=1e-12, atol=0)


def test_averaging_is_found_in_other_texts_too():
    def reason(on_gradient, on_presentation="noise = randn()"):
        return plan.averaged(
            Rule("noisy", state="w : 1\nnoise : 1", weight="w + noise", initial="w = w_init\nnoise = 0",
                 on_presentation=on_presentation, on_gradient=on_gradient, per_visit=True)
        )  # fmt: skip

    statements, text = reason("w -= 0.1*noise*(1 - w)*gradient/(2*w) + gradient**2")
    assert text == ""
    assert statements[0].value == "w - (gradient_noise * 0.1 * (1 - w) / 2 / w + gradient ** 2)"
    assert "otherwise" in reason("w -= gradient + noise*gradient**2")[1]
    assert "otherwise" in reason("w -= gradient*noise**2")[1]
    assert "otherwise" in reason("w -= gradient*noise*gradient")[1]
    assert "otherwise" in reason("w -= noise*gradient/(2 + abs(gradient))")[1]
    assert "depends on the draw before" in reason("w -= gradient", "noise = 0.5*noise + randn()")[1]
    assert plan.averaged(CORNERS)[0] is None


def test_sampled_weights_and_means():
    (p,) = parameters(torch.float32, ((200, 50),))
    optimizer = RULES["mesu"].optimizer([p], sigma_init=0.1, seed=4)
    mean = p.detach().clone()
    with optimizer.sampled():
        spread = ((p - mean) / 0.1).detach()
        assert abs(spread.mean()) < 0.05  # 10,000 draws: 5 standard errors
        assert abs(spread.std() - 1) < 0.05
        with pytest.raises(UserError, match="outside"):
            optimizer.step(lambda: None)
        with pytest.raises(UserError, match="leave the first"), optimizer.sampled():
            pass
    assert torch.equal(p, mean)
    with pytest.raises(KeyError), optimizer.sampled():
        raise KeyError
    assert torch.equal(p, mean)
    (other,) = parameters(torch.float32, ((200, 50),))
    twin = RULES["mesu"].optimizer([other], sigma_init=0.1, seed=4)
    for each, o in ((p, optimizer), (other, twin)):
        o.step(closure_for(o, lambda each=each: (each**2).sum()))
    assert torch.equal(p, other), "predictions do not disturb the noise of the training"
    quotient = optimizer.state[p]["information"] / optimizer.state[p]["precision"]
    torch.testing.assert_close(p, quotient, rtol=3e-7, atol=0)  # a quotient, or a product with a reciprocal
    plain = RULES["sgd"].optimizer(parameters())
    before = plain.param_groups[0]["params"][0].detach().clone()
    with plain.sampled():
        assert torch.equal(plain.param_groups[0]["params"][0], before)


def test_a_closure_that_fails_leaves_the_means():
    params = parameters()
    before = [p.detach().clone() for p in params]
    optimizer = RULES["mesu"].optimizer(params)

    def closure():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    for p, b in zip(params, before, strict=True):
        torch.testing.assert_close(p.detach(), b, rtol=1e-6, atol=0)
    assert optimizer.age == 0


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "tensors"])
@pytest.mark.parametrize("name", CASES)
def test_a_resumed_run_ends_with_the_same_bits(name, fused):
    """Also the noise, the random start, a scheduler, and a boundary just before the save."""
    rule, ends = CASES[name], []
    inputs = torch.randn(COUNT, 6, 4, generator=torch.Generator().manual_seed(1))

    def make():
        model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
        start = torch.Generator().manual_seed(2)
        for p in model.parameters():
            p.data = 0.3 * torch.randn(p.shape, generator=start)
        optimizer = rule.optimizer(model.named_parameters(), seed=9, fused=fused)
        rates = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9) if "lr" in rule.parameters else None
        return model, optimizer, rates

    for stop in (None, 0, 6):
        model, optimizer, rates = make()
        for step in range(COUNT):
            if step in (0, 6):
                optimizer.boundary()
            if step == stop:
                buffer = io.BytesIO()
                torch.save([x and x.state_dict() for x in (model, optimizer, rates)], buffer)
                buffer.seek(0)
                model, optimizer, rates = make()
                for x, saved in zip((model, optimizer, rates), torch.load(buffer, weights_only=True), strict=True):
                    if x:
                        x.load_state_dict(saved)
            optimizer.step(closure_for(optimizer, lambda m=model, x=inputs[step]: (m(x) ** 2).mean()))
            if rates:
                rates.step()
        ends.append([p.detach().clone() for p in model.parameters()])
    for other in ends[1:]:
        assert all(torch.equal(a, b) for a, b in zip(ends[0], other, strict=True))


def test_a_snapshot_and_a_copy_are_not_changed_by_later_steps():
    params = parameters()
    optimizer = RULES["laplace"].optimizer(params)
    loss = closure_for(optimizer, lambda: sum((p**2).sum() for p in params))
    optimizer.step(loss)
    snapshot = optimizer.state_dict()
    copied_params, copied = copy.deepcopy((params, optimizer))
    for _ in range(3):
        optimizer.step(loss)
    ends = [p.detach().clone() for p in params]
    optimizer.load_state_dict(snapshot)
    for p, c in zip(params, copied_params, strict=True):
        assert torch.equal(p, c)
    again = closure_for(copied, lambda: sum((p**2).sum() for p in copied_params))
    for _ in range(3):
        optimizer.step(loss)
        copied.step(again)
    for p, c, end in zip(params, copied_params, ends, strict=True):
        assert torch.equal(p, end)
        assert torch.equal(c, end)


def test_random_starts_do_not_depend_on_kind_and_follow_the_seed():
    rule = RULES["stable_flexible"]

    def flexibility(dtype, seed):
        params = parameters(dtype)
        return rule.optimizer(params, seed=seed).state[params[0]]["flexibility"]

    torch.testing.assert_close(flexibility(torch.float64, 1).float(), flexibility(torch.float32, 1), rtol=1e-5, atol=1e-9)
    assert not torch.equal(flexibility(torch.float64, 1), flexibility(torch.float64, 2))


def test_a_group_added_later_starts_then():
    early, late = parameters(torch.float64)
    optimizer = CASES["hebb_repetition"].optimizer([early], fading=10.0)
    closure = closure_for(optimizer, lambda: (early**2).sum() + (late**2).sum())
    for _ in range(5):
        optimizer.step(closure)
    optimizer.add_param_group({"params": [late], "lr": 0.01, "fading": 20.0})
    alone = parameters(torch.float64)[1]
    other = CASES["hebb_repetition"].optimizer([alone], lr=0.01, fading=20.0)
    for _ in range(5):
        optimizer.step(closure)
        other.step(closure_for(other, lambda: (alone**2).sum()))
    assert torch.equal(late, alone)


@pytest.mark.parametrize("name", [*RULES, *registry.variants()])
def test_a_layer_learns(name):
    """A linear layer fits random targets of a linear teacher: the loss falls to less than half."""
    made = torch.Generator().manual_seed(0)
    x = torch.randn(64, 8, generator=made)
    y = x @ torch.randn(8, 3, generator=made)
    model = torch.nn.Linear(8, 3)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    rate = {"hebb_repetition": {"lr": 0.1, "scale": 1.0}, "probabilistic": {"lr": 0.1, "scale": 10.0}}
    rule = registry.get_rule(name)
    sizes = {"lr": 0.1, "displacement": 1.0, "amplitude": 0.8, "sigma_init": 0.3}  # the teacher's weights are of order 1
    own = rate.get(rule.name, {k: v for k, v in sizes.items() if k in rule.parameters})
    optimizer = rule.optimizer(model.parameters(), **own)
    closure = closure_for(optimizer, lambda: ((model(x) - y) ** 2).mean())
    with torch.no_grad():
        first = ((model(x) - y) ** 2).mean()
    for _ in range(60):
        optimizer.step(closure)
    with torch.no_grad():
        assert ((model(x) - y) ** 2).mean() < first / 2


@pytest.mark.parametrize("name", CASES)
def test_the_source_is_shown_and_runs_alone(name):
    text = show(CASES[name], "torch")
    space = {}
    exec(text, space)
    assert callable(space["update"])
    assert callable(space["initial"])


def test_noise_of_a_rule_without_randn_draws_nothing():
    """A rule with ``on_presentation`` but no noise needs no closure."""
    params = parameters()
    optimizer = FUNCTIONS.optimizer(params)
    for p in params:
        p.grad = torch.ones_like(p)
    assert optimizer.step() is None


def test_uniform_noise():
    """``rand()`` at a presentation is noise too: 0.5 outside of a step."""
    rule = Rule(
        "gated",
        state="w : 1\nopen : 1",
        weight="w*open",
        initial="w = w_init\nopen = 1",
        on_presentation="open = rand()",
        on_gradient="w -= 0.1*gradient",
        on_boundary="w = w*open",
    )
    (p,) = parameters(shapes=((3, 4),))
    start, seen = p.detach().clone(), []
    optimizer = rule.optimizer([p])
    assert torch.equal(p, 0.5 * start)
    with pytest.raises(UserError, match="needs a closure"):
        optimizer.step()
    optimizer.boundary()
    torch.testing.assert_close(p.detach(), 0.25 * start)
    w = optimizer.state[p]["w"].clone()
    optimizer.step(closure_for(optimizer, lambda: seen.append(p.detach() / start) or p.sum()))
    assert seen[0].min() >= 0
    assert seen[0].std() > 0
    torch.testing.assert_close(p.detach(), 0.5 * (w - 0.1))


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0"),
        ({"lr": float("nan")}, "lr must be a number"),
        ({"lr": "fast"}, "lr must be a number"),
        ({"lr": torch.tensor(0.1)}, "lr must be a number"),
        ({"halving": 0.5}, "halving must be at least 1"),
        ({"lrr": 0.1}, "did you mean 'lr'"),
        ({"hidden.lr": 0.1}, "unknown parameter"),
    ],
)
def test_refused_constants(constants, message):
    params = parameters()
    with pytest.raises(UserError, match=message):
        RULES["sgd"].optimizer(params, **constants)
    with pytest.raises(UserError, match=message):
        RULES["sgd"].optimizer([{"params": params, **constants}])
    optimizer = RULES["sgd"].optimizer(params[:1])
    with pytest.raises(UserError, match=message):
        optimizer.add_param_group({"params": params[1:], **constants})
    assert len(optimizer.param_groups) == 1
    RULES["sgd"].optimizer(params[1:])


def test_one_owner():
    params = parameters()
    first = RULES["laplace"].optimizer(params)
    with pytest.raises(UserError, match="belongs to another optimizer, of rule 'laplace'"):
        RULES["sgd"].optimizer(params[1:])
    with pytest.raises(UserError, match="belongs to another"):
        RULES["sgd"].optimizer(parameters()).add_param_group({"params": params})
    first.release()
    second = RULES["sgd"].optimizer(params)
    del second
    gc.collect()
    RULES["sgd"].optimizer(params)


def test_refused_gradients_and_kinds():
    table = torch.nn.Embedding(10, 3, sparse=True)
    optimizer = RULES["sgd"].optimizer(table.parameters())
    table(torch.tensor([1, 2])).sum().backward()
    before = table.weight.detach().clone()
    with pytest.raises(UserError, match="does not support sparse gradients"):
        optimizer.step()
    assert torch.equal(table.weight, before)
    for dtype in (torch.float16, torch.bfloat16, torch.complex64):
        with pytest.raises(UserError, match="need torch.float32 or torch.float64"):
            RULES["sgd"].optimizer([torch.nn.Parameter(torch.ones(2, dtype=dtype))])


def test_refused_steps():
    params = parameters()
    noisy, plain = RULES["mesu"].optimizer(params[:1]), RULES["sgd"].optimizer(params[1:])
    with pytest.raises(UserError, match="needs a closure"):
        noisy.step()
    for samples in (0, -1, 1.5, True, "2"):
        with pytest.raises(UserError, match="samples must be a whole number"):
            noisy.step(lambda: None, samples=samples)
    with pytest.raises(UserError, match="no weight noise"):
        plain.step(lambda: None, samples=2)
    with pytest.raises(UserError, match="cannot average over weight samples: what it draws"):
        CORNERS.optimizer(parameters()).step(lambda: None, samples=2)
    plain.boundary()  # harmless
    assert noisy.step(lambda: None) is None
    assert noisy.step(lambda: None, samples=2) is None


def test_refused_state_dicts():
    params = parameters()
    optimizer = RULES["laplace"].optimizer(params)
    saved = optimizer.state_dict()
    others = parameters()
    with pytest.raises(UserError, match="is that of rule 'laplace'; rule 'sgd' cannot resume"):
        RULES["sgd"].optimizer(others).load_state_dict(saved)
    with pytest.raises(UserError, match="not that of a rule's optimizer"):
        optimizer.load_state_dict(torch.optim.SGD(others).state_dict())
    rewritten = Rule(**{f: getattr(RULES["laplace"], f) for f in ("name", "state", "weight", "initial", "parameters")},
                     on_gradient="information -= lr*gradient*precision")  # fmt: skip
    with pytest.raises(UserError, match="with another text"):
        rewritten.optimizer(parameters()).load_state_dict(saved)
    with pytest.raises(UserError, match="of shape"):
        RULES["laplace"].optimizer(parameters(shapes=((4, 3), (4,)))).load_state_dict(saved)
    with pytest.raises(ValueError, match="parameter group"):
        RULES["laplace"].optimizer(parameters(shapes=((3, 4),))).load_state_dict(saved)
    saved["param_groups"][0]["lr"] = float("nan")
    with pytest.raises(UserError, match="lr must be a number"):
        optimizer.load_state_dict(saved)


def test_a_name_that_the_source_needs():
    rule = Rule("mine", state="fused : 1", weight="fused", initial="fused = w_init", on_gradient="fused -= gradient")
    with pytest.raises(UserError, match="needs the name 'fused'"):
        rule.optimizer(parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", CASES)
def test_cuda_follows_the_cpu(name):
    ends = []
    for device in ("cpu", "cuda"):
        params = [torch.nn.Parameter(p.detach().to(device)) for p in parameters(torch.float64)]
        optimizer = CASES[name].optimizer(params)
        noise = torch.Generator().manual_seed(5)

        def draw(p, purpose, noise=noise):
            return torch.randn(p.shape, generator=noise, dtype=p.dtype).to(p)

        optimizer.draw = draw
        for step in range(COUNT):
            if step == 5:
                optimizer.boundary()
            optimizer.step(closure_for(optimizer, lambda params=params: sum((p**2).sum() for p in params)))
        ends.append([p.detach().cpu() for p in params])
    for a, b in zip(*ends, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
