"""An optimizer's state: saved, checked against the optimizer that it is loaded into, and put back to the bit."""

import hashlib

import torch

from spikemeta.backends.torch.groups import Group
from spikemeta.backends.torch.samples import Samples
from spikemeta.errors import UserError

_TEXTS = ("state", "weight", "initial", "on_presentation", "on_gradient", "on_boundary", "base_gradient", "on_base_step")


def _copied(values):
    return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in values.items()}


class Saving(Samples):
    """The part of the optimizer that saves and resumes."""

    def __getstate__(self):
        self._notice()
        kept = {name: getattr(self, name) for name in ("rule", "seed", "fused", "age", "base", "_predictions")}
        return super().__getstate__() | kept | {"draws": self._random.state()}

    def __setstate__(self, state):
        draws = None
        if "rule" in state:  # a copy or an unpickled optimizer, not load_state_dict
            state = dict(state)
            draws = state.pop("draws")
            self._prepare(state["rule"], state["seed"], state["fused"], state["base"] is not None)
        super().__setstate__(state)
        self.param_groups[:] = [Group(group, self.rule) for group in self.param_groups]
        if draws is not None:
            self._random.restore(draws, self._devices())
            self._reclaim()
            for _, p in self._pairs():
                self._remember(p)

    def _devices(self):
        return {"cpu", *(str(p.device) for _, p in self._pairs())}

    def _signature(self):
        texts = "\0".join(" ".join(getattr(self.rule, name).split()) for name in _TEXTS)
        return {"name": self.rule.name, "text": hashlib.sha256(texts.encode()).hexdigest()}

    @torch.no_grad()
    def state_dict(self):
        """State of the optimizer, as torch's, and under ``"rule"`` the rule's name, age and random generators."""
        self._notice()
        saved = super().state_dict()
        saved["state"] = {key: _copied(values) for key, values in saved["state"].items()}
        if not self._own:  # the weight to its last bit, whichever way it was computed
            for key, (_, p) in enumerate(self._pairs()):
                saved["state"][key]["transmitted"] = p.detach().clone()
        own = self._signature() | {"age": self.age, "predictions": self._predictions, "draws": self._random.state()}
        return saved | {"rule": own | ({"base": self.base.state_dict()} if self.base is not None else {})}

    @torch.no_grad()
    def load_state_dict(self, state_dict):
        """Resume from a `state_dict`, exactly.

        The parameters get the weights that belong to the state, except where the weight is a state variable
        of its own, as in rule ``sgd``: such weights come from the model's own ``state_dict``. What other tools keep in a
        group, such as ``swa_lr``, stays there.

        Raises
        ------
        UserError
            If it is that of another rule or of other shapes.
        """
        saved = state_dict.get("rule")
        self._check_saved(state_dict, saved)
        super().load_state_dict(state_dict)
        for _, p in self._pairs():
            self.state[p] |= _copied(self.state[p])
        if self.base is not None:
            self.base.load_state_dict(saved["base"])
        self.age, self._predictions = saved["age"], saved["predictions"]
        self._random.restore(saved["draws"], self._devices())
        for _, p in self._pairs():
            if not self._own:
                p.copy_(self.state[p]["transmitted"])
            self._remember(p)

    def _check_saved(self, state_dict, saved):
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
            missing = [name for name in self.rule.parameters if name not in group]
            if missing:
                raise UserError(f"this state_dict has no value of {missing[0]!r}, which rule {mine['name']!r} needs")
            self._checked({name: group[name] for name in self.rule.parameters})
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
