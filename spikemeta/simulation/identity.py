"""What decides a run, by name: a state file of another one is refused, and told what differs."""

import hashlib
import importlib.metadata
import json

from spikemeta.simulation import shared_beginnings
from spikemeta.system import source_identity


def of(simulation, curriculum, seed, constants, weights, recording=None):
    """The identity of a run.

    Parameters
    ----------
    simulation : Simulation
    curriculum : Curriculum
    seed : int
    constants : dict
        From `Simulation.constants`.
    weights : dict of str to ndarray
        Initial weights that were given; empty for drawn ones.
    recording : Recording or None

    Returns
    -------
    dict of str to str or number
    """
    fields = ("state", "weight", "initial", "on_gradient", "on_presentation", "on_boundary")
    given = hashlib.sha256(b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights)))
    return {
        "version": importlib.metadata.version("spikemeta"),
        "sources of spikemeta": source_identity.sources(),
        "rule": simulation.rule.title,
        "rule text": "\0".join(getattr(simulation.rule, field) for field in fields),
        "constants": json.dumps(constants, sort_keys=True),
        "seed": seed,
        "network": simulation.network_name,
        "network text": getattr(simulation.network, "text", ""),
        "hidden neurons": simulation.n_hidden if len(simulation.layers) == 1 else list(simulation.layers),
        "feedback": simulation.feedback,
        "engine": simulation.engine,
        "mode": simulation.mode if simulation.engine == "brian2" else "",
        "prediction": simulation.prediction,
        "batch": simulation.batch,
        "precision": simulation.dtype,
        "data": json.dumps(curriculum.dataset.digests, sort_keys=True),
        "curriculum": shared_beginnings.chain(curriculum.phases)[-1],
        "initial weights": given.hexdigest(),
    } | ({"recording": repr(recording)} if recording else {})
