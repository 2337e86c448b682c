"""MESU without division: mean and spread are kept as they are, and forgetting happens at learning events."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="mesu_multiplicative",
    description="MESU in its published variables, mean and spread, with sums and products alone, for chips that cannot divide. "
    "Its forgetting, which is not linear in them, is applied at each learning event, so a synapse that learns nothing forgets "
    "nothing: the window counts a synapse's own events.",
    reference="Bonnet et al. 2025, Nat. Commun. 16, 9614: d_mu = -sigma^2 dC/dmu + sigma^2 (mu_p - mu)/(N sigma_p^2), "
    "d_sigma = -(sigma^2/2) dC/dsigma + sigma (sigma_p^2 - sigma^2)/(2 N sigma_p^2). That a visit forgets is ours.",
    state="""
        mean : 1
        spread : 1
        noise : 1
    """,
    weight="mean + spread*noise",
    initial="""
        mean = w_init
        spread = sigma_init
        noise = 0
    """,
    on_presentation="noise = randn()",
    on_gradient="""
        felt = int(abs(gradient) > 0)*presentation/(window*sigma_prior**2)
        variance = spread*spread
        mean += variance*(felt*(mu_prior - mean) - lr_mu*gradient)
        shrink = clip(0.5*lr_sigma*gradient*noise*spread, -guard, guard)
        spread *= 1 - shrink + 0.5*felt*(sigma_prior**2 - variance)
    """,
    parameters={
        "lr_mu": Parameter(1.0, low=0, description="multiplier of the mean's step (1: as published)"),
        "lr_sigma": Parameter(1.0, low=0, description="multiplier of sigma's step (1: as published)"),
        "window": Parameter(300_000, "presentation", "memory window N, in the synapse's own learning events", low=1),
        "mu_prior": Parameter(0.0, description="mean of the prior"),
        "sigma_prior": Parameter(1.0, low=1e-6, description="standard deviation of the prior"),
        "sigma_init": Parameter(0.05, low=1e-6, description="standard deviation at the start"),
        "guard": Parameter(0.5, low=0, high=0.99, description="largest relative step of sigma, so that it stays positive"),
    },
)
