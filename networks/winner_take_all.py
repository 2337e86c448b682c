"""Competition without a teacher: neurons that inhibit each other learn, each, what is often shown."""

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="winner_take_all",
    description="Each spike silences all other neurons for a while, and raises its own neuron's threshold for good, so that "
    "all get their turn; a neuron's weights add up to the same sum after each presentation. Labels are used for one thing: a "
    "neuron is given the class to which it responds most, on training images.",
    reference="Diehl & Cook 2015, Front. Comput. Neurosci. 9, 99, and the authors' code: presentations of 350 ms, 63.75 Hz at "
    "full brightness, tau_membrane = 100 ms, weights into a neuron scaled to 78.4. Simplified here: synapses act on the "
    "potential at once, inhibition is a step of the potential and not a layer of its own; its size, the threshold and what a "
    "spike adds to it are ours.",
    neurons={
        "competing": Neurons(
            equations="""
                dv/dt = -v/tau_membrane : 1
                dtheta/dt = -theta/tau_theta : 1 (kept)
            """,
            threshold="v > least_threshold + theta",
            reset="""
                v = 0
                theta += raised
            """,
        ),
    },
    layers="""
        input : rate(n_input, input_rate)
        hidden : competing(n_hidden)
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = rand(), least = 0, total = sum_of_weights, into = v
        inhibition : hidden -> hidden, fixed, weight = -inhibited, where = i != j, into = v
    """,
    answer="assigned(hidden, recent)",
    signal="stdp_offset",
    parameters={
        "presentation": Parameter(350.0, "ms", "duration of one stimulus", low=0),
        "input_rate": Parameter(63.75, "Hz", "of an input at full brightness", low=0),
        "tau_membrane": Parameter(100.0, "ms", low=1),
        "least_threshold": Parameter(13.0, "1", "of a neuron that has not fired", low=0),
        "raised": Parameter(0.5, "1", "what a spike adds to its neuron's threshold", low=0),
        "tau_theta": Parameter(2e6, "ms", "with which that falls back, between presentations", low=1),
        "inhibited": Parameter(120.0, "1", "what a spike takes from the potential of all others", low=0),
        "sum_of_weights": Parameter(78.4, "1", "of all into a neuron", low=1e-6),
        "recent": Parameter(
            200.0, "1", "training presentations of each class, shown again, that give neurons their class", low=1
        ),
    },
)
