"""What a study runs: its rows, and a point for each under every seed."""

import itertools
from dataclasses import dataclass, field, replace

from spikemeta.errors import UserError
from spikemeta.language.rule import Rule
from spikemeta.runs import pool, scale, study
from spikemeta.simulation import shared_beginnings


@dataclass(frozen=True)
class Entry:
    """One row of a study.

    Attributes
    ----------
    label : str
        Unique among the rows.
    spec : str
        The rule for `spikemeta.language.registry.get_rule`: a name, a variant or a path.
    rule : Rule
    parameters : dict
        Constants that replace the rule's own, ``{"hidden.lr": 1e-4}``.
    network_parameters : dict
    curriculum : dict
        Arguments of the curriculum that are this row's own.
    condition : str
        What they mean, in a few words; empty where all rows share a curriculum.
    hidden : int or None
        Hidden neurons, where they are this row's own.
    probe : dict
        Settings of what is measured of a trained network besides its accuracy; ``presentations`` is how many that takes.
    hardware : Hardware or None
        Chip that the rule runs on.
    seeds : int or None
        Number of seeds, 0 to N-1, where they are fewer than the others'.
    more : dict
        What else the summary says of this row.
    """

    label: str
    spec: str
    rule: Rule
    parameters: dict = field(default_factory=dict)
    network_parameters: dict = field(default_factory=dict)
    curriculum: dict = field(default_factory=dict)
    condition: str = ""
    hidden: int | None = None
    probe: dict = field(default_factory=dict)
    hardware: object = None
    seeds: int | None = None
    more: dict = field(default_factory=dict)


def entries_of(options):
    """A row for each rule that the options name."""
    from spikemeta.hardware import profile

    name = getattr(options, "hardware", "")
    chip = profile.get(name) if name else None
    return [Entry(rule.title, spec, rule, hardware=chip) for spec, rule in study.resolve_rules(options.rules).items()]


def points_of(entries, options, evaluate, store):
    """Every entry under every seed, as `spikemeta.runs.pool` takes it."""
    curriculum = scale.curriculum_arguments(options, evaluate)
    hidden = scale.n_hidden(options)
    parting = forks_of(entries, options, curriculum)
    how = {"mode": options.mode} if options.engine == "brian2" else {"batch": options.batch or scale.BATCH}
    how |= {"engine": options.engine}
    record = recorded_of(entries, options)
    for seed in study.seeds_of(options):  # seeds outermost: every rule has a first result early
        for entry in entries:
            if entry.seeds is not None and seed >= entry.seeds:
                continue
            simulation = {
                "network": scale.network(options),
                "n_hidden": entry.hidden or hidden,
                "feedback": scale.signal(options),
                **how,
                "parameters": entry.parameters or None,
                "network_parameters": entry.network_parameters or None,
            }
            simulation |= {"hardware": entry.hardware} if entry.hardware else {}
            simulation |= {"dtype": options.dtype} if options.dtype != "float64" else {}
            point = pool.Point(
                entry.label,
                entry.spec,
                seed,
                curriculum | entry.curriculum,
                simulation,
                str(store.state_folder(entry.label, seed)),
                options.resume,
                probe=entry.probe,
                record=record[entry.label],
            )
            yield replace(point, fingerprint=pool.fingerprint(entry.rule, point), forks=parting.get((seed, entry.label), ()))


def recorded_of(entries, options):
    """What each entry records, by label, as arguments of `spikemeta.simulation.recording.Recording`; empty for nothing.

    Raises
    ------
    UserError
        For a name that none of the entries has, or that is no single one's; for presentations that are no numbers.
    """
    from spikemeta.simulation import recorded_neurons, recording

    names = [name.strip() for name in options.record.split(",") if name.strip()]
    if not names:
        if options.record_presentations.strip():
            raise UserError("--record-presentations chooses presentations for neurons: name some, as in --record hidden.spikes")
        return {entry.label: {} for entry in entries}
    how = {"every": options.record_every, "synapses": recording.synapses_of(options.record_synapses)}
    network = scale.loaded_network(options)
    known = {entry.label: recording.valid(entry.rule, network.projections) for entry in entries}
    neurons = recorded_neurons.valid(network, scale.network(options))
    every = list(dict.fromkeys(name for valid in known.values() for name in valid))
    asked = recording.checked(names, every, neurons, "name in --record,")
    how["presentations"] = recorded_neurons.presentations_of(options.record_presentations)
    own = {label: tuple(name for name in names if name in (*valid, *asked)) for label, valid in known.items()}
    return {label: {"names": found} | how if found else {} for label, found in own.items()}


def forks_of(entries, options, curriculum):
    """Where entries that differ in their curriculum alone part from one another, by seed and label."""
    alike = {}
    for entry in entries:
        if not entry.hardware:  # a chip's ranges come from the whole run
            same = entry.spec, entry.hidden, str(entry.parameters), str(entry.network_parameters)
            alike.setdefault(same, []).append(entry)
    found, known = {}, {}
    for seed, group in itertools.product(study.seeds_of(options), alike.values()):
        arguments = {str(entry.curriculum): curriculum | entry.curriculum for entry in group}
        if len(arguments) > 1:
            key = seed, *arguments
            if key not in known:
                built = {name: pool.curriculum_of(pool.Point("", "", seed, of, {})) for name, of in arguments.items()}
                known[key] = shared_beginnings.forks(built)
            found |= {(seed, entry.label): known[key][str(entry.curriculum)] for entry in group}
    return found
