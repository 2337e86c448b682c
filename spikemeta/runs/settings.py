"""Constants and options that a command names by ``KEY=VALUE``: for a run (``--set``) or the points of a sweep (``--grid``)."""

import dataclasses
from dataclasses import dataclass, replace

from spikemeta.errors import UserError, suggest

#: Options that no grid can vary: what is run where, and the seeds, which are a dimension anyway.
_FIXED = ("rules", "seeds", "first_seed", "workers", "out", "resume", "set", "grid", "scheduler")


@dataclass(frozen=True)
class Axis:
    """One dimension of the grid.

    Attributes
    ----------
    key : str
        As it was given: ``hidden.lr``, ``laplace.lr``, ``lr``, ``network.tau_error`` or an option such as ``hidden``.
    kind : str
        ``"option"``, ``"network"`` or ``"rule"``.
    name : str
        Of the option or constant; with its projection, where the key has one.
    values : tuple
    rule : str
        The rule that it varies; empty for all.
    """

    key: str
    kind: str
    name: str
    values: tuple
    rule: str = ""


def axes_of(texts, base, rules, network, flag="--grid"):
    """The dimensions that ``--grid`` asks for, or the constants that ``--set`` gives.

    Parameters
    ----------
    texts : iterable of str
        ``KEY=V1,V2`` each.
    base : type
        Options of the study.
    rules : dict of str to Rule
        By title.
    network : network
    flag : str
        The option that asks, for messages.

    Returns
    -------
    list of Axis

    Raises
    ------
    UserError
        With every problem: keys that name nothing, or come twice, and values that are not of their kind.
    """
    fields = {f.name: f for f in dataclasses.fields(base) if f.name not in _FIXED}
    axes, problems = {}, []
    for text in texts:
        key, equals, values = text.partition("=")
        words = [word.strip() for word in values.split(",") if word.strip()]
        if not (key and equals and words):
            problems.append(f"{flag} {text!r} is not KEY=V1,V2; example: {flag} hidden.lr=1e-4,3e-4")
            continue
        if key in axes:
            problems.append(f"{flag} names {key!r} twice; give all its values at once")
            continue
        try:
            found = _axis(key, words, fields.get(key.replace("-", "_")), rules, network.projections)
        except ValueError as error:
            problems.append(f"{flag} {key}: {error}")
            continue
        if found is None:
            owner, known = key.rpartition(".")[0].partition(".")[0], [*rules, *network.projections, "network", "rule"]
            problems.append(suggest(f"owner in {flag} {key},", owner, known))
            continue
        name = key.rpartition(".")[2]
        if len(set(found.values)) < len(found.values):
            problems.append(f"{flag} {key} names a value twice")
        if found.kind == "rule" and not any(
            name in rule.parameters for title, rule in rules.items() if found.rule in ("", title)
        ):
            known = {*fields, *(p for rule in rules.values() for p in rule.parameters)}
            problems.append(suggest(f"{'constant' if not fields else 'option or constant'} in {flag}", name, known))
        axes[key] = found
    if not texts:
        problems.append(f"{flag} is missing; example: {flag} hidden.lr=1e-4,3e-4")
    if problems:
        raise UserError("\n".join(problems))
    return list(axes.values())


def _axis(key, words, option, rules, projections):
    """The axis of one key and its values; None if what owns the constant is neither a rule nor a projection."""
    owner, _, name = key.rpartition(".")
    if option and not owner:
        return Axis(key, "option", option.name, tuple(_typed(option, word) for word in words))
    if owner == "network":
        return Axis(key, "network", name, tuple(map(float, words)))
    if owner in ("", "rule", *projections):
        return Axis(key, "rule", key if owner in projections else name, tuple(map(float, words)))
    rule, _, projection = owner.partition(".")
    if rule not in rules:
        return None
    return Axis(key, "rule", f"{projection}.{name}" if projection else name, tuple(map(float, words)), rule)


def _typed(option, word):
    if "int" in str(option.type):
        try:
            return int(word)
        except ValueError:
            raise ValueError(f"{word!r} is not a whole number") from None
    return word


def touches(axis, entry):
    """Whether an axis changes a row."""
    if axis.kind != "rule":
        return True
    return axis.rule in ("", entry.rule.title) and axis.name.rpartition(".")[2] in entry.rule.parameters


def placed(entry, axes, given, options, network):
    """A row with the constants that a point of a grid gives it.

    Parameters
    ----------
    entry : spikemeta.runs.planning.Entry
    axes : list of Axis
    given : dict of str to float
        Value of every axis, by key.
    options : spikemeta.runs.study.SimulationOptions
    network : network

    Returns
    -------
    spikemeta.runs.planning.Entry

    Raises
    ------
    UserError
        For a constant that does not exist, or a value out of range.
    """
    mine = [axis for axis in axes if touches(axis, entry)]
    of_rule = {a.name: given[a.key] for a in mine if a.kind == "rule"}
    of_network = entry.network_parameters | {a.name: given[a.key] for a in mine if a.kind == "network"}
    entry.rule.constants(overrides=of_rule)
    network.parameters(options.task, options.dataset, of_network)
    return replace(entry, parameters=entry.parameters | of_rule, network_parameters=of_network)


@dataclass(frozen=True)
class _NoOptions:
    pass


def with_constants(entries, options, network):
    """Rows with the constants of ``--set``.

    Parameters
    ----------
    entries : list of spikemeta.runs.planning.Entry
    options : spikemeta.runs.study.SimulationOptions
    network : network

    Returns
    -------
    list of spikemeta.runs.planning.Entry

    Raises
    ------
    UserError
        For a key that names nothing, or that the study varies itself, several values, or one out of range.
    """
    if not options.set:
        return entries
    axes = axes_of(options.set, _NoOptions, {entry.rule.title: entry.rule for entry in entries}, network, "--set")
    problems = [f"--set {a.key} takes one value: to try several, use 'spikemeta sweep'" for a in axes if len(a.values) > 1]
    for axis in axes:
        varied = {
            name
            for e in entries
            if touches(axis, e)
            for name in (e.network_parameters if axis.kind == "network" else e.parameters)
        }
        if {axis.name, axis.name.rpartition(".")[2]} & {*varied, *(name.rpartition(".")[2] for name in varied)}:
            problems.append(f"--set {axis.key}: this study varies {axis.name!r} itself")
    if problems:
        raise UserError("\n".join(problems))
    given = {axis.key: axis.values[0] for axis in axes}
    return [placed(entry, axes, given, options, network) for entry in entries]
