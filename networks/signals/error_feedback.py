"""Error feedback by events: spikes of the answer and teaching events meet in an error, which reaches every layer."""

from spikemeta.language.rule import Parameter
from spikemeta.language.signal import Signal

signal = Signal(
    name="error_feedback",
    description="A spike of the answer adds one to its neuron's error, a teaching event takes one away, and each is carried to "
    "the other layers, by the answer's weights or by fixed random ones. A source's spike meets its target's error, within a "
    "window on the potential.",
    reference="event-driven random backpropagation: Neftci et al. 2017, Front. Neurosci. 11, 324; directly to every layer: "
    "Nokland 2016, NeurIPS 29",
    traces="derror/dt = -error/tau_error : 1",
    on_pre="gradient += int(elapsed >= onset)*error_post*int(abs(error_post) >= hidden_band)"
    "*int(abs(1 + distance_post - hidden_centre) < hidden_width)",
    on_answer="error += 1",
    on_teach="error -= 1",
    teach_rate="other_rate + (target_rate - other_rate)*right",
    carried="error",
    tied="tied_factor*weight",
    random="random_spread*randn()",
    parameters={
        "tau_error": Parameter(60.0, "ms", low=0.1),
        "target_rate": Parameter(150.0, "Hz", "teaching events of the right neuron", low=0),
        "other_rate": Parameter(0.0, "Hz", "teaching events of the others", low=0),
        "onset": Parameter(15.0, "ms", "without learning at the start of a presentation", low=0),
        "hidden_centre": Parameter(1.0, "1", "of the window on the potential, counted so that the threshold is at 1"),
        "hidden_width": Parameter(1.5, "1", "of the window: |potential - centre| < width", low=0),
        "hidden_band": Parameter(0.0, "1", "errors smaller than this teach nothing", low=0),
        "readout_centre": Parameter(0.3, "1"),
        "readout_width": Parameter(0.8, "1", low=0),
        "readout_band": Parameter(0.0, "1", low=0),
        "tied_factor": Parameter(2.3, "1", "feedback weight = factor * weight to the answer", low=0),
        "random_spread": Parameter(0.3, "1", "standard deviation of fixed random feedback", low=0),
    },
)
