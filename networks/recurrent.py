"""A spiking working memory: hidden neurons with adaptive thresholds that act on each other through plastic synapses."""

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="recurrent",
    description="Sparse recurrent synapses with a delay keep what was shown going; thresholds that rise with each spike and "
    "fall back slowly keep it from running away, and remember who was active.",
    reference="ours; adaptive thresholds and recurrent training as in Bellec et al. 2018 (NeurIPS 31) and 2020 (Nat. Commun. "
    "11, 3625), surrogate gradients as in Neftci, Mostafa & Zenke 2019 (IEEE Signal Process. Mag. 36, 51)",
    neurons={
        "adaptive": Neurons(
            equations="""
                dv/dt = (current*tau_membrane/tau_synapse - v)/tau_membrane : 1
                dcurrent/dt = -current/tau_synapse : 1
                dadaptation/dt = -adaptation/tau_adaptation : 1
            """,
            threshold="v > 1 + adaptation",
            reset="""
                v = 0
                adaptation += raised
            """,
        ),
        "plain": Neurons(
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
        hidden : adaptive(n_hidden)
        readout : plain(n_classes), slope = 1
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = hidden_spread*randn()
        memory : hidden -> hidden, plastic, weight = memory_spread*randn(), delay = 2, probability = share, where = i != j
        readout : hidden -> readout, plastic, weight = readout_spread*randn()
    """,
    answer="count(readout)",
    parameters={
        "step": Parameter(4.0, "ms", "time step", low=0.1),
        "input_rate": Parameter(200.0, "Hz", "of an input at full brightness", low=0),
        "tau_membrane": Parameter(20.0, "ms", low=1),
        "tau_synapse": Parameter(5.0, "ms", low=1),
        "tau_adaptation": Parameter(200.0, "ms", "within the range of Bellec et al. 2018", low=1),
        "raised": Parameter(0.1, "1", "what a spike adds to the threshold, which is 1 at rest", low=0),
        "share": Parameter(0.2, "1", "of the pairs of hidden neurons that have a synapse", low=0, high=1),
        "hidden_spread": Parameter(0.15, "1", "standard deviation of the initial weights", low=0),
        "memory_spread": Parameter(0.1, "1", "standard deviation of the initial weights", low=0),
        "readout_spread": Parameter(0.2, "1", "standard deviation of the initial weights", low=0),
    },
)
