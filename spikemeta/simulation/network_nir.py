"""Networks as texts in NIR: any layers, recurrent, sparse and delayed projections; as far as NIR has such neurons.

In the Neuromorphic Intermediate Representation (Pedersen et al. 2024, Nat. Commun. 15, 8122) time is continuous, in seconds,
and a spike acts at once. Here it acts on its target's variables within the step and on the potential in the next one; a reader
with steps of its own must do the same for the same spikes. The graph's metadata says the step.
"""

from pathlib import Path

import numpy as np

from spikemeta.errors import UserError
from spikemeta.simulation import interchange, stimuli, written

_CLOSE = 1e-12  # of a coefficient: what is left of one that is 0


def plan_of(simulation, curriculum, seed=0):
    """The network of a run with its numbers: sizes, constants, and the connections that the seed draws.

    Parameters
    ----------
    simulation : Simulation
    curriculum : Curriculum
        What it was trained on.
    seed : int
        Of the run.

    Returns
    -------
    spikemeta.backends.networks.plan.Plan

    Raises
    ------
    UserError
        For a network written as code without a text.
    """
    sizes = curriculum.dataset.train_images.shape[1], simulation.n_hidden, curriculum.n_classes
    made = written.as_text(simulation.network, simulation.network_name)
    own = stimuli.network_parameters(made, simulation.network_name, curriculum.dataset, simulation.network_parameters)
    parameters = made.parameters(curriculum.name, curriculum.dataset.name, own)
    return made.started(sizes, parameters, made.start(sizes, parameters, np.random.default_rng([seed, 1])))


def graph(plan, weights=None, precision=None):
    """A network as a NIR graph.

    Parameters
    ----------
    plan : Plan
    weights, precision : dict of str to ndarray or None
        By projection, in the shape of the plan's weights: weights in place of those, and what a rule knows of them.

    Returns
    -------
    nir.NIRGraph
        A node for each layer, by its name: ``Input``, ``CubaLIF`` (a current, or what the text calls it, and a potential) or
        ``LIF`` (a potential to which spikes add). For each projection a ``Linear`` node ``to NAME``, (n_post, n_pre), 0 where
        there is no synapse; before it, for delays of two steps or more, ``late NAME``, a ``Delay`` that lasts a step less.
        Metadata: ``step_ms``, ``answer``; of a linear node ``plastic``, ``pairs`` (2, n), the synapses of a sparse one, and
        ``precision`` (n_post, n_pre).

    Raises
    ------
    UserError
        With all that NIR cannot say: adaptive thresholds, pools, resets other than to a value, a first spike that answers.
    """
    import nir

    found = {name: _neurons(plan, name) for name in plan.layers}
    problems = [problem for made in found.values() if isinstance(made, list) for problem in made]
    acting = {name: p for name, p in plan.projections.items() if p.into not in _silent(plan, p.target)}
    for name, p in acting.items():
        made = found.get(p.target)
        if not isinstance(made, list) and p.into != made[1]:
            problems.append(f"projection {name!r} adds to {p.into!r}; in NIR spikes add to {made[1]!r}")
    if problems:
        text = "\n".join(f"  {problem}" for problem in problems)
        raise UserError(f"network {plan.network.name!r} cannot be said in NIR:\n{text}")
    step, source, answer = plan.network.si(plan.constants)["step"], plan.network.input, plan.network.structure.answer
    nodes = {source: nir.Input({"input": np.array([plan.sizes[source]])})} | {n: made[0] for n, made in found.items()}
    edges = []
    for name, p in acting.items():
        given = {**plan.weights, **(weights or {})}[name]
        linear = nir.Linear(np.ascontiguousarray(plan.dense(name, np.asarray(given, float)).T))
        linear.metadata["plastic"] = int(p.plastic)
        if plan.connections[name] is not None:
            linear.metadata["pairs"] = np.array(plan.connections[name])
        if name in (precision or {}):
            linear.metadata["precision"] = np.ascontiguousarray(plan.dense(name, np.asarray(precision[name], float)).T)
        nodes[f"to {name}"] = linear
        edges += [(f"to {name}", p.target)]
        late = plan.delays[name] - 1
        if late:
            nodes[f"late {name}"] = nir.Delay(np.full(plan.sizes[p.source], late * step))
        way = [p.source, *[f"late {name}"] * bool(late), f"to {name}"]
        edges += list(zip(way, way[1:], strict=False))
    nodes["output"] = nir.Output({"output": np.array([plan.sizes[answer[1]]])})
    more = {"step_ms": 1000 * step, "answer": answer[1], "network": plan.network.name}
    return nir.NIRGraph(nodes, [*edges, (answer[1], "output")], metadata=more, type_check=False)


