"""Error feedback whose onset is read from the clock, as in the recorded results of the network `feedforward`."""

from dataclasses import replace

from spikemeta.networks.signals import error_feedback

signal = replace(
    error_feedback.signal,
    name="error_feedback_by_clock",
    description=f"{error_feedback.signal.description} Whether the onset is over is read from the clock, a difference of "
    "rounded times: a step that begins exactly at the onset learns in some presentations and not in others. Random "
    "factors are drawn before the weights.",
    drawn_first=True,
    on_pre=error_feedback.signal.on_pre.replace("elapsed", "elapsed_by_clock"),
)
