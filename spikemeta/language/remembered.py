"""What follows from a rule's text alone, and is worked out once for each text in a process."""

import functools

#: They change nothing that is worked out, or follow from the others.
_ASIDE = {"description", "reference", "variants", "constants_file", "analysis"}


def by_text(function):
    """A function of a rule that depends on its text, its constants and further arguments alone.

    Parameters
    ----------
    function : callable
        Of a rule, and of arguments that can be hashed.

    Returns
    -------
    callable
        The same; rules of the same text share a result, which nobody may change.
    """
    known = {}

    @functools.wraps(function)
    def remembered(rule, *arguments, **named):
        fields = (name for name in rule.__dataclass_fields__ if name not in _ASIDE)
        key = repr([getattr(rule, name) for name in fields]), arguments, tuple(sorted(named.items()))
        if key not in known:
            known[key] = function(rule, *arguments, **named)
        return known[key]

    return remembered
