"""Cascade of Fusi, Drew & Abbott: two strengths, each with states that are ever harder to leave."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="cascade",
    description="A synapse is strong or weak, and deep in its strength or not. A learning event that asks for the other "
    "strength is followed with a probability that halves with each level of depth, and then the synapse is shallow; one that "
    "asks for the strength that it has drives it deeper, ever more rarely. So what was learned lately is plastic, and what was "
    "confirmed stays: forgetting follows a power law. It needs no boundary.",
    reference="Fusi, Drew & Abbott 2005, Neuron 45, 599: n depths, x = ratio; the strength changes from depth i with the "
    "probability q_i = x^(i-1), q_n = x^(n-1)/(1 - x), and the depth grows from i < n with p_i = x^i/(1 - x), for balanced "
    "potentiation and depression. There events are drawn; here a gradient asks for the strength against its sign, and is an "
    "event with the probability lr*|gradient|, at most 1, so that what is expected of the steps goes with the gradient.",
    state="""
        strong : integer
        depth : integer
        chance : 1
    """,
    weight="amplitude*(2*strong - 1)",
    initial="""
        strong = int(w_init > 0)
        depth = 1
        chance = 0
    """,
    on_presentation="chance = rand()",
    on_gradient="""
        event = clip(lr*abs(gradient), 0, 1)
        side = 2*strong - 1
        bottom = int(depth >= depths)
        leaves = int(side*gradient > 0)*int(chance < event*exp((depth - 1)*log(ratio))*(1 + bottom*ratio/(1 - ratio)))
        deepens = int(side*gradient < 0)*int(depth < depths)*int(chance < event*exp(depth*log(ratio))/(1 - ratio))
        strong -= leaves*side
        depth += leaves*(1 - depth) + deepens
    """,
    parameters={
        "lr": Parameter(1.0, low=0, description="probability that a gradient of 1 is a learning event"),
        "amplitude": Parameter(0.05, low=1e-12, description="weight of a strong synapse; a weak one has the negative"),
        "depths": Parameter(10, low=1, description="states of each strength, n"),
        "ratio": Parameter(
            0.5, low=0.01, high=0.5, description="x, by which each depth is harder to leave than the one before"
        ),
    },
)
