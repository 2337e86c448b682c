"""The curriculum of items: one class after another is learned, while all other classes carry false labels.

One presentation of an item shows every image of its class (the target) and as many images of all other classes
together, whose labels are spread evenly over the classes that are neither the target nor their own. The other images
say what the target is not, and nothing true about themselves, so that each item un-teaches those before it. All
answers exist from the start.

References
----------
- Cho, Lee, Baek and Paik, "Neuromimetic metaplasticity for adaptive continual learning without catastrophic
  forgetting", Neural Networks 190, 107762, 2025. Three differences, on purpose: every image is shown once where the
  source shows it five times, the last few labels of a class never hit the class itself, and wrong labels have no fixed point.
"""

from dataclasses import dataclass

import numpy as np

from spikemeta.data import datasets
from spikemeta.data.curricula import Curriculum, Phase
from spikemeta.data.sampling import cut, in_proportion, stream
from spikemeta.errors import UserError, suggest

SCHEDULES = ("passes", "hidden", "massed", "frequency")
ATTACKS = ("none", "deranged", "targeted")
TESTS = ("items", "passes", "end")
MOST_ITEMS = 10  # classes taught where their number is not given

# The random streams of a seed; none of another curriculum is used, except that of validation images.
_VALIDATION, _CLASSES, _POOL, _TEST, _ORDER, _OTHERS, _SCHEDULE, _ATTACK = 0, *range(100, 107)
_VALIDATION_FRACTION = 0.1
_CANDIDATES = 1000


@dataclass(frozen=True)
class Step:
    """One presentation of an item.

    Attributes
    ----------
    item : int
        Which, from 0.
    attacked : bool
        Whether the target images carry a wrong label.
    tested : bool
        Whether all items are tested afterwards.
    """

    item: int
    attacked: bool = False
    tested: bool = True


def frequency_order(n_items, rng):
    """An order in which item ``k`` comes ``k + 1`` times, and comes last at a place that says little about that.

    Of 1,000 random orders, the one whose rank correlation between an item's frequency and its last place is nearest
    to zero; in most orders frequent items also come late.

    Parameters
    ----------
    n_items : int
    rng : numpy.random.Generator

    Returns
    -------
    (n_items*(n_items + 1)/2,) int
    """
    bag = np.repeat(np.arange(n_items), np.arange(1, n_items + 1))
    orders = rng.permuted(np.tile(bag, (_CANDIDATES, 1)), axis=1)
    last = np.stack([orders.shape[1] - 1 - np.argmax(orders[:, ::-1] == k, axis=1) for k in range(n_items)], axis=1)
    ranks = last.argsort(axis=1).argsort(axis=1) - (n_items - 1) / 2
    return orders[np.argmin(np.abs(ranks @ (np.arange(n_items) - (n_items - 1) / 2)))]


def derangement(n, rng):
    """A random permutation without a fixed point, all equally likely.

    Parameters
    ----------
    n : int
        At least 2.
    rng : numpy.random.Generator

    Returns
    -------
    (n,) int
    """
    while True:
        order = rng.permutation(n)
        if (order != np.arange(n)).all():
            return order


def n_repeated(n_items):
    """Items of the hidden list: three in ten, at least one."""
    return max(1, round(0.3 * n_items))


