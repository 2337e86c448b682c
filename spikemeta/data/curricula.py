"""Curricula: a dataset as a sequence of phases, each the training on one task or the test of one."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from spikemeta.data import datasets, rehearsal
from spikemeta.data.phases import Curriculum, Phase
from spikemeta.data.sampling import cut, in_proportion, stream
from spikemeta.errors import UserError, suggest

__all__ = ["Curriculum", "Phase", "build", "names", "permuted_task"]

# The random streams of a seed.
_VALIDATION, _TRAIN_SUBSET, _TEST_SUBSET, _ORDER, _PERMUTATION, _MIXTURE, _RESERVOIR = range(7)
_VALIDATION_FRACTION = 0.1
#: Of split tasks: one pair of answers for all tasks; the answers of all classes so far; those of the task, which is told.
SCENARIOS = ("domain", "class", "task")


@dataclass(frozen=True)
class _Task:
    """The classes of a task, in the order of their answers, and its permutation of pixels."""

    classes: range | tuple[int, ...]
    permutation: np.ndarray | None = None


def _joint(dataset, n_tasks, seed, first_plain):
    return [_Task(range(dataset.n_classes))]


def _split(dataset, n_tasks, seed, first_plain):
    return [_Task(range(2 * task, 2 * task + 2)) for task in range(n_tasks)]


def _permuted(dataset, n_tasks, seed, first_plain):
    classes = range(dataset.n_classes)
    return [_Task(classes, None if first_plain and task == 0 else _pixels(dataset, task, seed)) for task in range(n_tasks)]


def _pixels(dataset, task, seed):
    order = stream(seed, _PERMUTATION, task).permutation(dataset.n_pixels).astype(np.int32)
    order.setflags(write=False)
    return order


# name: (tasks, default number of tasks, highest number of tasks), given the number of classes
_CURRICULA = {
    "joint": (_joint, lambda classes: 1, lambda classes: 1),
    "split": (_split, lambda classes: classes // 2, lambda classes: classes // 2),
    "permuted": (_permuted, lambda classes: 10, lambda classes: 10_000),
}


def names():
    """Names of the curricula, sorted."""
    return sorted(_CURRICULA)


def build(
    name,
    dataset,
    *,
    seed=0,
    n_tasks=None,
    passes=1,
    limit=None,
    test_limit=None,
    validation=None,
    evaluate="test",
    test_unseen=None,
    chunks=1,
    first_plain=False,
    scenario="domain",
    groups=None,
    mixed=False,
    replay=0,
):
    """Build a curriculum. The same arguments give the same curriculum.

    Parameters
    ----------
    name : str
        ``"joint"``: all classes at once, one task. ``"split"``: classes 0/1, 2/3, ... in turn, answered as
        `scenario` says. ``"permuted"``: all classes, with the pixels in an order of its own in each
        task.
    dataset : Dataset or str
        A dataset, or the name of one.
    seed : int
        Seed of everything drawn here: validation images, subsets, order of presentation, permutations. Each
        has a random stream of its own.
    n_tasks : int, optional
        Number of tasks. Default: split, as many as there are pairs of classes; permuted, 10.
    passes : int
        How often each task's training images are shown, each time in a new order, within its training phase.
    limit, test_limit : int, optional
        Training and test images per task: a random subset with the classes in proportion, contained in the
        subset of any higher limit. All images where there are fewer. Permuted tasks share their images.
    validation : float, optional
        Fraction of the training images (classes in proportion) that is cut off and never trained on. Default:
        0.1 to evaluate on it, otherwise 0.
    evaluate : str
        ``"test"`` to test on the test images, ``"validation"`` to test on the validation images.
    test_unseen : bool, optional
        Whether tasks that are still to be trained are tested too. Default: yes, but not in the scenario ``"class"``, where
        the right answer does not exist yet.
    chunks : int
        Cuts each training phase into this many parts with tests after each, for learning curves. Only the
        first part is a boundary; all have the same `after`, so a task's last tests are those after its last
        part.
    first_plain : bool
        Whether the first permuted task keeps its pixels in place.
    scenario : str
        Of split tasks (van de Ven, Tuytelaars and Tolias, Nature Machine Intelligence 4, 1185, 2022). ``"domain"``: the classes
        of every task are answered 0 and 1. ``"class"``: a class is its own answer, and a test counts the answers of all
        tasks trained so far. ``"task"``: the same answers, but a test counts those of its own task alone, and the torch
        engine trains them alone. Else, and under events, training teaches the other answers to be silent.
    groups : sequence of sequences of int, optional
        Of split tasks, the classes of each, in the order of their answers. Default: 0 and 1, 2 and 3, ...
    mixed : bool
        Whether the tasks are trained all at once; see `spikemeta.data.rehearsal.mixed`.
    replay : int
        Number of stored images, one of which is shown again after each new one; see `spikemeta.data.rehearsal.replayed`.

    Returns
    -------
    Curriculum

    Raises
    ------
    UserError
        Unknown names, arguments out of range (all of them in one message), or a task without images.
    """
    if name not in names():
        raise UserError(suggest("curriculum", name, names()))
    if isinstance(dataset, str):
        dataset = datasets.load(dataset)
    make_tasks, default, highest = _CURRICULA[name]
    most = highest(dataset.n_classes) if groups is None else len(groups)
    if n_tasks is None:
        n_tasks = default(dataset.n_classes) if groups is None else most
    if validation is None:
        validation = _VALIDATION_FRACTION if evaluate == "validation" else 0.0
    counts = {"seed": seed, "passes": passes, "limit": limit, "test_limit": test_limit, "chunks": chunks}
    problems = _out_of_range(name, dataset, n_tasks, most, evaluate, validation, counts)
    if not (_whole(replay) and replay >= 0):
        problems.append(f"replay must be a whole number of stored images, at least 0, not {replay!r}")
    _refuse(name, problems + _of_scenario(name, scenario, test_unseen) + _of_groups(name, dataset, groups))
    test_unseen = scenario != "class" if test_unseen is None else test_unseen

    tasks = make_tasks(dataset, n_tasks, seed, first_plain) if groups is None else [_Task(tuple(g)) for g in groups[:n_tasks]]
    kept, held_out = cut(dataset.train_labels, validation, stream(seed, _VALIDATION))
    tested, pool = ("test", np.arange(len(dataset.test_labels))) if evaluate == "test" else ("train", held_out)
    answers = {"train": dataset.train_labels, "test": dataset.test_labels}
    train = [_subset(answers["train"], kept, task, limit, seed, _TRAIN_SUBSET) for task in tasks]
    test = [_subset(answers[tested], pool, task, test_limit, seed, _TEST_SUBSET) for task in tasks]
    _refuse(name, _empty(dataset, tasks, {"training": train, evaluate: test}))

    phase, n_answers = _maker(tasks, answers, dataset.n_classes, scenario)
    parts = [_parts(images, task, passes, chunks, seed) for task, images in enumerate(train)]
    phases = []
    for task, shown in enumerate(parts):
        for number, part in enumerate(shown):
            suffix = f", part {number + 1} of {chunks}" if chunks > 1 else ""
            label = f"train task {task + 1}{suffix}"
            phases.append(phase("train", task, label, task + 1, "train", part, boundary=number == 0))
            for other in range(n_tasks if test_unseen else task + 1):
                label = f"test task {other + 1} after task {task + 1}{suffix}"
                phases.append(phase("test", other, label, task + 1, tested, test[other]))
    made = Curriculum(name, dataset, n_answers, n_tasks, tuple(phases), scenario=scenario)
    made = rehearsal.mixed(made, stream(seed, _MIXTURE)) if mixed else made
    return rehearsal.replayed(made, replay, stream(seed, _RESERVOIR)) if replay else made


def _parts(images, task, passes, chunks, seed):
    """A task's training images, each pass in an order of its own, cut into parts."""
    orders = [stream(seed, _ORDER, task, number).permutation(images) for number in range(passes)]
    parts = np.array_split(np.concatenate(orders), chunks)
    if not len(parts[-1]):
        raise UserError(f"chunks={chunks} is more than the {passes * len(images)} presentations of task {task + 1}")
    return parts


