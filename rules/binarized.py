"""Metaplastic binary synapses: a hidden weight far from zero seldom lets its sign go."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="binarized",
    description="What is transmitted is the sign of a hidden weight. A step that would bring the hidden weight nearer to zero "
    "is made smaller, the more the farther away it is; steps that lead away are whole. It needs no boundary.",
    reference="Laborieux, Ernoult, Hirtzlin & Querlioz 2021, Nat. Commun. 12, 2549: a step towards zero is scaled by "
    "1 - tanh^2(m*|W|), binary weight sign(W). Theirs are the steps of Adam; here they are -lr*gradient, and Adam's with it as "
    "the base optimizer. A published binary weight is 1 or -1, amplitude = 1, in a network that normalises; gradients pass the "
    "sign unchanged.",
    state="hidden : 1",
    weight="amplitude*(2*int(hidden >= 0) - 1)",
    initial="hidden = w_init",
    on_gradient="""
        step = -lr*gradient
        hidden += step*(1 - int(hidden*step < 0)*tanh(hardness*abs(hidden)/scale)**2)
    """,
    base_gradient="gradient",
    on_base_step="hidden += base_step*(1 - int(hidden*base_step < 0)*tanh(hardness*abs(hidden)/scale)**2)",
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate of the hidden weight"),
        "hardness": Parameter(1.35, low=0, description="m, how soon a hidden weight hardens (1.35: permuted MNIST)"),
        "scale": Parameter(0.1, low=1e-12, description="hidden weight that counts as 1 (1: as published)"),
        "amplitude": Parameter(0.1, low=1e-12, description="size of the binary weight (1: as published)"),
    },
)
