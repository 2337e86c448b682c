"""Images to classes through one hidden layer or more, `--hidden 200,100`."""

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="feedforward",
    description="Poisson input, hidden layers and a readout of leaky integrate-and-fire neurons, all synapses plastic.",
    reference="error feedback by events: Neftci et al. 2017, Front. Neurosci. 11, 324; surrogate gradients, in torch: Neftci, "
    "Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36, 51",
    neurons={
        "inhibited": Neurons(
            equations="""
                drive = current - inhibitory : 1
                dv/dt = (drive*tau_membrane/tau_synapse - v)/tau_membrane : 1
                dcurrent/dt = -current/tau_synapse : 1
                dinhibitory/dt = -inhibitory/tau_synapse : 1 (shared)
            """,
            threshold="v > 1",
            reset="v = 0",
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
        hidden : inhibited(n_hidden), slope = hidden_slope
        readout : lif(n_classes), slope = readout_slope
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = hidden_spread*randn()
        inhibition : hidden -> hidden, fixed, weight = inhibition, into = inhibitory
        readout : hidden -> readout, plastic, weight = readout_mean + readout_spread*randn()
    """,
    answer="count(readout)",
    signal="error_feedback_by_clock",
    parameters={
        "input_rate": Parameter(200.0, "Hz", "of an input at full brightness", low=0),
        "tau_membrane": Parameter(20.0, "ms", low=1),
        "tau_synapse": Parameter(5.0, "ms", low=1),
        "hidden_spread": Parameter(0.03, "1", "standard deviation of the initial weights", low=0),
        "hidden2_spread": Parameter(0.15, "1", "the same, of the second hidden layer and further ones", low=0),
        "readout_spread": Parameter(0.03, "1", "standard deviation of the initial weights", low=0),
        "readout_mean": Parameter(0.0, "1", "mean of the initial weights"),
        "inhibition": Parameter(0.0, "1", "current that each hidden spike takes from every neuron of its layer", low=0),
        "hidden_slope": Parameter(5.0, "1", "of the surrogate gradient", low=0),
        "readout_slope": Parameter(1.0, "1", "of the surrogate gradient", low=0),
    },
)
