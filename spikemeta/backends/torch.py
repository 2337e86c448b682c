"""A rule as a ``torch.optim.Optimizer``: one step is one presentation of the rule.

The update is generated from the rule's text (`spikemeta.backends.torch_source`), a Python function on whole tensors; it
runs in float32 and float64, on any device.
"""

import hashlib
import math
import weakref
from contextlib import contextmanager

import torch
from torch.utils.weak import WeakIdKeyDictionary

from spikemeta.backends import torch_source
from spikemeta.errors import UserError, suggest

#: Which of our optimizers a parameter belongs to.
_OWNERS = WeakIdKeyDictionary()
#: Keys of a parameter group that are not constants of the rule: torch's own, and those that LR schedulers add.
_GROUP_KEYS = ("params", "param_names", "initial_lr", "max_lr", "min_lr")
_TEXTS = ("state", "weight", "initial", "on_presentation", "on_gradient", "on_boundary")


class _Function:
    """One generated function, called with what it needs out of a dict of names."""

    def __init__(self, name, text, compiled):
        space = {"torch": torch, "math": math}
        exec(compile(text, f"<{name}>", "exec"), space)
        self.call = space[name]
        self.names = self.call.__code__.co_varnames[: self.call.__code__.co_argcount]
        if compiled:
            self.call = torch.compile(self.call, dynamic=True)  # sizes and rates may change

    def __call__(self, space):
        return self.call(*[space[n] for n in self.names])


