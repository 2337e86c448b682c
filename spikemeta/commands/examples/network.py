"""NAME: two kinds of neurons, one of them with a threshold that rises at each spike."""

# Check it, look at it, and train it:
#     spikemeta check NAME.py
#     spikemeta show NAME.py --as diagram
#     spikemeta run forgetting --engine torch --network NAME.py --rules sgd --set lr=0.1
# In the folder networks/ of a checkout of spikemeta it is found by its name: --network NAME
from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="NAME",
    description="What it is for.",
    reference="Where it comes from.",
    neurons={
        # Brian2 equations, linear below threshold; all variables are 0 when a presentation starts.
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
    # plastic synapses follow the rule, fixed ones keep their weight; a spike adds the weight to the target's current
    projections="""
        hidden : input -> hidden, plastic, weight = 0.15*randn()
        readout : hidden -> readout, plastic, weight = 0.2*randn()
    """,
    answer="count(readout)",
    parameters={
        "step": Parameter(4.0, "ms", "time step"),
        "input_rate": Parameter(200.0, "Hz", "of an input at full brightness", low=0),
        "tau_membrane": Parameter(20.0, "ms", low=1),
        "tau_synapse": Parameter(5.0, "ms", low=1),
        "tau_adaptation": Parameter(200.0, "ms", low=1),
        "raised": Parameter(0.1, "1", "what a spike adds to the threshold, which is 1 at rest", low=0),
    },
)
