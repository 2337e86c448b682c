"""The bidirectional cascade of Benna & Fusi: the weight is the first of a chain of variables, each slower than the last."""

from spikemeta.language.rule import Parameter, Rule

rule = Rule(
    name="benna_fusi",
    description="Six beakers in a row, joined by tubes: memories enter the first, whose level is the weight, and flow on into "
    "others that are wider and joined by narrower tubes, from where they come back. A memory fades about as t^(-1/2) until the "
    "slowest time scale. The chain is linear, so it is six independent modes, exact between events.",
    reference="Benna & Fusi 2016, Nat. Neurosci. 19, 1697: C_k du_k/dt = g_(k-1) (u_(k-1) - u_k) - g_k (u_k - u_(k+1)), with "
    "C_k = 2^(k-1), g_k = 2^(-k-2), no tube before the first, and u_7 = 0; the weight is u_1. There a memory adds 1 or -1 to "
    "u_1; here a learning event adds its step. Theirs has levels too, moved at random; here the variables are continuous. All "
    "start at the network's initial weight, as if it were an old memory.",
    state="""
        du1/dt = -(u1 - u2)/8/tau : 1
        du2/dt = ((u1 - u2)/16 - (u2 - u3)/32)/tau : 1
        du3/dt = ((u2 - u3)/64 - (u3 - u4)/128)/tau : 1
        du4/dt = ((u3 - u4)/256 - (u4 - u5)/512)/tau : 1
        du5/dt = ((u4 - u5)/1024 - (u5 - u6)/2048)/tau : 1
        du6/dt = ((u5 - u6)/4096 - u6/8192)/tau : 1
    """,
    weight="u1",
    initial="""
        u1 = w_init
        u2 = w_init
        u3 = w_init
        u4 = w_init
        u5 = w_init
        u6 = w_init
    """,
    on_gradient="u1 -= lr*gradient",
    parameters={
        "lr": Parameter(1e-3, low=0, description="learning rate"),
        "tau": Parameter(1, "presentation", "time that the published constants count in", low=1e-3),
    },
)