def _maker(tasks, answers, n_classes, scenario):
    """What makes a phase of a task from images, and the number of answers.

    Parameters
    ----------
    tasks : list of _Task
    answers : dict of str to ndarray
        The class of each image, by part of the data set.
    n_classes : int
    scenario : str
    """
    own = scenario != "domain"  # every class is its own answer
    ends = np.cumsum([len(task.classes) for task in tasks])
    place = np.zeros((len(tasks), n_classes), np.int32)  # of each class among a task's answers
    for number, task in enumerate(tasks):
        place[number, list(task.classes)] = np.arange(len(task.classes)) + (ends[number] - len(task.classes)) * own

    def phase(kind, task, label, after, split, indices, boundary=False):
        indices = np.ascontiguousarray(indices, dtype=np.int32)
        labels = place[task, answers[split][indices]]
        for array in (indices, labels):
            array.setflags(write=False)
        of_task = ends[task] - len(tasks[task].classes), ends[task]
        first, last = {"class": (0, ends[after - 1]), "task": of_task}.get(scenario, (0, 0))
        allowed = tuple(range(first, last)) if last and (scenario == "task" or kind == "test") else None
        return Phase(kind, task, label, after, split, indices, labels, tasks[task].permutation, boundary, allowed)

    return phase, int(ends[-1]) if own else len(tasks[0].classes)


