"""What the tests of networks share: neurons with everything that the language allows, and networks drawn from it."""

from hypothesis import strategies as st

from spikemeta.language.network import Network, Neurons
from spikemeta.language.rule import Parameter

PARAMETERS = {
    "tau_membrane": Parameter(20.0, "ms", low=1),
    "tau_synapse": Parameter(5.0, "ms", low=1),
    "tau_adaptation": Parameter(80.0, "ms", low=1),
    "raised": Parameter(0.3),
    "spread": Parameter(0.7),
    "inhibition": Parameter(0.07),
    "input_rate": Parameter(200.0, "Hz"),
}
LIF = Neurons(
    equations="""
        dv/dt = (current*tau_membrane/tau_synapse - v)/tau_membrane : 1
        dcurrent/dt = -current/tau_synapse : 1
    """,
    threshold="v > 1",
    reset="v = 0",
)
ADAPTIVE = Neurons(
    equations="""
        drive = current - inhibitory : 1
        dv/dt = (drive*tau_membrane/tau_synapse - v)/tau_membrane : 1
        dcurrent/dt = -current/tau_synapse : 1
        dadaptation/dt = -adaptation/tau_adaptation : 1
        dinhibitory/dt = -inhibitory/tau_synapse : 1 (shared)
    """,
    threshold="v > 1 + adaptation",
    reset="""
        v -= 1
        adaptation += raised
    """,
)
#: A sound network file. Line numbers in the tests count from its first line.
SOUND = '''\
from spikemeta import Network, Neurons, Parameter

network = Network(
    name="mine",
    neurons={
        "lif": Neurons(
            equations="""
                dv/dt = (current - v)/tau : 1
                dcurrent/dt = -current/tau_synapse : 1
                dpool/dt = -pool/tau_synapse : 1 (shared)
            """,
            threshold="v > 1",
            reset="v = 0",
        ),
    },
    layers="""
        input : rate(n_input, brightest)
        hidden : lif(n_hidden)
        readout : lif(n_classes)
    """,
    projections="""
        hidden : input -> hidden, plastic, weight = spread*randn()
        readout : hidden -> readout, plastic, weight = spread*randn(), delay = 2
    """,
    answer="count(readout)",
    parameters={
        "tau": Parameter(20.0, "ms", "of the membrane", low=1),
        "tau_synapse": Parameter(5.0, "ms"),
        "brightest": Parameter(200.0, "Hz"),
        "spread": Parameter(0.3),
    },
)
'''
POOL = "inhibition : hidden -> hidden, fixed, weight = inhibition, into = inhibitory"


def written(kind="lif", memory="", forward="", pool=False, **fields):
    """A network of an input, a hidden layer of some kind, and a readout; options of its projections."""
    lines = [
        f"hidden : input -> hidden, plastic, weight = 0.3 + spread*randn(){forward}",
        f"memory : hidden -> hidden, plastic, weight = 0.5*spread*randn(){memory}" if memory else "",
        POOL if pool else "",
        f"readout : hidden -> readout, plastic, weight = 0.4 + spread*randn(){forward}",
    ]
    given = {
        "name": "drawn",
        "neurons": {"lif": LIF, "adaptive": ADAPTIVE},
        "layers": f"input : rate(n_input, input_rate)\nhidden : {kind}(n_hidden)\nreadout : lif(n_classes)",
        "projections": "\n".join(lines),
        "answer": "count(readout)",
        "parameters": PARAMETERS,
    }
    return Network(**given | fields)


def as_file(network):
    """A network as the text of a user's file."""
    fields = ("name", "neurons", "layers", "projections", "answer", "signal", "parameters")
    given = ", ".join(f"{field}={getattr(network, field)!r}" for field in fields)
    imports = "from spikemeta.language.network import Network, Neurons\nfrom spikemeta.language.rule import Parameter\n\n"
    return f"{imports}inf = float('inf')\nnetwork = Network({given})\n"


@st.composite
def networks(draw):
    """Networks of one to three hidden layers, recurrent or not, delays 1 to 5, sparse or dense, adaptive thresholds or not."""
    kind = draw(st.sampled_from(["lif", "adaptive"]))
    delays = st.integers(1, 5)
    sparse = st.sampled_from(["", ", probability = 0.6", ", where = abs(i - j) <= 4"])
    forward = f", delay = {draw(delays)}{draw(sparse)}"
    loops = st.sampled_from([", where = i != j", ", probability = 0.4, where = i != j", ", pairs = ring"])
    memory = f", delay = {draw(delays)}{draw(loops)}" if draw(st.booleans()) else ""
    pool = kind == "adaptive" and draw(st.booleans())
    made = written(kind, memory, forward, pool, pairs={"ring": [(0, 1), (1, 2), (2, 0)]})
    return made.stacked(draw(st.lists(st.integers(4, 9), min_size=1, max_size=3)))
