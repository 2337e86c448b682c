"""What `--feedback` says: a learning signal in place of a network's own, and how its errors are carried back."""

from spikemeta.errors import UserError, suggest
from spikemeta.language import registry

#: Ways in which a signal carries back what the answer feels.
FEEDBACK = ("tied", "random")


def way_of(feedback):
    """A learning signal in place of a network's own, and how it is carried back, from ``tied``, ``eprop`` or ``eprop,random``.

    Parameters
    ----------
    feedback : str

    Returns
    -------
    signal : str
        A name or file; empty for the network's own.
    way : str

    Raises
    ------
    UserError
        For an unknown one.
    """
    if feedback in FEEDBACK:
        return "", feedback
    signal, _, way = feedback.partition(",")
    valid = [*FEEDBACK, *registry.signals()]
    if (signal not in registry.signals() and not signal.endswith(".py")) or way not in ("", *FEEDBACK):
        raise UserError(suggest("feedback", feedback, valid) + "; of a signal also NAME,random")
    return signal, way or "tied"
