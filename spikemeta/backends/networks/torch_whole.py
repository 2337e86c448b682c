"""All steps of a layer at once in torch, with the gradient written out."""

import functools

import numpy as np
import torch


def whole(layer, drives, steps, n, wanted=None, rest=0):
    """All steps of a layer that does not act on itself.

    Parameters
    ----------
    layer : Layer
    drives : dict of int to (int, Tensor), the tensor (steps - 1 - first, batch, n), or (..., batch, 1) of a shared variable
        By the variable's place, the first step in which something may arrive, and what arrives from there on in each step, in
        units of ``gain``.
    steps, n : int
        Of time, and neurons.
    wanted : int or None
        A variable that is wanted, too.
    rest : int
        Steps at the beginning in which the layer is known to be at rest; nothing arrives before the last of them.

    Returns
    -------
    spikes : Tensor, (steps, batch, n)
    seen : Tensor, (steps, batch, n), or None
        The variable ``wanted``, as the threshold saw it.
    """
    firsts, given = zip(*drives.values(), strict=True)
    fired, seen = _Whole.apply(layer, steps, n, rest, wanted, tuple(drives), firsts, *given)
    return fired, seen if wanted is not None else None


class _Arrays:
    """Steps in place on NumPy arrays that share the memory of tensors: on the little that a step holds, calls cost most."""

    @staticmethod
    def rows(tensor):
        return list(tensor.detach().numpy())

    @staticmethod
    def zeros(like, *shape):
        return np.zeros(shape, like.detach().numpy().dtype)

    @staticmethod
    def multiply(x, factor):
        return np.multiply, (x, factor, x)

    @staticmethod
    def add(x, other):
        return np.add, (x, other, x)

    @staticmethod
    def set_where(x):
        return lambda fired, value: np.copyto(x, value, where=fired)

    @staticmethod
    def counted(fired, like):
        return fired.astype(like.dtype)

    @staticmethod
    def total(x):
        return x.sum(-1, keepdims=True)

    copy = staticmethod(np.copyto)


class _Tensors:
    """The same on tensors, where NumPy does not reach them: on other devices, or in half precision."""

    @staticmethod
    def rows(tensor):
        return tensor.detach().unbind()

    @staticmethod
    def zeros(like, *shape):
        return like.new_zeros(shape)

    @staticmethod
    def multiply(x, factor):
        return x.mul_, (factor,)

    @staticmethod
    def add(x, other):
        return x.add_, (other,)

    @staticmethod
    def set_where(x):
        return lambda fired, value: x.copy_(torch.where(fired, value, x))

    @staticmethod
    def counted(fired, like):
        return fired.to(like.dtype)

    @staticmethod
    def total(x):
        return x.sum(-1, keepdim=True)

    @staticmethod
    def copy(x, value):
        x.copy_(value)


def _way(tensor):
    reached = tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)
    return _Arrays if reached else _Tensors


