"""What a study is: a name, options declared once, and a function that runs it.

The command line and Python callers both build the options dataclass; `check` and `command` work from the same
declarations, so a new study is one file in ``studies/`` and nothing else.
"""

import dataclasses
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from spikemeta.errors import UserError, suggest
from spikemeta.language import feedback


@dataclass(frozen=True)
class Study:
    """One entry of ``studies/``.

    Attributes
    ----------
    name, description : str
    options : type
        A dataclass whose fields are made with `option`.
    body : callable
        ``body(options, console) -> int``: what `run` runs once the options are known to make sense.
    resumable : bool
        Whether a run that was stopped can go on; measurements of time cannot.
    quick : float or None
        Processor time of its quick size with its own defaults, s; None where it was not measured.
    compiling : float
        What compiling its programs adds the first time, s; 0 where it was not measured.
    cores : int
        How many cores can share this.
    vectors : str
        Of the machine on which it was measured.
    quick_options : str
        Options that `quick` was measured with, of a study that does nothing without any.
    examples : tuple of str
        Commands that end its help, in place of those in its module's docstring.
    """

    name: str
    description: str
    options: type
    body: Callable
    resumable: bool = True
    quick: float | None = None
    compiling: float = 0
    cores: int = 2
    vectors: str = "AVX2"
    quick_options: str = ""
    examples: tuple = ()

    @property
    def takes(self):
        """How long its quick size takes, in a sentence; empty where nobody measured it."""
        if self.quick is None:
            return ""
        size = f"With {self.quick_options}" if self.quick_options else "As it stands, at its quick size"
        shared = "two cores share it" if self.cores > 1 else "on one core"
        more = f"; the first time {self.compiling:.0f} s more" if self.compiling else ""
        about = f"about {self.quick:.0f} s of processor time once its programs are compiled"
        return f"{size}: {about}, {shared}{more} (AMD EPYC, {self.vectors})."

    def run(self, options, console=None):
        """Run the study: train or measure, write every file, print the table and the paths.

        Parameters
        ----------
        options : object
            An instance of `options`.
        console : rich.console.Console or None
            Where to print.

        Returns
        -------
        int
            Exit code: 2 if some of it failed, else 0.

        Raises
        ------
        UserError
            For bad options, or an output folder that is not ours to write.
        """
        from rich.console import Console

        check(options)
        return self.body(options, console or Console())


def option(default, help, choices=None, low=None, decides=True):
    """A field of an options dataclass.

    Parameters
    ----------
    default : object
    help : str
    choices : tuple of str or None
        Values that exist.
    low : float or None
        Smallest value that makes sense, inclusive.
    decides : bool
        Whether it decides the numbers of a run, so that results under other values do not mix in one folder.
    """
    return field(default=default, metadata={"help": help, "choices": choices, "low": low, "decides": decides})


def first_seed():
    """The option ``--first-seed``, for the options of a study whose seeds may be run in parts."""
    text = "The first of the seeds: --seeds 2 --first-seed 3 are seeds 3 and 4, a part that another machine adds to 0 to 2."
    return option(0, text, low=0, decides=False)


def seeds_of(options, each=1):
    """The seeds that a study runs, in order.

    Parameters
    ----------
    options : object
    each : int
        Runs of each seed, where a setting has several; they are numbered through.

    Returns
    -------
    range
        Empty for a study without seeds.
    """
    first = getattr(options, "first_seed", 0)
    return range(each * first, each * (first + getattr(options, "seeds", 0)))


@dataclass(frozen=True)
class SimulationOptions:
    """Options shared by the studies that train networks on a sequence of tasks."""

    rules: str = option(
        "",
        "Rules, variants or files of your own, separated by commas; hidden=mesu,readout=sgd is one for each projection. "
        "Default: every rule.",
        decides=False,
    )
    dataset: str = option("digits", "Images to learn: one of 'spikemeta list datasets', or the path of your own.")
    task: str = option("split", "split (pairs of classes), permuted (pixels), joint (all classes at once) or items.")
    scenario: str = option(
        "domain",
        "Of split tasks: answers shared by all tasks, those of all classes so far, or those of the task, which is told.",
        choices=("domain", "class", "task"),
    )
    seeds: int = option(
        3,
        "Number of seeds, 0 to N-1: initial weights, stimuli and the order of the images.",
        low=1,
        decides=False,
    )
    first_seed: int = first_seed()
    scale: str = option("quick", "quick (a part of the data, to look around) or full (all of it).", choices=("quick", "full"))
    engine: str = option(
        "brian2",
        "brian2: event-driven, learning by local errors. torch: surrogate gradients.",
        choices=("brian2", "torch"),
    )
    mode: str = option(
        "standalone",
        "Brian2's standalone (compiled C++) or runtime mode; not for --engine torch.",
        choices=("standalone", "runtime"),
    )
    network: str = option(
        "",
        "A network, by name or file (my_network.py). Default: feedforward.",
    )
    batch: int | None = option(None, "Images per step of the rule, with --engine torch. Default: 16.", low=1)
    hidden: int | str | None = option(None, "Hidden neurons; 200,100 for two layers. Default: 100 (quick), 200 (full).", low=1)
    feedback: str = option(
        "tied",
        "How errors reach the hidden layer: by the readout's weights (tied) or random ones; or another learning signal: "
        "surrogate, eprop, or eprop,random; not for --engine torch.",
    )
    dtype: str = option(
        "float64",
        "Of the synapses' state: float64, or float32, which is smaller, faster and rounds more; not for --engine torch.",
        choices=("float64", "float32"),
    )
    passes: int = option(1, "Times that each task's training images are shown.", low=1)
    tasks: int | None = option(None, "Number of tasks. Default: all (split 5, permuted 10, but 3 with quick).", low=1)
    set: tuple[str, ...] = option(
        (), "KEY=VALUE ...: a constant in place of the tuned one: lr, hidden.lr, laplace.lr, laplace.hidden.lr or network.NAME."
    )
    record: str = option(
        "",
        "What to record while synapses learn, separated by commas: hidden.precision (a variable of the rule), hidden.weight, "
        "and of neurons hidden.spikes, hidden.v (a variable of the network's text).",
        decides=False,
    )
    record_every: int = option(1000, "Training presentations between two moments of --record.", low=1, decides=False)
    record_synapses: str = option(
        "200",
        "Synapses of each projection for --record: how many to draw, or which, source-target: hidden=3-7,hidden=10-4.",
        decides=False,
    )
    record_presentations: str = option(
        "",
        "Training presentations in which --record follows neurons, from 0 on: 0,1000,59999, or every=1000. Default: the first "
        "and the last of each training phase.",
        decides=False,
    )
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/STUDY-DATASET-TASK.", decides=False)
    resume: bool = option(False, "Keep the finished runs of the output folder.", decides=False)


