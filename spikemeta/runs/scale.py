"""What the options of a study stand for: images, tasks, hidden neurons, the network and how errors reach it."""

import numpy as np

from spikemeta.errors import UserError
from spikemeta.simulation import written

#: Images per task, or of an item's class, with ``--scale quick``, training and test, and the number of tasks or items where it
#: is not given. An item shows about twice as many.
QUICK = {"split": (300, 60, None), "permuted": (400, 100, 3), "joint": (1500, 300, None), "items": (60, 30, 6)}
JOINT_CHUNKS = 10  # tests along the training of the only task
BATCH = 16  # images per step of the rule on the torch engine
FULL_ITEMS = (1000, 200, None)


def curriculum_arguments(options, evaluate):
    """Arguments of `spikemeta.data.curricula.build` that the options stand for."""
    images = getattr(options, "images", None)
    own = {"limit": images, "test_limit": max(images // 5, 1)} if images else {}
    if options.task == "items":
        return _items(options, evaluate) | own
    arguments = {
        "name": options.task,
        "dataset": options.dataset,
        "passes": options.passes,
        "evaluate": evaluate,
        "n_tasks": options.tasks,
    }
    if options.scale == "quick" and options.task in QUICK:
        arguments["limit"], arguments["test_limit"], tasks = QUICK[options.task]
        arguments["n_tasks"] = options.tasks or tasks
    if getattr(options, "scenario", "domain") != "domain":
        arguments["scenario"] = options.scenario
    if options.task == "joint":
        arguments["chunks"] = JOINT_CHUNKS
    return arguments | own


def n_hidden(options):
    """Hidden neurons that the options stand for; a tuple of those of several layers."""
    layers = tuple(map(int, str(options.hidden).split(","))) if options.hidden else ()
    if len(layers) > 1:
        return layers
    return layers[0] if layers else 100 if options.scale == "quick" else 500 if options.task == "items" else 200


def width(options, own=None):
    """Hidden neurons in all layers; ``own`` are a row's."""
    return int(np.sum(own or n_hidden(options)))


def network(options):
    """Name, or file, of the network that the options stand for."""
    return getattr(options, "network", "") or "feedforward"


def loaded_network(options, entries=()):
    """The network that the options stand for.

    Parameters
    ----------
    options : SimulationOptions
    entries : iterable of spikemeta.runs.planning.Entry
        Rows that shall run in it.

    Raises
    ------
    UserError
        For an unknown name, a file that cannot be used, a network that does not run on the engine, or rules that cannot run in
        it.
    """
    found = written.of(network(options), options.engine, n_hidden(options), signal(options))
    if options.engine not in found.engines:
        able = "torch" if "torch" in found.engines else "brian2" if found.engines else ""
        remedy = f"say --engine {able}" if able else "choose another with --network"
        raise UserError(f"network {network(options)!r} does not run on --engine {options.engine}: {remedy}")
    problems = {}
    for entry in entries if hasattr(found, "check") else ():
        try:
            found.check(entry.rule, entry.hardware)
        except UserError as error:
            problems[str(error)] = None
    if problems:
        raise UserError("\n".join(problems))
    return found


def signal(options):
    """How errors reach the hidden neurons."""
    return "backpropagated" if options.engine == "torch" else options.feedback


def learning(options):
    """How the network learns, for titles: ``{"feedback": ...}``, or ``{"signal": NAME}`` of a signal that carries no errors."""
    found = written.of(network(options), options.engine, n_hidden(options), signal(options))
    own = getattr(found, "signal", None)
    carries = own is None or own.historical or own.carried
    return {"feedback": signal(options)} if carries else {"signal": own.name}


def _items(options, evaluate):
    """Arguments of `spikemeta.data.items.build` that the options stand for."""
    limit, test_limit, n_items = QUICK["items"] if options.scale == "quick" else FULL_ITEMS
    return {
        "name": "items",
        "dataset": options.dataset,
        "n_items": options.tasks or n_items,
        "limit": limit,
        "test_limit": test_limit,
        "passes": options.passes,
        "tests": "passes",
        "evaluate": evaluate,
    } | ({"attack": options.attack} if getattr(options, "attack", "none") != "none" else {})


def scenario_of(options):
    """``{"scenario": ...}`` of split tasks, for a row, a table and a figure; of others, which have no such choice, nothing."""
    return {"scenario": options.scenario} if options.task == "split" else {}


def tasks_of(options, always=False):
    """Words for the tasks: their kind, and the scenario of split ones where it is not the usual one, or `always`."""
    scenario = scenario_of(options).get("scenario", "")
    return (options.task, *[scenario] * bool(scenario and (always or scenario != "domain")))
