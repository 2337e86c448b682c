"""Two-state synapses of one plasticity, or of many, intermixed: what a mixture brings without transfer between its stages.

spikemeta run memory_lifetime --rules docs/mixed_switches.py
"""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mixed_switches",
    description="A synapse takes the sign that a memory asks for with its own probability, drawn once between two limits, "
    "evenly on a logarithmic scale. Nothing passes from one synapse to another.",
    reference="Ours. The plain two-state synapse, whose plasticities are parted among stages as in Roxin & Fusi 2013, PLoS "
    "Comput. Biol. 9, e1003146, without their transfer from plastic stages to stable ones.",
    state="""
        w : 1
        flexibility : 1
        chance : 1
    """,
    weight="w",
    initial="""
        w = w_init
        flexibility = slowest*exp(rand()*log(fastest/slowest))
        chance = 1
    """,
    on_presentation="chance = rand()",
    on_gradient="""
        flips = int(abs(gradient) > 0)*int(chance < flexibility)
        w = (1 - flips)*w - flips*sign(gradient)
    """,
    parameters={
        "slowest": Parameter(0.005, low=1e-6, high=1, description="probability of the most stable synapses"),
        "fastest": Parameter(0.5, low=1e-6, high=1, description="of the most plastic ones"),
    },
)
