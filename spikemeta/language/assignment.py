"""A rule for each projection of a network: ``hidden=mesu,readout=sgd``."""

import re
from dataclasses import dataclass, replace
from types import SimpleNamespace

from spikemeta.errors import UserError, suggest

#: One part of it, ``hidden=mesu``.
PART = re.compile(r"^\s*([A-Za-z]\w*)\s*=\s*(\S.*?)\s*$")
_TEXTS = ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary", "base_gradient", "on_base_step")


@dataclass(frozen=True)
class Assigned:
    """Rules by projection, where a rule is wanted; `of` gives that of a projection.

    Parameters
    ----------
    rules : dict of str to Rule
        By projection; further hidden layers (``hidden2``) have that of the first unless they are named.
    """

    rules: dict
    variant = boundary_if = ""
    variants = ()
    constants_file = ""

    def of(self, projection):
        """The rule of a projection.

        Raises
        ------
        UserError
            If no rule was given for it.
        """
        base = projection.rstrip("0123456789")
        if not {projection, base} & self.rules.keys():
            raise UserError(f"no rule was given for the projection {projection!r}: write {projection}=RULE, too")
        return self.rules[projection if projection in self.rules else base]

    def mapped(self, change):
        """The same with ``change(rule)`` in place of each rule; itself where that changes none."""
        changed = {name: change(rule) for name, rule in self.rules.items()}
        same = all(changed[name] is rule for name, rule in self.rules.items())
        return self if same else replace(self, rules=changed)

    def check(self, projections):
        """Refuse what names no projection of a network, or leaves one without a rule.

        Raises
        ------
        UserError
        """
        unknown = [suggest("projection", name, projections) for name in self.rules if name not in projections]
        if unknown:
            raise UserError("\n".join(unknown))
        for projection in projections:
            self.of(projection)

    @property
    def each(self):
        """The rules, each once."""
        return list({rule.title: rule for rule in self.rules.values()}.values())

    @property
    def title(self):
        """As it is written."""
        return ",".join(f"{name}={rule.title}" for name, rule in self.rules.items())

    name = title

    @property
    def parameters(self):
        """Parameters of all of them, by name."""
        return {name: p for rule in self.each for name, p in rule.parameters.items()}

    @property
    def needs_boundary(self):
        """Whether one of them must be told of task boundaries."""
        return any(rule.needs_boundary for rule in self.each)

    @property
    def reference(self):
        """Papers of all of them."""
        return "; ".join(rule.reference for rule in self.each)

    @property
    def description(self):
        """What each does."""
        return "; ".join(f"{name}: {rule.description}" for name, rule in self.rules.items())

    @property
    def analysis(self):
        """States that all of them have; the statements of all."""
        first, *others = [rule.analysis for rule in self.each]
        states = tuple(s for s in first.states if all(s in other.states for other in others))
        blocks = {name: tuple(s for a in (first, *others) for s in a.blocks[name]) for name in first.blocks}
        return SimpleNamespace(states=states, blocks=blocks, noisy=any(a.noisy for a in (first, *others)))

    def own(self, overrides, projection):
        """Those of some constants, ``lr`` or ``hidden.lr``, that concern the rule of a projection."""
        known = self.of(projection).parameters
        return {key: value for key, value in (overrides or {}).items() if key.rpartition(".")[2] in known}

    def constants(self, projection="", overrides=None, before=(), after=()):
        """Check that each of some constants is one of a rule here; those of a projection, as `Rule.constants`.

        Raises
        ------
        UserError
            For one that is of none, or out of range.
        """
        for key, value in (overrides or {}).items():
            owner, _, name = key.rpartition(".")
            able = [rule for p, rule in self.rules.items() if owner in ("", p) or owner.rstrip("0123456789") == p]
            able = [rule for rule in able if name in rule.parameters]
            if not able:
                known = (self.rules[owner] if owner in self.rules else self).parameters
                raise UserError(
                    suggest(
                        f"parameter of {f'{owner}={self.rules[owner].title}' if owner in self.rules else self.title},",
                        name,
                        known,
                    )
                )
            if problem := able[0].setting_problem(key, value):
                raise UserError(problem)
        return self.of(projection).constants(projection, self.own(overrides, projection), before, after) if projection else {}

    def __getattr__(self, name):
        if name in _TEXTS:
            return "\0".join(f"{p}={getattr(rule, name)}" for p, rule in self.rules.items())
        raise AttributeError(name)


def parts(text):
    """Names of rules, separated by commas; ``hidden=mesu,readout=sgd`` stands together until a projection comes again."""
    out, seen = [], set()
    for word in [word.strip() for word in text.split(",") if word.strip()]:
        match = PART.match(word)
        if match and seen and match[1] not in seen:
            out[-1] += f",{word}"
        else:
            out.append(word)
            seen = set()
        seen = seen | {match[1]} if match else set()
    return out


def read(text, get_rule):
    """Rules by projection, of ``hidden=mesu,readout=sgd``; None if it is no such text.

    Parameters
    ----------
    text : str
    get_rule : callable
        Gives a rule by its name.
    """
    found = [PART.match(word) for word in str(text).split(",")]
    if not all(found):
        return None
    return Assigned({match[1]: get_rule(match[2]) for match in found})
