"""Synaptic tagging and capture: an early phase that fades, and a late one that only tagged synapses take up from proteins."""

from spikemeta.language.rule import Parameter, Rule

_LASTS, _TURNOVER = "tau_early/presentation", "tau_protein/presentation"
#: Proteins and late phase brought up to ``now``: made while the early phase is strong, taken up while the synapse is tagged.
_CAPTURE = f"""
        making = clip(clip(now, -inf, tagged_until - {_LASTS}*log(clip(proteins_from/tag_from, 1, inf))) - visited, 0, inf)
        keeping = clip(clip(now, -inf, tagged_until) - visited - making, 0, inf)
        fresh = proteins + (1 - proteins)*(1 - exp(-making/({_TURNOVER})))
        caught = making + {_TURNOVER}*(proteins - fresh + fresh*(1 - exp(-keeping/({_TURNOVER}))))
        late_phase += (tag*most*scale - late_phase)*(1 - exp(-caught*presentation/tau_late))
        proteins = fresh*exp(-clip(now - visited - making, 0, inf)/({_TURNOVER}))
        visited += clip(now - visited, 0, inf)
"""

rule = Rule(
    name="stc",
    description="A step enters the early phase, which fades. While that is beyond a threshold the synapse is tagged, and a "
    "tagged synapse takes proteins up into its late phase, which stays. A strong early phase has proteins made; a weak one is "
    "tagged only, and lasts if proteins come in time. Proteins belong to a neuron, but a rule sees one synapse: each makes its "
    "own, and what others make, or a neuromodulator has made, comes as a boundary, where `shared` is 1.",
    reference="Luboeinski & Tetzlaff 2021, Commun. Biol. 4, 275, with constants of Li, Kulvicius & Tetzlaff 2016, PLoS ONE 11, "
    "e0161679, and their code: h relaxes to h_0 at 0.1/688.4 s; tau_p dp/dt = -p + [sum |h - h_0| > 0.5 h_0], tau_p = 1 h; "
    "tau_z dz/dt = p (1 - z) where h - h_0 > 0.2 h_0, -p (z + 0.5) where it is below -0.2 h_0, tau_z = 1 h; w = h + h_0 z. "
    "early_phase = h - h_0, late_phase = h_0 z, scale = h_0, w_start for h_0 in w; a presentation is a minute. Here the sum is "
    "one synapse's, the late phase has the same bound either way, and a gradient moves h, not calcium. All is solved exactly.",
    state="""
        dearly_phase/dt = -early_phase/tau_early : 1
        w_start : 1
        late_phase : 1
        proteins : 1
        tag : integer
        tagged_until : 1
        visited : 1
    """,
    weight="w_start + early_phase + late_phase",
    initial="""
        early_phase = 0
        w_start = w_init
        late_phase = 0
        proteins = 0
        tag = 0
        tagged_until = 0
        visited = 0
    """,
    on_presentation=f"""
        now = age/presentation
        {_CAPTURE}
    """,
    on_gradient=f"""
        learns = int(abs(gradient) > 0)
        now = visited + learns*(age/presentation + 1 - visited)
        {_CAPTURE}
        early_phase -= lr*gradient
        tag += learns*(sign(early_phase) - tag)
        tagged_until += learns*(now + {_LASTS}*log(clip(abs(early_phase)/(tag_from*scale), 1, inf)) - tagged_until)
    """,
    on_boundary="proteins += shared*(1 - proteins)",
    parameters={
        "lr": Parameter(0.03, low=0, description="learning rate of the early phase (0.03: a gradient of 1 tags)"),
        "scale": Parameter(0.1, low=1e-12, description="weight that thresholds and the late phase are counted in, h_0"),
        "tag_from": Parameter(0.2, low=1e-6, description="early phase that tags, in scales"),
        "proteins_from": Parameter(0.5, low=1e-6, description="early phase that has proteins made, in scales"),
        "most": Parameter(1.0, low=0, description="late phase that a tag leads to, in scales"),
        "tau_early": Parameter(114.7, "presentation", "time constant of the early phase", low=1e-3),
        "tau_protein": Parameter(60, "presentation", "time constant of proteins", low=1e-3),
        "tau_late": Parameter(60, "presentation", "time in which a tagged synapse takes them up", low=1e-3),
        "shared": Parameter(0.0, low=0, high=1, description="proteins that a boundary brings to every synapse"),
    },
    boundary_if="shared",
)