def permuted_task(dataset, task, seed=0, limit=None, test_limit=None):
    """One task of the curriculum ``"permuted"``, for streams of tasks that are too long to be held as a whole.

    Parameters
    ----------
    dataset : Dataset
    task : int
        From 0.
    seed, limit, test_limit
        As for `build`.

    Returns
    -------
    train, test : Phase
        As `build` makes them with one pass; the test is that right after the task.
    """
    made, found = _Task(range(dataset.n_classes), _pixels(dataset, task, seed)), []
    for kind, most, key in (("train", limit, _TRAIN_SUBSET), ("test", test_limit, _TEST_SUBSET)):
        answers = getattr(dataset, f"{kind}_labels")
        indices = _subset(answers, np.arange(len(answers)), made, most, seed, key)
        if kind == "train":
            indices = stream(seed, _ORDER, task, 0).permutation(indices)
        name = f"{kind} task {task + 1}" + f" after task {task + 1}" * (kind == "test")
        indices = np.ascontiguousarray(indices, dtype=np.int32)
        labels = answers[indices].astype(np.int32)
        found.append(Phase(kind, task, name, task + 1, kind, indices, labels, made.permutation, kind == "train"))
    return tuple(found)


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _subset(labels, pool, task, limit, seed, key):
    """A task's images among `pool`: at most `limit` of them, the classes in proportion, sorted."""
    members = pool[np.isin(labels[pool], task.classes)]
    if limit is not None:
        order = in_proportion(labels[members], stream(seed, key, task.classes[0]))
        members = np.sort(members[order[:limit]])
    return members


def _refuse(name, problems):
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UserError(f"cannot build the curriculum {name!r}:\n{lines}")


def _out_of_range(name, dataset, n_tasks, highest, evaluate, validation, counts):
    """What is wrong with the arguments of `build`: a list of messages."""
    problems = []
    for argument, value in counts.items():
        low = 0 if argument == "seed" else 1
        unlimited = value is None and argument in ("limit", "test_limit")
        if not unlimited and not (_whole(value) and value >= low):
            problems.append(f"{argument} must be a whole number of at least {low}, not {value!r}")
    if not (_whole(n_tasks) and 1 <= n_tasks <= highest):
        problems.append(f"n_tasks must be 1 to {highest} for {name} {dataset.name}, not {n_tasks!r}")
    if evaluate not in ("test", "validation"):
        problems.append(suggest("evaluation", evaluate, ["test", "validation"]))
    if not isinstance(validation, Real) or not 0 <= validation < 1:
        problems.append(f"validation must be a fraction from 0 to below 1, not {validation!r}")
    elif evaluate == "validation" and validation == 0:
        problems.append("evaluate='validation' needs a validation fraction above 0")
    return problems


def _of_scenario(name, scenario, test_unseen):
    """What is wrong with the scenario: a list of messages."""
    if scenario not in SCENARIOS:
        return [suggest("scenario", scenario, SCENARIOS)]
    problems = [f"scenario {scenario!r} is of split tasks, not of {name}"] if scenario != "domain" and name != "split" else []
    if scenario == "class" and test_unseen:
        problems.append("test_unseen means nothing in the scenario 'class': a class that has not come has no answer yet")
    return problems


def _of_groups(name, dataset, groups):
    """What is wrong with the groups of classes: a list of messages."""
    if groups is None:
        return []
    if name != "split":
        return [f"groups of classes are of split tasks, not of {name}"]
    every = [c for group in groups for c in group]
    problems = [f"there is no class {c!r} in {dataset.name}: groups hold 0 to {dataset.n_classes - 1}" for c in every
                if not (_whole(c) and 0 <= c < dataset.n_classes)]  # fmt: skip
    if len({len(group) for group in groups}) != 1 or len(groups[0]) < 2:
        problems.append("every group holds the same number of classes, at least 2")
    return problems + [f"class {c} is in groups twice" for c in sorted({c for c in every if every.count(c) > 1})]


def _empty(dataset, tasks, images):
    """Which tasks lack training, test or validation images: a list of messages."""
    return [
        f"task {number + 1} (classes {task.classes[0]}..{task.classes[-1]}) has no {kind} images in {dataset.name}"
        for number, task in enumerate(tasks)
        for kind, indices in images.items()
        if not len(indices[number])
    ]
