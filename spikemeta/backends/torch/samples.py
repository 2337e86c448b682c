"""Weight samples: the gradient of several draws of the weights, one by one or stacked, and the weights of a prediction."""

from contextlib import contextmanager

import torch

from spikemeta.backends.torch import memory, plan
from spikemeta.backends.torch.written import Written
from spikemeta.errors import UserError


class Samples(Written):
    """The part of the optimizer that evaluates closures under drawn weights."""

    def _check_samples(self, samples, stacked):
        title = f"rule {self.rule.title!r}"
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise UserError(f"samples must be a whole number of at least 1, not {samples!r}")
        if samples > 1 and not self._noisy:
            raise UserError(f"{title} has no weight noise: all {samples} samples would be the same; use 1")
        if stacked and not self._noisy:
            raise UserError(f"{title} has no weight noise, so there are no samples to stack")
        if (samples > 1 or stacked) and "averaged" not in self._run:
            reason = plan.averaged(self.rule)[1]
            raise UserError(f"{title} cannot average over weight samples: {reason}; use samples=1")
        if stacked and not self._plain:
            raise UserError(f"{title} cannot stack weight samples: its noise depends on what came before")

    def _noises(self):
        return sorted(self.rule.analysis.writes["on_presentation"])

    def _show(self, group, p, number):
        """Put one draw of the weights into a parameter; a frozen one keeps its state."""
        if self._plain and self._fusible(p):
            self._transmit(group, p, {}, number)
            return
        drawn = {}
        if number or self._plain or not p.requires_grad:
            drawn = self._presented(group, p)
            if p.requires_grad:
                self._store(p, drawn)
        p.copy_(self._run["weight"](self._space(group, p, **drawn)))

    def _sample(self, closure, samples):
        """Evaluate the closure once per weight sample; gradients in ``.grad`` and products with the noise, both averaged."""
        pairs = self._pairs()
        frozen = [(p, p.detach().clone()) for _, p in pairs if not p.requires_grad]
        for group, p in pairs:
            (self._open if p.requires_grad else self._touch)(group, p)
        sums, products, losses = {}, {}, []
        try:
            for k in range(samples):
                for group, p in pairs:
                    self._show(group, p, k)
                for _, p in pairs:
                    p.grad = None
                with torch.enable_grad():
                    losses.append(closure())
                if samples > 1:
                    self._add(sums, products)
            done = samples == 1 and all(p.grad is not None and self._fusible(p) for _, p in pairs)
        except BaseException:
            done = False
            raise
        finally:
            if not (done and self._plain):  # else the update writes the mean weights
                for group, p in pairs:
                    if p.requires_grad:
                        p.copy_(self._mean(group, p) if self._plain else self.state[p]["transmitted"])
            for p, held in frozen:
                p.copy_(held)
            for _, p in pairs:
                self._remember(p)
        for p, total in sums.items():
            memory.put_gradient(p, total / samples)
        averages = {p: {name: total / samples for name, total in kept.items()} for p, kept in products.items()}
        return (losses[0] if samples == 1 else None if losses[0] is None else sum(losses) / samples), averages

    def _add(self, sums, products):
        """Add the gradients of one sample, and their products with its noise."""
        for _, p in self._pairs():
            if p.grad is not None:
                gradient = memory.gradient_of(p)
                sums[p] = sums.get(p, 0) + gradient
                for n in self._noises():
                    kept, name = products.setdefault(p, {}), plan.product_name(n)
                    kept[name] = torch.addcmul(kept.get(name, torch.zeros_like(p)), gradient, self.state[p][n])

    def _sample_stacked(self, objective, samples):
        """As `_sample`, of a function of all samples at once."""
        pairs, stacks, draws = self._pairs(), {}, {}
        for group, p in pairs:
            self._touch(group, p)
            draws[p] = {n: self._buffer(p, n, samples) for n in self._noises()}
            weights = self._stack(group, p, draws[p], samples)
            stacks[p] = weights.detach().requires_grad_(p.requires_grad)
        named = all("param_names" in group for group in self.param_groups)
        names = [n for group in self.param_groups for n in group.get("param_names", ())]
        learning = [p for _, p in pairs if p.requires_grad]
        with torch.enable_grad():
            losses = objective(dict(zip(names, stacks.values(), strict=True)) if named else tuple(stacks.values()))
            if not isinstance(losses, torch.Tensor) or losses.shape != (samples,):
                found = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
                raise UserError(f"a stacked closure must return the losses of the {samples} samples, not {found}")
            found = torch.autograd.grad(losses.sum(), [stacks[p] for p in learning], allow_unused=True) if learning else ()
        found, products = dict(zip(learning, found, strict=True)), {}
        for group, p in pairs:
            p.grad, products[p] = None, {}
            if found.get(p) is not None:
                products[p] = self._average(group, p, found[p], draws[p], samples)
        return losses.detach().mean(), products

    def _stack(self, group, p, draws, samples):
        """Draws of the weights of one parameter, shape (samples, ...); its noise goes into ``draws``."""
        weights = self._buffer(p, "weights", samples)
        ours = all(self._supplied(kind) is None for kind in ("randn", "rand"))
        if self._fusible(p) and ours:
            self._transmit(group, p, draws | {"p": weights}, samples=samples)
            return weights
        for k in range(samples):
            drawn = self._presented(group, p)
            weights[k] = self._run["weight"](self._space(group, p, **drawn))
            for n, values in draws.items():
                values[k] = drawn[n]
        return weights

    def _average(self, group, p, gradients, draws, samples):
        """Put the mean gradient into ``p.grad``; the mean products with the noise."""
        mean, products = torch.empty_like(p), {}
        for n, noise in draws.items():
            product = products[plan.product_name(n)] = torch.empty_like(p)
            if self._fusible(p):
                arrays = {"gradients": gradients.contiguous(), "noise": noise, "gradient": mean, "product": product}
                self._kernel("average", group, p, arrays, samples=samples)
            else:
                product.copy_((gradients * noise).mean(0))
                mean.copy_(gradients.mean(0))
        memory.put_gradient(p, mean)
        return products

    @contextmanager
    def sampled(self):
        """Draw weights for a prediction, once; afterwards the parameters hold their mean weights again.

        The draws do not disturb those of the training. Without weight noise nothing changes.
        """
        if self._sampling:
            raise UserError("sampled() inside sampled(): leave the first to draw again")
        with torch.no_grad():
            self._notice()
            for group, p in self._pairs():
                self._touch(group, p)
        if not self._noisy:
            yield self
            return
        means = [(p, p.detach().clone()) for _, p in self._pairs()]
        self._sampling = True
        try:
            with torch.no_grad():
                for group, p in self._pairs():
                    if self._plain and self._fusible(p):
                        scratch = {n: torch.empty_like(p) for n in self._noises()}
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
                    self._remember(p)
            self._sampling = False