def steps_of(schedule, n_items, passes, tests, seed):
    """The presentations of a schedule, before any attack; see `build`.

    Returns
    -------
    list of Step
    """
    rng = stream(seed, _SCHEDULE)
    if schedule == "frequency":
        rounds = [frequency_order(n_items, rng)]
    elif schedule in ("hidden", "massed"):
        hidden, rounds = np.arange(n_repeated(n_items)), []
        fillers = n_repeated(n_items) + rng.permutation(n_items - n_repeated(n_items))
        each = max(1, len(fillers) // passes)
        for number in range(passes):
            chosen = fillers[np.arange(number * each, (number + 1) * each) % len(fillers)]
            shown = {"hidden": 1, "massed": passes if number == passes - 1 else 0}[schedule]
            rounds.append(np.concatenate([*[hidden] * shown, chosen]))
    else:
        rounds = [np.arange(n_items)] * passes
    steps = []
    for number, order in enumerate(rounds):
        for place, item in enumerate(order):
            over = place == len(order) - 1
            tested = tests == "items" or (over and (tests == "passes" or number == len(rounds) - 1))
            steps.append(Step(int(item), tested=tested))
    return steps


def spread(own, target, n_classes, n, rng):
    """Labels for `n` images of a class that is not the target.

    Spread over all classes but the target and the class itself: each comes equally often, to within one.

    Parameters
    ----------
    own, target : int
    n_classes : int
        At least 3.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    (n,) int32
        In random order.
    """
    allowed = np.setdiff1d(np.arange(n_classes), [own, target])
    labels = np.concatenate([np.repeat(allowed, n // len(allowed)), rng.permutation(allowed)[: n % len(allowed)]])
    return rng.permutation(labels).astype(np.int32)


def build(
    dataset,
    *,
    seed=0,
    n_items=None,
    limit=None,
    test_limit=None,
    schedule="passes",
    passes=1,
    attack="none",
    wrong=0.0,
    tests="items",
    validation=None,
    evaluate="test",
):
    """Build a curriculum of items. The same arguments give the same curriculum.

    Parameters
    ----------
    dataset : Dataset or str
    seed : int
        Seed of everything drawn here, each from a stream of its own: validation images, which classes are items and
        in which order, images, their order, false labels.
    n_items : int, optional
        Number of classes that are taught, and of answers, at least 3. Default: all classes, at most 10.
    limit : int, optional
        Images of a class, N. An item shows all N of its class, in a new order each time, and round(N/(n_items - 1))
        of those N of every other class, drawn anew each time. Default: all, that is, as many as the rarest class has.
    test_limit : int, optional
        Test images of a class. Default: all.
    schedule : str
        ``"passes"``: all items in order, `passes` times. ``"hidden"``: the first three in ten items, in order,
        `passes` times, each time followed by filler items; fillers take turns, and come again only when all have been
        shown. ``"massed"``: the same presentations, but all of the repeated items, `passes` times in a row, where ``"hidden"``
        shows them last. ``"frequency"``: item ``k`` comes ``k + 1`` times, from `frequency_order`; once.
    passes : int
    attack : str
        What follows the schedule. ``"deranged"``: one more pass in which the targets carry the label of another item,
        no two items the same (`derangement`). ``"targeted"``: one more presentation of one item, as another.
    wrong : float
        Fraction of the target images of every presentation that carry the label of a random other item, 0 to 1.
    tests : str
        When all items are tested: after each presentation (``"items"``), after each pass, or at the ``"end"`` only.
        Always before and after an attack.
    validation, evaluate
        As in `spikemeta.data.curricula.build`.

    Returns
    -------
    Curriculum
        ``task`` of a phase is the item, ``after`` the number of presentations of items so far; every
        training phase opens with a boundary. Its ``notes``: ``classes`` (n_items,), the class of each item, ``answers``
        (n_items,), its label, ``sequence`` (n_steps,), the item of each presentation, ``attacked`` (n_steps,),
        ``false_items`` (n_items,), the item whose label an attack gives, -1 without one, and ``repeated`` (n_items,),
        whether it is no filler.

    Raises
    ------
    UserError
        For arguments out of range, all of them in one message.
    """
    if isinstance(dataset, str):
        dataset = datasets.load(dataset)
    if validation is None:
        validation = _VALIDATION_FRACTION if evaluate == "validation" else 0.0
    n_items = min(MOST_ITEMS, dataset.n_classes) if n_items is None else n_items
    problems = _problems(dataset, n_items, limit, test_limit, schedule, passes, attack, wrong, tests, evaluate, validation)
    if problems:
        raise UserError("cannot build the curriculum 'items':\n" + "\n".join(f"  {problem}" for problem in problems))

    classes = stream(seed, _CLASSES).permutation(dataset.n_classes)[:n_items]
    answers = classes.argsort().argsort().astype(np.int32)  # not the position: ties in the readout must not favour any
    kept, held_out = cut(dataset.train_labels, validation, stream(seed, _VALIDATION))
    tested = "test" if evaluate == "test" else "train"
    pool = np.arange(len(dataset.test_labels)) if evaluate == "test" else held_out
    images = _members(dataset.train_labels, kept, classes, limit, seed, _POOL)
    n_images = min(len(own) for own in images)
    images = [own[:n_images] for own in images]
    test = _members(getattr(dataset, f"{tested}_labels"), pool, classes, test_limit, seed, _TEST)
    if not n_images or not min(len(own) for own in test):
        raise UserError(f"cannot build the curriculum 'items':\n  a class of {dataset.name} has no images left")

    steps = steps_of(schedule, n_items, passes, tests, seed)
    false_items, more = _attack(attack, n_items, tests, stream(seed, _ATTACK))
    steps += more

    phases = []
    for number, step in enumerate(steps):
        indices, labels = _presentation(step, number, images, answers, false_items, wrong, seed)
        name = f"train item {step.item + 1}, presentation {number + 1}"
        phases.append(_phase("train", step.item, name, number + 1, "train", indices, labels, True))
        for item in range(n_items) if step.tested else ():
            shown, name = test[item], f"test item {item + 1} after presentation {number + 1}"
            phases.append(_phase("test", item, name, number + 1, tested, shown, np.full(len(shown), answers[item])))
    notes = {
        "classes": classes,
        "answers": answers,
        "sequence": np.array([step.item for step in steps]),
        "attacked": np.array([step.attacked for step in steps]),
        "false_items": false_items,
        "repeated": np.arange(n_items) < (n_repeated(n_items) if schedule in ("hidden", "massed") else n_items),
    }
    return Curriculum("items", dataset, n_items, n_items, tuple(phases), notes)


def _attack(attack, n_items, tests, rng):
    """The item whose label each item is given by an attack, -1 without one, and the steps of the attack."""
    false_items, steps = np.full(n_items, -1), []
    if attack == "deranged":
        false_items = derangement(n_items, rng)
        steps = [Step(item, True, tests == "items" or item == n_items - 1) for item in range(n_items)]
    elif attack == "targeted":
        victim, other = rng.permutation(n_items)[:2]
        false_items[victim] = other
        steps = [Step(int(victim), True)]
    return false_items, steps


def _members(labels, pool, classes, limit, seed, key):
    """The images of each class among `pool`: at most `limit` of them, in random order."""
    found = [pool[labels[pool] == c] for c in classes]
    return [own[in_proportion(labels[own], stream(seed, key, int(c)))][:limit] for c, own in zip(classes, found, strict=True)]


def _presentation(step, number, images, answers, false_items, wrong, seed):
    """Images and labels of one presentation of an item: targets and others, mixed."""
    n_items, rng = len(images), stream(seed, _OTHERS, number)
    target = answers[step.item]
    shown = images[step.item]
    labels = np.full(len(shown), answers[false_items[step.item]] if step.attacked else target, np.int32)
    strays = rng.permutation(len(shown))[: round(wrong * len(shown))]
    labels[strays] = rng.choice(np.delete(np.arange(n_items), target), len(strays))
    parts = [(shown, labels)]
    each = round(len(shown) / (n_items - 1))
    for item in range(n_items):
        if item != step.item:
            some = rng.permutation(images[item])[:each]
            parts.append((some, spread(answers[item], target, n_items, len(some), rng)))
    indices, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = stream(seed, _ORDER, number).permutation(len(indices))
    return indices[order], labels[order]


def _phase(kind, item, name, after, split, indices, labels, boundary=False):
    arrays = [np.ascontiguousarray(values, dtype=np.int32) for values in (indices, labels)]
    for array in arrays:
        array.setflags(write=False)
    return Phase(kind, item, name, after, split, *arrays, None, boundary)


def _problems(dataset, n_items, limit, test_limit, schedule, passes, attack, wrong, tests, evaluate, validation):
    """What is wrong with the arguments of `build`: a list of messages."""
    problems = []
    for kind, value, valid in (
        ("schedule", schedule, SCHEDULES),
        ("attack", attack, ATTACKS),
        ("value of tests", tests, TESTS),
        ("evaluation", evaluate, ("test", "validation")),
    ):
        if value not in valid:
            problems.append(suggest(kind, value, valid))
    if not 3 <= n_items <= dataset.n_classes:
        problems.append(f"the number of items must be 3 to {dataset.n_classes} for {dataset.name}, not {n_items!r}")
    for name, value in (("limit", limit), ("test_limit", test_limit), ("passes", passes)):
        if value is not None and value < 1:
            problems.append(f"{name} must be at least 1, not {value!r}")
    if not 0 <= wrong <= 1:
        problems.append(f"wrong must be a fraction from 0 to 1, not {wrong!r}")
    if not 0 <= validation < 1 or (evaluate == "validation" and not validation):
        problems.append(f"validation must be a fraction below 1, above 0 to evaluate on it, not {validation!r}")
    return problems
