"""The steps of one layer of neurons in torch: one by one under autograd, or all at once with the gradient by hand."""

import numpy as np
import torch


class Layer:
    """The numbers of a layer's step as torch uses them.

    A variable that acts on one other alone, such as a current on a potential, is counted in units of what it adds to that in a
    step: the weights are multiplied once, by ``gain``, and not every step.

    Parameters
    ----------
    step : spikemeta.language.dynamics.Step
    slope : float
        Of the surrogate gradient, per unit of distance from the threshold.
    scale : float
        step/escape.
    """

    def __init__(self, step, slope, scale):
        self.step, self.slope, self.scale = step, slope, scale
        size = len(step.variables)
        couples = step.propagator * (1 - np.eye(size))
        mixed = step.reset * (1 - np.eye(size))
        self.gain = np.ones(size)
        for k in range(size):
            targets = couples[:, k].nonzero()[0]
            apart = not (step.slope[k] or couples[k].any() or mixed[:, k].any() or mixed[k].any())
            if apart and len(targets) == 1 and not couples[:, targets[0]].any():
                self.gain[k] = couples[targets[0], k]
        scaled = couples / self.gain
        scaled[:, self.gain != 1] = couples[:, self.gain != 1] != 0  # 1, whatever the rounding
        self.propagator = [
            [(j, float(scaled[i, j] if i != j else step.propagator[i, i])) for j in range(size) if i == j or scaled[i, j]]
            for i in range(size)
        ]
        self.columns = [[(i, c) for i, row in enumerate(self.propagator) for k, c in row if k == j] for j in range(size)]
        self.columns = [sorted(column, key=lambda entry, j=j: entry[0] != j) for j, column in enumerate(self.columns)]
        self.drift, self.jump = (step.drift * self.gain).tolist(), (step.jump * self.gain).tolist()
        self.threshold = [(k, float(c)) for k, c in enumerate(step.slope) if c]
        self.offset = float(step.offset)
        self.resets = [self._reset_of(k) for k in range(size)]
        self.order = self._order()

    def _reset_of(self, k):
        """How a spike changes a variable: None, ("set",), ("add",) or ("mix", row)."""
        row, jump = self.step.reset[k], self.step.jump[k]
        own = np.eye(len(row))[k]
        if (row == own).all():
            return ("add",) if jump else None
        if not row.any():
            return ("set",)
        return "mix", [(j, float(c)) for j, c in enumerate(row) if c]

    def _order(self):
        """Variables in an order in which each may be replaced in place: what another reads is replaced after it; or None."""
        left, order = set(range(len(self.propagator))), []
        reads = [{j for j, _ in row if j != i} for i, row in enumerate(self.propagator)]
        while left:
            free = [i for i in sorted(left) if not any(i in reads[other] for other in left if other != i)]
            if not free:
                return None
            order.append(free[0])
            left.remove(free[0])
        return order

    def place(self, variable):
        """Place of a variable by its name."""
        return self.step.variables.index(variable)

    def rest(self, like, batch, n):
        """Variables at rest, a list of (batch, n) or, of shared ones, (batch, 1)."""
        return [like.new_zeros(batch, 1 if shared else n) for shared in self.step.shared]

    def propagate(self, x):
        """The variables one step later; a new list."""
        out = []
        for row, drift in zip(self.propagator, self.drift, strict=True):
            value = sum(x[j] if c == 1 else c * x[j] for j, c in row)
            out.append(value + drift if drift else value)
        return out

    def distance(self, x):
        """How far beyond the threshold each neuron is."""
        return sum(x[k] if c == 1 else c * x[k] for k, c in self.threshold) + self.offset

    def spikes(self, x):
        """Spikes, 0 or 1, with the surrogate gradient."""
        return _Spike.apply(self.distance(x), self.slope, self.scale)

    def reset(self, x, fired):
        """The variables after the spikes' reset; a new list."""
        there, out = fired.detach() > 0, []
        for k, (change, jump) in enumerate(zip(self.resets, self.jump, strict=True)):
            if change is None:
                out.append(x[k])
            elif change[0] == "add":
                out.append(x[k] + jump * fired)
            elif change[0] == "set":
                out.append(x[k].masked_fill(there, jump))
            else:
                out.append(torch.where(there, sum(c * x[j] for j, c in change[1]) + jump, x[k]))
        return out


class _Spike(torch.autograd.Function):
    """1 above 0, whose derivative is scale/(1 + slope*|x|)^2."""

    @staticmethod
    def forward(ctx, x, slope, scale):
        ctx.save_for_backward(x)
        ctx.constants = slope, scale
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,), (slope, scale) = ctx.saved_tensors, ctx.constants
        return scale * grad / (slope * x.abs() + 1).square_(), None, None