@dataclass(frozen=True)
class TaskOptions(SimulationOptions):
    """Options of the studies of tasks."""

    references: str = option(
        "",
        "Rows for scale, separated by commas, under sgd or RULE+...: joint (all tasks at once), replay=M (a reservoir of M "
        "stored images, one shown again after each new one), laplace+replay=M.",
        decides=False,
    )


def check(options):
    """Refuse options that make no sense, all problems in one message.

    Raises
    ------
    UserError
    """
    problems = []
    for item in dataclasses.fields(options):
        value, rules = getattr(options, item.name), item.metadata
        if rules["choices"] and value not in rules["choices"]:
            problems.append(suggest(f"value of {flag(item.name)}", value, rules["choices"]))
        if item.type == int | str | None and not isinstance(value, int | None):
            sound = isinstance(value, str) and all(part.isdigit() and int(part) > 0 for part in value.split(","))
            problems += [] if sound else [f"{flag(item.name)} {value!r}: write a whole number, or several, as in 200,100"]
        elif rules["low"] is not None and value is not None and value < rules["low"]:
            problems.append(f"{flag(item.name)} must be at least {rules['low']:g}, not {value:g}")
    if getattr(options, "engine", "") == "brian2" and hasattr(options, "feedback"):
        try:
            feedback.way_of(options.feedback)
        except UserError as error:
            problems.append(str(error).replace("feedback", "value of --feedback", 1))
    other = {"brian2": ("batch",), "torch": ("mode", "feedback", "dtype")}.get(getattr(options, "engine", None), ())
    for item in dataclasses.fields(options):
        if item.name in other and getattr(options, item.name) != item.default:
            problems.append(f"{flag(item.name)} means nothing to --engine {options.engine}: leave it out")
    if getattr(options, "scenario", "domain") != "domain" and options.task != "split":
        problems.append(f"--scenario {options.scenario} is of --task split, not of {options.task}: leave it out")
    if problems:
        raise UserError("\n".join(problems))


def flag(name):
    """An option's name on the command line."""
    return "--" + name.replace("_", "-")


def settings(options):
    """The options that decide the numbers, as a dict."""
    return {f.name: getattr(options, f.name) for f in dataclasses.fields(options) if f.metadata["decides"]}


def folder(name, options, *more):
    """The output folder: the one that was given, or ``results/NAME-DATASET-...`` where data of your own has a short name.

    Parameters
    ----------
    name : str
        Of the study.
    options : object
    *more : str
        What else the folder's name says; empty texts are left out.

    Returns
    -------
    str
    """
    from spikemeta.data import datasets
    from spikemeta.runs.results import slug

    given = slug(datasets.label(options.dataset).rstrip("/")) if hasattr(options, "dataset") else ""
    return options.out or "results/" + "-".join(text for text in (name, given, *more) if text)


def command(study, options, verb="run"):
    """The shell command that repeats a study: every option that is not the default."""
    words = ["spikemeta", verb, study]
    for item in dataclasses.fields(options):
        value = getattr(options, item.name)
        if value == item.default or item.name == "resume":
            continue
        if isinstance(value, bool):
            words.append(flag(item.name) if value else "--no-" + flag(item.name)[2:])
        else:
            words += [flag(item.name), *(value if isinstance(value, tuple) else [str(value)])]
    return shlex.join(words)


def resolve_rules(text):
    """Rules by a comma-separated list of names, variants and files; every known rule for an empty one.

    Returns
    -------
    dict of str to Rule
        By what was given: a name, a variant or a path.

    Raises
    ------
    UserError
        With every unknown name and every problem of their files; or if two of them have the same title.
    """
    from spikemeta.data import tuned
    from spikemeta.language import assignment, registry

    found, problems = {}, []
    for spec in assignment.parts(text) or registry.names("rules"):
        try:
            found[spec] = registry.get_rule(spec)
            for rule in getattr(found[spec], "each", [found[spec]]):
                tuned.of_rule(rule)
        except UserError as error:
            problems.append(str(error))
    titles = [rule.title for rule in found.values()]
    problems += [f"two rules are called {t!r}; rename one" for t in sorted({t for t in titles if titles.count(t) > 1})]
    if problems:
        raise UserError("\n".join(problems))
    return found


def n_workers(options):
    """Processes to use: what was asked for, at most one per core."""
    return min(options.workers, os.cpu_count() or 1)
