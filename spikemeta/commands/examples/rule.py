"""NAME: gradient descent on weights that fade, and that resist change the more they have learned."""

from spikemeta import Parameter, Rule

# Try it:      spikemeta check NAME.py
# See it:      spikemeta show NAME.py --as latex
# Watch it:    spikemeta trace NAME.py --out NAME
# Compare it:  spikemeta run forgetting --rules sgd,NAME.py
# Tune it:     spikemeta run search --rules NAME.py
rule = Rule(
    name="NAME",
    description="Gradient descent on weights that fade, and that resist change the more they have learned.",
    reference="our own",
    # The variables of a synapse, a line each. A decay must be linear and touch no other variable: between two spikes it is
    # skipped, and made up for in one step when the next spike comes.
    state="""
        dw/dt = -w/fading : 1
        learned : 1
    """,
    # What a presynaptic spike transmits.
    weight="w",
    # How every variable starts; w_init is the network's own initial weight.
    initial="""
        w = w_init
        learned = 0
    """,
    # Once per image, with the gradient of the loss summed over it. A gradient of zero must change nothing.
    on_gradient="""
        w -= lr*gradient/(1 + learned)
        learned += resistance*gradient**2
    """,
    # Constants, with the range that makes sense; "presentation" marks a time, counted in images.
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate of a synapse that learned nothing"),
        "resistance": Parameter(1e-3, low=0, description="gained per squared gradient"),
        "fading": Parameter(1e5, "presentation", "time in which a weight fades to 37 %", low=1),
    },
)
