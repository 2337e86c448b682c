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
    tuned={
        "joint": {"hidden.lr": 4e-4, "readout.lr": 3e-4, "halving": 15_000},
        "joint/random": {"hidden.lr": 4e-5, "readout.lr": 2e-4},
        "permuted": {"lr": 3e-6},
        "permuted/digits": {"lr": 1e-3},
        "split": {"lr": 3e-4},
        "items": {"hidden.lr": 1.6e-4, "readout.lr": 1.2e-5},
        "items/digits": {"lr": 1e-4},
        "joint/torch": {"lr": 0.2, "halving": 1000},
        "split/torch": {"lr": 0.1},
        "items/torch": {"lr": 1e-3},
        "items/digits/torch": {"lr": 0.01},
        "split/digits/torch": {"lr": 0.03},
    },
)
