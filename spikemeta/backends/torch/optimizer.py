"""A rule as a ``torch.optim.Optimizer``: one step is one presentation of the rule.

The update is generated from the rule's text, twice: as one compiled pass for a CPU (`spikemeta.backends.torch.kernel`), and
as operations on whole tensors (`spikemeta.backends.torch.source`) for any other device, or where there is no C++ compiler.
"""

import hashlib
import math
import warnings
import weakref
from contextlib import contextmanager

import torch
from torch.utils.weak import WeakIdKeyDictionary

from spikemeta.backends.torch import kernel, source
from spikemeta.errors import UserError, suggest

#: Which of our optimizers a parameter belongs to.
_OWNERS = WeakIdKeyDictionary()
#: Keys of a parameter group that are not constants of the rule: torch's own, and those that LR schedulers add.
_GROUP_KEYS = ("params", "param_names", "initial_lr", "max_lr", "min_lr")
_TEXTS = ("state", "weight", "initial", "on_presentation", "on_gradient", "on_boundary", "base_gradient", "on_base_step")


class _Function:
    """One generated function, called with what it needs out of a dict of names."""

    def __init__(self, name, text):
        space = {"torch": torch, "math": math}
        exec(compile(text, f"<{name}>", "exec"), space)
        self.call = space[name]
        self.names = self.call.__code__.co_varnames[: self.call.__code__.co_argcount]

    def __call__(self, space):
        return self.call(*[space[n] for n in self.names])


def _copied(values):
    return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in values.items()}


