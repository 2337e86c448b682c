"""Runs of a study that begin alike: what they have in common is simulated once, and its end kept for the others."""

import hashlib
import json
from itertools import combinations
from pathlib import Path

from spikemeta.simulation.checkpoint import Checkpoint
from spikemeta.system.files import plain


def chain(phases):
    """Digests of the first 0, 1, 2, ... phases.

    Parameters
    ----------
    phases : iterable of Phase

    Returns
    -------
    list of str
        Equal up to where two curricula on the same images part; of a phase, all that decides a run counts, and its name.
    """
    digest = hashlib.sha256()
    out = [digest.hexdigest()]
    for phase in phases:
        digest.update(f"{phase.name} {phase.kind} {phase.split} {phase.boundary}".encode())
        digest.update(phase.indices.tobytes() + phase.labels.tobytes())
        digest.update(b"" if phase.permutation is None else phase.permutation.tobytes())
        digest.update(b"" if phase.order_of is None else phase.order_of.tobytes())
        digest.update(b"" if phase.allowed is None else repr(phase.allowed).encode())
        out.append(digest.hexdigest())
    return out


def forks(curricula):
    """Numbers of phases after which curricula part from one another.

    Parameters
    ----------
    curricula : dict of str to Curriculum
        Of runs that differ in nothing else.

    Returns
    -------
    dict of str to tuple of int
        Rising, without 0; a curriculum that is the beginning of another parts from it at its end.
    """
    chains = {name: chain(curriculum.phases) for name, curriculum in curricula.items()}
    found = {name: set() for name in chains}
    for one, other in combinations(chains, 2):
        common = sum(a == b for a, b in zip(chains[one], chains[other], strict=False)) - 1
        if common:
            found[one].add(common)
            found[other].add(common)
    return {name: tuple(sorted(numbers)) for name, numbers in found.items()}


def checkpoints(folder, identity, phases, numbers):
    """Where the ends of shared beginnings are kept.

    Parameters
    ----------
    folder : Path
    identity : dict
        Of the whole run, as for `Checkpoint`; ``"curriculum"`` in it is replaced.
    phases : sequence of Phase
        Of the whole run.
    numbers : iterable of int
        From `forks`.

    Returns
    -------
    dict of int to Checkpoint
        The longest first.
    """
    digests, out = chain(phases), {}
    for number in sorted(numbers, reverse=True):
        own = identity | {"curriculum": digests[number]}
        name = hashlib.sha256(json.dumps(plain(own), sort_keys=True).encode()).hexdigest()[:20]
        out[number] = Checkpoint(Path(folder) / name, own)
    return out
