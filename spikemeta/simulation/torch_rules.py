"""The rules of a network on the torch engine: an optimizer for each rule, which step as one."""

import contextlib
from functools import partial

import numpy as np
import torch


class Optimizers:
    """An optimizer for each rule; with one rule for all projections, what that rule's optimizer does, to the bit.

    Parameters
    ----------
    rule : Rule or spikemeta.language.assignment.Assigned
    weights : dict of str to torch.nn.Parameter
        By projection.
    constants : dict of str to dict
        Of the rules, by projection.
    seed : int
        Of the weight noise; each rule draws other noise.
    """

    def __init__(self, rule, weights, constants, seed):
        shared, self.weights, self.states = {}, weights, {p: rule.of(p).analysis.states for p in weights}
        for p in weights:
            shared.setdefault(rule.of(p).title, []).append(p)
        self.parts = []
        for number, projections in enumerate(shared.values()):
            groups = [{"params": [weights[p]], **constants[p]} for p in projections]
            self.parts.append((rule.of(projections[0]).optimizer(groups, seed=seed + 7919 * number), projections))

    def start(self, state, age):
        """Put synapses into a state, by ``projection.variable``, at a rule time."""
        for optimizer, projections in self.parts:
            saved = optimizer.state_dict()
            for p, values in zip(projections, saved["state"].values(), strict=True):
                values |= {s: torch.tensor(state[f"{p}.{s}"]) for s in self.states[p] if s in values}
                values["touched"] = age
            saved["rule"]["age"] = age
            optimizer.load_state_dict(saved)

    def zero_grad(self):
        """Clear all gradients."""
        for optimizer, _ in self.parts:
            optimizer.zero_grad()

    def step(self, closure):
        """One presentation of every rule, by one evaluation of the closure under the weights that all of them transmit.

        Each rule shows its weights, then the next; the last evaluates the closure; each learns from the gradient of its own.
        """
        for optimizer, _ in reversed(self.parts):
            closure = partial(optimizer.step, closure)
        return closure()

    def boundary(self):
        """Signal a new task or item."""
        for optimizer, _ in self.parts:
            optimizer.boundary()

    @contextlib.contextmanager
    def sampled(self):
        """Draw weights for a prediction, once."""
        with contextlib.ExitStack() as drawn:
            for optimizer, _ in self.parts:
                drawn.enter_context(optimizer.sampled())
            yield self

    def state(self):
        """State of every synapse now; ``transmitted`` is the mean weight."""
        out = {}
        for optimizer, _ in self.parts:
            optimizer.flush()
        held = {p: optimizer.state[self.weights[p]] for optimizer, projections in self.parts for p in projections}
        for p, weight in self.weights.items():
            for s in self.states[p]:
                out[f"{p}.{s}"] = held[p].get(s, weight)
            out[f"{p}.transmitted"] = weight
        return {name: value.detach().numpy().copy() for name, value in out.items()}

    def held(self):
        """All that training goes on from, as arrays: weights, the optimizers' state and their random generators."""
        out = {f"weights/{p}": weight.detach() for p, weight in self.weights.items()}
        for part, (optimizer, _) in enumerate(self.parts):
            saved = optimizer.state_dict()
            out |= {
                f"held/{part}/{number}/{name}": v for number, values in saved["state"].items() for name, v in values.items()
            }
            out |= {f"draws/{part}/{key}": state for key, state in saved["rule"]["draws"].items()}
            out |= {f"{key}/{part}": saved["rule"][key] for key in ("age", "predictions")}
        return {name: np.array(value.numpy() if torch.is_tensor(value) else value) for name, value in out.items()}

    def load(self, held):
        """Put back what `held` gave."""
        with torch.no_grad():
            for p, weight in self.weights.items():
                weight.copy_(torch.from_numpy(held[f"weights/{p}"]))
        for part, (optimizer, _) in enumerate(self.parts):
            saved = optimizer.state_dict()
            saved["state"] = {number: {} for number in saved["state"]}
            for key in [key for key in held if key.startswith(f"held/{part}/")]:
                *_, number, name = key.split("/")
                saved["state"][int(number)][name] = torch.from_numpy(held[key]) if held[key].ndim else held[key].item()
            before = f"draws/{part}/"
            draws = {key.removeprefix(before): torch.from_numpy(held[key]) for key in held if key.startswith(before)}
            saved["rule"] |= {key: int(held[f"{key}/{part}"]) for key in ("age", "predictions")} | {"draws": draws}
            optimizer.load_state_dict(saved)
