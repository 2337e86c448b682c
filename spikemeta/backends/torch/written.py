"""Weights that were written from outside, by ``load_state_dict`` or by clamping between steps: noticed, and taken over.

Where the weight is a function of several state variables, what was written says one number of several. It is solved for the
number w_init from which the rule's own ``initial`` makes the variables that the weight is read from; what ``initial`` sets
without w_init stays as it is, unless the weight adds it to the rest, as ``hebb_repetition`` adds its fast part.
"""

import torch

from spikemeta.backends.torch import plan
from spikemeta.backends.torch.synapses import Synapses, mark_of
from spikemeta.errors import UserError

#: Relative; a secant in float64, of terms that a sum or a quotient may cancel to a few digits.
_SOLVED = 1e-9
#: In units of rounding: by how much a quotient may differ between the compiled pass, which multiplies by a reciprocal or by
#: the square of a root, and whole tensors.
_ROUNDINGS = 8


class Written(Synapses):
    """The part of the optimizer that keeps the state and the weights that were written from outside together."""

    @torch.no_grad()
    def _notice(self):
        """Take over what was written into the parameters since the last step."""
        if self._own or self._sampling:
            return
        for group, p in self._pairs():
            mark, kept = self._shown.get(p, (None, None))
            if mark != mark_of(p):
                self._take_over(group, p, kept)

    def _take_over(self, group, p, kept):
        self._fusible(p)  # refuses a parameter of another shape
        state, now = self.state[p], p.detach()
        shown = state.get("transmitted", kept)
        exact = shown is not None
        shown = shown if exact else self._mean(group, p)
        if exact:
            changed = now != shown.to(now)
        else:
            rounding = max(torch.finfo(value.dtype).eps for value in (shown, now))
            changed = (now - shown).abs() > _ROUNDINGS * rounding * torch.minimum(now.abs(), shown.abs())
        if changed.any():
            self._restart(group, p, changed)
        self._remember(p)

    def _restart(self, group, p, chosen):
        """Solve for the state of the chosen synapses, so that the weight is what the parameter holds."""
        state, w = self.state[p], p.detach().double()
        following, added, read = plan.weight_parts(self.rule)
        wide = {n: v.double() if isinstance(v, torch.Tensor) else v for n, v in self._space(group, p).items()}
        drawn = {}

        def draw(kind):
            here = torch.empty(p.shape, dtype=torch.float64)
            generator = self._random.generator(here.device, "initial")
            return lambda: drawn.setdefault(kind, getattr(torch, kind)(here.shape, generator=generator, dtype=here.dtype).to(w))

        def begun(u, names):
            made = self._run["initial"](wide | {"w_init": u, "rand": draw("rand"), "randn": draw("randn")})
            return {n: made[n] for n in names}

        def weight(values):
            run = self._run.get("mean", self._run["weight"])
            return run(wide | values | {"age": float(state["touched"])})

        zero = torch.zeros_like(w)
        probe = torch.where(w == 0, torch.ones_like(w), w)
        at_zero, at_probe = (weight(begun(u, following | added)) for u in (zero, probe))
        u = (w - at_zero) * probe / (at_probe - at_zero)
        solved = begun(torch.nan_to_num(u, nan=0.0, posinf=0.0, neginf=0.0), following | added)
        good = u.isfinite() & ((weight(solved) - w).abs() <= _SOLVED * (w.abs() + at_zero.abs()))
        fresh = begun(w, read)  # where the weight is no straight line in w_init, all that it is read from starts anew
        for name in read:
            values = torch.where(good, solved.get(name, wide[name]), fresh[name])
            self._store(p, {name: torch.where(chosen, values.to(state[name]), state[name])})
        shown = torch.where(chosen & ~good, weight(fresh).to(p), p.detach())
        p.copy_(shown)
        state.pop("transmitted", None)
        if "present" in self._run and not self._plain:
            state["transmitted"] = p.detach().clone()

    @torch.no_grad()
    def restart(self, params=None, keep=True):
        """Start synapses again from the weights that the parameters hold now.

        A step notices by itself that a parameter was written to, and does this with ``keep=True`` for the synapses whose weight
        changed. Call it where torch does not count the change, as in ``p.data.clamp_(-1, 1)``, or with ``keep=False`` after
        the weights of another training were loaded.

        Parameters
        ----------
        params : iterable of Tensor or None
            Those to restart; None for all.
        keep : bool
            Whether to keep what the weight does not say: precision, strength, importance. Else everything is as the rule's
            ``initial`` says, and what it draws is drawn anew.

        Raises
        ------
        UserError
            If a parameter is not one of this optimizer's, or was replaced by one of another shape.
        """
        for group, p in self._chosen(params):
            if not keep:
                self._start(group, p)
            elif not self._own:
                self._fusible(p)
                self._restart(group, p, torch.ones_like(p, dtype=torch.bool))
                self._remember(p)

    @torch.no_grad()
    def restore(self, params=None):
        """Undo what was written into the parameters since the last step: they hold the weights of the state again.

        Parameters
        ----------
        params : iterable of Tensor or None
            Those to restore; None for all.

        Raises
        ------
        UserError
            If the weight is itself the only place where it is kept, as in rule ``sgd``, or as for `restart`.
        """
        if self._own:
            raise UserError(f"rule {self.rule.title!r} keeps its weights in the parameters alone: what was there is lost")
        for group, p in self._chosen(params):
            self._fusible(p)
            shown = self.state[p].get("transmitted", self._shown.get(p, (None, None))[1])
            p.copy_(self._mean(group, p) if shown is None else shown)
            self._remember(p)

    def _chosen(self, params):
        pairs = self._pairs()
        if params is None:
            return pairs
        wanted = [params] if isinstance(params, torch.Tensor) else list(params)
        found = [(group, p) for group, p in pairs if any(p is q for q in wanted)]
        if len(found) != len(wanted):
            raise UserError("restart and restore take parameters of this optimizer, each once")
        return found
