"""State and weights of all synapses: those that a run starts from, and the mean weights that it ends with."""

import numpy as np

from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.errors import InstabilityError, UserError, suggest
from spikemeta.language import equations, instability


def replaced(start, weights, projections):
    """Initial values of which some are given.

    Parameters
    ----------
    start : dict of str to ndarray
        From a network's ``start``.
    weights : dict of str to ndarray
        By projection, (n_pre, n_post), 1.
    projections : tuple of str

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    UserError
        For an unknown projection, another shape, or a weight that is not finite.
    """
    problems = [suggest("projection", name, projections) for name in weights if name not in projections]
    out = dict(start)
    for name in [name for name in projections if name in weights]:
        given = np.asarray(weights[name])
        if given.shape != start[name].shape:
            problems.append(f"weights of {name!r} must have the shape {start[name].shape}, not {given.shape}")
        elif not np.isfinite(given).all():
            problems.append(f"weights of {name!r} must be finite")
        else:
            out[name] = given.astype(float)
    if problems:
        raise UserError("\n".join(problems))
    return out


def first_state(rule, start, constants, rng):
    """State of every synapse before it learns, by ``projection.variable``.

    Parameters
    ----------
    rule : Rule
    start : dict of str to ndarray
        Initial weights by projection, (n_pre, n_post), 1.
    constants : dict of str to dict
        Of the rule, by projection.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
        The rule's variables and ``transmitted``, the weight.
    """
    state = {}
    for p, values in constants.items():
        made = ReferenceSynapses(rule.of(p), start[p], values, rng)
        state |= {f"{p}.{s}": v for s, v in made.state.items()} | {f"{p}.transmitted": np.array(made.weight())}
    return state


def mean_weights(given, state, constants, age):
    """Weights with the weight noise at zero, by projection.

    Parameters
    ----------
    given : Rule
        Or one for each projection.
    state : dict of str to ndarray
        By ``projection.variable``.
    constants : dict of str to dict
        Of the rule, by projection.
    age : float
        Rule time, presentations.

    Returns
    -------
    dict of str to ndarray
    """
    quiet, out = {"age": float(age), "rand": lambda: 0.5, "randn": lambda: 0.0}, {}
    for p, values in constants.items():
        rule = given.of(p)
        space = values | {s: state[f"{p}.{s}"] for s in rule.analysis.states} | quiet
        if rule.analysis.noisy:
            space = equations.compile_statements(rule.analysis.blocks["on_presentation"])(space)
        weight = equations.compile_expression(rule.weight.strip())(space)
        out[p] = np.broadcast_to(weight, state[f"{p}.transmitted"].shape).copy()
    return out


def drawn_deviations(given, state, constants, age, rng, draws=100):
    """Standard deviations of the weights that a presentation would draw, by projection; 0 where it draws none.

    Parameters
    ----------
    given, state, constants, age
        As for `mean_weights`.
    rng : numpy.random.Generator
    draws : int
        Of each synapse; the relative error of a deviation is about 1/sqrt(2*draws).

    Returns
    -------
    dict of str to ndarray
    """
    out = {}
    for p, values in constants.items():
        rule, shape = given.of(p), state[f"{p}.transmitted"].shape
        dice = {"age": float(age), "rand": lambda shape=shape: rng.random(shape)}
        dice["randn"] = lambda shape=shape: rng.standard_normal(shape)
        space = values | {s: state[f"{p}.{s}"] for s in rule.analysis.states} | dice
        draw = equations.compile_statements(rule.analysis.blocks["on_presentation"])
        weight, mean, squares = equations.compile_expression(rule.weight.strip()), np.zeros(shape), np.zeros(shape)
        for count in range(1, draws + 1):  # Welford 1962, Technometrics 4, 419
            away = weight(draw(space)) - mean
            mean += away / count
            squares += away * (away - away / count)
        out[p] = np.sqrt(squares / (draws - 1))
    return out


def check(rule, state, phase, before=({}, 0.0), constants=None):
    """Refuse a state that became NaN or infinite in a phase.

    With the state before it, its rule time, and the constants of the run, the message names the blocks that may have done it.

    Parameters
    ----------
    rule : Rule
    state : dict of str to ndarray
        By ``projection.variable``; what neurons keep is not looked at.
    phase : Phase
    before : (dict of str to ndarray, float)
        State and rule time before the phase.
    constants : dict or None
        Of the run, as `Simulation.constants` gives them.

    Raises
    ------
    InstabilityError
    """
    lost = [name for name, values in state.items() if " " not in name and not np.isfinite(values).all()]
    if lost:
        projection, variable = lost[0].split(".")
        gone = {name.partition(".")[2] for name in lost if name.startswith(f"{projection}.")} - {"transmitted"}
        what = f"{variable!r} of the {projection} synapses became NaN or infinite"
        raise unstable(rule, phase, what, [projection], before, constants, gone)


def unstable(rule, phase, what, projections, before, constants, lost=frozenset()):
    """The error of a phase that became unstable; it names the blocks of the rule that may have done it.

    Parameters
    ----------
    rule : Rule
    phase : Phase
    what : str
        What happened.
    projections : sequence of str
        Where it may have happened.
    before, constants
        As for `check`.
    lost : set of str
        State variables that are NaN or infinite now; empty if it is not known which.

    Returns
    -------
    InstabilityError
    """
    found = {}
    for projection in projections:
        known = {k.partition(".")[2]: v for k, v in before[0].items() if k.startswith(f"{projection}.")}
        space = constants["rule"][projection] | known | {"age": float(before[1])} if constants else {}
        found[projection] = instability.origins(rule.of(projection), lost, space, phase.boundary, len(phase.indices))
    projection = min(found, key=lambda name: len(found[name]))  # where it can be told
    by, remedy = instability.told(found[projection], projection)
    return InstabilityError(
        f"rule {rule.title!r}: {what} in phase {phase.name!r}, by {by}; earlier phases are kept. Remedy: {remedy}"
    )
