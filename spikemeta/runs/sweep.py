"""Runs a study at every point of a grid of constants and options, on the workers of a Dask scheduler."""

import dataclasses
import functools
import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from spikemeta.analysis.rows import SEPARATOR, short
from spikemeta.errors import UserError
from spikemeta.figures import style
from spikemeta.figures import sweep as figures
from spikemeta.language import registry
from spikemeta.runs import cluster, display, experiment, planning, pool, results, scale, scheduler, study
from spikemeta.runs.provenance import Record
from spikemeta.runs.settings import axes_of, placed, touches
from spikemeta.system import guards


@dataclass(frozen=True)
class Cell:
    """One point of the grid: its values, options, and rows with their labels in the study."""

    values: tuple
    options: object
    plan: object
    entries: dict = field(default_factory=dict)  # Entry of the sweep by the study's own label


def options_of(base):
    """The options of a study with those of a sweep."""
    keys = "KEY=V1,V2 ...: a dimension for each key: a constant (lr, hidden.lr, laplace.lr, network.NAME) or an option."
    more = [
        ("grid", tuple[str, ...], study.option((), keys, decides=False)),
        ("scheduler", str, study.option("", "Address or file of a Dask scheduler. Default: processes here.", decides=False)),
    ]
    return dataclasses.make_dataclass("Options", more, bases=(base,), frozen=True)


def study_of(name):
    """The command ``spikemeta sweep NAME``.

    Raises
    ------
    UserError
        For a study that cannot be swept.
    """
    base = registry.load("studies", name)
    if not issubclass(base.options, study.SimulationOptions) or "grid" in {f.name for f in dataclasses.fields(base.options)}:
        raise UserError(f"the study {name!r} has no options to sweep; valid: {', '.join(names())}")

    def run_it(options, console=None):
        return run(base, options, console)

    examples = (f"spikemeta sweep {name} --grid hidden=50,100 network.inhibition=0.1,0.2 --seeds 3",)
    about = f"At every point of a grid: {base.description}"
    return study.Study(name, about, options_of(base.options), run_it, examples=examples)


def names():
    """Studies that can be swept."""
    found = []
    for name in registry.names("studies"):
        fields = registry.load("studies", name).options
        if issubclass(fields, study.SimulationOptions) and "grid" not in {f.name for f in dataclasses.fields(fields)}:
            found.append(name)
    return found


def cells_of(base, options, axes):
    """Every point of the grid, checked; rows that an axis does not touch are the same in all of its points.

    Returns
    -------
    list of Cell
    """
    own = {f.name: getattr(options, f.name) for f in dataclasses.fields(base.options)}
    cells = []
    for values in itertools.product(*(axis.values for axis in axes)):
        given = dict(zip((a.key for a in axes), values, strict=True))
        chosen = base.options(**(own | {a.name: given[a.key] for a in axes if a.kind == "option"}))
        study.check(chosen)
        plan = experiment.plan_of(base, chosen)
        network = scale.loaded_network(chosen)
        entries = {}
        for entry in plan.entries:
            label = " ".join([entry.label, *(f"{a.key}={short(given[a.key])}" for a in axes if touches(a, entry))])
            entries[entry.label] = replace(placed(entry, axes, given, chosen, network), label=label)
        cells.append(Cell(values, chosen, plan, entries))
    return cells


def run(base, options, console=None):
    """Run a study at every point of a grid, and write one xarray dataset with the grid as dimensions.

    Parameters
    ----------
    base : Study
    options : object
        Of `options_of`.
    console : rich.console.Console or None

    Returns
    -------
    int
        Exit code: 2 if a point failed, else 0.

    Raises
    ------
    UserError
        For bad options, an output folder that is not ours to write, or if every point failed.
    """
    from rich.console import Console

    console = console or Console()
    axes = _axes(base, options)
    say = functools.partial(console.print, highlight=False, markup=False, soft_wrap=True)
    address = scheduler.address_of(options.scheduler, say) if options.scheduler else ""
    if address:  # before anything is written
        scheduler.check(address)
    cells = cells_of(base, options, axes)
    varied = {axis.name for axis in axes if axis.kind == "option"}
    fixed = {name: value for name, value in study.settings(options).items() if name not in varied}
    totals, chances = {}, []
    for cell in cells:
        lengths, built = experiment.lengths_of(cell.plan, cell.options)
        totals |= {(cell.entries[label].label, seed): n for (label, seed), n in lengths.items()}
        chances.append(built.chance)
    folder = study.folder(f"sweep-{base.name}", options, *scale.tasks_of(options))
    store = results.Store(folder, f"sweep {base.name}", fixed, options.resume)
    points = _points(cells, store, 1 if options.scheduler else study.n_workers(options))
    named = {rule.title: rule for cell in cells for rule in (e.rule for e in cell.entries.values())}
    grid = {a.key: a.values for a in axes}
    command = study.command(base.name, options, "sweep")
    record = Record(store, base.name, options, pool.dataset(options.dataset), named.values(), command=command, grid=grid)
    with cluster.open_client(study.n_workers(options), address, say) as client:
        runs, failures = experiment.run_missing(
            store, list(points.values()), totals, console, 0, cells[0].plan.work, runner=cluster.runner(client)
        )
    rows, data, warnings = _outcome(cells, chances, axes, runs)
    store.write_results(dataset_of(axes, data))
    head = {n: getattr(options, n) for n in ("engine", "dataset", "scale", "seeds", "task")}
    head |= {"grid": grid, "evaluated_on": f"{cells[0].plan.evaluate} images"} | scale.scenario_of(options)
    store.write_summary(head | {"rows": rows, "failures": failures, "warnings": warnings})
    record.finish(runs, failures)
    shown = {row["rule"]: row for row in rows if row["metrics"]}
    title = f"Sweep of {base.name}: {', '.join(scale.tasks_of(options, always=True))}"
    console.print(display.table_of(list(shown.values()), title, f"mean ± sd, seeds: {options.seeds}"))
    described = style.tasks_in_words(head, getattr(options, "images", None))
    made = figures.figures_of(rows, grid, described, chances[0] if len(set(chances)) == 1 else None)
    drawn = style.save_all(made, store.folder / "figures")
    return display.end(console, store, drawn, failures, warnings)


