"""The feedforward network by hand in plain Brian2, as a good user would write it: what the study ``speed`` measures against.

The deferred commit is a custom event, ``first_spike``, that drives a pathway of its own; what depends on one neuron alone is
computed once per neuron; errors travel as events. Nothing of `spikemeta.backends` is used. The immediate form, in which the
rule runs at every spike on event-driven state, is there for reference.
"""

from dataclasses import dataclass

import brian2
import numpy as np
from brian2 import ms

#: What a synapse does at its first spike in a presentation, and its state beside the weight w and the summed gradient g.
#: ``inside_pre`` and ``after_pre`` are presentations since the last touch; ``fade_...`` their decays with the window.
COMMITS = {
    "sgd": ((), "w -= lr*g"),
    "laplace": (
        ("precision", "information"),
        """
        precision = 1 + (precision - 1)*fade_inside_pre
        information = information*fade_inside_pre
        information = information*(1 + curvature*g*g/precision) - lr*g
        precision = precision + curvature*g*g
        precision = 1 + (precision - 1)*fade_after_pre
        information = information*fade_after_pre
        w = information/precision
        """,
    ),
    "mesu": (
        ("precision", "information", "noise"),
        """
        precision = prior + (precision - prior)*fade_inside_pre
        information = information*fade_inside_pre
        shrink = clip(lr_sigma*g*noise/(2*sqrt(precision)), -guard, guard)
        kept = (1 - shrink)*(1 - shrink)
        information = (information - lr_mu*g)/kept
        precision = precision/kept
        precision = prior + (precision - prior)*fade_after_pre
        information = information*fade_after_pre
        noise = randn()
        w = information/precision + noise/sqrt(precision)
        """,
    ),
    "synaptic_intelligence": (
        ("path", "importance", "w_reference"),
        """
        w = w_reference + (w - w_reference)*exp(-2*lr*c*importance*inside_pre)
        path = path + g*(lr*g - 2*lr*c*importance*(w_reference - w))
        w = w - lr*g
        w = w_reference + (w - w_reference)*exp(-2*lr*c*importance*after_pre)
        """,
    ),
    # The population's gate changes at a boundary alone, which the workload has not.
    "stable_flexible": (("w_start", "flexibility", "gate"), "w -= lr*gate*g"),
    "hebb_repetition": (
        ("slow", "fast", "strength"),
        """
        fast = fast*fade_inside_pre
        proposal = -lr*g
        step = proposal/(1 + strength)
        agreed = int(step*fast > 0)*clip(abs(fast), 0, abs(step))
        fast = fast + step - sign(step)*agreed
        slow = slow + sign(step)*agreed
        strength = strength + (1 + strength)*agreed*abs(proposal)/scale**2
        fast = fast*fade_after_pre
        w = slow + fast
        """,
    ),
    "probabilistic": (
        ("consolidation", "chance"),
        """
        large = int(abs(g) > threshold)
        accepted = large*int(chance < exp(-consolidation*abs(w)/scale))
        w = w - accepted*lr*g
        consolidation = clip(consolidation + growth*large, 0, most)
        chance = rand()
        """,
    ),
    "mesu_multiplicative": (
        ("mean", "spread", "noise"),
        """
        felt = int(g != 0)/(window*sigma_prior**2)
        variance = spread*spread
        mean = mean + variance*(felt*(mu_prior - mean) - lr_mu*g)
        shrink = clip(0.5*lr_sigma*g*noise*spread, -guard, guard)
        spread = spread*(1 - shrink + 0.5*felt*(sigma_prior**2 - variance))
        noise = randn()
        w = mean + spread*noise
        """,
    ),
}
#: Constants under which a text is the rule: others would need more of it.
HOLDS = {"stable_flexible": {"held": 1.0}, "probabilistic": {"level": 0.0}}
#: The rule at every spike: model, and code before and after the weight is transmitted.
IMMEDIATE = {
    "sgd": ("w : 1", "w -= lr*signal_post"),
    "laplace": (
        "dprecision/dt = (1 - precision)/memory : 1 (event-driven)\ndinformation/dt = -information/memory : 1 (event-driven)",
        """
        information = information*(1 + curvature*signal_post*signal_post/precision) - lr*signal_post
        precision += curvature*signal_post*signal_post
        """,
    ),
}
_LIF = """
dv/dt = (current*tau_membrane/tau_synapse - v)/tau_membrane : 1
dcurrent/dt = -current/tau_synapse : 1
derror/dt = -error/tau_error : 1
signal : 1
"""
_REST = "v = 0\ncurrent = 0\nerror = 0\n"
_SIGNAL = "signal = int(t - presentation*T >= onset)*error*int(abs(error) >= band)*int(abs(v - centre) < width)"
_FIRST = """
seen : integer
touched : 1
inside : 1
after : 1
fade_inside : 1
fade_after : 1
"""


