"""Reference orders of the same images: all tasks at once, and stored images shown again between new ones."""

from dataclasses import replace

import numpy as np

LABEL = 2  # bytes of a stored label


def _stream(curriculum):
    """Every training image in its order: indices, labels, which pixel order of the list, and that list."""
    phases = [phase for phase in curriculum.phases if phase.kind == "train"]
    orders, known = [], {}
    for phase in phases:
        key = None if phase.permutation is None else phase.permutation.tobytes()
        if key not in known:
            known[key] = len(orders)
            orders.append(np.arange(curriculum.dataset.n_pixels, dtype=np.int32) if key is None else phase.permutation)
    lengths = [len(phase.indices) for phase in phases]
    keys = [None if phase.permutation is None else phase.permutation.tobytes() for phase in phases]
    order_of = np.repeat([known[key] for key in keys], lengths).astype(np.int32)
    indices, labels = (np.concatenate([getattr(phase, name) for phase in phases]) for name in ("indices", "labels"))
    return (indices, labels, order_of), np.stack(orders), lengths


def _with(phase, images, orders, **more):
    """A training phase that shows other images; as they are of several tasks, it trains all answers."""
    indices, labels, order_of = (np.ascontiguousarray(array, np.int32) for array in images)
    for array in (indices, labels, order_of):
        array.setflags(write=False)
    plain = len(orders) == 1  # no task has an order of its own
    pixels = {} if plain else {"permutation": orders, "order_of": order_of}
    return replace(phase, indices=indices, labels=labels, allowed=None, **pixels, **more)


def _trained(curriculum, made):
    """The curriculum with other training phases, in their order."""
    made = iter(made)
    phases = tuple(next(made) if phase.kind == "train" else phase for phase in curriculum.phases)
    return replace(curriculum, phases=phases)


def mixed(curriculum, rng):
    """All tasks at once: what a rule without any forgetting could reach.

    The same presentations in a random order, cut into as many parts as there were training phases, with the same tests after
    each; all answers of the curriculum count from the first test on. A boundary opens the first part alone.

    Parameters
    ----------
    curriculum : Curriculum
    rng : numpy.random.Generator

    Returns
    -------
    Curriculum
    """
    images, orders, lengths = _stream(curriculum)
    shuffled = rng.permutation(sum(lengths))
    parts = np.split(shuffled, np.cumsum(lengths)[:-1])
    phases = [phase for phase in curriculum.phases if phase.kind == "train"]
    made = [
        _with(phase, [array[part] for array in images], orders, boundary=not number, name=f"train all tasks, part {number + 1}")
        for number, (phase, part) in enumerate(zip(phases, parts, strict=True))
    ]
    found = _trained(curriculum, made)
    if curriculum.scenario == "class":
        every = tuple(range(curriculum.n_classes))
        found = replace(found, phases=tuple(replace(p, allowed=every) if p.kind == "test" else p for p in found.phases))
    return found


def replayed(curriculum, stored, rng):
    """Stored images shown again: after each new image one of those kept is shown with the answer that was taught with it.

    Which are kept is decided by reservoir sampling (algorithm R: Vitter 1985, ACM Trans. Math. Softw. 11, 37), which needs no
    task boundaries: each image so far is among them with the same chance. So training takes twice as many presentations,
    but for the first image.

    Parameters
    ----------
    curriculum : Curriculum
    stored : int
        Number of images kept.
    rng : numpy.random.Generator

    Returns
    -------
    Curriculum
    """
    images, orders, lengths = _stream(curriculum)
    kept, shown, ends = [], [], []
    for number in range(sum(lengths)):
        shown.append(number)
        if kept:
            shown.append(kept[rng.integers(len(kept))])
        if number < stored:
            kept.append(number)
        elif (place := rng.integers(number + 1)) < stored:
            kept[place] = number
        ends.append(len(shown))
    parts = np.split(np.array(shown), np.array(ends)[np.cumsum(lengths)[:-1] - 1])
    phases = [phase for phase in curriculum.phases if phase.kind == "train"]
    return _trained(curriculum, [_with(p, [a[part] for a in images], orders) for p, part in zip(phases, parts, strict=True)])


def stored_bytes(dataset, stored):
    """Memory of stored images: a byte for each number of an image, and two for its label."""
    return stored * (dataset.n_pixels + LABEL)
