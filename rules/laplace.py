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
    tuned={
        "joint": {"hidden.lr": 8e-4, "readout.lr": 3e-4, "hidden.curvature": 1e-4, "readout.curvature": 3e-5},
        "permuted": {"hidden.lr": 8e-4, "readout.lr": 3e-4, "curvature": 1e-4},
        "permuted/digits": {"lr": 1e-3},
        "split": {"hidden.lr": 1.2e-4, "readout.lr": 4e-4, "hidden.curvature": 3e-3, "readout.curvature": 4.5e-3},
        "split/digits": {"lr": 1e-3, "curvature": 3e-3},
        "items": {"lr": 8e-4, "curvature": 6e-3},
        "items/digits": {"lr": 5e-4, "curvature": 1e-3},
        "joint/random": {"hidden.lr": 2e-4, "readout.lr": 3e-4, "hidden.curvature": 1e-5, "readout.curvature": 5e-5},
        "split/random": {"hidden.lr": 2e-5, "readout.lr": 4e-4, "hidden.curvature": 1e-4, "readout.curvature": 3.2e-3},
        "joint/torch": {"lr": 0.217, "hidden.curvature": 46.6, "readout.curvature": 3.62},
        "split/torch": {"lr": 0.2, "hidden.curvature": 3000.0, "readout.curvature": 200.0},
        "items/torch": {"lr": 7.73e-3, "hidden.curvature": 36.2, "readout.curvature": 21.6},
        "items/digits/torch": {"lr": 0.0787, "hidden.curvature": 86.3, "readout.curvature": 3.67},
        "split/digits/torch": {"lr": 0.1, "hidden.curvature": 100.0, "readout.curvature": 3.0},
    },
)
