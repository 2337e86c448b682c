"""Which block of a rule's text made a run unstable, as far as can be told afterwards, and what can be done about it."""

import numpy as np

from spikemeta.language import equations

#: Visits of a synapse that are tried, and synapses: a search of seconds, after a run that failed.
VISITS, SYNAPSES = 10_000, 64
_REMEDIES = {
    "on_gradient": "a smaller lr (it may be set for this projection alone, as {}.lr), or bounds on what the rule divides by",
    "on_boundary": "bounds on what on_boundary divides by and on what it adds up",
    "on_presentation": "bounds on what on_presentation divides by, and on what it multiplies at each visit",
    "state": "constants that let the decay rest at a finite value",
}


def origins(rule, lost, before, boundary, visits):
    """The blocks by which state variables may have become NaN or infinite in a phase.

    The synapses go through the phase once more, with gradients of zero. What becomes infinite so is told with certainty;
    otherwise it took gradients, and every block is named that writes what was lost, when gradients come or at each visit.

    Parameters
    ----------
    rule : Rule
    lost : set of str
        State variables that are NaN or infinite now; empty if it is not known which.
    before : dict of str to ndarray or float
        State before the phase, constants and ``age``; empty if they are not known.
    boundary : bool
        Whether the phase opened with a boundary.
    visits : int
        Presentations of the phase.

    Returns
    -------
    list of str
        Of ``on_boundary``, ``on_presentation``, ``on_gradient`` and ``state`` (a decay); at least one.
    """
    a = rule.analysis
    found = _walk(a, before, boundary, min(visits, VISITS)) if before else None
    if found:
        return [found]
    possible = ["on_gradient", "on_presentation"]
    if not before:
        possible += [*(["on_boundary"] if boundary else []), "state"]
    writes = {block: set(a.decays) if block == "state" else a.writes[block] for block in possible}
    return [block for block in possible if writes[block] & (lost or set(a.states))] or ["on_gradient"]


def told(blocks, projection):
    """What `origins` found, in words.

    Parameters
    ----------
    blocks : list of str
    projection : str

    Returns
    -------
    by, remedy : str
    """
    names = ["a decay of state" if block == "state" else block for block in blocks]
    return " or ".join(names), "; ".join(_REMEDIES[block].format(projection) for block in blocks)


def _walk(analysis, before, boundary, visits):
    """The block that makes a state infinite although no gradient comes; None if there is none."""
    rng, space = np.random.default_rng(0), _extremes(analysis.states, before)
    shape = np.shape(space[analysis.states[0]])
    space |= {"elapsed": 1.0, "gradient": np.zeros(shape)}
    space |= {"rand": lambda: rng.random(shape), "randn": lambda: rng.standard_normal(shape)}
    texts = {block: analysis.blocks[block] for block in ("on_boundary", "on_presentation", "on_gradient")}
    texts["state"] = equations.relaxation(analysis.decays)
    blocks = {block: equations.compile_statements(text) for block, text in texts.items() if text}
    order = [block for block in ("state", "on_presentation", "on_gradient") if block in blocks]
    with np.errstate(all="ignore"):
        for visit in range(visits):
            for block in [*(["on_boundary"] if boundary and not visit and "on_boundary" in blocks else []), *order]:
                space = blocks[block](space)
                if not all(np.isfinite(space[s]).all() for s in analysis.states):
                    return block
            space["age"] += 1.0
    return None


def _extremes(states, before):
    """What is known before a phase, of some synapses: those in which a variable is smallest or largest, and others evenly."""
    size = max(np.size(before[s]) for s in states)
    full = {s: np.broadcast_to(before[s], np.shape(before[s]) or (size,)).ravel().astype(float) for s in states}
    some = [np.linspace(0, size - 1, min(size, SYNAPSES)).astype(int)]
    some += [np.array([v.argmin(), v.argmax()]) for v in full.values()]
    kept = np.unique(np.concatenate(some))
    return before | {s: v[kept] for s, v in full.items()}
