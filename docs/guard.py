"""How often a guard of the step of sigma would act in the stream of MESU, where nothing bounds it.

python docs/guard.py 2000 0.5
"""

import sys
from dataclasses import replace

import torch

from spikemeta.runs import pool, training
from spikemeta.studies.published import settings


def count(images, guard, dataset="mnist", seed=0):
    """Steps of single weights over the first images of the stream, and how large they are.

    Parameters
    ----------
    images : int
    guard : float
        Relative step of sigma from which the guard would act.
    dataset : str
    seed : int

    Returns
    -------
    tuple of (int, int, float)
        Steps that the guard would bound, steps of all weights, and the largest relative step.
    """
    setting = replace(settings()["mesu-stream"], limit=images, tasks=1)
    trainer = training.Trainer(setting, pool.dataset(dataset), seed)
    optimizer, precision = trainer.optimizer, lambda: [s["precision"].clone() for s in trainer.optimizer.state.values()]
    found, before, step = [0, 0, 0.0], [precision()], optimizer.step

    def watched(*given, **more):
        loss, after = step(*given, **more), precision()
        for old, new in zip(before[0], after, strict=True):
            moved = (torch.sqrt(old / new) - 1).abs()  # a step beyond zero, and so past 1, would read as a smaller one
            found[0] += int((moved > guard).sum())
            found[1] += moved.numel()
            found[2] = max(found[2], float(moved.max()))
        before[0] = after
        return loss

    optimizer.step = watched
    trainer.train_epoch(lambda _: None)
    return tuple(found)


if __name__ == "__main__":
    bounded, steps, largest = count(int(sys.argv[1]), float(sys.argv[2]))
    print(f"{bounded} of {steps:,} steps of single weights are above {sys.argv[2]}; the largest is {largest:.2f}")
