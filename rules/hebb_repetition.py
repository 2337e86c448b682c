"""Hebb repetition: what is proposed once fades, what is proposed again stays and hardens. Our own model."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="hebb_repetition",
    description="The weight is a slow part plus a fast part that fades. A step enters the fast part; the amount on "
    "which it agrees with what earlier steps left there (the smaller of the two if their signs agree, else nothing) is "
    "handed to the slow part, so the fast part is the tag: one exposure fades, the second deposits. Each agreement "
    "also adds its squared proposal to a strength that divides later steps, so what was repeated n times yields to one "
    "contradiction by about 1/n of a first step. An amount of agreement is continuous, zero at a zero gradient, and "
    "needs no division. It needs no boundary.",
    reference="Ours. It builds on synaptic tagging and capture (Frey & Morris 1997, Nature 385, 533), the Hebb "
    "repetition effect (Hebb 1961, in Brain Mechanisms and Learning, 37), the transfer from fast to slow variables of "
    "Benna & Fusi 2016 (Nat. Neurosci. 19, 1697), and a precision that counts squared gradients, as in rule laplace, "
    "here only those that agree with the tag.",
    state="""
        slow : 1
        dfast/dt = -fast/fading : 1
        strength : 1
    """,
    weight="slow + fast",
    initial="""
        slow = w_init
        fast = 0
        strength = 0
    """,
    on_gradient="""
        proposal = -lr*gradient
        step = proposal/(1 + strength)
        agreed = clip(sign(step)*clip(fast, -abs(step), abs(step)), 0, inf)
        fast += step - sign(step)*agreed
        slow += sign(step)*agreed
        strength += (1 + strength)*agreed*abs(proposal)/scale**2
    """,
    parameters={
        "lr": Parameter(2e-4, low=0, description="learning rate of a synapse without strength"),
        "scale": Parameter(3e-3, low=1e-12, description="proposal that raises the strength by 1 if all of it agrees"),
        "fading": Parameter(20_000, "presentation", "time constant of what was not repeated", low=1),
    },
)
