"""What the equivalence tests share: the rules that they try, constants away from the defaults, a reference that is watched."""

import ast
import os
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.hardware import profile, stored
from spikemeta.hardware.profile import Quantity
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

#: Whatever the language allows and no rule of ours does: a boundary and a draw that change the transmitted weight,
#: two decays of which one rests at a state, two coupled ones, rule time in every block, temporaries, a decay in units of
#: presentations, a whole number.
CORNERS = Rule(
    "corners",
    state="dw/dt = (anchor - w)/slow : 1\ndtrace/dt = (0.4*echo - trace)*quick/presentation : 1\nanchor : 1\njitter : 1\n"
    "decho/dt = (0.25*trace - 0.5*echo + 0.1*anchor)*quick/presentation : 1\nlarge : integer",
    weight="w*(1 + 0.1*jitter) + trace",
    initial="start = 2*w_init\nw = start\ntrace = 0\nanchor = 0.5*start\njitter = 0\necho = -start\nlarge = 0",
    on_presentation="jitter = 0.5*jitter + randn()\njitter *= 1 + exp(-age/slow)",
    on_gradient="step = lr*gradient*(1 + 0.1*jitter)\nstep /= 1 + age/slow\nw -= step\ntrace = trace - 0.3*step\n"
    "large += int(abs(gradient) > 1)",
    on_boundary="moved = w - anchor\nanchor += 0.5*moved\nw = 0.9*w + 0.01*jitter*exp(-age/slow)",
    parameters={"lr": Parameter(0.01), "slow": Parameter(60, "presentation", low=1), "quick": Parameter(0.2)},
    per_visit=True,
)
RULES = {name: registry.load("rules", name) for name in registry.names("rules")}
#: The variants that switch their rule's boundary on or off, another way through its text.
SWITCHED = [v for v, r in registry.variants().items() if RULES[r].boundary_if in RULES[r].variants[v]]
#: A gate over another rule, from the texts of both.
GATED = registry.get_rule("stable_flexible(mesu)")
CASES = RULES | {v: registry.get_rule(v) for v in SWITCHED} | {"corners": CORNERS, GATED.name: GATED}
#: Updated only once in three presentations, of at most two levels.
EPOCHS = replace(
    profile.get("loihi1"),
    name="epochs",
    update_every=Quantity(3, "presentation", "made up", "chosen"),
    most_levels=Quantity(2, "level", "made up", "chosen"),
)
#: Rules on chips, between them every way through `spikemeta.hardware.stored`: rounding to nearest and stochastic, with and
#: without a sign, words for state, an implied state variable, drawn noise, a boundary, devices, learning epochs.
_PAIRS = (
    ("synaptic_intelligence", profile.get("brainscales2")),
    ("mesu", profile.get("loihi1")),
    ("laplace", profile.get("memristor")),
    ("mesu_multiplicative", EPOCHS),
)
ON_CHIPS = {
    f"{name}_on_{chip.name}": replace(stored.on_chip(RULES[name], chip), name=f"{name}_on_{chip.name}") for name, chip in _PAIRS
}

#: How many examples each property test draws; 0 stands for a few.
EXAMPLES = int(os.environ.get("SPIKEMETA_EXAMPLES", 0))
factors = st.sampled_from([0.1, 1.0, 10.0])
windows = st.sampled_from([None, 7.0, 300.0])


def constants(rule, factor, window):
    """Parameters away from their defaults but within their ranges: learning rates scaled, time constants short."""
    out = {}
    for name, p in rule.parameters.items():
        value = p.value * factor if name.startswith("lr") else p.value
        value = window if window and p.unit == "presentation" else value
        out[name] = min(max(value, -np.inf if p.low is None else p.low), np.inf if p.high is None else p.high)
    return out


def stepped(rule):
    """Whether a weight is one of a few: its text reads whole numbers and what ``int(...)`` leaves, and no other state."""
    tree = ast.parse(rule.weight.strip(), mode="eval")
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.func.id == "int"]
    rounded = {id(n) for call in calls for n in ast.walk(call)}
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in rounded}
    return not (read & set(rule.analysis.states)) - rule.analysis.whole


class Watched(ReferenceSynapses):
    """The reference, which also keeps the largest value that each variable ever had, before it decays."""

    def __init__(self, *args):
        super().__init__(*args)
        self.peaks = {s: np.abs(v).max() for s, v in self.state.items()}

    def _apply(self, block, rows, **more):
        super()._apply(block, rows, **more)
        self.peaks = {s: max(peak, np.abs(self.state[s]).max()) for s, peak in self.peaks.items()}