class _Whole(torch.autograd.Function):
    """All steps of a layer that does not act on itself; see `whole`."""

    @staticmethod
    def forward(ctx, layer, steps, n, wanted, places, *drives):
        batch = drives[0].shape[1]
        x = layer.rest(drives[0], batch, n)
        distance = drives[0].new_empty(steps, batch, n)
        seen = drives[0].new_empty(steps if wanted is not None else 0, batch, n)
        (first, factor), *rest = layer.threshold
        for now, here in enumerate(distance):
            _advance(layer, x)
            here.copy_(x[first]) if factor == 1 else torch.mul(x[first], factor, out=here)
            for k, c in rest:
                here.add_(x[k], alpha=c)
            here.add_(layer.offset)
            if wanted is not None:
                seen[now] = x[wanted]
            if now == steps - 1:
                break
            for k, drive in zip(places, drives, strict=True):
                x[k].add_(drive[now])
            _reset(layer, x, here > 0)
        ctx.layer, ctx.wanted, ctx.places = layer, wanted, places
        ctx.shapes = [drive.shape for drive in drives]
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype), seen

    @staticmethod
    def backward(ctx, grad, grad_seen):
        layer, (distance,) = ctx.layer, ctx.saved_tensors
        steepness = (layer.slope * distance.abs() + 1).square_()
        gradient = layer.scale * grad / steepness
        added = [k for k, change in enumerate(layer.resets) if change == ("add",)]
        out = [grad.new_zeros(shape) for shape in ctx.shapes]
        adjoint = [grad.new_zeros(grad.shape[1:]) for _ in layer.propagator]
        kept = (distance <= 0).to(grad.dtype)
        for now in range(len(distance) - 1, -1, -1):
            here = gradient[now]
            if now < len(distance) - 1:
                for k in added:
                    here = here + layer.scale * layer.jump[k] * adjoint[k] / steepness[now]
                adjoint = _reset_back(layer, adjoint, kept[now])
                for place, k in enumerate(ctx.places):
                    shared = layer.step.shared[k]
                    out[place][now] = adjoint[k].sum(-1, keepdim=True) if shared else adjoint[k]
            for k, c in layer.threshold:
                adjoint[k] = adjoint[k] + (here if c == 1 else c * here)
            if ctx.wanted is not None:
                adjoint[ctx.wanted] = adjoint[ctx.wanted] + grad_seen[now]
            adjoint = [_weighted(adjoint, column) for column in layer.columns]
        return None, None, None, None, None, *out


def _advance(layer, x):
    """Propagate a list of variables in place."""
    if layer.order is None:
        x[:] = layer.propagate(x)
        return
    for i in layer.order:
        for j, c in layer.propagator[i]:
            if j == i and c != 1:
                x[i] *= c
        for j, c in layer.propagator[i]:
            if j != i:
                x[i] += x[j] if c == 1 else c * x[j]
        if layer.drift[i]:
            x[i] += layer.drift[i]


def _reset(layer, x, there):
    """Reset a list of variables in place where neurons fired."""
    mixed = {}
    for k, change in enumerate(layer.resets):
        if change and change[0] == "mix":
            mixed[k] = torch.where(there, sum(c * x[j] for j, c in change[1]) + layer.jump[k], x[k])
    for k, change in enumerate(layer.resets):
        if change == ("set",):
            x[k].masked_fill_(there, layer.jump[k])
        elif change == ("add",):
            x[k] += layer.jump[k] * there.to(x[k].dtype)
    for k, value in mixed.items():
        x[k] = value


def _weighted(adjoint, column):
    """Sum of c*adjoint[i] over the (i, c) of a column."""
    (i, c), *rest = column
    out = adjoint[i] if c == 1 else c * adjoint[i]
    for i, c in rest:
        out = out + adjoint[i] if c == 1 else torch.add(out, adjoint[i], alpha=c)
    return out


def _reset_back(layer, adjoint, kept):
    """The adjoint before the reset; ``kept`` is 0 where neurons fired."""
    out = [a * kept if change and change[0] != "add" else a for a, change in zip(adjoint, layer.resets, strict=True)]
    for k, change in enumerate(layer.resets):
        if change and change[0] == "mix":
            for j, c in change[1]:
                out[j] = out[j] + c * adjoint[k] * (1 - kept)
    return out


def whole(layer, drives, steps, n, wanted=None):
    """All steps of a layer that does not act on itself.

    Parameters
    ----------
    layer : Layer
    drives : dict of int to Tensor, (steps - 1, batch, n), or (steps - 1, batch, 1) of a shared variable
        What arrives in each step, by the variable's place, in units of ``gain``.
    steps, n : int
        Of time, and neurons.
    wanted : int or None
        A variable that is wanted, too.

    Returns
    -------
    spikes : Tensor, (steps, batch, n)
    seen : Tensor, (steps, batch, n), or None
        The variable ``wanted``, as the threshold saw it.
    """
    fired, seen = _Whole.apply(layer, steps, n, wanted, tuple(drives), *drives.values())
    return fired, seen if wanted is not None else None
