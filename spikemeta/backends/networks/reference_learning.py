"""The float64 NumPy reference of a learning network: traces, local gradients and the rule, spike by spike."""

import numpy as np

from spikemeta.backends.networks import reference
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import equations


def learn(plan, shown, signal, rules, parameters=None, constants=None, noise=None):
    """Show presentations one after another, each from rest; the rule runs once per presentation on the summed gradient.

    Parameters
    ----------
    plan : Plan
    shown : iterable of ndarray, (steps, n_input), 0 or 1
    signal : Signal
    rules : dict of str to Rule
        By plastic projection; all-to-all and with a delay of one step.
    parameters : dict of str to dict or None
        Of the rules, by projection.
    constants : dict of str to float or None
        Of the signal, in place of its own.
    noise : callable or None
        As for `ReferenceSynapses`, of all rules.

    Returns
    -------
    dict of str to ReferenceSynapses
        By projection, committed.
    """
    si = signal.si(constants)
    step = signal.moves.at(si, plan.network.si(plan.constants)["step"])
    synapses = {
        name: ReferenceSynapses(rule, plan.weights[name], (parameters or {}).get(name), noise=noise)
        for name, rule in rules.items()
    }
    add = {
        block: [(s.op, equations.compile_expression(s.expression)) for s in found] for block, found in signal.additions.items()
    }
    for age, spikes in enumerate(shown):
        for made in synapses.values():
            made.flush(age)
        fired, _ = reference.run(plan, spikes, {name: np.array(made.weight()) for name, made in synapses.items()})
        x = {name: np.zeros((len(step.variables), n)) for name, n in plan.sizes.items()}
        for now in range(len(spikes)):
            for name in x:
                x[name] = step.propagator @ x[name] + step.drift[:, None]
            for name, made in synapses.items():
                _gather(plan.projections[name], made, add, si, step.variables, x, fired, now)
            for name in x:
                there = fired[name][now]
                x[name][:, there] = step.reset @ x[name][:, there] + step.jump[:, None]
    for made in synapses.values():
        made.flush(len(shown))
    return synapses


def _gather(p, made, add, si, names, x, fired, now):
    """Add what the spikes of one step bring to a projection's gradient."""
    pre, post = fired[p.source][now].nonzero()[0], fired[p.target][now].nonzero()[0]
    for block, rows, columns in (("on_pre", pre, slice(None)), ("on_post", slice(None), post)):
        space = si | {f"{n}_pre": v[rows][:, None] for n, v in zip(names, x[p.source], strict=True)}
        space |= {f"{n}_post": v[columns][None] for n, v in zip(names, x[p.target], strict=True)}
        place = np.ix_(pre, np.arange(made.shape[1])) if block == "on_pre" else np.ix_(np.arange(made.shape[0]), post)
        for op, value in add[block]:
            made.gradient[place] += (1 if op == "+=" else -1) * value(space)
