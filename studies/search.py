"""Find the constants of a rule on validation images, cut from the training data, never on test images.

    spikemeta run search --rules laplace --dataset mnist --grid hidden.lr=1e-4,3e-4 readout.lr=1e-3
    spikemeta run search --rules laplace --grid hidden.lr=1e-5,1e-2 readout.lr=1e-5,1e-2 --n-random 20
    spikemeta run search --rules my_rule.py --grid lr=1e-4,3e-4,1e-3 --write my_rule.toml

A key names a parameter of the rule, for one projection of the network (``hidden.lr``) or for all (``lr``), or
one of the network (``network.hidden_spread``). Every combination of the values is one row of the output. With
``--n-random N`` the values only give a range, and N settings are drawn from it, log-uniformly where the range
is positive. ``--write`` puts the best of a rule into its file of constants, which lies beside the rule's file and from
then on holds for this network, engine, task and data set.
"""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from spikemeta.errors import UserError, suggest
from spikemeta.runs.study import SimulationOptions, Study, option


@dataclass(frozen=True)
class Options(SimulationOptions):
    """Options of this study."""

    seeds: int = option(1, "Number of seeds, 0 to N-1.", low=1, decides=False)
    images: int | None = option(None, "Training images per task, in place of those of --scale; a fifth as many to test.", low=5)
    hardware: str = option("", "A chip that all rules run on, or a profile file of your own; see 'spikemeta list hardware'.")
    attack: str = option(
        "none",
        "What follows the items (--task items): an attack, as in the study poisoning; accuracy is that after it.",
        choices=("none", "deranged", "targeted"),
    )
    grid: tuple[str, ...] = option((), "KEY=V1,V2 ...: values to try for a constant.", decides=False)
    n_random: int | None = option(None, "Draw N settings between the values instead of trying each.", low=1, decides=False)
    random_seed: int = option(0, "Seed of these draws.", low=0, decides=False)
    write: str = option(
        "", "Write the best constants to this file, my_rule.toml beside my_rule.py: for this task and data set.", decides=False
    )


def parse_grid(texts):
    """``["lr=1e-4,3e-4"]`` as ``{"lr": [1e-4, 3e-4]}``.

    Raises
    ------
    UserError
        With every text that is not ``KEY=NUMBER,NUMBER,...``, or a key that comes twice.
    """
    grid, problems = {}, []
    for text in texts:
        key, equals, values = text.partition("=")
        try:
            if not (key and equals):
                raise ValueError
            if key in grid:
                problems.append(f"--grid names {key!r} twice; give all its values at once")
            grid[key] = [float(value) for value in values.split(",")]
        except ValueError:
            problems.append(f"--grid {text!r} is not KEY=NUMBER,NUMBER,...; example: --grid hidden.lr=1e-4,3e-4")
    if not texts:
        problems.append("--grid is missing; example: --grid hidden.lr=1e-4,3e-4")
    if problems:
        raise UserError("\n".join(problems))
    return grid


def settings_of(grid, n_random=None, random_seed=0):
    """The settings to try: every combination, or `n_random` draws from the ranges.

    Returns
    -------
    list of dict of str to float
    """
    if n_random is None:
        return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    import numpy as np

    rng = np.random.default_rng(random_seed)

    def draw(values):
        low, high = min(values), max(values)
        value = np.exp(rng.uniform(np.log(low), np.log(high))) if low > 0 else rng.uniform(low, high)
        return float(f"{value:.3g}")

    return [{key: draw(values) for key, values in grid.items()} for _ in range(n_random)]


def _entries(options):
    from spikemeta.runs import planning, scale

    grid = parse_grid(options.grid)
    rows = planning.entries_of(options)
    network = scale.loaded_network(options)
    owners = {key.rpartition(".")[0] for key in grid} - {"", "network", *network.projections}
    if owners:
        raise UserError("\n".join(suggest("part of the network", o, [*network.projections, "network"]) for o in owners))
    entries = {}
    for row, setting in itertools.product(rows, settings_of(grid, options.n_random, options.random_seed)):
        of_network = {k.removeprefix("network."): v for k, v in setting.items() if k.startswith("network.")}
        of_rule = {k: v for k, v in setting.items() if not k.startswith("network.")}
        label = " ".join([row.label, *(f"{k}={v:g}" for k, v in setting.items())])
        row.rule.constants(overrides=of_rule)  # both refuse unknown names and values out of range
        network.parameters(options.task, options.dataset, of_network)
        entries[label] = replace(row, label=label, parameters=of_rule, network_parameters=of_network)
    return list(entries.values())


