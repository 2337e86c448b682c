"""Synaptic Intelligence: a synapse keeps what its own path contributed to the falling loss."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="synaptic_intelligence",
    description="The path integral of gradient times step becomes an importance at each task boundary; the weight is "
    "drawn back to its value at the boundary in proportion to it. The pull is a linear relaxation, exact between events.",
    reference="Zenke, Poole & Ganguli 2017, ICML: omega += -g*dtheta; Omega <- relu(Omega + omega/((theta - theta*)^2 + "
    "xi)) at a boundary (the rectification is their code's); loss + c*sum Omega (theta - theta*)^2, whose gradient descent is "
    "the relaxation at rate 2*lr*c*Omega per presentation. As published, g is the task's gradient alone, dtheta the whole "
    "step, with the pull's (to first order in its rate). xi = damping. With a base optimizer, which descends the whole loss, "
    "the step is the base's, as in the paper, which uses Adam.",
    state="""
        dw/dt = 2*lr*c*importance*(w_reference - w)/presentation : 1
        path : 1
        importance : 1
        w_reference : 1
    """,
    weight="w",
    initial="""
        w = w_init
        path = 0
        importance = 0
        w_reference = w_init
    """,
    on_gradient="""
        step = -lr*gradient
        path -= gradient*(step + 2*lr*c*importance*(w_reference - w))
        w += step
    """,
    on_boundary="""
        importance = clip(importance + path/((w - w_reference)**2 + damping), 0, inf)
        w_reference = w
        path = 0
    """,
    base_gradient="gradient + 2*c*importance*(w - w_reference)",
    on_base_step="""
        path -= gradient*base_step
        w += base_step
    """,
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "c": Parameter(0.1, low=0, description="strength of the pull"),
        "damping": Parameter(0.1, low=1e-12, description="xi, which bounds the importance of a weight that did not move"),
    },
)
