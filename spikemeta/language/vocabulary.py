"""The words of the rule language: functions, names with a meaning of their own, and names that are taken."""

import keyword

import brian2

FUNCTIONS = ("abs", "clip", "exp", "int", "log", "rand", "randn", "sign", "sqrt", "tanh")
#: Names that the language itself gives a meaning, and the blocks that may read them.
BUILTINS = {
    "presentation": "everywhere: the duration of one stimulus presentation, the unit of rule time",
    "age": "on_gradient, on_presentation, on_boundary: learning presentations so far, a time",
    "gradient": "on_gradient, base_gradient and on_base_step: dLoss/dw summed over one presentation",
    "base_step": "on_base_step: the step of a base optimizer",
    "w_init": "initial: the network's initial weight",
}
AVAILABLE = {
    "initial": {"presentation", "w_init"},
    "on_gradient": {"presentation", "age", "gradient"},
    "on_presentation": {"presentation", "age"},
    "on_boundary": {"presentation", "age"},
    "on_base_step": {"presentation", "age", "gradient", "base_step"},
    "base_gradient": {"presentation", "age", "gradient"},
    "factor": {"presentation", "age"},
    "weight": {"presentation"},
    "state": {"presentation"},
}
DRAWING = ("initial", "on_presentation")
#: Names that Brian2's synapses, or ours, already use for something else.
RESERVED = {
    *("t dt i j N xi e order when delay lastupdate t_in_timesteps N_incoming N_outgoing summed indices namespace".split()),
    *("transmitted touched seen elapsed inside after last opening closing presentation_index sampling noise_seed".split()),
    *("learning teaching count first_age boundary_first weight_noise weight_dice w_transmitted tied_factor".split()),
    *("inhibition second limit_least limit_total".split()),
    *(n for n in dir(brian2.Synapses) if not n.startswith("_")),
    *keyword.kwlist,
    *("torch math np numpy".split()),  # what the generated Python calls
    # Names become those of C++ variables: its keywords, and macros of its headers.
    *("alignas alignof and_eq asm auto bitand bitor bool break case catch char class compl concept const constexpr".split()),
    *("const_cast continue decltype default delete do double dynamic_cast enum explicit export extern float".split()),
    *("friend goto inline long mutable namespace new noexcept not_eq nullptr operator or_eq private protected public".split()),
    *("register reinterpret_cast requires restrict short signed sizeof static static_assert static_cast struct".split()),
    *("switch template this thread_local throw true false typedef typeid typename union unsigned using virtual".split()),
    *("void volatile wchar_t xor xor_eq char8_t char16_t char32_t consteval constinit co_await co_return co_yield".split()),
    *("NULL EOF NAN INFINITY HUGE_VAL BUFSIZ RAND_MAX errno assert stdin stdout stderr linux unix i386".split()),
    *(f"{kind}_{end}" for kind in ("CHAR", "SHRT", "INT", "LONG", "LLONG", "DBL", "FLT") for end in ("MIN", "MAX")),
    *(f"M_{name}" for name in "E LOG2E LOG10E LN2 LN10 PI PI_2 PI_4 1_PI 2_PI 2_SQRTPI SQRT2 SQRT1_2".split()),
}
