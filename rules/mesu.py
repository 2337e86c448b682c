"""MESU: Bayesian synapses whose uncertainty sets their learning rate and their forgetting."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mesu",
    description="Each weight is Gaussian, with mean information/precision and variance 1/precision; a presentation "
    "samples it once. In these natural parameters the published forgetting is two leaky integrators, exact between events.",
    reference="Bonnet et al. 2025, Nat. Commun. 16, 9614: d_mu = -sigma^2 dC/dmu + sigma^2 (mu_p - mu)/(N sigma_p^2), "
    "d_sigma = -(sigma^2/2) dC/dsigma + sigma (sigma_p^2 - sigma^2)/(2 N sigma_p^2); precision = 1/sigma^2, "
    "information = mu/sigma^2, N = window.",
    state="""
        dprecision/dt = (1/sigma_prior**2 - precision)/window : 1
        dinformation/dt = (mu_prior/sigma_prior**2 - information)/window : 1
        noise : 1
    """,
    weight="information/precision + noise/sqrt(precision)",
    initial="""
        precision = 1/sigma_init**2
        information = w_init/sigma_init**2
        noise = 0
    """,
    on_presentation="noise = randn()",
    on_gradient="""
        felt = clip(gradient, -clamp*sqrt(precision), clamp*sqrt(precision))
        shrink = clip(lr_sigma*gradient*noise/(2*sqrt(precision)), -guard, guard)
        kept = (1 - shrink)*(1 - shrink)
        information = (information - lr_mu*felt)/kept
        precision = precision/kept
    """,
    parameters={
        "lr_mu": Parameter(1.0, low=0, description="multiplier of the mean's step (1: as published)"),
        "lr_sigma": Parameter(1.0, low=0, description="multiplier of sigma's step (1: as published)"),
        "window": Parameter(300_000, "presentation", "memory window N", low=1),
        "mu_prior": Parameter(0.0, description="mean of the prior"),
        "sigma_prior": Parameter(1.0, low=1e-6, description="standard deviation of the prior"),
        "sigma_init": Parameter(0.05, low=1e-6, description="standard deviation at the start"),
        "clamp": Parameter(
            float("inf"), low=0, description="largest gradient of the mean, in units of 1/sigma (the authors' clip)"
        ),
        "guard": Parameter(
            0.5, low=0, description="largest relative step of sigma, which stays positive below 1 (inf: no bound, as published)"
        ),
    },
)
