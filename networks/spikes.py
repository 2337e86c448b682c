"""A network that is given spikes, as a cochlea or an event camera sends them: `--dataset FOLDER` with spikes in HDF5."""

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

network = Network(
    name="spikes",
    description="Units of the data as input neurons, a hidden layer and a readout of leaky integrate-and-fire neurons, all "
    "synapses plastic; as feedforward, but for its input, and slower. A presentation lasts as long as the longest stimulus, "
    "unless it is stated.",
    reference="ours; data of this kind: Cramer et al. 2022, IEEE Trans. Neural Netw. Learn. Syst. 33, 2744",
    neurons={
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
        input : given(n_input)
        hidden : lif(n_hidden), slope = hidden_slope
        readout : lif(n_classes), slope = readout_slope
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = hidden_spread*randn()
        readout : hidden -> readout, plastic, weight = readout_spread*randn()
    """,
    answer="count(readout)",
    parameters={
        "step": Parameter(4.0, "ms", "time step; two spikes of a unit within one are one", low=0.1),
        "tau_membrane": Parameter(20.0, "ms", low=1),
        "tau_synapse": Parameter(10.0, "ms", low=1),
        "hidden_spread": Parameter(0.15, "1", "standard deviation of the initial weights", low=0),
        "hidden2_spread": Parameter(0.15, "1", "the same, of the second hidden layer and further ones", low=0),
        "readout_spread": Parameter(0.2, "1", "standard deviation of the initial weights", low=0),
        "hidden_slope": Parameter(5.0, "1", "of the surrogate gradient", low=0),
        "readout_slope": Parameter(1.0, "1", "of the surrogate gradient", low=0),
    },
)