def _axes(base, options):
    """The dimensions of the grid; refuses what is given and varied too."""
    study.check(options)
    rules = {rule.title: rule for rule in study.resolve_rules(options.rules).values()}
    axes = axes_of(options.grid, base.options, rules, scale.loaded_network(options))
    defaults = {f.name: f.default for f in dataclasses.fields(options)}
    twice = [a.name for a in axes if a.kind == "option" and getattr(options, a.name) != defaults[a.name]]
    twice = [study.flag(name) for name in twice]
    twice += [f"--set {a.key}" for a in axes if a.key in {text.partition("=")[0] for text in options.set}]
    if twice:
        raise UserError("\n".join(f"{name} is given, and varied by --grid: leave one out" for name in twice))
    return axes


def _points(cells, store, workers):
    """The points of all cells, by label and seed; those that cells share are there once."""
    points = {}
    for cell in cells:
        chosen = replace(cell.options, resume=True)  # a point that loses its worker goes on from its checkpoint
        for point in planning.points_of(list(cell.entries.values()), chosen, cell.plan.evaluate, store):
            points[point.label, point.seed] = replace(point, state=str(store.state_folder(point.label, point.seed).resolve()))
        width = max(scale.width(chosen, entry.hidden) for entry in cell.entries.values())
        states = max(len(entry.rule.analysis.states) for entry in cell.entries.values())
        guards.check_room(store.folder, pool.dataset(chosen.dataset), (width, 10), states, workers)
    return points


def _outcome(cells, chances, axes, runs):
    """Rows with their place in the grid, the data set at each, and warnings, each once."""
    rows, data, warnings = [], [], []
    for cell, chance in zip(cells, chances, strict=True):
        found = outcome_of(cell, runs, chance)
        if found:
            place = {axis.key: value for axis, value in zip(axes, cell.values, strict=True)}
            rows += [_named(cell, row) | {"grid": place} for row in found.rows]
            data.append((cell.values, found.results))
            for label, entry in cell.entries.items():
                own = [text.removeprefix(f"{label}: ") for text in found.warnings if text.startswith(f"{label}: ")]
                warnings += [f"{entry.label}: {text}" for text in own]
    return rows, data, list(dict.fromkeys(warnings))


def _named(cell, row):
    """A row under the label that its entry has in the sweep; a study may have made several rows of one entry."""

    def label(own):
        entry = max((e for e in cell.entries if f"{own}{SEPARATOR}".startswith(f"{e}{SEPARATOR}")), key=len)
        return cell.entries[entry].label + own.removeprefix(entry)

    row = row | {"rule": label(row["rule"])}
    if "rule" in row.get("tests", {}).get("against", {}):
        row["tests"] = row["tests"] | {"against": row["tests"]["against"] | {"rule": label(row["tests"]["against"]["rule"])}}
    return row


def outcome_of(cell, runs, chance):
    """Rows and dataset of one point of the grid, under the study's own labels; None if nothing there is finished."""
    seeds = list(study.seeds_of(cell.options))
    own = {
        (label, seed): replace(runs[entry.label, seed], label=label)
        for label, entry in cell.entries.items()
        for seed in seeds
        if (entry.label, seed) in runs
    }
    if not own:
        return None
    return experiment.outcome_of(cell.plan.entries, cell.options, seeds, own, chance, cell.plan.analysis, [])


def dataset_of(axes, cells):
    """One dataset of all points: a dimension for each axis, before those of the study.

    Parameters
    ----------
    axes : list of Axis
    cells : list of (tuple, xarray.Dataset)
        Values along the axes, and the dataset there. Points that are missing become NaN.

    Returns
    -------
    xarray.Dataset
    """
    import xarray

    taken = {name for _, data in cells for name in (*data.dims, *data.variables)}
    names = [f"{axis.key}_option" if axis.key in taken else axis.key for axis in axes]
    schedules = {tuple(map(int, data.test_presentations.values)) for _, data in cells if "test_presentations" in data}
    if len(schedules) > 1:  # tests at other times are no common dimension
        cells = [(values, data.drop_dims("test")) for values, data in cells]

    def stacked(depth, chosen):
        if depth == len(axes):
            return chosen[0][1]
        parts, present = [], []
        for value in axes[depth].values:
            inside = [cell for cell in chosen if cell[0][depth] == value]
            if inside:
                parts.append(stacked(depth + 1, inside))
                present.append(value)
        index = xarray.DataArray(np.array(present), dims=names[depth], name=names[depth])
        return xarray.concat(
            parts, index, data_vars="all", coords="minimal", join="outer", compat="override", combine_attrs="drop_conflicts"
        )

    return stacked(0, cells).reindex({name: list(axis.values) for name, axis in zip(names, axes, strict=True)})
