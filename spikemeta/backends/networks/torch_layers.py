"""The steps of one layer of neurons in torch, one by one under autograd."""

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
    fed : collection of int or None
        Places of the variables that something arrives at; None for all. Of the others, those that nothing else moves are left
        out of the steps of a whole layer.
    """

    def __init__(self, step, slope, scale, fed=None):
        self.step, self.slope, self.scale = step, slope, scale
        self.silent = self._silent(range(len(step.variables)) if fed is None else fed)
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
        self._prepare()

    def _prepare(self):
        """What the steps of a whole layer do, in the order in which they do it."""
        moved = [k for k in range(len(self.resets)) if k not in self.silent]
        self.set = [k for k in moved if self.resets[k] == ("set",)]
        self.added = [k for k in moved if self.resets[k] == ("add",)]
        self.mixed = [(k, self.resets[k][1], self.jump[k]) for k in moved if self.resets[k] and self.resets[k][0] == "mix"]
        own = [dict(row).get(i, 0.0) for i, row in enumerate(self.propagator)]
        others = [[(j, c) for j, c in row if j != i and j in moved] for i, row in enumerate(self.propagator)]
        back = [[(i, c) for i, c in column if i != j and i in moved] for j, column in enumerate(self.columns)]
        # A variable that acts on no other shrinks in a step and by a reset: one product for both, on the way back.
        simple = self.order is not None and not self.mixed
        shrinks = [simple and k in self.set and not back[k] for k in range(len(own))]
        self.shrunk = [c if alone else 1.0 for c, alone in zip(own, shrinks, strict=True)]
        if self.order is not None:
            self.forward = [(i, own[i], others[i], self.drift[i]) for i in self.order if i in moved]
            self.backward = [(j, 1.0 if shrinks[j] else own[j], back[j], 0.0) for j in reversed(self.order) if j in moved]

    def _silent(self, fed):
        """Places of variables that stay 0: nothing arrives, and neither time, a spike nor another variable moves them."""
        step, found = self.step, set(range(len(self.step.variables))) - set(fed)
        for _ in range(len(found)):
            found -= {
                k
                for k in found
                if step.drift[k]
                or step.jump[k]
                or any(j not in found for matrix in (step.propagator, step.reset) for j in matrix[k].nonzero()[0])
            }
        return found

    def pull_back(self, adjoint):
        """The adjoint one propagation earlier, of variables in any order; a new list."""
        return [sum(c * adjoint[i] for i, c in column) for column in self.columns]

    def still(self):
        """Whether a layer at rest stays so while nothing arrives."""
        return not any(self.drift) and self.offset <= 0

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
