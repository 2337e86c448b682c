"""BiMU: binary Bayesian synapses, whose probability of being +1 learns and forgets."""

from spikemeta.language.rule import Parameter, Rule

#: The binary weight, relaxed: its belief and a logistic draw.
_DRAWN = "tanh((belief + 0.5*log((0.5 + noise)/(0.5 - noise)))/temperature)"

rule = Rule(
    name="bimu",
    description="A synapse is +amplitude with probability 1/(1 + exp(-2*belief)), else -amplitude; a presentation draws it "
    "once, relaxed so that gradients pass. Steps are divided by what is certain, asymmetrically. Forgetting is not linear in "
    "the belief, so no decay can hold it: it is made up for at the next learning event, for all presentations since the last.",
    reference="Cottart, Ballet, Bonnet & Querlioz 2026, ICML, arXiv 2605.30198, and the authors' code: with g = dC/dl, G = a*g "
    "and s = k*(1 - tanh(l)^2), l -= (lr*G + l*s/N)/(s + 2*G*tanh(l) + 2*|G| + 1/lr_max). l = belief, a = likelihood, k = kl, "
    "N = window. Forgetting there acts at every step on every synapse; here a synapse that missed m presentations first "
    "fades by exp(-m*s/(N*(s + 1/lr_max))), which is exact to first order in m*s/N; exact where none was missed.",
    state="""
        belief : 1
        learned_at : 1
        noise : 1
        passes : 1
    """,
    weight=f"amplitude*{_DRAWN}",
    initial="""
        ratio = clip(w_init/amplitude, -0.999, 0.999)
        belief = 0.5*log((1 + ratio)/(1 - ratio))
        learned_at = -1
        noise = 0
        passes = 1
    """,
    on_presentation=f"""
        noise = clip(rand() - 0.5, -0.4999999, 0.4999999)
        passes = (1 - {_DRAWN}**2)/temperature
    """,
    on_gradient="""
        learns = int(abs(gradient) > 0)
        pull = likelihood*amplitude*gradient*passes
        certain = kl*(1 - tanh(belief)**2)
        missed = lazy*learns*clip(age/presentation - learned_at - 1, 0, inf)
        belief *= exp(-missed*certain/(window/presentation*(certain + 1/lr_max)))
        certain = kl*(1 - tanh(belief)**2)
        size = certain + 2*pull*tanh(belief) + 2*abs(pull) + 1/lr_max
        belief -= (lr*pull + learns*belief*certain/(window/presentation))/size
        learned_at += learns*(age/presentation - learned_at)
    """,
    parameters={
        "lr": Parameter(4.9, low=0, description="learning rate (4.9: 1,000 permuted tasks, as the next four)"),
        "likelihood": Parameter(161.3, low=0, description="a, multiplier of the gradient"),
        "kl": Parameter(3.76, low=0, description="k, multiplier of the term that keeps a certain belief"),
        "lr_max": Parameter(0.0023, low=1e-12, description="largest rate"),
        "window": Parameter(700, "presentation", "memory window N", low=1),
        "temperature": Parameter(1.0, low=1e-3, description="of the relaxed draw"),
        "amplitude": Parameter(1.0, low=1e-12, description="size of the binary weight (1: as published)"),
        "lazy": Parameter(1.0, low=0, high=1, description="1: missed presentations are made up for; 0: they are left out"),
    },
)
