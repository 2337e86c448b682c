"""A rule as event-driven Brian2 synapses, for our own networks and for anyone's script, runtime or standalone."""

import itertools
import re

import brian2
import numpy as np

from spikemeta.backends import histories, paths
from spikemeta.errors import UserError
from spikemeta.language.equations import once, relaxation

#: Rule time, as a group keeps it.
CLOCK = """
age : 1 (shared)                    # learning presentations so far
presentation_index : integer (shared)
opening : boolean (shared)          # this presentation opens a new task or item
closing : boolean (shared)          # every synapse is committed now
"""
#: What every group of a simulated phase is told of it.
PHASE = """
first_age : 1 (shared)
count : integer (shared)            # presentations in this phase
boundary_first : boolean (shared)
teaching : 1 (shared)               # 1 in a phase that learns
"""
#: Rule time from that, when a presentation starts.
PHASE_START = """
presentation_index = int((t + 0.5*dt)/presentation_time)
age = first_age + teaching*presentation_index
opening = boundary_first and presentation_index == 0
closing = presentation_index >= count
"""
#: What a presynaptic group needs besides its own equations, for the deferred commit.
PRESYNAPTIC = (
    CLOCK
    + """
seen : integer                      # presentation in which the neuron last touched its synapses
touched : 1                         # rule time of that touch
"""
)

#: What a synapse keeps besides the rule's state: the weight that it transmits, and the sum of this presentation's gradients.
STATE_EXTRA = ("transmitted", "gradient")

#: Event of the presynaptic group that drives each pathway.
EVENTS = {"absorb": "spike"} | dict.fromkeys(("commit", "renew", "limit_least", "limit_total"), "touch")
EVENTS |= {"boundary": "boundary", "transmit": "spike"}
#: In which they run in a step.
ORDER = {name: number - len(EVENTS) for number, name in enumerate(EVENTS)}


def presynaptic_events(threshold, boundaries=True, begins=False):
    """Events of a presynaptic group.

    Parameters
    ----------
    threshold : str
        Condition of an ordinary spike.
    boundaries : bool
        Whether the rule is told of boundaries.
    begins : bool
        Whether, while it learns, every neuron touches its synapses as a presentation begins, and not at its first spike.

    Returns
    -------
    dict of str to str
        ``spike``; ``touch``, the first spike in a presentation, which commits; ``boundary``.

    Raises
    ------
    UserError
        If the threshold draws random numbers: it is evaluated for each event, so a spike and its touch would disagree.
    """
    if re.search(r"\brandn?\(", threshold):
        raise UserError(
            f"threshold {threshold!r} draws random numbers, and would draw others for each event: draw first, as "
            "in group.run_regularly('draw = rand()', when='before_thresholds'), and compare that variable"
        )
    first = f"(({threshold}) or opening or closing{' or teaching > 0' * begins}) and seen < presentation_index"
    told = {"boundary": "opening and seen < presentation_index"} if boundaries else {}
    return {"spike": threshold, "touch": first} | told


def prepare_presynaptic(group):
    """Let a group that has `PRESYNAPTIC` and `presynaptic_events` remember when it last touched its synapses."""
    group.seen = -1
    group.run_on_event("touch", "seen = presentation_index\ntouched = age", when="resets")


def _decays(rule, elapsed):
    """Closed forms over ``elapsed`` presentations; what depends on no synapse stands in a line of its own."""
    return [str(s) for s in relaxation(rule.analysis.decays, elapsed, "exp({}) - 1", apart=True)]


def _lines(rule, block, draws):
    """Statements of a block, each draw replaced; those after the first take another ``noise_seed``, so that they differ."""
    run = ("on_gradient", "on_presentation") if block != "on_boundary" else (block,)  # one after the other, in one pathway
    lines = once({n: rule.analysis.blocks[n] for n in run}, rule.analysis.states, (*rule.parameters, *STATE_EXTRA))[block]
    text, count = "\n".join(str(s) for s in lines), itertools.count()

    def drawn(match):
        number = next(count)
        return re.sub(r"\bnoise_seed\b", f"(noise_seed + {7919 * number})", draws[match[1]]) if number else draws[match[1]]

    return re.sub(r"\b(randn?)\(\)", drawn, text).split("\n") if text else []


def model(rule, commit="deferred", history=None):
    """Brian2 equations of a rule's synapses.

    Parameters
    ----------
    rule : Rule
    commit : {"deferred", "immediate"}
    history : History or None

    Returns
    -------
    str
    """
    lines = [f"{s} : 1" for s in rule.analysis.states]
    lines += [f"{p} : 1 (shared, constant)" for p in (*rule.parameters, "presentation", "sampling", "noise_seed")]
    held = histories.held_in(rule, history)
    lines += [f"transmitted = {held} : 1" if held else "transmitted : 1"]
    lines += [] if history else ["gradient : 1"]
    lines += ["last : 1"] if commit == "immediate" else []
    return "\n".join(lines)