class RuleOptimizer(torch.optim.Optimizer):
    """A rule as a torch optimizer; made by ``rule.optimizer(params, ...)``.

    Step t (from 0) is presentation t of the rule: its gradient enters through ``on_gradient`` after the state has decayed by
    one presentation, at ``age`` t. A parameter without a gradient is skipped, and decays when it is next touched: in
    the next step that has its gradient, before the closure of the next ``step(closure)``, at a boundary, or by `flush`.

    Outside of a step a parameter holds its weight with the noise at zero (``randn()`` at 0, ``rand()`` at 0.5). Where the
    weight is more than one state variable the state is what counts: a value written into the parameter from outside is
    overwritten by the next step.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor), or of dict
        As for any torch optimizer. Every constant of the rule is an option of a parameter group; times in presentations.
        A parameter's value is the ``w_init`` of its synapses. float32 or float64.
    rule : Rule
    seed : int
        Of the draws of ``initial``, and of the weight noise. Draws on a CPU and on a GPU differ.
    compiled : bool
        Whether the update goes through ``torch.compile``. Numbers are compiled in: one that changes at each step (a
        scheduler, ``age``) is compiled anew a few times, after which torch runs the update uncompiled.
    **parameters : float
        Constants for all groups that do not give their own.

    Raises
    ------
    UserError
        For an unknown constant, one outside its range, a parameter that another optimizer of ours holds, or one that is
        neither float32 nor float64.
    """

    def __init__(self, params, rule, *, seed=0, compiled=False, **parameters):
        self._prepare(rule, seed, compiled)
        self.age = 0
        try:
            super().__init__(params, rule.constants(overrides=self._checked(parameters)))
        except BaseException:
            self.release()
            raise

    def _prepare(self, rule, seed, compiled):
        self.rule, self.seed, self.compiled = rule, seed, compiled
        self._run = {
            name: _Function(name, text, compiled and name in ("update", "averaged"))
            for name, text in torch_source.source(rule).items()
        }
        # A weight that is one state variable, and always that, is stored in the parameter itself.
        self._own = rule.weight.strip() if rule.weight.strip() in rule.analysis.states and "present" not in self._run else None
        self._noisy = rule.analysis.noisy
        self._generators, self._sampling = {}, False

    def __getstate__(self):
        kept = {name: getattr(self, name) for name in ("rule", "seed", "compiled", "age")}
        return super().__getstate__() | kept | {"draws": self._draws()}

    def __setstate__(self, state):
        draws = None
        if "rule" in state:  # a copy or an unpickled optimizer, not load_state_dict
            state = dict(state)
            draws = state.pop("draws")
            self._prepare(state["rule"], state["seed"], state["compiled"])
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
        """Weight noise of one parameter: standard normal, of its shape; replace this method to supply it yourself."""
        generator = self._generator(parameter, purpose)
        return torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype, device=parameter.device)

    # ---- one parameter's synapses

    def _space(self, group, p, **more):
        own = {self._own: p.detach()} if self._own else {}
        return group | self.state[p] | own | more

    def _store(self, p, values):
        for name, value in values.items():
            if name != self._own:  # what is the parameter itself changes with it: keep a copy
                same = value.untyped_storage().data_ptr() == p.untyped_storage().data_ptr()
                self.state[p][name] = value.clone() if same else value
        if self._own in values:
            p.copy_(values[self._own])

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
        generator = self._generator(p, purpose)
        draws = {
            "rand": lambda: torch.rand(p.shape, generator=generator, dtype=p.dtype, device=p.device),
            "randn": lambda: self.draw(p, purpose),
        }
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
        if "present" in self._run and not state["inside"]:
            state |= {"inside": True, "transmitted": p.detach().clone()}
            self._store(p, self._presented(group, p))

    def _learn(self, group, p, run, gradients):
        state = self.state[p]
        if "present" in self._run:
            self._open(group, p)
        elapsed = float(self.age + 1 - state["touched"])
        values, weight = self._run[run](self._space(group, p, age=float(self.age), elapsed=elapsed, **gradients))
        self._store(p, values)
        state |= {"touched": self.age + 1, "inside": False}
        state.pop("transmitted", None)
        if not self._own:
            p.copy_(weight)

    # ---- what a training loop calls

    @torch.no_grad()
    def step(self, closure=None, samples=1):
        """One presentation: the gradients in ``.grad``, or those of the closure, enter the rule.

        Parameters
        ----------
        closure : callable or None
            Clears the gradients, evaluates the model, calls ``backward`` and returns the loss. A rule with weight noise
            needs it: it is evaluated with the transmitted weights in the parameters, and gradients are cleared before.
        samples : int
            Weight samples, for a rule with weight noise: the closure is evaluated once for each, and the gradient, and its
            product with the noise, are averaged.

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
        self._check_samples(samples, noisy)
        loss, products = None, {}
        if noisy:
            loss, products = self._sample(closure, samples)
        elif closure is not None:
            for group, p in self._pairs():
                self._touch(group, p)
            with torch.enable_grad():
                loss = closure()
        todo = [(group, p) for group, p in self._pairs() if p.grad is not None]
        self._refuse_sparse()
        for group, p in todo:
            self._learn(group, p, "averaged" if samples > 1 else "update", {"gradient": p.grad} | products.get(p, {}))
        self.age += 1
        return loss

    def _refuse_sparse(self):
        if any(p.grad is not None and p.grad.is_sparse for _, p in self._pairs()):
            raise UserError(
                f"rule {self.rule.title!r} does not support sparse gradients: use dense ones, as with "
                "torch.nn.Embedding(..., sparse=False)"
            )

    def _check_samples(self, samples, noisy):
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise UserError(f"samples must be a whole number of at least 1, not {samples!r}")
        if samples > 1 and not noisy:
            raise UserError(f"rule {self.rule.title!r} has no weight noise: all {samples} samples would be the same; use 1")
        if samples > 1 and "averaged" not in self._run:
            reason = torch_source.averaged(self.rule)[1]
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
                    if k:
                        self._store(p, self._presented(group, p))
                    p.copy_(self._run["weight"](self._space(group, p)))
                self.zero_grad()
                with torch.enable_grad():
                    losses.append(closure())
                self._refuse_sparse()
                for _, p in pairs if samples > 1 else ():
                    if p.grad is not None:
                        sums[p] = sums.get(p, 0) + p.grad
                        for n in noises:
                            kept = products.setdefault(p, {})
                            name = torch_source.product_name(n)
                            kept[name] = torch.addcmul(kept.get(name, torch.zeros_like(p)), p.grad, self.state[p][n])
        finally:
            for _, p in pairs:
                p.copy_(self.state[p]["transmitted"])
        for p, total in sums.items():
            p.grad = total / samples
        averages = {p: {name: total / samples for name, total in kept.items()} for p, kept in products.items()}
        return (losses[0] if samples == 1 else None if losses[0] is None else sum(losses) / samples), averages

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
                    drawn = self._presented(group, p, "prediction")
                    p.copy_(self._run["weight"](self._space(group, p, **drawn)))
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
        saved["state"] = {
            key: dict(values) for key, values in saved["state"].items()
        }  # steps replace tensors, never change them
        return saved | {"rule": self._signature() | {"age": self.age, "draws": self._draws()}}

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
        super().load_state_dict(state_dict)
        self.age = saved["age"]
        self._set_draws(saved["draws"])
        for group, p in self._pairs():
            if "transmitted" in self.state[p]:
                p.copy_(self.state[p]["transmitted"])
            else:
                self._show_mean(group, p)
