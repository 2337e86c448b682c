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
    tuned={
        "joint": {"sigma_prior": 0.02, "sigma_init": 0.02, "lr_sigma": 1.0, "window": 300_000, "guard": 0.2},
        "permuted": {
            "sigma_prior": 0.02,
            "sigma_init": 0.02,
            "hidden.lr_mu": 2.0,
            "readout.lr_mu": 0.25,
            "hidden.lr_sigma": 1.0,
            "readout.lr_sigma": 0.5,
            "window": 300_000,
            "guard": 0.2,
        },
        "permuted/digits": {"lr_mu": 1.0, "lr_sigma": 1.0},
        "joint/digits": {"sigma_prior": 0.04, "window": 10_000},
        "split": {
            "hidden.sigma_prior": 0.004,
            "hidden.sigma_init": 0.004,
            "readout.sigma_prior": 0.0075,
            "readout.sigma_init": 0.0075,
            "lr_mu": 2.0,
            "lr_sigma": 160.0,
            "window": 40_000,
            "guard": 0.1,
        },
        "split/digits": {
            "sigma_prior": 0.02,
            "sigma_init": 0.02,
            "lr_mu": 1.0,
            "lr_sigma": 15.0,
            "window": 10_000,
            "guard": 0.2,
        },
        "items": {
            "hidden.sigma_prior": 0.004,
            "hidden.sigma_init": 0.004,
            "readout.sigma_prior": 0.0075,
            "readout.sigma_init": 0.0075,
            "lr_mu": 1.0,
            "lr_sigma": 15.0,
            "window": 10_000,
            "guard": 0.1,
        },
        "items/digits": {
            "sigma_prior": 0.02,
            "sigma_init": 0.02,
            "lr_mu": 1.0,
            "lr_sigma": 15.0,
            "window": 10_000,
            "guard": 0.2,
        },
        "joint/torch": {
            "hidden.sigma_prior": 0.02,
            "hidden.sigma_init": 0.02,
            "readout.sigma_prior": 0.05,
            "readout.sigma_init": 0.05,
            "hidden.lr_mu": 467.0,
            "readout.lr_mu": 136.0,
            "hidden.lr_sigma": 219.0,
            "readout.lr_sigma": 11.7,
            "window": 10_000,
            "guard": 0.2,
        },
        "split/torch": {
            "hidden.sigma_prior": 0.02,
            "hidden.sigma_init": 0.02,
            "readout.sigma_prior": 0.05,
            "readout.sigma_init": 0.05,
            "hidden.lr_mu": 500.0,
            "readout.lr_mu": 80.0,
            "hidden.lr_sigma": 2e5,
            "readout.lr_sigma": 3000.0,
            "window": 10_000,
            "guard": 0.2,
        },
        "items/torch": {
            "hidden.sigma_prior": 0.02,
            "hidden.sigma_init": 0.02,
            "readout.sigma_prior": 0.05,
            "readout.sigma_init": 0.05,
            "hidden.lr_mu": 6.02,
            "readout.lr_mu": 1.36,
            "hidden.lr_sigma": 7200.0,
            "readout.lr_sigma": 276.0,
            "window": 10_000,
            "guard": 0.2,
        },
        "items/digits/torch": {
            "hidden.lr_mu": 272.0,
            "readout.lr_mu": 4.68,
            "hidden.lr_sigma": 26_400.0,
            "readout.lr_sigma": 1810.0,
            "window": 5000,
        },
        "split/digits/torch": {
            "hidden.lr_mu": 250.0,
            "readout.lr_mu": 40.0,
            "hidden.lr_sigma": 3e4,
            "readout.lr_sigma": 300.0,
            "window": 5000,
        },
    },
)
