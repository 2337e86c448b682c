"""Diagonal online Laplace: precision grows by the squared gradient and fades towards the prior."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="laplace",
    description="Bayesian synapse without noise: a step is divided by a precision that grows by the squared gradient; "
    "precision and information (precision times weight) fade linearly towards the prior.",
    reference="Diagonal online Laplace approximation (MacKay 1992, Neural Comput. 4, 448; Ritter et al. 2018, NeurIPS, "
    "eq. 9-11) with the linear forgetting of Bonnet et al. 2025 (Nat. Commun. 16, 9614) in natural parameters.",
    state="""
        dprecision/dt = (1 - precision)/window : 1
        dinformation/dt = -information/window : 1
    """,
    weight="information/precision",
    initial="""
        precision = 1
        information = w_init
    """,
    on_gradient="""
        information = information*(1 + curvature*gradient**2/precision) - lr*gradient
        precision += curvature*gradient**2
    """,
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate at the prior's precision, which is 1"),
        "curvature": Parameter(1e-3, low=0, description="precision gained per squared gradient"),
        "window": Parameter(float("inf"), "presentation", "memory window N of the forgetting", low=1),
    },
)
