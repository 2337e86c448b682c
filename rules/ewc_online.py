"""Online elastic weight consolidation: a weight is drawn back in proportion to its running Fisher information."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="ewc_online",
    description="At each task boundary the mean squared gradient of the task joins a running importance, and the weight "
    "becomes the one to hold; it is drawn back in proportion to the importance. The pull is a linear relaxation, exact.",
    reference="Schwarz et al. 2018, ICML: F <- gamma F + F_task at a boundary; loss + (lambda/2)*sum F (theta - theta*)^2, "
    "whose gradient descent is the relaxation at rate lr*lambda*F per presentation. lambda = strength, gamma = kept. F_task "
    "is the empirical Fisher information (van den Oever et al. 2025, ICLR blog posts, tell the kinds apart): the squared "
    "gradient of the true label's loss, one a presentation: an image in spikes, a batch in torch; gathered while the task is "
    "learned, not in another pass at its end, and divided by the presentations of the task.",
    state="""
        dw/dt = lr*strength*importance*(w_reference - w)/presentation : 1
        squares : 1
        started : 1
        importance : 1
        w_reference : 1
    """,
    weight="w",
    initial="""
        w = w_init
        squares = 0
        started = 0
        importance = 0
        w_reference = w_init
    """,
    on_gradient="""
        squares += gradient**2
        w -= lr*gradient
    """,
    on_boundary="""
        importance = kept*importance + squares/clip(age/presentation - started, 1, inf)
        w_reference = w
        squares = 0
        started = age/presentation
    """,
    base_gradient="gradient + strength*importance*(w - w_reference)",
    on_base_step="""
        squares += gradient**2
        w += base_step
    """,
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "strength": Parameter(1.0, low=0, description="lambda, the strength of the pull"),
        "kept": Parameter(0.7, low=0, high=1, description="gamma, what a boundary keeps of earlier tasks' importance"),
    },
)
