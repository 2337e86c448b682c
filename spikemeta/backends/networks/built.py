"""A learning network as Brian2 objects, as a simulation runs it."""

from dataclasses import dataclass, field

import brian2

KEPT = "neurons "  # before the layer and variable of what neurons keep, among the state of synapses


@dataclass
class Built:
    """A network ready to run.

    Attributes
    ----------
    network : brian2.Network
    groups : dict of str to brian2.NeuronGroup
        By layer; each holds the shared variables ``first_age``, ``count``, ``boundary_first`` and ``teaching`` of a phase.
    projections : dict of str to brian2.Synapses
        The plastic ones.
    shapes : dict of str to tuple
        Of their state: (n_pre, n_post), or (n,) of one that is not all-to-all.
    spikes : brian2.SpikeMonitor
        Of the layer that answers.
    hidden : dict of str to int
        Neurons of each layer that neither is the input nor answers, by the name of the counter of its spikes.
    counters : dict of str to brian2.EventMonitor
        Monitors that only count, by what they count.
    fixed : dict of str to (brian2 object, str)
        What else is drawn from the seed at the start, by name: the object and the variable.
    fans : dict of str to ndarray
        Synapses of each source, by the counter of what uses them; empty where the layers make a chain, all-to-all.
    answered : str
        What the spikes of the layer that answers are counted as.
    first : bool
        Whether the first spike answers, and not most spikes.
    kept : dict of str to (brian2.NeuronGroup, str)
        Variables of neurons that outlast a presentation, by ``neurons LAYER.VARIABLE``: the group and the variable.
    watched : dict of str to brian2 monitor
        What is recorded of neurons, by name (`spikemeta.backends.networks.watched.add`).
    """

    network: brian2.Network
    groups: dict
    projections: dict
    shapes: dict
    spikes: brian2.SpikeMonitor
    hidden: dict
    counters: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)
    fans: dict = field(default_factory=dict)
    answered: str = "readout_spikes"
    first: bool = False
    kept: dict = field(default_factory=dict)
    watched: dict = field(default_factory=dict)
