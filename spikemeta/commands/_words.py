"""What the commands share: words that the shell completes."""

#: Options of studies whose values have names, and of what kind.
_KINDS = {"rules": "rules", "dataset": "datasets", "network": "networks", "hardware": "hardware"}


def complete_rules(incomplete):
    """Rules and variants that begin like this."""
    return [name for name in _names("rules") if name.startswith(incomplete)]


def one_of(words):
    """What completes an argument that is one of these words."""

    def complete(incomplete: str):
        return [word for word in words if word.startswith(incomplete)]

    return complete


def completion_of(option, choices):
    """What completes the values of a study's option: its choices, or names, also after a comma; None where there are none.

    Parameters
    ----------
    option : str
    choices : tuple of str or None

    Returns
    -------
    callable or None
        From what was typed to a list of words.
    """
    if not choices and option not in _KINDS:
        return None

    def complete(incomplete: str):
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + name for name in choices or _names(_KINDS[option]) if name.startswith(last)]

    return complete


def _names(kind):
    from spikemeta.language import registry

    return [*registry.names(kind), *(registry.variants() if kind == "rules" else ())]
