"""A rule as a ``torch.optim.Optimizer``: one step is one presentation of the rule.

The update is generated from the rule's text, twice: as one compiled pass for a CPU (`spikemeta.backends.torch.passes`), and
as operations on whole tensors (`spikemeta.backends.torch.source`) for any other device, or where there is no C++ compiler.
The optimizer is a tower of classes, each of which knows only those below it: groups, synapses, written, samples, saving.
"""

import torch

from spikemeta.backends.torch import memory
from spikemeta.backends.torch.saving import Saving
from spikemeta.errors import UserError, suggest


class RuleOptimizer(Saving):
    """A rule as a torch optimizer; made by ``rule.optimizer(params, ...)``.

    Step t (from 0) is presentation t of the rule: its gradient enters through ``on_gradient`` after the state has decayed by
    one presentation, at ``age`` t. A parameter without a gradient is skipped, and decays when it is next touched: in
    the next step that has its gradient, before the closure of the next ``step(closure)``, at a boundary, or by `flush`.

    A frozen parameter (``requires_grad_(False)``) without a gradient stands still: it neither learns nor fades, and hears of no
    boundary, as if time did not pass for it.

    Outside of a step a parameter holds its weight with the noise at zero (``randn()`` at 0, ``rand()`` at 0.5). A value that is
    written into it from outside is noticed at the next step, and the state follows it; see `restart`.

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
        For a constant given by place, an unknown one, one outside its range, a parameter that another optimizer of ours
        holds, one that is neither float32 nor float64, or a base optimizer for a rule that has no ``on_base_step``.
    """

    def __init__(self, params, rule, *by_place, seed=0, base=None, fused=True, **parameters):
        if by_place:
            known = ", ".join(f"{name}={p.value:g}" for name, p in list(rule.parameters.items())[:3])
            raise UserError(f"give constants of rule {rule.title!r} by name, as in optimizer(params, {known})")
        if base is not None and not rule.base_gradient.strip():
            raise UserError(
                f"rule {rule.title!r} has no on_base_step, so it cannot take the steps of a base optimizer: leave out base"
            )
        self.base = None
        self._prepare(rule, seed, fused, base is not None)
        self.age = self._predictions = 0
        unknown = next((name for name in parameters if name not in rule.parameters), None)
        if unknown is not None:
            raise UserError(suggest(f"parameter of rule {rule.name!r}", unknown, rule.parameters))
        try:
            super().__init__(params, rule.constants(overrides=self._checked(parameters)))
            if base is not None:
                self.base = base([p for _, p in self._pairs()])
        except BaseException:
            self.release()
            raise
        self._warn_if_slow()

    # Not traced by torch.compile: it would unroll the loop over parameters, and take the rule's age for a constant.
    @torch.compiler.disable
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
            If the rule needs a closure, a gradient is sparse or complex, a parameter was replaced by one of another shape, a
            constant was changed to one outside its range, the rule cannot average over samples, or weights are sampled for
            prediction now.
        """
        if self._sampling:
            raise UserError("step() inside sampled() would learn from weights drawn for prediction: call it outside")
        if self._noisy and closure is None:
            raise UserError(
                f"rule {self.rule.title!r} draws its weights anew at each step, so step() needs a closure that evaluates the "
                "model with them: def closure(): optimizer.zero_grad(); loss = ...; loss.backward(); return loss"
            )
        self._check_samples(samples, stacked)
        self._check_constants()
        self._notice()
        loss, products = None, {}
        if stacked:
            loss, products = self._sample_stacked(closure, samples)
        elif self._noisy:
            loss, products = self._sample(closure, samples)
        elif closure is not None:
            for group, p in self._pairs():
                self._touch(group, p)
            with torch.enable_grad():
                loss = closure()
            self._notice()
        pairs = self._pairs()
        todo = [(group, p, memory.gradient_of(p)) for group, p in pairs if p.grad is not None]
        if self.base is not None:
            products = self._base_step(todo)
        for group, p, gradient in todo:
            run = "averaged" if samples > 1 or stacked else "update"
            self._learn(group, p, run, {"gradient": gradient} | products.get(p, {}))
        self.age += 1
        for _, p in pairs:
            if not p.requires_grad:
                self.state[p]["touched"] = self.age
        return loss

    def _base_step(self, todo):
        """Let the base optimizer step; what the weights were before, by parameter."""
        olds, gradients = {p: {"old": p.detach().clone()} for _, p, _ in todo}, {p: p.grad for _, p, _ in todo}
        for group, p, gradient in todo:
            if self._fusible(p):
                felt = torch.empty_like(p)
                self._kernel("descent", group, p, {"gradient": gradient.contiguous(), "p": felt})
            else:
                felt = self._run["descent"](self._space(group, p, age=float(self.age), gradient=gradient))
            memory.put_gradient(p, felt)
        try:
            self.base.step()
        finally:
            for p, gradient in gradients.items():
                p.grad = gradient
        return olds

    @torch.compiler.disable
    @torch.no_grad()
    def boundary(self):
        """Signal a new task or item, between two steps; harmless for a rule that has no ``on_boundary``."""
        if "boundary" not in self._run:
            return
        self._notice()
        for group, p in self._pairs():
            self._touch(group, p)
            if not p.requires_grad:
                continue
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
                self._remember(p)
            else:
                self._show_mean(group, p)

    @torch.compiler.disable
    @torch.no_grad()
    def flush(self):
        """Decay the state of every parameter to the present age, as when state is read."""
        self._notice()
        for group, p in self._pairs():
            self._touch(group, p)
