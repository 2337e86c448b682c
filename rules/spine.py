"""Metaplasticity by size: a large weight shrinks slowly, so that the weight itself is what keeps it."""

from spikemeta.language.rule import Parameter, Rule

#: What a step is multiplied with: a step towards zero is damped, the more the larger the weight; others are whole.
_GATE = "(1 - int(w*{along} < 0)*(1 - exp(-hardness*abs(w))))"

rule = Rule(
    name="spine",
    description="Large spines hold what was learned and shrink slowly; small ones are free to learn. A step that would bring a "
    "weight nearer to zero is damped by exp(-m*|w|), steps that lead away are whole. There is no state beside the weight, and "
    "it needs no boundary.",
    reference="Shi, Liu, Li, Li, Shi & Zhao 2025, Nat. Commun., doi:10.1038/s41467-025-56405-9, and the authors' code, "
    "github.com/qqish/CH-HNN: with d = dC/dw, w <- w - lr*d*exp(-|m*w|) where sign(w)*d > 0, else w <- w - lr*d; or the same "
    "gate on the steps of Adam. m = hardness. Theirs is the metaplasticity of a spiking network that a second, gating network "
    "tells which neurons take part, and their accuracies are of both; here it stands alone. Weight decay, 1e-7 there, is left "
    "out; so are two other gates of their code, 1 - tanh(m*w)^2, which is that of the rule binarized, and 2/(1 + exp(|m*w|)).",
    state="w : 1",
    weight="w",
    initial="w = w_init",
    on_gradient=f"""
        step = -lr*gradient
        w += step*{_GATE.format(along="step")}
    """,
    base_gradient="gradient",
    on_base_step=f"w += base_step*{_GATE.format(along='base_step')}",
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "hardness": Parameter(5.0, low=0, description="m, per unit of weight (the authors' code lists 0.5, 2, 5 and 8)"),
    },
)