def _silent(plan, layer):
    """Shared variables of a layer that nothing feeds, and that are 0."""
    from spikemeta.backends.networks import brian

    step = plan.layers[layer]
    return [n for n in brian.pooled(plan, layer)[1] if not step.drift[step.variables.index(n)]]


def _neurons(plan, layer):
    """A layer as a NIR node, and the variable to which spikes add; or a list of what NIR lacks."""
    import nir

    step, n = plan.layers[layer], plan.sizes[layer]
    names, rates = step.variables, step.rates
    scale = max(np.abs(rates).max(initial=0), 1e-300)
    seen = [k for k in range(len(names)) if step.slope[k]]
    silent = _silent(plan, layer)
    shared = [name for name, common in zip(names, step.shared, strict=True) if common and name not in silent]
    problems = [f"{layer}: NIR has no shared variable {name!r}" for name in shared]
    problems += [f"{layer}: NIR keeps no {name!r}" for name, kept in zip(names, step.kept, strict=True) if kept]
    if len(seen) != 1:
        problems.append(f"{layer}: the threshold looks at {', '.join(names[k] for k in seen)}; in NIR at the potential alone")
    if problems:
        return problems
    (v,) = seen
    others = [k for k in range(len(names)) if k != v and names[k] not in silent]
    if len(others) > 1 or any(abs(rates[k, v]) > _CLOSE * scale for k in others):
        return [f"{layer}: NIR's neurons have a potential and one current that decays by itself, not {', '.join(names)}"]
    if step.slope[v] < 0 or any(step.drift[k] for k in others):
        return [f"{layer}: NIR's neurons fire above a threshold, and their current decays to 0"]
    if any(rates[k, k] == 0 for k in (v, *others)):
        return [f"{layer}: a variable of NIR's neurons decays; here one of {', '.join(names)} does not"]
    untouched = all((step.reset[k] == np.eye(len(names))[k]).all() and not step.jump[k] for k in others)
    if step.reset[v].any() or not untouched:
        return [f"{layer}: a spike of NIR's neurons sets the potential, and nothing else"]
    tau, leak = -1 / rates[v, v], step.drift[v] / (1 - step.propagator[v, v])
    ones = np.ones(n)
    more = {"v_leak": leak * ones, "v_threshold": -step.offset / step.slope[v] * ones, "v_reset": step.jump[v] * ones}
    if not others:
        return nir.LIF(tau * ones, tau * ones, **more), names[v]
    (c,) = others
    tau_current = -1 / rates[c, c]
    made = nir.CubaLIF(tau_current * ones, tau * ones, tau * rates[v, c] * ones, **more, w_in=tau_current * ones)
    return made, names[c]


def write(plan, path, weights=None, precision=None):
    """Write a network as a NIR file (HDF5); arguments and errors as of `graph`.

    Raises
    ------
    UserError
        Also for a file that cannot be written.
    """
    interchange.save_graph(graph(plan, weights, precision), path)


def read(path):
    """Read back what `write` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : dict of str to ndarray
        By projection, (n_pre, n_post), or (n,) of a sparse one.
    precision : dict of str to ndarray
        The same shapes; of those that have some.

    Raises
    ------
    UserError
        If there is no such file, or it is not one of ours.
    """
    import nir

    try:
        made = nir.read(Path(path))
        if "step_ms" not in made.metadata or "answer" not in made.metadata:
            raise ValueError("its metadata lack step_ms or answer")
        nodes = {n.removeprefix("to "): node for n, node in made.nodes.items() if n.startswith("to ")}
        if not nodes or not all(isinstance(node, nir.Linear) for node in nodes.values()):
            raise ValueError("it has no projections")
        weights = {name: _as_here(node.weight, node) for name, node in nodes.items()}
        precision = {n: _as_here(node.metadata["precision"], node) for n, node in nodes.items() if "precision" in node.metadata}
    except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{path} is not a NIR file that spikemeta wrote of a network's text ({error})") from None
    return weights, precision


def _as_here(matrix, node):
    """A matrix (n_post, n_pre) as the weights of its projection here."""
    values = np.asarray(matrix, float).T
    return values[tuple(np.asarray(node.metadata["pairs"], int))] if "pairs" in node.metadata else values
