"""FOO-VB diagonal, or Bayesian gradient descent: Gaussian synapses without forgetting."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="foo_vb",
    description="Each weight is Gaussian, sampled once in a presentation. A step takes it to the Gaussian that balances the "
    "new loss, to first order, with staying near the old one. Nothing is forgotten: spreads shrink and synapses harden.",
    reference="Zeno, Golan, Hoffer & Soudry 2018, arXiv 1803.10123 (Bayesian gradient descent), and 2021, Neural Comput. 33, "
    "3139 (FOO-VB diagonal): mu -= sigma^2 dC/dmu; sigma <- sigma*sqrt(1 + (sigma g/2)^2) - sigma^2 g/2 with g = dC/dsigma. "
    "The root enlarges sigma; the JAX code of Bonnet et al. 2025 has its sign reversed, their PyTorch code as here.",
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
        half = 0.5*lr_sigma*gradient*noise*spread
        mean -= lr_mu*spread*spread*gradient
        spread *= sqrt(1 + half*half) - half
    """,
    parameters={
        "lr_mu": Parameter(1.0, low=0, description="multiplier of the mean's step (1: as published)"),
        "lr_sigma": Parameter(1.0, low=0, description="multiplier of sigma's gradient (1: as published)"),
        "sigma_init": Parameter(0.05, low=1e-6, description="standard deviation at the start"),
    },
)
