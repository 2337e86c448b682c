"""Errors that come from what a user gave us: one clear message each, never a traceback."""

import difflib


class UserError(Exception):
    """Bad input. The message names the file, line or option, and the remedy."""


class InstabilityError(UserError):
    """A state variable became NaN or infinite. The message names rule, variable, phase and remedy."""


class RuleError(UserError):
    """A rule's text cannot be run.

    Parameters
    ----------
    name : str
        The rule's name.
    problems : list of (str, int, str)
        Field of the rule, line within that field (0 for the first), and message.
    """

    kind = "rule"

    def __init__(self, name, problems):
        self.name, self.problems = name, list(problems)
        lines = "\n".join(f"  {field}, line {line + 1}: {text}" for field, line, text in self.problems)
        super().__init__(f"{self.kind} {name!r} cannot be used:\n{lines}")

    def __reduce__(self):
        return type(self), (self.name, self.problems)


class NetworkError(RuleError):
    """A network's text cannot be run; as `RuleError`."""

    kind = "network"


def suggest(kind, name, valid):
    """Message for an unknown name, with the nearest valid ones.

    Parameters
    ----------
    kind : str
        What the name was meant to be, such as ``"rule"``.
    name : str
        The name that was given.
    valid : iterable of str
        The names that exist.

    Returns
    -------
    str
    """
    valid = sorted(valid)
    near = difflib.get_close_matches(str(name), valid, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else ";"
    return f"unknown {kind} {name!r}{hint} valid: {', '.join(valid)}"
