"""The synapses of one parameter: how they start, decay, transmit and learn, by the compiled pass or on whole tensors."""

import math
import warnings

import torch

from spikemeta.backends.torch import kernel, memory, plan, source
from spikemeta.backends.torch.draws import Draws
from spikemeta.backends.torch.groups import Groups
from spikemeta.errors import UserError


class _Function:
    """One generated function, called with what it needs out of a dict of names."""

    def __init__(self, name, text):
        space = {"torch": torch, "math": math}
        exec(compile(text, f"<{name}>", "exec"), space)
        self.call = space[name]
        self.names = self.call.__code__.co_varnames[: self.call.__code__.co_argcount]

    def __call__(self, space):
        return self.call(*[space[n] for n in self.names])


class Synapses(Groups):
    """The part of the optimizer that knows what happens to one parameter.

    ``self.state[p]`` holds the state variables, ``touched`` (the age up to which they have decayed), ``inside`` (whether the
    present presentation has begun) and, where it is not a function of them now, ``transmitted``: what the parameter shows.
    """

    def _prepare(self, rule, seed, fused, based):
        self.rule, self.seed, self.fused = rule, seed, fused
        self._run = {name: _Function(name, text) for name, text in source.source(rule, based).items()}
        self._own = plan.own_state(rule)
        self._noisy, self._plain = rule.analysis.noisy, plan.plainly_noisy(rule)
        self._stacked = {"sample": {"p", *rule.analysis.writes["on_presentation"]}, "average": {"gradients", "noise"}}
        self._random, self._sampling, self._buffers, self._valid, self._shown = Draws(seed), False, {}, {}, {}
        self._kernels, self._slow = None, ""
        if fused:
            try:
                self._kernels = kernel.Kernels(rule, based)
            except RuntimeError as error:  # whole tensors do as well, only slower
                self._slow = f"rule {rule.title!r} runs on whole tensors, which is slower: {error}"

    def _warn_if_slow(self):
        if self._slow and any(p.is_cpu for _, p in self._pairs()):
            warnings.warn(self._slow, stacklevel=4)

    # ---- random numbers

    def draw(self, parameter, purpose="noise"):
        """Weight noise of one parameter: standard normal, of its shape; replace this method to supply it yourself.

        Not called where the compiled pass draws the noise itself.
        """
        generator = self._random.generator(parameter.device, purpose)
        return torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype, device=parameter.device)

    def dice(self, parameter, purpose="noise"):
        """What ``rand()`` draws at a presentation for one parameter, 0 to 1, of its shape; as for `draw`."""
        generator = self._random.generator(parameter.device, purpose)
        return torch.rand(parameter.shape, generator=generator, dtype=parameter.dtype, device=parameter.device)

    def _supplied(self, kind):
        """The method that supplies ``randn`` or ``rand`` from outside; None where it is our own."""
        name = {"randn": "draw", "rand": "dice"}[kind]
        method = getattr(self, name)
        return None if getattr(method, "__func__", None) is getattr(Synapses, name) else method

    # ---- state

    def _space(self, group, p, **more):
        own = {self._own: p.detach()} if self._own else {}
        return {n: group[n] for n in self.rule.parameters} | self.state[p] | own | more

    def _store(self, p, values):
        state = self.state[p]
        for name, value in values.items():
            if name != self._own:  # each its own memory, as some are changed in place
                others = [p, *[t for n, t in state.items() if isinstance(t, torch.Tensor)]]
                taken = {t.untyped_storage().data_ptr() for t in others}
                state[name] = value.clone() if value.untyped_storage().data_ptr() in taken else value
        if self._own in values:
            p.copy_(values[self._own])

    def _start(self, group, p):
        # Drawn once, in float64 on the CPU: the same synapses whatever the parameters' kind and device.
        here = torch.empty(p.shape, dtype=torch.float64)
        generator = self._random.generator(here.device, "initial")

        def drawn(function):
            return lambda: function(here.shape, generator=generator, dtype=here.dtype).to(p)

        space = group | {"w_init": p.detach().clone(), "rand": drawn(torch.rand), "randn": drawn(torch.randn)}
        self.state[p] |= {"touched": self.age, "inside": False}
        self.state[p].pop("transmitted", None)
        self._store(p, self._run["initial"](space))
        self._show_mean(group, p)

    def _mean(self, group, p, **more):
        run = self._run.get("mean", self._run["weight"])
        return run(self._space(group, p, age=float(self.state[p]["touched"]), **more))

    def _show_mean(self, group, p):
        if not self._own:
            p.copy_(self._mean(group, p))
        self._remember(p)

    def _remember(self, p):
        """Note that the parameter shows what its state says, so that writing to it from outside is noticed."""
        if not self._own:
            kept = p.detach().clone() if "present" in self._run and not self._plain else None
            self._shown[p] = mark_of(p), kept

    def _presented(self, group, p, purpose="noise", **more):
        """State variables as ``on_presentation`` leaves them now."""
        draws = {"rand": lambda: self.dice(p, purpose), "randn": lambda: self.draw(p, purpose)}
        return self._run["present"](self._space(group, p, **({"age": float(self.age)} | draws | more)))

    def _touch(self, group, p):
        """Decay a parameter's synapses to the present age; frozen ones stand still."""
        state = self.state[p]
        elapsed = self.age - state["touched"]
        if not elapsed:
            return
        state["touched"] = self.age
        if p.requires_grad:
            if "relax" in self._run:
                self._store(p, self._run["relax"](self._space(group, p, elapsed=float(elapsed))))
            state["inside"] = False
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
        self._remember(p)

    # ---- the compiled pass

    def _fusible(self, p):
        """Whether the compiled pass may read this parameter's memory as it lies; refuses what does not belong together."""
        return memory.plain(p, self.state[p]) and self._kernels is not None

    def _kernel(self, name, group, p, arrays, elapsed=0.0, keys=(), given=(), samples=1):
        """Run a compiled pass on one parameter; ``arrays``: those besides its state, or in place of it."""
        state, n = self.state[p], p.numel()
        stacked, needed = self._stacked.get(name, ()) if samples > 1 else (), []
        for array in self._kernels.needs[name][0]:
            value = arrays.get(array)
            if value is None:
                value = p if array in ("p", self._own) else state[array]
            needed.append((array, value, n * samples if array in stacked else n))
        needed += [("a draw", value, n) for value in given]
        self._kernels(
            name,
            "f" if p.dtype == torch.float32 else "d",
            n,
            memory.addresses(needed, p.dtype),
            [*[group[constant] for constant in self.rule.parameters], float(self.age), elapsed],
            keys,
            samples,
            torch.get_num_threads(),
        )

    def _buffer(self, p, name, samples):
        shape, found = (samples, *p.shape), self._buffers.get((p, name))
        if found is None or found.shape != shape or found.dtype != p.dtype or found.device != p.device:
            found = self._buffers[p, name] = torch.empty(shape, dtype=p.dtype, device=p.device)
        return found

    def _transmit(self, group, p, arrays, number=0, purpose="noise", samples=1):
        """Draw the noise, and with it the weight, by the compiled pass; by default into the state and the parameter."""
        draws = self._kernels.needs["sample"][1]
        given = [None] * len(draws)
        for k, draw in enumerate(self._supplied(kind) for kind in draws):
            if draw is not None:
                given[k] = draw(p, purpose).to(p).contiguous()
                if given[k].shape != p.shape:
                    shapes = f"{tuple(given[k].shape)}, where the parameter has {tuple(p.shape)}"
                    raise UserError(f"the noise supplied to rule {self.rule.title!r} has the shape {shapes}")
        which = next(k for k, (_, q) in enumerate(self._pairs()) if q is p)
        count = self._predictions if purpose == "prediction" else self.age
        keys = [k for d in range(len(draws)) for k in kernel.keys(self.seed, purpose, which, count, number, d)]
        self._kernel("sample", group, p, arrays, keys=keys, given=given, samples=samples)


def mark_of(p):
    """What changes when a parameter is written to: torch's count of its changes, and where its memory is."""
    return -1 if p.is_inference() else p._version, p.data_ptr()
