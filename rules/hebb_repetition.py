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
    tuned={
        "split": {"hidden.lr": 2e-4, "hidden.scale": 2e-3, "readout.lr": 3.5e-4, "readout.scale": 4.5e-3},
        "split/digits": {"lr": 1e-3, "scale": 1e-2},
        "items": {"lr": 4e-4, "scale": 6e-3},
        "items/digits": {"lr": 1.5e-3, "scale": 1e-2},
        "split/torch": {"lr": 0.2, "hidden.scale": 2e-3, "readout.scale": 0.012, "fading": 2000},
        "items/torch": {"lr": 0.133, "hidden.scale": 1.92e-3, "readout.scale": 3.99e-3, "fading": 2000},
        "items/digits/torch": {"lr": 0.0699, "hidden.scale": 2.62e-3, "readout.scale": 0.016},
        "split/digits/torch": {"lr": 0.1, "hidden.scale": 0.01, "readout.scale": 0.03, "fading": 2000},
    },
)