def build(rule, sizes, parameters, constants, images, labels, form="deferred", raster=None, connect=None):
    """Brian2 objects of the network.

    Parameters
    ----------
    rule : str
        One of `COMMITS`; of `IMMEDIATE` for that form.
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    parameters : object
        The constants of the network `feedforward`, an attribute each, in their units.
        With tied feedback and no inhibition.
    constants : dict of str to dict
        Of the rule, by projection.
    images : (n, n_input) uint8
    labels : (n,) int32
    form : {"deferred", "immediate"}
    raster : (n*steps, n_input) or None
        Input spikes, instead of random ones.
    connect : dict or None
        Arguments of ``Synapses.connect`` of the first projection, if it is not all-to-all.

    Returns
    -------
    brian2.Network
        Set ``w``, and the rule's state, of ``to_hidden`` and ``to_readout`` before it runs; every synapse is committed in the
        first step after ``input.count`` presentations.
    """
    p, dt, T = parameters, 1 * ms, parameters.presentation * ms
    space = {
        "T": T,
        "tau_membrane": p.tau_membrane * ms,
        "tau_synapse": p.tau_synapse * ms,
        "tau_error": p.tau_error * ms,
        "onset": p.onset * ms,
        "stimulus": brian2.TimedArray(images / 255 * p.input_rate * 1e-3, dt=T, name="images"),
        "label": brian2.TimedArray(np.asarray(labels, float), dt=T, name="labels"),
        "memory": constants["hidden"].get("window", np.inf) * T,
        "window": constants["hidden"].get("window", constants["hidden"].get("fading", np.inf)),
    }
    if raster is not None:
        space["raster"] = brian2.TimedArray(raster.astype(float), dt=dt, name="raster")
    clocks = brian2.Clock(dt, name="steps"), brian2.Clock(T, name="presentations")
    parts = _Parts(rule, p, constants, form == "deferred", space, *clocks)
    source, hidden, readout = parts.input(sizes[0], raster is None), parts.hidden(sizes[1]), parts.readout(sizes[2])
    for layer in (hidden, readout):
        layer.run_regularly(_SIGNAL, when="before_thresholds")
    objects = [source, hidden, readout, parts.projection(source, hidden, "to_hidden", False, connect)]
    objects += [parts.projection(hidden, readout, "to_readout", True), brian2.SpikeMonitor(readout, name="readout_spikes")]
    return brian2.Network(*objects)


