"""MESU as the authors' PyTorch code has it, for the published CIFAR setting; the rule `mesu` is that of their JAX code."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mesu_clipped",
    description="MESU in mean and spread, whose whole steps, the forgetting with them, are multiplied and then clipped to a "
    "fraction of the spread; without the factor 1/2 of the spread's step.",
    reference="Bonnet et al. 2025, Nat. Commun. 16, 9614, the authors' PyTorch code (animals, CIFAR): d_mu = -lr_mu (sigma^2 "
    "dC/dmu + sigma^2 (mu - mu_p)/(N sigma_p^2)), d_sigma = -lr_sigma (sigma^2 dC/dsigma + sigma (sigma^2 - sigma_p^2)/(N "
    "sigma_p^2)), each clipped to +-ratio*sigma; then sigma clipped to [least, most].",
    state="""
        mean : 1
        spread : 1
        noise : 1
    """,
    weight="mean + spread*noise",
    initial="""
        mean = w_init
        spread = clip(sigma_init, least, most)
        noise = 0
    """,
    on_presentation="noise = randn()",
    on_gradient="""
        felt = int(abs(gradient) > 0)*presentation/(window*sigma_prior**2)
        variance = spread*spread
        step = lr_mu*variance*(felt*(mu_prior - mean) - gradient)
        change = lr_sigma*(spread*felt*(sigma_prior**2 - variance) - variance*gradient*noise)
        bound = ratio*spread
        mean += clip(step, -bound, bound)
        spread = clip(spread + clip(change, -bound, bound), least, most)
    """,
    parameters={
        "lr_mu": Parameter(5.0, low=0, description="multiplier of the mean's step"),
        "lr_sigma": Parameter(66.0, low=0, description="multiplier of sigma's step"),
        "window": Parameter(500_000, "presentation", "memory window N, in the synapse's own learning events", low=1),
        "mu_prior": Parameter(0.0, description="mean of the prior"),
        "sigma_prior": Parameter(1.0, low=1e-6, description="standard deviation of the prior"),
        "sigma_init": Parameter(0.05, low=1e-6, description="standard deviation at the start"),
        "ratio": Parameter(0.02, low=0, high=0.99, description="largest step, in units of sigma"),
        "least": Parameter(1e-6, low=1e-12, description="smallest sigma"),
        "most": Parameter(1.0, low=1e-12, description="largest sigma"),
    },
)
