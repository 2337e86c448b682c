"""Trains every row of a study under every seed and writes the contract's files; shared by the studies."""

import collections
import contextvars
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from spikemeta.analysis import items, recorded, tasks
from spikemeta.data import tuned
from spikemeta.errors import UserError
from spikemeta.figures import memory as memory_figure
from spikemeta.figures import style
from spikemeta.runs import planning, pool, results, scale, settings, study
from spikemeta.runs.display import Display
from spikemeta.runs.provenance import Record
from spikemeta.system import guards, memory
from spikemeta.system.files import plain


@dataclass(frozen=True)
class Outcome:
    """Rows as in ``summary.json``, an xarray.Dataset, a message per failed run, and what a reader should know."""

    rows: list
    results: object
    failures: list
    warnings: list = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a study would run: the arguments that it gives to `run`."""

    entries: list
    evaluate: str
    analysis: object
    work: object


class _Planned(Exception):
    """Carries a `Plan` out of a study that was only asked for it."""


_planning = contextvars.ContextVar("planning", default=False)


def plan_of(base, options):
    """What a study would run under these options, without running it.

    Parameters
    ----------
    base : Study
        One that calls `run`.
    options : object
        Its options.

    Returns
    -------
    Plan
    """
    token = _planning.set(True)
    try:
        base.run(options, None)
    except _Planned as planned:
        return planned.args[0]
    finally:
        _planning.reset(token)
    raise UserError(f"the study {base.name!r} cannot be swept: it does not call spikemeta.runs.experiment.run")


def lengths_of(plan, options):
    """Presentations of every run, by label and seed, and the last of their curricula; every mistake in the options shows here.

    Returns
    -------
    dict of (str, int) to int
    Curriculum
    """
    shared, lengths = scale.curriculum_arguments(options, plan.evaluate), {}
    seeds = study.seeds_of(options)
    for seed, entry in itertools.product(seeds, plan.entries):
        key = seed, str(entry.curriculum)
        if key not in lengths:
            curriculum = pool.curriculum_of(pool.Point("", "", seed, shared | entry.curriculum, {}))
            lengths[key] = sum(len(phase.indices) for phase in curriculum.phases)
    return {
        (e.label, seed): lengths[seed, str(e.curriculum)] + e.probe.get("presentations", 0)
        for e in plan.entries
        for seed in seeds
    }, curriculum


def run(name, options, entries, console, evaluate="test", analysis=None, work=pool.execute):
    """Train every entry under every seed and write summary, data and provenance.

    Parameters
    ----------
    name : str
        The study.
    options : spikemeta.runs.study.SimulationOptions
    entries : list of spikemeta.runs.planning.Entry
    console : rich.console.Console
    evaluate : str
        ``"test"`` or ``"validation"`` images to measure accuracy on.
    analysis : spikemeta.analysis.tasks.Analysis or another of that room, or None
        What is measured of a run, instead of the metrics of its accuracy matrix.
    work : callable
        As for `spikemeta.runs.pool.run_points`.

    Returns
    -------
    Outcome, Store

    Raises
    ------
    UserError
        For bad options or an unusable output folder, or if every run failed. Simulations that became
        unstable are listed in the outcome instead.
    """
    study.check(options)
    entries = settings.with_constants(entries, options, scale.loaded_network(options, entries))
    if _planning.get():
        raise _Planned(Plan(entries, evaluate, analysis, work))
    dataset = pool.dataset(options.dataset)
    seeds = list(study.seeds_of(options))
    length_of, built = lengths_of(Plan(entries, evaluate, analysis, work), options)
    chance = built.chance

    folder = study.folder(name, options, *scale.tasks_of(options))
    store = results.Store(folder, name, study.settings(options), options.resume)
    points = list(planning.points_of(entries, options, evaluate, store))
    width = max(scale.width(options, entry.hidden) for entry in entries)
    states = max(len(entry.rule.analysis.states) for entry in entries)
    guards.check_room(store.folder, dataset, (width, built.n_classes), states, study.n_workers(options))
    shown = scale.learning(options) | {"dtype": options.dtype, "evaluated_on": f"{evaluate} images"}
    curriculum = scale.curriculum_arguments(options, evaluate)
    record = Record(store, name, options, dataset, [e.rule for e in entries], **shown, curriculum=curriculum)

    runs, failures = run_missing(store, points, length_of, console, study.n_workers(options), work)
    outcome = outcome_of(entries, options, seeds, runs, chance, analysis, failures)
    head = {n: getattr(options, n) for n in ("engine", "dataset", "scale", "seeds", "task")}
    head |= shown | scale.scenario_of(options) | {"chance": chance}
    if getattr(options, "images", None):
        head["images"] = options.images
    store.write_results(outcome.results)
    store.write_summary(head | {"rows": outcome.rows, "failures": failures, "warnings": outcome.warnings})
    record.finish(runs, failures)
    return outcome, store


def run_missing(store, points, totals, console, workers, work=pool.execute, unit="presentations", runner=None):
    """Run those points of a study that its folder does not hold yet; each is stored as soon as it is finished.

    Parameters
    ----------
    store : Store
    points : list
        With ``label``, ``seed`` and ``fingerprint``.
    totals : dict of (str, int) to int
        Length of each point, by label and seed, in ``unit``.
    console : rich.console.Console
    workers : int
    work : callable
        As for `spikemeta.runs.pool.run_points`.
    unit : str
    runner : callable or None
        ``runner(points, on_progress, on_done, work)`` runs them elsewhere than on processes of this study.

    Returns
    -------
    dict of (str, int) to FinishedRun
    list of str
        A message for each point that failed.

    Raises
    ------
    UserError
        If all failed.
    """
    runs, missing, failures = *_held(store, points, console), []
    number = {(p.label, p.seed): k for k, p in enumerate(missing)}
    waiting = collections.Counter(p.seed for p in missing)
    trace = store.folder / "memory.csv"
    with memory.Trace(trace), Display(console, [totals[p.label, p.seed] for p in missing], unit) as display:

        def done(point, run, problem):
            if run:
                store.save(run)
                runs[point.label, point.seed] = run
            else:
                failures.append(f"{point.label}, seed {point.seed}: {problem}")
            waiting[point.seed] -= 1
            if not waiting[point.seed]:
                store.forget_shared(point.seed)
            accuracy = f"{100 * run.arrays['accuracy_matrix'][-1].mean():.1f} %" if run else "failed"
            display.finish(number[point.label, point.seed], f"{point.label}, seed {point.seed}: {accuracy}")

        if runner:
            runner(missing, display.update, done, work)
        else:
            pool.run_points(missing, workers, display.update, done, work)
    if not runs:
        raise UserError("\n".join(["no run finished:", *failures]))
    style.save_all({"memory": memory_figure.memory(memory.read(trace))}, store.folder / "figures")
    return runs, failures


def _held(store, points, console):
    """Runs that the folder holds, by label and seed, and the points that it does not; tells of both."""
    runs = {(p.label, p.seed): store.find(p.label, p.seed, p.fingerprint) for p in points}
    runs = {key: run for key, run in runs.items() if run}
    missing = [p for p in points if (p.label, p.seed) not in runs]
    if runs:
        console.print(f"{len(runs)} of {len(points)} runs are there already", highlight=False)
    for what in store.set_aside(missing):
        console.print(
            f"{what}: another rule text or version made it; kept in {store.folder / 'replaced'}, made again", highlight=False
        )
    return runs, missing


def outcome_of(entries, options, seeds, runs, chance, analysis, failures):
    """The `Outcome` of finished runs, by label and seed."""
    analysis = analysis or (items.SEARCH if options.task == "items" else tasks.Analysis())
    rows = []
    for entry in entries:
        own = [runs[entry.label, seed] for seed in seeds if (entry.label, seed) in runs]
        rows.append(
            {
                "rule": entry.label,
                "hardware": entry.hardware.name if entry.hardware else None,
                "needs_boundary": entry.rule.needs_boundary,
                "seeds": [run.seed for run in own],
                "constants": own[0].info["constants"] if own else {},
                "metrics": analysis.metrics_of(own, chance),
            }
            | scale.scenario_of(options)
            | ({"condition": entry.condition} if entry.condition else {})
            | entry.more
        )
    analysis.add_tests(rows)
    hidden = options.hidden or scale.n_hidden(options)
    data = analysis.to_dataset(
        [(e.label, e.rule.needs_boundary) for e in entries],
        seeds,
        runs,
        chance,
        dataset=options.dataset,
        task=options.task,
        scale=options.scale,
        **scale.learning(options),
        **({"network": Path(options.network).stem} if options.network else {}),
        hidden=hidden,
        engine=options.engine,
        dtype=options.dtype,
        **({"images": options.images} if getattr(options, "images", None) else {}),
        **scale.scenario_of(options),
    )
    data = recorded.added(data, [entry.label for entry in entries], seeds, runs)
    return Outcome(plain(rows), data, failures, _warnings(entries, options, seeds, runs))


def _warnings(entries, options, seeds, runs):
    """Rows whose numbers say little: constants made for something else, or layers that say nothing."""
    learns = scale.learning(options)
    how = f"signal {learns['signal']}" if "signal" in learns else f"{learns['feedback']} errors"
    found = []
    for entry in entries:
        where = scale.network(options), options.engine, options.task, options.dataset, options.feedback
        known = tuned.exist(entry.rule, *where)
        if not (known or entry.parameters):
            found.append(
                f"{entry.rule.title} has no constants for task {options.task} with {how} (--engine "
                f"{options.engine}), and used others: find some with 'spikemeta run search'"
            )
        others = tuned.scenarios(entry.rule, *where) - {options.scenario} if options.task == "split" else ()
        if others and not entry.parameters:
            found.append(
                f"{entry.rule.title}: its constants are those of the {' and '.join(sorted(others))} scenario; find some with "
                "'spikemeta run search'"
            )
        own = [runs[entry.label, seed] for seed in seeds if (entry.label, seed) in runs]
        found += [f"{entry.label}: {problem}" for problem in guards.layers(own)]
    return list(dict.fromkeys(found))