class RuleOptimizer(torch.optim.Optimizer):
    """A rule as a torch optimizer; made by ``rule.optimizer(params, ...)``.

    Step t (from 0) is presentation t of the rule: its gradient enters through ``on_gradient`` after the state has decayed by
    one presentation, at ``age`` t. A parameter without a gradient is skipped, and decays when it is next touched: in
    the next step that has its gradient, before the closure of the next ``step(closure)``, at a boundary, or by `flush`.

    Outside of a step a parameter holds its weight with the noise at zero (``randn()`` at 0, ``rand()`` at 0.5). Where the
    weight is more than one state variable the state is what counts: a value written into the parameter from outside is
    overwritten by the next step.

    With a base optimizer, such as Adam, the rule takes the base's step: the base descends the rule's ``base_gradient``, and
    ``on_base_step`` says what becomes of its step. Learning-rate schedules then belong to ``optimizer.base``.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor), or of dict
        As for any torch optimizer. Every constant of the rule is an option of a parameter group; times in presentations.
        A parameter's value is the ``w_init`` of its synapses. float32 or float64.
    rule : Rule
    seed : int
        Of the draws of ``initial``, and of the weight noise. The compiled pass draws other noise than whole tensors do.
    base : callable or None
        Makes the base optimizer from the list of parameters: ``functools.partial(torch.optim.Adam, lr=1e-3)``.
    fused : bool
        Whether the update is one compiled pass where it can be: contiguous parameters on a CPU, and a C++ compiler.
    **parameters : float
        Constants for all groups that do not give their own.

    Raises
    ------
    UserError
        For an unknown constant, one outside its range, a parameter that another optimizer of ours holds, one that is
        neither float32 nor float64, or a base optimizer for a rule that has no ``on_base_step``.
    """

    def __init__(self, params, rule, *, seed=0, base=None, fused=True, **parameters):
        if base is not None and not rule.base_gradient.strip():
            raise UserError(
                f"rule {rule.title!r} has no on_base_step, so it cannot take the steps of a base optimizer: leave out base"
            )
        self.base = None
        self._prepare(rule, seed, fused, base is not None)
        self.age = self._predictions = 0
        try:
            super().__init__(params, rule.constants(overrides=self._checked(parameters)))
            if base is not None:
                self.base = base([p for _, p in self._pairs()])
        except BaseException:
            self.release()
            raise

    def _prepare(self, rule, seed, fused, based):
        self.rule, self.seed, self.fused = rule, seed, fused
        self._run = {name: _Function(name, text) for name, text in source.source(rule, based).items()}
        self._own = source.own_state(rule)
        self._noisy, self._plain = rule.analysis.noisy, source.plainly_noisy(rule)
        self._generators, self._sampling, self._buffers, self._kernels = {}, False, {}, None
        if fused:
            try:
                self._kernels = kernel.Kernels(rule, based)
            except FileNotFoundError:  # whole tensors do as well, only slower
                pass
            except RuntimeError as error:
                warnings.warn(f"rule {rule.title!r} runs on whole tensors, which is slower: {error}", stacklevel=3)

    def __getstate__(self):
        kept = {name: getattr(self, name) for name in ("rule", "seed", "fused", "age", "base", "_predictions")}
        return super().__getstate__() | kept | {"draws": self._draws()}

    def __setstate__(self, state):
        draws = None
        if "rule" in state:  # a copy or an unpickled optimizer, not load_state_dict
            state = dict(state)
            draws = state.pop("draws")
            self._prepare(state["rule"], state["seed"], state["fused"], state["base"] is not None)
        super().__setstate__(state)
        if draws is not None:
            self._set_draws(draws)
            for _, p in self._pairs():
                _OWNERS[p] = weakref.ref(self)

    def _pairs(self):
        return [(group, p) for group in self.param_groups for p in group["params"]]

    # ---- parameter groups and their constants

    @torch.no_grad()
    def add_param_group(self, param_group):
        """Add a parameter group, as ``torch.optim.Optimizer.add_param_group`` does; its synapses start now."""
        if isinstance(param_group, dict):
            param_group = self._checked(param_group)
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            self._claim(group["params"])
            for p in group["params"]:
                self._start(group, p)
        except BaseException:
            self.param_groups.pop()
            raise
        if self.base is not None:
            self.base.add_param_group({"params": list(group["params"])})

    def _checked(self, group):
        group = dict(group)
        for name in [key for key in group if key not in _GROUP_KEYS]:
            if name not in self.rule.parameters:
                raise UserError(suggest(f"parameter of rule {self.rule.name!r}", name, self.rule.parameters))
            problem = self.rule.parameters[name].problem(group[name])
            if problem:
                raise UserError(f"{name} {problem}")
            group[name] = float(group[name])
        return group

    def _claim(self, params):
        for p in params:
            owner = _OWNERS.get(p, lambda: None)()
            if owner is not None and owner is not self:
                raise UserError(
                    f"a parameter of shape {tuple(p.shape)} already belongs to another optimizer, of rule "
                    f"{owner.rule.title!r}: both would change its weight; delete that optimizer or call its release()"
                )
            if p.dtype not in (torch.float32, torch.float64):
                raise UserError(
                    f"a parameter of shape {tuple(p.shape)} is {p.dtype}: rules need torch.float32 or torch.float64, because "
                    "slow forgetting is lost in fewer bits; keep the parameters in float32, and compute with torch.autocast"
                )
        for p in params:
            _OWNERS[p] = weakref.ref(self)

    def release(self):
        """Let go of the parameters, so that another optimizer of ours may take them; this one is then at its end."""
        for p in [p for p, owner in _OWNERS.items() if owner() is self]:
            del _OWNERS[p]

    # ---- random numbers

    def _generator(self, p, purpose):
        key = f"{purpose} {p.device}"
        if key not in self._generators:
            offset = ("initial", "noise", "prediction").index(purpose)
            self._generators[key] = torch.Generator(p.device).manual_seed(3 * self.seed + offset)
        return self._generators[key]

    def _draws(self):
        return {key: g.get_state() for key, g in self._generators.items()}

    def _set_draws(self, draws):
        self._generators, here = {}, {"cpu", *(str(p.device) for _, p in self._pairs())}
        for key, state in draws.items():
            device = key.split(" ")[1]
            if device in here:
                self._generators[key] = torch.Generator(device)
                self._generators[key].set_state(state.cpu())

    def draw(self, parameter, purpose="noise"):
        """Weight noise of one parameter: standard normal, of its shape; replace this method to supply it yourself.

        Not called where the compiled pass draws the noise itself.
        """
        generator = self._generator(parameter, purpose)
        return torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype, device=parameter.device)

    def dice(self, parameter, purpose="noise"):
        """What ``rand()`` draws at a presentation for one parameter, 0 to 1, of its shape; as for `draw`."""
        generator = self._generator(parameter, purpose)
        return torch.rand(parameter.shape, generator=generator, dtype=parameter.dtype, device=parameter.device)

    # ---- one parameter's synapses

    def _space(self, group, p, **more):
        own = {self._own: p.detach()} if self._own else {}
        return group | self.state[p] | own | more

    def _store(self, p, values):
        state = self.state[p]
        for name, value in values.items():
            if name != self._own:  # each its own memory, as some are changed in place
                others = [p, *[t for n, t in state.items() if isinstance(t, torch.Tensor)]]
                taken = {t.untyped_storage().data_ptr() for t in others}
                state[name] = value.clone() if value.untyped_storage().data_ptr() in taken else value
        if self._own in values:
            p.copy_(values[self._own])

    def _fusible(self, p):
        """Whether the compiled pass may read this parameter's memory as it lies."""
        if self._kernels is None or p.device.type != "cpu" or not p.is_contiguous():
            return False
        arrays = [value for value in self.state[p].values() if isinstance(value, torch.Tensor)]
        return all([value.dtype == p.dtype and value.is_contiguous() for value in arrays])

    def _kernel(self, name, group, p, arrays, elapsed=0.0, keys=(), given=(), samples=1):
        """Run a compiled pass on one parameter; ``arrays``: those besides its state, or in place of it."""
        state = self.state[p]
        pointers = []
        for n in self._kernels.needs[name][0]:
            value = arrays.get(n)
            if value is None:
                value = p if n in ("p", self._own) else state[n]
            pointers.append(value.data_ptr())
        self._kernels(
            name,
            "f" if p.dtype == torch.float32 else "d",
            p.numel(),
            pointers + [0 if t is None else t.data_ptr() for t in given],
            [*[group[n] for n in self.rule.parameters], float(self.age), elapsed],
            keys,
            samples,
            torch.get_num_threads(),
        )

    def _buffer(self, p, name, samples):
        key = (p, name)
        if key not in self._buffers or len(self._buffers[key]) != samples:
            self._buffers[key] = torch.empty((samples, *p.shape), dtype=p.dtype, device=p.device)
        return self._buffers[key]

    def _transmit(self, group, p, arrays, number=0, purpose="noise", samples=1):
        """Draw the noise, and with it the weight, by the compiled pass; by default into the state and the parameter."""
        draws = self._kernels.needs["sample"][1]
        sources = {"randn": (self.draw, RuleOptimizer.draw), "rand": (self.dice, RuleOptimizer.dice)}
        given = [None] * len(draws)
        for k, (draw, ours) in enumerate(sources[kind] for kind in draws):
            if getattr(draw, "__func__", None) is not ours:  # supplied from outside
                given[k] = draw(p, purpose).to(p).contiguous()
        which = next(k for k, (_, q) in enumerate(self._pairs()) if q is p)
        count = self._predictions if purpose == "prediction" else self.age
        keys = [k for d in range(len(draws)) for k in kernel.keys(self.seed, purpose, which, count, number, d)]
        self._kernel("sample", group, p, arrays, keys=keys, given=given, samples=samples)

    def _start(self, group, p):
        # Drawn once, in float64 on the CPU: the same synapses whatever the parameters' kind and device.
        here = torch.empty(p.shape, dtype=torch.float64)
        generator = self._generator(here, "initial")

        def drawn(function):
            return lambda: function(here.shape, generator=generator, dtype=here.dtype).to(p)

        space = group | {"w_init": p.detach().clone(), "rand": drawn(torch.rand), "randn": drawn(torch.randn)}
        self.state[p] |= {"touched": self.age, "inside": False}
        self._store(p, self._run["initial"](space))
        self._show_mean(group, p)

    def _mean(self, group, p, **more):
        run = self._run.get("mean", self._run["weight"])
        return run(self._space(group, p, age=float(self.state[p]["touched"]), **more))

    def _show_mean(self, group, p):
        if not self._own:
            p.copy_(self._mean(group, p))

    def _presented(self, group, p, purpose="noise", **more):
        """State variables as ``on_presentation`` leaves them now."""
        draws = {"rand": lambda: self.dice(p, purpose), "randn": lambda: self.draw(p, purpose)}
        return self._run["present"](self._space(group, p, **({"age": float(self.age)} | draws | more)))

    def _touch(self, group, p):
        """Decay a parameter's synapses to the present age."""
        state = self.state[p]
        elapsed = self.age - state["touched"]
        if elapsed:
            if "relax" in self._run:
                self._store(p, self._run["relax"](self._space(group, p, elapsed=float(elapsed))))
            state |= {"touched": self.age, "inside": False}
            state.pop("transmitted", None)
            self._show_mean(group, p)

    def _open(self, group, p):
        """Begin the present presentation, if that was not done yet; the parameter keeps its mean weight."""
        self._touch(group, p)
        state = self.state[p]
        if "present" in self._run and not state["inside"] and not self._plain:
            state |= {"inside": True, "transmitted": p.detach().clone()}
            self._store(p, self._presented(group, p))

    def _learn(self, group, p, run, gradients):
        state = self.state[p]
        if "present" in self._run and not self._plain:
            self._open(group, p)
        elapsed = float(self.age + 1 - state["touched"])
        weight = None
        if self._fusible(p):
            gradients = {name: g.contiguous() for name, g in gradients.items() if name != "base_step"}
            self._kernel(run, group, p, gradients, elapsed)
        else:
            if "old" in gradients:
                gradients["base_step"] = p - gradients["old"]
                p.copy_(gradients["old"])
            values, weight = self._run[run](self._space(group, p, age=float(self.age), elapsed=elapsed, **gradients))
            self._store(p, values)
        state |= {"touched": self.age + 1, "inside": False}
        state.pop("transmitted", None)
        if not self._own and weight is not None:
            p.copy_(weight)

    # ---- what a training loop calls

    @torch.no_grad()
    def step(self, closure=None, samples=1, stacked=False):
        """One presentation: the gradients in ``.grad``, or those of the closure, enter the rule.

        Parameters
        ----------
        closure : callable or None
            Clears the gradients, evaluates the model, calls ``backward`` and returns the loss. A rule with weight noise
            needs it: it is evaluated with the transmitted weights in the parameters, and gradients are cleared before.
        samples : int
            Weight samples, for a rule with weight noise: the closure is evaluated once for each, and the gradient, and its
            product with the noise, are averaged.
        stacked : bool
            Whether the closure takes all weight samples at once, as ``closure(weights)``, and returns their losses, shape
            (samples,), without ``backward``. ``weights``: tensors of shape (samples, ...), by name if the optimizer was
            given named parameters, else in a tuple. With ``torch.func.vmap`` and ``functional_call`` any module will do.

        Returns
        -------
        loss
            What the closure returned, averaged over samples; None without a closure.

        Raises
        ------
        UserError
            If the rule needs a closure, a gradient is sparse, the rule cannot average over samples, or weights are
            sampled for prediction now.
        """
        noisy = self._noisy
        if self._sampling:
            raise UserError("step() inside sampled() would learn from weights drawn for prediction: call it outside")
        if noisy and closure is None:
            raise UserError(
                f"rule {self.rule.title!r} draws its weights anew at each step, so step() needs a closure that evaluates the "
                "model with them: def closure(): optimizer.zero_grad(); loss = ...; loss.backward(); return loss"
            )
        self._check_samples(samples, noisy, stacked)
        loss, products = None, {}
        if stacked:
            loss, products = self._sample_stacked(closure, samples)
        elif noisy:
            loss, products = self._sample(closure, samples)
        elif closure is not None:
            for group, p in self._pairs():
                self._touch(group, p)
            with torch.enable_grad():
                loss = closure()
        todo = [(group, p) for group, p in self._pairs() if p.grad is not None]
        self._refuse_sparse()
        if self.base is not None:
            products = self._base_step(todo)
        for group, p in todo:
            run = "averaged" if samples > 1 or stacked else "update"
            self._learn(group, p, run, {"gradient": p.grad} | products.get(p, {}))
        self.age += 1
        return loss

    def _base_step(self, todo):
        """Let the base optimizer step; what the weights were before, by parameter."""
        olds, gradients = {p: {"old": p.detach().clone()} for _, p in todo}, {p: p.grad for _, p in todo}
        for group, p in todo:
            if self._fusible(p):
                felt = torch.empty_like(p)
                self._kernel("descent", group, p, {"gradient": p.grad.contiguous(), "p": felt})
            else:
                felt = self._run["descent"](self._space(group, p, age=float(self.age), gradient=p.grad))
            p.grad = felt
        try:
            self.base.step()
        finally:
            for p, gradient in gradients.items():
                p.grad = gradient
        return olds

    def _refuse_sparse(self):
        if any(p.grad is not None and p.grad.is_sparse for _, p in self._pairs()):
            raise UserError(
                f"rule {self.rule.title!r} does not support sparse gradients: use dense ones, as with "
                "torch.nn.Embedding(..., sparse=False)"
            )

    def _check_samples(self, samples, noisy, stacked):
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise UserError(f"samples must be a whole number of at least 1, not {samples!r}")
        if samples > 1 and not noisy:
            raise UserError(f"rule {self.rule.title!r} has no weight noise: all {samples} samples would be the same; use 1")
        if stacked and not noisy:
            raise UserError(f"rule {self.rule.title!r} has no weight noise, so there are no samples to stack")
        if (samples > 1 or stacked) and "averaged" not in self._run:
            reason = source.averaged(self.rule)[1]
            raise UserError(f"rule {self.rule.title!r} cannot average over weight samples: {reason}; use samples=1")

    def _sample(self, closure, samples):
        """Evaluate the closure once per weight sample; gradients in ``.grad`` and products with the noise, both averaged."""
        pairs, noises = self._pairs(), sorted(self.rule.analysis.writes["on_presentation"])
        for group, p in pairs:
            self._open(group, p)
        sums, products, losses = {}, {}, []
        try:
            for k in range(samples):
                for group, p in pairs:
                    if self._plain and self._fusible(p):
                        self._transmit(group, p, {}, k)
                        continue
                    if k or self._plain:
                        self._store(p, self._presented(group, p))
                    p.copy_(self._run["weight"](self._space(group, p)))
                for _, p in pairs:
                    p.grad = None
                with torch.enable_grad():
                    losses.append(closure())
                self._refuse_sparse()
                for _, p in pairs if samples > 1 else ():
                    if p.grad is not None:
                        sums[p] = sums.get(p, 0) + p.grad
                        for n in noises:
                            kept = products.setdefault(p, {})
                            name = source.product_name(n)
                            kept[name] = torch.addcmul(kept.get(name, torch.zeros_like(p)), p.grad, self.state[p][n])
            done = samples == 1 and all(p.grad is not None and self._fusible(p) for _, p in pairs)
        except BaseException:
            done = False
            raise
        finally:
            if not (done and self._plain):  # else the update writes the mean weights
                for group, p in pairs:
                    p.copy_(self._mean(group, p) if self._plain else self.state[p]["transmitted"])
        for p, total in sums.items():
            p.grad = total / samples
        averages = {p: {name: total / samples for name, total in kept.items()} for p, kept in products.items()}
        return (losses[0] if samples == 1 else None if losses[0] is None else sum(losses) / samples), averages

    def _sample_stacked(self, objective, samples):
        """As `_sample`, of a function of all samples at once."""
        pairs, noises = self._pairs(), sorted(self.rule.analysis.writes["on_presentation"])
        if not self._plain:
            raise UserError(f"rule {self.rule.title!r} cannot stack weight samples: its noise depends on what came before")
        stacks, draws = {}, {}
        for group, p in pairs:
            self._touch(group, p)
            draws[p] = {n: self._buffer(p, n, samples) for n in noises}
            weights = self._buffer(p, "weights", samples)
            if self._fusible(p) and getattr(self.draw, "__func__", None) is RuleOptimizer.draw:
                self._transmit(group, p, draws[p] | {"p": weights}, samples=samples)
            else:
                for k in range(samples):
                    drawn = self._presented(group, p)
                    weights[k] = self._run["weight"](self._space(group, p, **drawn))
                    for n in noises:
                        draws[p][n][k] = drawn[n]
            stacks[p] = weights.detach().requires_grad_()
        named = all("param_names" in group for group in self.param_groups)
        names = [n for group in self.param_groups for n in group.get("param_names", ())]
        with torch.enable_grad():
            losses = objective(dict(zip(names, stacks.values(), strict=True)) if named else tuple(stacks.values()))
            if not isinstance(losses, torch.Tensor) or losses.shape != (samples,):
                found = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
                raise UserError(f"a stacked closure must return the losses of the {samples} samples, not {found}")
            found = torch.autograd.grad(losses.sum(), list(stacks.values()), allow_unused=True)
        products = {}
        for (group, p), gradients in zip(pairs, found, strict=True):
            p.grad, products[p] = None, {}
            if gradients is None:
                continue
            p.grad = torch.empty_like(p)
            for n in noises:
                product = products[p][source.product_name(n)] = torch.empty_like(p)
                if self._fusible(p):
                    arrays = {"gradients": gradients.contiguous(), "noise": draws[p][n], "gradient": p.grad, "product": product}
                    self._kernel("average", group, p, arrays, samples=samples)
                else:
                    product.copy_((gradients * draws[p][n]).mean(0))
                    p.grad.copy_(gradients.mean(0))
        return losses.detach().mean(), products

    @contextmanager
    def sampled(self):
        """Draw weights for a prediction, once; afterwards the parameters hold their mean weights again.

        The draws do not disturb those of the training. Without weight noise nothing changes.
        """
        with torch.no_grad():
            for group, p in self._pairs():
                self._touch(group, p)
        if not self._noisy:
            yield self
            return
        if self._sampling:
            raise UserError("sampled() inside sampled(): leave the first to draw again")
        means = [(p, p.detach().clone()) for _, p in self._pairs()]
        self._sampling = True
        try:
            with torch.no_grad():
                for group, p in self._pairs():
                    if self._plain and self._fusible(p):
                        scratch = {n: torch.empty_like(p) for n in self.rule.analysis.writes["on_presentation"]}
                        self._transmit(group, p, scratch, purpose="prediction")
                    else:
                        drawn = self._presented(group, p, "prediction")
                        p.copy_(self._run["weight"](self._space(group, p, **drawn)))
                self._predictions += 1
            yield self
        finally:
            with torch.no_grad():
                for p, mean in means:
                    p.copy_(mean)
            self._sampling = False

    @torch.no_grad()
    def boundary(self):
        """Signal a new task or item, between two steps; harmless for a rule that has no ``on_boundary``."""
        if "boundary" not in self._run:
            return
        for group, p in self._pairs():
            self._touch(group, p)
            age, more = float(self.age), {}
            if "present" in self._run:  # the weight with the noise at zero comes from a presentation without noise
                state = self.state[p]
                if self._noisy or not state["inside"]:
                    quiet = {"rand": lambda p=p: torch.full_like(p, 0.5), "randn": lambda p=p: torch.zeros_like(p)}
                    more = self._presented(group, p, **quiet)
                self._open(group, p)
                more |= self._run["boundary"](self._space(group, p, **(more | {"age": age})))
            self._store(p, self._run["boundary"](self._space(group, p, age=age)))
            if "present" in self._run:
                p.copy_(self._run["weight"](self._space(group, p, **more)))
                state["transmitted"] = p.detach().clone()
            else:
                self._show_mean(group, p)

    @torch.no_grad()
    def flush(self):
        """Decay the state of every parameter to the present age, as when state is read."""
        for group, p in self._pairs():
            self._touch(group, p)

    # ---- saving and resuming

    def _signature(self):
        texts = "\0".join(" ".join(getattr(self.rule, name).split()) for name in _TEXTS)
        return {"name": self.rule.name, "text": hashlib.sha256(texts.encode()).hexdigest()}

    def state_dict(self):
        """State of the optimizer, as torch's, and under ``"rule"`` the rule's name, age and random generators."""
        saved = super().state_dict()
        saved["state"] = {key: _copied(values) for key, values in saved["state"].items()}
        if not self._own:  # the weight to its last bit, whichever way it was computed
            for key, (_, p) in enumerate(self._pairs()):
                saved["state"][key]["transmitted"] = p.detach().clone()
        own = self._signature() | {"age": self.age, "predictions": self._predictions, "draws": self._draws()}
        return saved | {"rule": own | ({"base": self.base.state_dict()} if self.base is not None else {})}

    @torch.no_grad()
    def load_state_dict(self, state_dict):
        """Resume from a `state_dict`, exactly.

        The parameters get the weights that belong to the state, except where the weight is a state variable
        of its own, as in rule ``sgd``: such weights come from the model's own ``state_dict``.

        Raises
        ------
        UserError
            If it is that of another rule or of other shapes.
        """
        saved = state_dict.get("rule")
        if not isinstance(saved, dict):
            raise UserError(
                f"this state_dict is not that of a rule's optimizer, so rule {self.rule.title!r} cannot resume from it"
            )
        mine = self._signature()
        if saved.get("name") != mine["name"]:
            raise UserError(
                f"this state_dict is that of rule {saved.get('name')!r}; rule {mine['name']!r} cannot resume from it"
            )
        if saved.get("text") != mine["text"]:
            raise UserError(f"this state_dict is that of rule {mine['name']!r} with another text; resume it with that text")
        for group in state_dict["param_groups"]:
            self._checked(group)
        numbers = [n for group in state_dict["param_groups"] for n in group["params"]]
        for (_, p), n in zip(self._pairs(), numbers, strict=False):
            for name, value in state_dict["state"].get(n, {}).items():
                if isinstance(value, torch.Tensor) and value.shape != p.shape:
                    raise UserError(
                        f"this state_dict has a {name} of shape {tuple(value.shape)} where the parameter has {tuple(p.shape)}"
                    )
        if ("base" in saved) != (self.base is not None):
            have, want = ("with", "without") if "base" in saved else ("without", "with")
            raise UserError(f"this state_dict is that of an optimizer {have} a base, and this one is {want}")
        super().load_state_dict(state_dict)
        for _, p in self._pairs():
            self.state[p] |= _copied(self.state[p])
        if self.base is not None:
            self.base.load_state_dict(saved["base"])
        self.age, self._predictions = saved["age"], saved["predictions"]
        self._set_draws(saved["draws"])
        for _, p in self._pairs():
            if not self._own:
                p.copy_(self.state[p]["transmitted"])
