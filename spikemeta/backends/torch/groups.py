"""Parameter groups of a rule's optimizer: the constants in them, and which optimizer a parameter belongs to."""

import weakref

import torch
from torch.utils.weak import WeakIdKeyDictionary

from spikemeta.backends.torch.plan import GROUP_KEYS
from spikemeta.errors import UserError, suggest

#: Which of our optimizers a parameter belongs to.
_OWNERS = WeakIdKeyDictionary()


class MissingConstant(UserError, KeyError):
    """A scheduler or another tool asked a group for a constant that the rule does not have."""

    __str__ = Exception.__str__


class Group(dict):
    """A parameter group that says what it holds, when it is asked for what it does not hold."""

    def __init__(self, values, rule):
        super().__init__(values)
        self._rule = rule

    def __reduce__(self):
        return Group, (dict(self), self._rule)

    def __missing__(self, key):
        known = ", ".join(self._rule.parameters) or "none"
        hint = "; schedule one of these by hand, as in group[name] *= 0.99" if key == "lr" else ""
        raise MissingConstant(f"rule {self._rule.title!r} has no {key!r}: its constants are {known}{hint}")


class Groups(torch.optim.Optimizer):
    """The part of the optimizer that knows about groups; ``self.rule`` must be there before torch's own ``__init__``."""

    def _pairs(self):
        return [(group, p) for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def add_param_group(self, param_group):
        """Add a parameter group, as ``torch.optim.Optimizer.add_param_group`` does; its synapses start now."""
        if isinstance(param_group, dict):
            param_group = self._checked(param_group)
        super().add_param_group(param_group)
        group = self.param_groups[-1] = Group(self.param_groups[-1], self.rule)
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
        """A group, or constants, as they are given: with constants of the rule alone, and each a number in its range."""
        group = dict(group)
        for name in [key for key in group if key not in GROUP_KEYS]:
            if name not in self.rule.parameters:
                raise UserError(suggest(f"parameter of rule {self.rule.name!r}", name, self.rule.parameters))
            self._refuse(name, group[name])
            group[name] = float(group[name])
        return group

    def _refuse(self, name, value, where=""):
        problem = self.rule.parameters[name].problem(value)
        if problem:
            raise UserError(f"{name} {problem}{where}")

    def _check_constants(self):
        """Refuse constants that were changed, by hand or by a scheduler, to what the rule cannot run with."""
        for number, group in enumerate(self.param_groups):
            values = [group[name] for name in self.rule.parameters]
            if self._valid.get(number) != values:
                for name, value in zip(self.rule.parameters, values, strict=True):
                    self._refuse(name, value, f" (parameter group {number}, at step {self.age})")
                self._valid[number] = values

    def _claim(self, params):
        for p in params:
            owner = _OWNERS.get(p, lambda: None)()
            if owner is not None and owner is not self:
                raise UserError(
                    f"a parameter of shape {tuple(p.shape)} already belongs to another optimizer, of rule "
                    f"{owner.rule.title!r}: both would change its weight; delete that optimizer or call its release()"
                )
            refuse_dtype(p)
        for p in params:
            _OWNERS[p] = weakref.ref(self)

    def release(self):
        """Let go of the parameters, so that another optimizer of ours may take them; this one is then at its end."""
        for p in [p for p, owner in _OWNERS.items() if owner() is self]:
            del _OWNERS[p]

    def _reclaim(self):
        for _, p in self._pairs():
            _OWNERS[p] = weakref.ref(self)


def refuse_dtype(p):
    """Refuse a parameter that is neither float32 nor float64."""
    if isinstance(p, torch.nn.parameter.UninitializedTensorMixin):
        raise UserError("a parameter has no shape yet: show the lazy module one input before the optimizer is made")
    if p.dtype not in (torch.float32, torch.float64):
        raise UserError(
            f"a parameter of shape {tuple(p.shape)} is {p.dtype}: rules need torch.float32 or torch.float64, because "
            "slow forgetting is lost in fewer bits; keep the parameters in float32, and compute with torch.autocast"
        )
