"""The float64 NumPy reference of a network: every neuron, every step, every spike written out; the oracle of both engines."""

import numpy as np


def run(plan, spikes, weights=None, kept=None):
    """One presentation from rest.

    Parameters
    ----------
    plan : Plan
    spikes : ndarray, (steps, n_input), 0 or 1
    weights : dict of str to ndarray or None
        Transmitted weights by projection, in place of the plan's.
    kept : dict of str to ndarray, (k, n), or None
        By layer, variables at the start, of which only kept ones differ from 0; what becomes of them is left there.

    Returns
    -------
    spikes : dict of str to ndarray of bool, (steps, n)
        Of every layer, the input included.
    before : dict of str to ndarray, (steps, k, n)
        Variables of every layer of neurons, as the threshold saw them.
    """
    matrices = {name: plan.dense(name, (weights or {}).get(name)) for name in plan.projections}
    fired = {name: np.zeros((len(spikes), n), bool) for name, n in plan.sizes.items()}
    fired[plan.network.input][:] = spikes
    state = {name: np.zeros((len(step.variables), plan.sizes[name])) for name, step in plan.layers.items()}
    for name, values in (kept or {}).items():
        state[name][:] = values
    seen = {name: np.zeros((len(spikes), *x.shape)) for name, x in state.items()}
    for now in range(len(spikes)):
        for name, step in plan.layers.items():
            state[name] = step.propagator @ state[name] + step.drift[:, None]
            seen[name][now] = state[name]
            fired[name][now] = step.slope @ state[name] + step.offset > 0
        for name, p in plan.projections.items():
            sent = now - plan.delays[name] + 1
            if sent >= 0:
                arrived, k = fired[p.source][sent] @ matrices[name], plan.variable(name)
                state[p.target][k] += arrived  # of a shared variable one number, which all neurons then have
        for name, step in plan.layers.items():
            there = fired[name][now]
            state[name][:, there] = step.after(state[name][:, there])
    for name in kept or {}:
        factor, drift = plan.layers[name].between(plan.steps * plan.network.si(plan.constants)["step"])
        kept[name][:] = factor[:, None] * state[name] + drift[:, None]
    return fired, seen