def pathways(
    rule,
    gradient,
    transmit="I_post += weight",
    commit="deferred",
    randn="randn()",
    duration=None,
    rand="rand()",
    history=None,
    limits=None,
):
    """Code of a rule's pathways, by name.

    Parameters
    ----------
    rule : Rule
    gradient : str
        Local gradient of one presynaptic spike, such as ``"error_post*window_post"``; empty where something else adds to
        the synapses' ``gradient``.
    transmit : str
        What a presynaptic spike does to its target; ``weight`` stands for the transmitted weight.
    commit : {"deferred", "immediate"}
        Whether the rule runs once per presentation on the summed gradient, or at every spike on that spike's.
    randn : str
        Expression that replaces ``randn()``, for tests that supply the noise.
    duration : Quantity or None
        Duration of a presentation, for ``commit="immediate"``, where rule time is real time.
    rand : str
        Expression that replaces ``rand()``.
    history : History or None
        Where the gradient is made from it, and not summed by each synapse.
    limits : (list of str, list of str) or None
        From `spikemeta.language.limits.code`; without a history.

    Returns
    -------
    dict of str to str
        ``commit`` (on touch), ``transmit`` (on spike) and, if the rule has one, ``boundary``; immediate: ``transmit`` alone.
        With a history also ``absorb``, and ``renew`` (on touch) unless nothing remains for it; with limits ``limit_least``
        and ``limit_total``, on touch.
    """
    send = re.sub(r"\bweight\b", "transmitted", transmit)
    present = f"transmitted = {rule.weight.strip()}"
    draw = {"randn": f"(sampling*{randn})", "rand": rand}
    if commit == "immediate":
        return {"transmit": _at_every_spike(rule, gradient, send, present, draw, f"t/({float(duration)!r}*second)")}
    # In on_gradient the age is that of the presentation to which the summed gradient belongs.
    gradient_lines = [re.sub(r"\bage\b", "touched_pre", line) for line in _lines(rule, "on_gradient", draw)]
    began = ["elapsed = age_pre - touched_pre", "inside = clip(elapsed, 0, 1)"]
    first = [*_decays(rule, "inside"), *gradient_lines]
    then = [*_decays(rule, "after"), *_lines(rule, "on_presentation", draw)]
    held = histories.held_in(rule, history)
    last = [*([] if held else [present]), *([] if history else ["gradient = 0"])]
    told = lambda lines: "\n".join(re.sub(r"\bage\b", "age_pre", line) for line in lines)  # noqa: E731
    out = {"commit": told([*began, "after = elapsed - inside", *first, *then, *last])}
    if history:
        out |= {"absorb": told([*began, *first])}
        out |= {"renew": told([*began, "after = elapsed - inside", *then, *last])} if then or last else {}
    kept = {name: code for name, code in zip(("limit_least", "limit_total"), limits or (), strict=False) if code}
    out |= {name: "\n".join([*code, *[present] * (name == list(kept)[-1])]) for name, code in kept.items()}
    out["transmit"] = f"{send}\ngradient += {gradient}" if gradient and not history else send
    if rule.analysis.blocks["on_boundary"]:
        out["boundary"] = told([*_lines(rule, "on_boundary", draw), *([] if held else [present])])
    return out


def _at_every_spike(rule, gradient, send, present, draw, clock):
    """Code of the immediate commit: the rule runs on the gradient of one spike; ``clock`` is rule time."""
    body = [
        f"elapsed = {clock} - last",
        *_decays(rule, "elapsed"),
        f"last = {clock}",
        f"gradient = {gradient}",
        *_lines(rule, "on_gradient", draw),
        *_lines(rule, "on_presentation", draw),
        present,
        send,
    ]
    return "\n".join(re.sub(r"\bage\b", "last", line) for line in body)


def _refuse(rule, source, commit, duration):
    """Raise a `UserError` for what `synapses` cannot do."""
    wanted = {"touch", "boundary"} if rule.analysis.blocks["on_boundary"] else {"touch"}
    if commit == "deferred" and not wanted <= set(source.events):
        raise UserError(
            f"{source.name!r} cannot commit once per presentation: add spikemeta.backends.brian.PRESYNAPTIC to "
            "its equations and events=presynaptic_events(threshold), or use commit='immediate'"
        )
    if commit == "immediate" and rule.needs_boundary:
        raise UserError(
            f"rule {rule.title!r} must be told of boundaries, which commit='immediate' has not: use the deferred "
            "commit, or a rule or variant that needs no boundary"
        )
    if commit == "immediate" and duration is None:
        raise UserError("commit='immediate' needs duration, the length of one presentation, such as 100*ms")


