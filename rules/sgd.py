"""Plain stochastic gradient descent: the baseline that every table holds."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="sgd",
    description="Stochastic gradient descent, with an optional falling rate; nothing protects what was learned.",
    reference="Robbins & Monro (1951), A stochastic approximation method, Ann. Math. Statist. 22, 400-407.",
    state="w : 1",
    weight="w",
    initial="w = w_init",
    on_gradient="w -= lr/(1 + age/halving)*gradient",
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "halving": Parameter(float("inf"), "presentation", "age at which the rate has halved", low=1),
    },
)