@dataclass(frozen=True)
class _Parts:
    """Makes the parts of the network; `space` are the names that its equations know, `slow` ticks once a presentation."""

    rule: str
    parameters: object
    constants: dict
    deferred: bool
    space: dict
    clock: brian2.Clock
    slow: brian2.Clock

    def group(self, n, name, model, threshold, reset, start, first=False, **more):
        shared = "presentation : integer (shared)\nclosing : boolean (shared)\ncount : integer (shared)\n"
        index = "presentation = int((t + 0.5*dt)/T)\nclosing = presentation >= count\n"
        events = {"spike": threshold} | more.pop("events", {})
        if first:
            events["first_spike"] = f"(({threshold}) or closing) and seen < presentation"
        how = {"reset": reset, "events": events, "method": "exact", "clock": self.clock, "name": name}
        made = brian2.NeuronGroup(n, model + shared + _FIRST * first, **how, namespace=self.space | more)
        made.run_regularly(index + start, clock=self.slow, when="start")
        if first:
            made.seen = -1
            elapsed = "inside = clip(presentation - touched, 0, 1)\nafter = presentation - touched - inside\n"
            fades = "fade_inside = exp(-inside/window)\nfade_after = exp(-after/window)\n"
            now = "seen = presentation\ntouched = presentation"
            made.run_on_event("first_spike", elapsed + fades + now, when="after_thresholds", order=1)
        return made

    def input(self, n, random):
        if random:
            made = self.group(n, "input", "p : 1\ndraw : 1\n", "draw < p", "", "p = stimulus(t, i)", self.deferred)
            made.run_regularly("draw = rand()", when="before_thresholds")
        else:
            made = self.group(n, "input", "draw : 1\n", "draw > 0.5", "", "", self.deferred)
            made.run_regularly("draw = raster(t, i)", when="before_thresholds")
        return made

    def hidden(self, n):
        p = self.parameters
        shape = {"centre": p.hidden_centre, "width": p.hidden_width, "band": p.hidden_band}
        return self.group(n, "hidden", _LIF, "v > 1", "v = 0", _REST, self.deferred, **shape)

    def readout(self, n):
        p = self.parameters
        shape = {"centre": p.readout_centre, "width": p.readout_width, "band": p.readout_band}
        rates = f"phase = 0\nper_step = {p.other_rate / 1000!r} + {(p.target_rate - p.other_rate) / 1000!r}*int(i == label(t))"
        model, teach = _LIF + "phase : 1\nper_step : 1\n", {"teach": "phase >= 1"}
        made = self.group(n, "readout", model, "v > 1", "v = 0\nerror += 1", _REST + rates, events=teach, **shape)
        made.run_regularly("phase += per_step", when="groups")
        made.run_on_event("teach", "phase -= 1\nerror -= 1", when="resets")
        return made

    def projection(self, pre, post, name, back, connect=None):
        own = self.constants[name.removeprefix("to_")]
        numbers = {k: v for k, v in own.items() if np.isfinite(v)} | {"prior": own.get("sigma_prior", 1.0) ** -2}
        feedback = {"on_post": "error_pre += tied*w", "on_teach": "error_pre -= tied*w"} if back else {}
        on_event = {"on_post": "spike", "on_teach": "teach"} if back else {}
        model, on_pre, more = self._deferred() if self.deferred else self._immediate()
        made = brian2.Synapses(
            pre, post, model, on_pre=on_pre, on_post=feedback or None, on_event=on_event | more, clock=self.clock, name=name,
            namespace=self.space | numbers | {"tied": self.parameters.tied_factor},
        )  # fmt: skip
        made.connect(**(connect or {}))
        if self.deferred:
            made.commit.order = -2
        made.transmit.order = -1
        return made

    def _deferred(self):
        """Model, code and events of the synapses; here the rule runs at the first spike of a later presentation."""
        states, commit = COMMITS[self.rule]
        model = "\n".join(f"{s} : 1" for s in (*states, "w", "g"))
        on_pre = {"commit": commit + "\ng = 0", "transmit": "current_post += w\ng += signal_post"}
        return model, on_pre, {"commit": "first_spike", "transmit": "spike"}

    def _immediate(self):
        model, learn = IMMEDIATE[self.rule]
        sent = "current_post += w\n"
        if "information" in model:
            model += "\nw : 1"
            learn, sent = learn + "w = information/precision\n", ""
            learn += "current_post += w"
        return model, {"transmit": sent + learn}, {"transmit": "spike"}


def written(rule):
    """Whether a rule, with the constants of its variant, is here."""
    own = rule.constants()
    return rule.name in COMMITS and all(own[name] == value for name, value in HOLDS.get(rule.name, {}).items())


def start_of(rule, state):
    """The values that a network of `build` starts with, by ``object.variable``, from those of our own network."""
    found = {}
    for projection in ("hidden", "readout"):
        found[f"to_{projection}.w"] = state[f"{projection}.transmitted"].ravel()
        found |= {f"to_{projection}.{s}": state[f"{projection}.{s}"].ravel() for s in COMMITS[rule][0]}
    return found
