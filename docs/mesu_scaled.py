"""MESU as in the authors' code: its multipliers scale the forgetting too. An example of a rule by its path.

spikemeta check docs/mesu_scaled.py
"""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mesu_scaled",
    description="MESU whose lr_mu and lr_sigma multiply the whole step of mean and sigma, as in the authors' code; those of "
    "`mesu` multiply the data term alone. Precision leaks at lr_sigma/N, and (mu - mu_prior)*precision**(lr_mu/lr_sigma) at "
    "lr_mu/N: two leaky integrators, exact between events. At lr_mu = lr_sigma = 1 it is `mesu`.",
    reference="Bonnet et al. 2025, Nat. Commun. 16, 9614, and its code: d_mu = lr_mu*(-sigma^2 dC/dmu + sigma^2 (mu_p - "
    "mu)/(N sigma_p^2)), d_sigma = lr_sigma*(-(sigma^2/2) dC/dsigma + sigma (sigma_p^2 - sigma^2)/(2 N sigma_p^2)); "
    "precision = 1/sigma^2, N = window. The second integrator is ours.",
    state="""
        dprecision/dt = lr_sigma*(1/sigma_prior**2 - precision)/window : 1
        dpull/dt = -lr_mu*pull/window : 1
        noise : 1
    """,
    weight="mu_prior + pull/precision**(lr_mu/lr_sigma) + noise/sqrt(precision)",
    initial="""
        precision = 1/sigma_init**2
        pull = (w_init - mu_prior)*precision**(lr_mu/lr_sigma)
        noise = 0
    """,
    on_presentation="noise = randn()",
    on_gradient="""
        ratio = lr_mu/lr_sigma
        felt = clip(gradient, -clamp*sqrt(precision), clamp*sqrt(precision))
        shrink = clip(lr_sigma*gradient*noise/(2*sqrt(precision)), -guard, guard)
        kept = (1 - shrink)*(1 - shrink)
        pull = (pull - lr_mu*felt*precision**(ratio - 1))/kept**ratio
        precision = precision/kept
    """,
    parameters={
        "lr_mu": Parameter(1.0, low=0, description="multiplier of the mean's step and forgetting"),
        "lr_sigma": Parameter(1.0, low=1e-6, description="multiplier of sigma's step and forgetting"),
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