def synapses(
    rule,
    source,
    target,
    gradient,
    transmit="I_post += weight",
    *,
    connect=True,
    post=None,
    commit="deferred",
    parameters=None,
    duration=None,
    randn="randn()",
    rand="rand()",
    dense="auto",
    dtype="float64",
    name="synapses*",
    history=None,
    limits=None,
):
    """Synapses that follow a rule, as an ordinary ``brian2.Synapses``.

    Parameters
    ----------
    rule : Rule
    source, target : brian2.NeuronGroup
        With the deferred commit ``source`` holds `PRESYNAPTIC` and `presynaptic_events`.
    gradient : str
        Local gradient of one presynaptic spike (dLoss/dw), in terms of the target's variables; empty as for `pathways`.
    transmit : str
        What a presynaptic spike does to its target; ``weight`` stands for the transmitted weight.
    connect : bool or dict
        True for all-to-all; else the arguments of ``Synapses.connect``.
    post : dict of str to str or None
        Code to run at an event of the target, by event; ``weight`` is the weight as last transmitted.
    commit : {"deferred", "immediate"}
    parameters : dict of str to float or None
        Values that replace the rule's defaults; times in presentations.
    duration : Quantity or None
        Duration of a presentation; needed for ``commit="immediate"``.
    randn, rand : str
        Expressions that replace ``randn()`` and ``rand()``.
    dense : {"auto", True, False}
        How standalone code finds a neuron's synapses: True, in contiguous rows, for all-to-all projections alone; "auto", so
        where the projection is all-to-all, else in lists; False, by Brian2's own queue. It is looked for when the network is
        built, so that further ``connect`` hold; a pathway with a delay has Brian2's queue, whatever is said here.
    dtype : {"float64", "float32"}
        Of the rule's state, the summed gradient and the transmitted weight; everything else is float64.
    name : str
    history : History or None
        For all-to-all projections in standalone mode: the gradient is made from it, by `spikemeta.backends.histories`,
        where the rule allows it.
    limits : as for `pathways`

    Returns
    -------
    brian2.Synapses
        With the rule's state and parameters as variables. Call `start` to give them their first values.

    Raises
    ------
    UserError
        If the source lacks what the commit needs, or the rule needs boundaries, which the immediate commit has not; for
        ``dense=True`` where the projection is not all-to-all.
    """
    _refuse(rule, source, commit, duration)
    history = histories.of(rule, history, commit)
    code = pathways(rule, gradient, transmit, commit, randn, duration, rand, history, limits)
    feedback = {f"on_{event}": re.sub(r"\bweight\b", "transmitted", text) for event, text in (post or {}).items()}
    on_event = {p: EVENTS[p] for p in code} | {f"on_{event}": event for event in (post or {})}
    made = paths.RuleSynapses(
        source,
        target,
        model(rule, commit, history),
        on_pre=code,
        on_post=feedback or None,
        on_event=on_event,
        delay={p: 0 * brian2.second for p in on_event},
        clock=source.clock,
        dtype=dict.fromkeys((*rule.analysis.states, *STATE_EXTRA), np.dtype(dtype)),
        name=name,
        dense=True if history else dense,
        own=tuple(code),
    )
    if history:
        made.variables.add_array("gradient", size=len(target), dtype=np.dtype(dtype), index="_postsynaptic_idx")
        histories.prepare(made, source, target, history, dtype)
    made.connect() if connect is True else made.connect(**connect)
    for pathway in code:
        getattr(made, pathway).order = ORDER[pathway]
    for key, value in rule.constants(overrides=parameters).items():
        setattr(made, key, value)
    made.presentation = 1
    made.sampling = 1
    return made


def start(made, rule, w_init="w_init"):
    """Give every state variable its first value, from the rule's ``initial``.

    Parameters
    ----------
    made : brian2.Synapses
        From `synapses`.
    rule : Rule
    w_init : str
        Brian2 expression of the initial weight, such as ``"0.1*randn()"``.
    """
    made.transmitted = w_init
    made.gradient = 0
    known = {}
    for s in rule.analysis.blocks["initial"]:
        value = re.sub(r"\bw_init\b", "transmitted", s.value)
        for name, text in known.items():
            value = re.sub(rf"\b{name}\b", f"({text})", value)
        if s.target in rule.analysis.states:
            setattr(made, s.target, value)
        else:
            known[s.target] = value
    made.transmitted = rule.weight.strip()
