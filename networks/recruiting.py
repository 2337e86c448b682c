"""Neurons that are recruited by what is new: where none that knows a pattern fires before it, a fresh one takes it."""

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="recruiting",
    description="Hidden neurons become prototypes. A neuron's weights are drawn towards what makes it fire, without "
    "labels; it comes to expect the current that its own pattern brings, and takes a part of that, the vigilance, from its "
    "drive. So patterns like its own make it fire early, and its spikes set all others back; where none fires early, a tonic "
    "drive lets a fresh neuron fire, which the pattern recruits. The answer learns from errors, on few active neurons. Nothing "
    "is told of tasks.",
    reference="Recruiting by novelty: adaptive resonance, Carpenter & Grossberg 1987, Comput. Vis. Graph. Image Process. 37, "
    "54; resource allocation, Platt 1991, Neural Comput. 3, 213. Half of what its own pattern brings is what a nearest "
    "prototype needs: |x - w|^2 = |x|^2 - 2 (x.w - |w|^2/2). The neurons' equations are ours.",
    neurons={
        "recruited": Neurons(
            equations="""
                drive = current + tonic - expected - quiet : 1
                dv/dt = (drive*tau_membrane/tau_synapse - v)/tau_membrane : 1
                dcurrent/dt = -current/tau_synapse : 1
                dquiet/dt = -quiet/tau_quiet : 1 (shared)
                expected : 1 (kept)
            """,
            threshold="v > 1",
            reset="""
                v = 0
                expected += following*(vigilance*current - expected)
            """,
        ),
        "lif": Neurons(
            equations="""
                dv/dt = (current*tau_membrane/tau_synapse - v)/tau_membrane : 1
                dcurrent/dt = -current/tau_synapse : 1
            """,
            threshold="v > 1",
            reset="v = 0",
        ),
    },
    layers="""
        input : rate(n_input, input_rate)
        hidden : recruited(n_hidden)
        readout : lif(n_classes)
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = hidden_spread*randn()
        inhibition : hidden -> hidden, fixed, weight = -inhibition, where = i != j, into = v
        silence : hidden -> hidden, fixed, weight = silencing, into = quiet
        readout : hidden -> readout, plastic, weight = readout_spread*randn()
    """,
    answer="count(readout)",
    signal="instar",
    parameters={
        "input_rate": Parameter(200.0, "Hz", "of an input at full brightness", low=0),
        "tau_membrane": Parameter(20.0, "ms", low=1),
        "tau_synapse": Parameter(5.0, "ms", low=1),
        "tau_error": Parameter(35.0, "ms", low=0.1),
        "readout_width": Parameter(2.2, "1", "of the window on the answer's potential", low=0),
        "tonic": Parameter(0.3, "1", "current of every hidden neuron, which lets a fresh one fire", low=0),
        "vigilance": Parameter(0.5, "1", "part of its own pattern's current that a neuron takes from its drive", low=0),
        "following": Parameter(0.03, "1", "how far a spike moves what a neuron expects", low=0, high=1),
        "inhibition": Parameter(0.4, "1", "what a spike takes from the potential of all other hidden neurons", low=0),
        "silencing": Parameter(
            0.05, "1", "current that it takes from all hidden neurons, for a while, so that no second fresh one fires", low=0
        ),
        "tau_quiet": Parameter(100.0, "ms", low=1),
        "hidden_spread": Parameter(0.002, "1", "standard deviation of the initial weights", low=0),
        "readout_spread": Parameter(0.1, "1", "standard deviation of the initial weights", low=0),
    },
)
