"""Neuromimetic metaplasticity: stable and flexible synapses, intermixed."""

from spikemeta.language.rule import Parameter, Rule

_GATE = "1 - tanh(sharpness*(1 - flexibility)/flexibility*(w - w_start)/displacement)**2"

rule = Rule(
    name="stable_flexible",
    description="Each synapse has a fixed flexibility f; a gate closes on its steps as it moves away from where the "
    "network started, the sooner the smaller f is. A mixture of stable and flexible synapses keeps old and new items.",
    reference="Cho, Lee, Baek & Paik 2025, Neural Networks 190, 107762: step scaled by 1 - tanh^2(s*(1-f)/f*(w - w0)), held "
    "for one item. s carries a unit, so it is written here as sharpness/displacement, with sharpness of order 1.",
    state="""
        w : 1
        w_start : 1
        flexibility : 1
        gate : 1
    """,
    weight="w",
    initial="""
        w = w_init
        w_start = w_init
        flexibility = rand()
        flexibility = 2*flexibility/(1 - tilt/2 + sqrt((1 - tilt/2)**2 + 2*tilt*flexibility))
        flexibility = clip(least + (most - least)*flexibility, 1e-9, 1)
        gate = 1
    """,
    on_gradient=f"""
        now = {_GATE}
        w -= lr*(held*gate + (1 - held)*now)*gradient
    """,
    on_boundary=f"gate = {_GATE}",
    factor=f"held*gate + (1 - held)*({_GATE})",
    boundary_if="held",
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "sharpness": Parameter(1.0, low=0, description="s times the typical displacement"),
        "displacement": Parameter(0.05, low=1e-12, description="typical |w - w0| after one item in a conventional network"),
        "least": Parameter(0.0, low=0, high=1, description="smallest flexibility"),
        "most": Parameter(1.0, low=0, high=1, description="largest flexibility"),
        "tilt": Parameter(0.0, low=-1, high=1, description="slope of the density of f: 1 for 0.5 + f, -1 for 1.5 - f"),
        "held": Parameter(
            1.0, low=0, high=1, description="1: the gate is held for an item, as published; 0: follows each event"
        ),
    },
    variants={
        "conventional": {"least": 1.0, "most": 1.0},
        "stable": {"least": 0.3, "most": 0.3},
        "hybrid": {},
        "hybrid_per_event": {"held": 0.0},
        "biased_flexible": {"tilt": 1.0},
        "biased_stable": {"tilt": -1.0},
    },
)