class _Whole(torch.autograd.Function):
    """What `whole` computes, and its gradient; variables and adjoint are changed in place."""

    @staticmethod
    def forward(ctx, layer, steps, n, rest, wanted, places, firsts, *drives):
        way, batch = _way(drives[0]), drives[0].shape[1]
        x = [way.zeros(drives[0], batch, 1 if shared else n) for shared in layer.step.shared]
        distance = drives[0].new_empty(steps, batch, n)
        distance[:rest] = 0
        seen = drives[0].new_zeros(steps if wanted is not None else 0, batch, n)
        (variable, factor), *others = layer.threshold
        rows, watched, limit = way.rows(distance), way.rows(seen), -layer.offset
        moves, resets = _moves(way, layer, x), _resets(way, layer, x)
        fed = [(x[k], _by_step(way, drive, first, steps)) for k, first, drive in zip(places, firsts, drives, strict=True)]
        for now in range(max(rest - 1, 0), steps):
            if now >= rest:
                _all(moves)
                here = rows[now]
                way.copy(here, x[variable])
                if factor != 1:
                    _all([way.multiply(here, factor)])
                for k, c in others:
                    _all([way.add(here, c * x[k])])
                if wanted is not None:
                    way.copy(watched[now], x[wanted])
            if now == steps - 1:
                break
            for target, arrived in fed:
                if arrived[now] is not None:
                    _all([way.add(target, arrived[now])])
            if now >= rest:
                fired = here > limit
                for reset, value in resets:
                    reset(fired, value)
        distance.add_(layer.offset)
        ctx.layer, ctx.rest, ctx.wanted, ctx.places, ctx.firsts = layer, rest, wanted, places, firsts
        ctx.shapes = [drive.shape for drive in drives]
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype), seen

    @staticmethod
    def backward(ctx, grad, grad_seen):
        layer, (distance,) = ctx.layer, ctx.saved_tensors
        way, last = _way(grad), len(distance) - 1
        steepness = (layer.slope * distance.abs()).add_(1).square_()
        gradient = way.rows((layer.scale * grad).div_(steepness))
        out = [grad.new_empty(shape) for shape in ctx.shapes]  # every row is written: none is earlier than ``rest - 1``
        adjoint = [way.zeros(grad, *grad.shape[1:]) for _ in layer.propagator]
        kept = (distance <= 0).to(grad.dtype)
        shrink = [(adjoint[k], way.rows(kept * layer.shrunk[k])) for k in layer.set]
        kept, steepness, asked = way.rows(kept), way.rows(steepness), way.rows(grad_seen)
        given = [(k, _by_step(way, made, first, last + 1)) for k, made, first in zip(ctx.places, out, ctx.firsts, strict=True)]
        moves = _moves_back(way, layer, adjoint)
        for now in range(last, max(ctx.rest - 1, 0) - 1, -1):
            here = gradient[now]
            if now < last:
                for k in layer.added:
                    here = here + layer.scale * layer.jump[k] * adjoint[k] / steepness[now]
                mixed = [(k, row, adjoint[k] * (1 - kept[now])) for k, row, _ in layer.mixed]
                _all([way.multiply(x, by[now]) for x, by in shrink])
                for k, row, value in mixed:
                    _all([way.multiply(adjoint[k], kept[now]), *(way.add(adjoint[j], c * value) for j, c in row)])
                for k, made in given:
                    if made[now] is not None:
                        way.copy(made[now], way.total(adjoint[k]) if layer.step.shared[k] else adjoint[k])
            if now < ctx.rest:
                break
            _all([way.add(adjoint[k], here if c == 1 else c * here) for k, c in layer.threshold])
            if ctx.wanted is not None:
                _all([way.add(adjoint[ctx.wanted], asked[now])])
            _all(moves)
        return None, None, None, None, None, None, None, *out


def _all(calls):
    for function, arguments in calls:
        function(*arguments)


def _by_step(way, drive, first, steps):
    """Rows of a tensor by step, None where there is none: the first one belongs to step ``first``."""
    return [None] * first + [*way.rows(drive)] + [None] * (steps - first - len(drive))


def _moves(way, layer, x):
    """A step's propagation of variables, in place, as calls to be made one after the other."""
    return _in_order(way, layer.forward, x) if layer.order is not None else [(_replace, (way, x, layer.propagate))]


def _moves_back(way, layer, adjoint):
    """The adjoint before a step's propagation, likewise; where `Layer.shrunk` is not 1, the reset multiplies by it."""
    return _in_order(way, layer.backward, adjoint) if layer.order is not None else [(_replace, (way, adjoint, layer.pull_back))]


def _in_order(way, order, x):
    out = []
    for i, own, others, drift in order:
        out += [way.multiply(x[i], own)] * (own != 1)
        out += [way.add(x[i], x[j]) if c == 1 else (_add_scaled, (way, x[i], c, x[j])) for j, c in others]
        out += [way.add(x[i], drift)] * (drift != 0)
    return out


def _add_scaled(way, x, factor, other):
    _all([way.add(x, factor * other)])


def _replace(way, x, step):
    for old, new in zip(x, step(x), strict=True):
        way.copy(old, new)


def _resets(way, layer, x):
    """A reset of variables, in place: functions of where neurons fired and of a value, with that value."""
    mixed = [(functools.partial(_mix, way, x), layer.mixed)] if layer.mixed else []
    jumps = [(functools.partial(_jump, way, x[k]), layer.jump[k]) for k in layer.added]
    return [*mixed, *((way.set_where(x[k]), layer.jump[k]) for k in layer.set), *jumps]


def _mix(way, x, fired, rows):
    """Set variables to sums of variables: by place, ((place, factor), ...) and what is added."""
    made = [(k, sum(c * x[j] for j, c in row) + jump) for k, row, jump in rows]
    for k, value in made:
        way.set_where(x[k])(fired, value)


def _jump(way, x, fired, jump):
    _all([way.add(x, jump * way.counted(fired, x))])
