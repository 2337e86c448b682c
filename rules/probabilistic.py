"""Probabilistic metaplasticity: a consolidated synapse seldom accepts a write, and then a whole one."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="probabilistic",
    description="A write happens with the probability that consolidation leaves, exp(-m*|w|), so that memory which cannot hold "
    "small steps still learns slowly; m grows with each event that teaches. With a level, a write is one level up or down, "
    "and only an error above a threshold asks for one.",
    reference="Zohora et al. 2024, Sci. Rep. 14, doi:10.1038/s41598-024-78290-w: accept if r < exp(-m*|w|); m "
    "grows with activity, to a bound. Theirs grows where traces of both neurons are high, whatever the error; here at every "
    "gradient above a threshold. Theirs draws one r for a layer and time step, here each synapse draws its own once in a "
    "presentation.",
    state="""
        w : 1
        consolidation : 1
        chance : 1
    """,
    weight="w",
    initial="""
        w = w_init
        consolidation = 0
        chance = 0
    """,
    on_presentation="chance = rand()",
    on_gradient="""
        accepted = int(chance < exp(-consolidation*abs(w)/scale))
        large = int(abs(gradient) > threshold)
        w -= accepted*large*(lr*gradient*int(level == 0) + level*sign(gradient))
        consolidation = clip(consolidation + growth*large, 0, most)
    """,
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate, where level is 0"),
        "level": Parameter(0.0, low=0, description="size of a write, whatever the gradient; 0: in proportion to it"),
        "threshold": Parameter(0.0, low=0, description="gradients up to this teach nothing"),
        "scale": Parameter(0.1, low=1e-12, description="|w| at which m acts in full"),
        "growth": Parameter(0.002, low=0, description="what a learning event adds to m"),
        "most": Parameter(10.0, low=0, description="largest m (10: as published)"),
    },
)