def _target(options, entries):
    """What the best setting is written to with ``--write``: the rule, and a block without values.

    Raises
    ------
    UserError
        If it could not be written: before anything is tried.
    """
    from spikemeta.data import constants_file, datasets, tuned
    from spikemeta.runs import scale, study

    rules, path = {entry.rule.title: entry.rule for entry in entries}, Path(options.write)
    problems = []
    if path.suffix != ".toml":
        problems.append(f"--write {path}: name a file that ends in .toml, as my_rule.toml beside my_rule.py")
    if len(rules) > 1:
        problems.append(f"--write takes the constants of one rule, and --rules names {len(rules)}: {', '.join(rules)}")
    of_network = sorted({f"network.{key}" for entry in entries for key in entry.network_parameters})
    if of_network:
        problems.append(f"--write holds constants of a rule: leave {', '.join(of_network)} out of --grid")
    if problems:
        raise UserError("\n".join(problems))
    (rule,) = rules.values()
    tuned.of_rule(rule.with_constants(path))
    where = scale.network(options), options.engine, options.task, datasets.label(options.dataset)
    feedback = options.feedback if options.feedback != Options.feedback else ""
    return rule, constants_file.Block(*where, feedback, rule.variant, study.command("search", options))


def _write(options, entry, target, console):
    from spikemeta.data import tuned
    from spikemeta.runs import scale, settings

    network = scale.loaded_network(options)
    (entry,) = settings.with_constants([entry], options, network)
    rule, block = target
    tuned.write(rule, options.write, replace(block, values=entry.parameters))
    beside = Path(options.write).resolve() == Path(rule.constants_file)
    note = "" if beside else f"; it is read where it lies beside the rule, as {rule.name}.toml beside {rule.name}.py"
    console.print(f"written: {options.write} ({block.title}){note}", highlight=False, markup=False, soft_wrap=True)


def run(options, console):
    """Try the settings and print the best."""
    from spikemeta.analysis import items, recall
    from spikemeta.data import datasets
    from spikemeta.figures import search, style
    from spikemeta.runs import display, experiment

    entries = _entries(options)
    if options.attack != "none" and options.task != "items":
        raise UserError(f"--attack {options.attack} needs --task items, not {options.task}")
    target = _target(options, entries) if options.write else None
    analysis = None if options.attack == "none" else items.Analysis(recall.of_attack)
    outcome, store = experiment.run("search", options, entries, console, evaluate="validation", analysis=analysis)
    rows = [row for row in outcome.rows if row["metrics"]]
    rows.sort(key=lambda row: -row["metrics"]["final_accuracy"]["mean"])
    drawn = style.save(search.settings(outcome.results), store.folder / "figures", "settings")
    console.print(
        display.table_of(
            rows,
            title=f"Search: {style.describe(outcome.results)}",
            caption=f"validation images, seeds: {options.seeds}, best first",
        )
    )
    for rule in dict.fromkeys(entry.rule.title for entry in entries):
        mine = {
            e.label: e.parameters | {f"network.{k}": v for k, v in e.network_parameters.items()}
            for e in entries
            if e.rule.title == rule
        }
        best = next((row for row in rows if row["rule"] in mine), None)
        if best:
            score = 100 * best["metrics"]["final_accuracy"]["mean"]
            console.print(
                f"best for {rule} on {options.task}/{datasets.label(options.dataset)}: {mine[best['rule']]} ({score:.1f} %)",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            if target:
                _write(options, next(e for e in entries if e.label == best["rule"]), target, console)
    return display.end(console, store, drawn, outcome.failures, outcome.warnings)


study = Study(
    "search",
    "Find the constants of a rule on validation images.",
    Options,
    run,
    quick=7,
    quick_options="--rules laplace --grid lr=1e-4,1e-3,1e-2",
    vectors="AVX-512",
)
