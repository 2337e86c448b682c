"""Gradients of a presentation from its history: what a spike adds is kept by steps, and a row's sum is made from its spikes.

Where what a spike adds depends on the target neuron and the step alone, no sum is kept by each synapse. The values of all
steps are kept by the target, (steps + 1, n), and of each source a word of bits that says in which steps it fired. As the next
presentation begins, every row with spikes adds its values up, in the order of the steps, and takes the rule's step at once
(``absorb``); what the rule does at a touch follows at the touch, as it would without (``commit``, or ``renew`` of what
remains). Both give the same sums, to the bit. A presentation has one step more than its steps where two of Brian2's clocks
differ by a rounding.
"""

import re
from dataclasses import dataclass

import brian2
import numpy as np
from brian2.core.variables import Subexpression

from spikemeta.backends import paths


@dataclass(frozen=True)
class History:
    """Values that spikes add, step by step.

    Attributes
    ----------
    steps : int
        Of a presentation.
    signal : str
        The target's variable that holds them, at every step; empty where something else fills `values`.
    values : str
        The target's array that keeps them, (steps + 1, n).
    late : int
        Steps from a spike to its arrival.
    limit : int
        Of the arrivals' steps, the first that counts no more.
    alone : bool
        Whether nothing but the projection's own spikes reads the transmitted weight.
    """

    steps: int
    signal: str
    values: str
    late: int = 0
    limit: int | None = None
    alone: bool = True

    @property
    def words(self):
        """Words of 64 bits for a source's spikes."""
        return -(-(self.steps + 1) // 64)


def possible(rule):
    """Whether a rule's step can be taken before the touch after it: it draws nothing there, which the touch would decide."""
    return not re.search(r"\brandn?\(", "\n".join(map(str, rule.analysis.blocks["on_gradient"])))


def of(rule, history, commit="deferred"):
    """The history that synapses of a rule use: the one given, in standalone code; None for a sum in each synapse."""
    return history if history and commit == "deferred" and paths.standalone() and possible(rule) else None


def held_in(rule, history):
    """The state variable that is the transmitted weight itself, so that no copy is needed; empty for none."""
    name = rule.weight.strip()
    return name if history and history.alone and name in rule.analysis.states else ""


def variable_of(made, name):
    """Name of the array in which synapses hold a variable: ``transmitted`` may stand for one of the rule's."""
    found = made.variables[name]
    if isinstance(found, str):  # as of `spikemeta.simulation.programs.Named`
        return found
    return found.expr.strip() if isinstance(found, Subexpression) else name


def keep(group, history, dtype):
    """Give a target the array of a history, unless it has it."""
    if history.values not in group.variables:
        group.variables.add_array(history.values, size=(history.steps + 1) * len(group), dtype=np.dtype(dtype))


def prepare(made, source, target, history, dtype):
    """Arrays of synapses with a history, and what the templates of their pathways must know.

    Parameters
    ----------
    made : brian2.Synapses
        With the pathways ``absorb`` and ``commit``, perhaps ``renew``.
    source, target : brian2.NeuronGroup
    history : History
    dtype : str
    """
    keep(target, history, dtype)
    add, n_pre = made.variables.add_array, len(source)
    add("absorbed", size=n_pre, dtype=np.int8, index="_presynaptic_idx")
    add("spoken", size=n_pre * history.words, dtype=np.int64, index="0")
    add("recalled", size=1, dtype=np.int32, scalar=True)  # the presentation of the history, counted from 1
    array = lambda owner, name: brian2.get_device().get_array_name(owner.variables[name], access_data=False)  # noqa: E731
    named = {name: array(made, name) for name in ("absorbed", "spoken", "recalled", "gradient")}
    named |= {name: array(source, name) for name in ("teaching", "presentation_index")}
    named |= {
        "timestep": array(source.clock, "timestep"),
        "signal": array(target, history.signal) if history.signal else "",
        "stored": array(target, history.values),
        "events": array(source, "_spikespace"),
        "real": "float" if np.dtype(dtype) == np.float32 else "double",
        "steps": history.steps,
        "late": history.late,
        "limit": history.steps + 1 if history.limit is None else history.limit,
        "words": history.words,
        "n_pre": n_pre,
        "n_post": len(target),
    }
    renewed = hasattr(made, "renew")
    made.absorb.template = "synapses_absorb"
    for name in ("absorb", "commit", *["renew"] * renewed):
        getattr(made, name).template_kwds |= {"history": named, "part": name, "renewed": renewed}
