"""Rules whose behaviour has a closed form, on the float64 reference."""

import brian2
import numpy as np
import pytest
from brian2 import ms
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, linalg, special, stats

from spikemeta.backends import brian
from spikemeta.backends.reference import ReferenceSynapses
from spikemeta.language import registry
from spikemeta.language.rule import Parameter, Rule

EXACT = 1e-12  # a few dozen operations in float64


def descend(title, parameters, gradients, boundaries=()):
    """Weights and synapses of a rule after presentations of given gradients (n, n_pre, n_post)."""
    rng = np.random.default_rng(8)
    made = ReferenceSynapses(registry.get_rule(title), 0.1 * rng.standard_normal(gradients.shape[1:]), parameters, rng)
    rows = np.arange(gradients.shape[1])
    for age, gradient in enumerate(gradients):
        if age in boundaries:
            made.boundary(age)
        made.touch(rows, age)
        made.accumulate(rows, gradient)
    made.flush(len(gradients))
    return made


@pytest.mark.parametrize("window", [np.inf, 30.0])
def test_laplace_precision_on_a_constant_gradient(window):
    """P_n = 1 + c g^2 (1 - q^n)/(1 - q) with q = exp(-1/N), a geometric series; n c g^2 without forgetting."""
    g, c, n = 0.7, 0.2, 100
    made = descend("laplace", {"curvature": c, "window": window}, np.full((n, 1, 2), g))
    q = np.exp(-1 / window)
    grown = n if window == np.inf else (1 - q**n) / (1 - q)
    np.testing.assert_allclose(made.state["precision"], 1 + c * g**2 * grown, rtol=EXACT)


def test_laplace_steps_shrink_with_the_precision():
    """The weight moves by -lr g sum 1/(1 + k c g^2), a difference of digamma functions."""
    g, c, n, lr = 0.7, 0.2, 100, 0.01
    made = descend("laplace", {"lr": lr, "curvature": c}, np.full((n, 1, 2), g))
    a = c * g**2
    total = (special.digamma(n + 1 + 1 / a) - special.digamma(1 + 1 / a)) / a
    start = 0.1 * np.random.default_rng(8).standard_normal((1, 2))
    np.testing.assert_allclose(made.weight(), start - lr * g * total, rtol=EXACT)


SAME_AS_SGD = {"conventional": {}, "synaptic_intelligence": {"c": 0.0}}


@pytest.mark.parametrize("title", SAME_AS_SGD)
def test_switched_off_a_rule_is_sgd_to_the_bit(title):
    gradients = np.random.default_rng(9).standard_normal((40, 6, 5))
    found = descend(title, {"lr": 0.03} | SAME_AS_SGD[title], gradients, boundaries=(0, 13, 27))
    plain = descend("sgd", {"lr": 0.03}, gradients, boundaries=(0, 13, 27))
    np.testing.assert_array_equal(found.weight(), plain.weight())
    assert np.abs(found.weight()).max() > 0.1


@pytest.mark.parametrize("title", SAME_AS_SGD)
def test_switched_off_a_rule_is_sgd_to_the_bit_in_brian2(title):
    """One source, two targets: a spike train with a boundary in the middle teaches both."""
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    brian2.seed(4)
    source = brian2.NeuronGroup(
        5, brian.PRESYNAPTIC + "draw : 1", dt=1 * ms, reset="", events=brian.presynaptic_events("draw < 0.2")
    )
    brian.prepare_presynaptic(source)
    source.run_regularly(
        "presentation_index = int((t + 0.5*dt)/(10*ms))\nage = presentation_index\n"
        "opening = presentation_index == 0 or presentation_index == 6\nclosing = presentation_index == 12",
        dt=10 * ms,
        when="start",
    )
    source.run_regularly("draw = rand()", when="before_thresholds")
    objects, made = [source], []
    for name, parameters in ((title, {"lr": 0.03} | SAME_AS_SGD[title]), ("sgd", {"lr": 0.03})):
        target = brian2.NeuronGroup(4, "dv/dt = -v/(20*ms) : 1", method="exact", dt=1 * ms)
        rule = registry.get_rule(name)
        made.append(brian.synapses(rule, source, target, "v_post - 1", "v_post += weight", parameters=parameters))
        brian.start(made[-1], rule, "0.1*sin(7.3*i + 2.1*j)")
        objects += [target, made[-1]]
    first = made[0].transmitted[:].copy()
    brian2.Network(*objects).run(121 * ms, namespace={})
    np.testing.assert_array_equal(made[0].transmitted[:], made[1].transmitted[:])
    assert np.abs(made[0].transmitted[:] - first).max() > 0.05


def test_importance_on_a_quadratic():
    """Loss H/2 (w - a)^2, rate lr: the distance d shrinks by r = 1 - lr H a step, so the path is
    lr H^2 d^2 sum r^(2k) = H d^2 (1 - r^(2n))/(2 - lr H), and the weight moved by d (1 - r^n)."""
    curvature, lr, xi, n = np.array([[0.3, 1.0, 4.0]]), 0.05, 0.1, 30
    start, wanted = np.array([[0.0, 0.2, -0.1]]), np.array([[1.0, -0.5, 0.6]])
    made = ReferenceSynapses(registry.get_rule("synaptic_intelligence"), start, {"lr": lr, "c": 0.7, "damping": xi})
    for age in range(n):
        made.touch(0, age)
        made.accumulate(0, curvature[0] * (made.weight()[0] - wanted[0]))
    made.boundary(n)
    r, d = 1 - lr * curvature, start - wanted
    path, moved = curvature * d**2 * (1 - r ** (2 * n)) / (2 - lr * curvature), d * (1 - r**n)
    np.testing.assert_allclose(made.state["importance"], path / (moved**2 + xi), rtol=EXACT)
    np.testing.assert_allclose(made.state["w_reference"], wanted + d * r**n, rtol=EXACT)
    assert (made.state["path"] == 0).all()


def test_the_pull_of_an_important_weight_is_an_exact_exponential():
    """Displaced by d, after t presentations of silence: w = w_reference + d exp(-2 lr c Omega t), however t is cut.

    What is left near zero carries the rounding of d.
    """
    made = ReferenceSynapses(registry.get_rule("synaptic_intelligence"), np.zeros((1, 4)), {"lr": 0.01, "c": 0.5})
    omega, d = np.array([[0.0, 0.1, 3.0, 40.0]]), 0.25
    made.state["importance"][:] = omega
    made.state["w"][:] = d
    for age in (0.5, 3, 40, 41, 500):
        made.touch(0, age)
        np.testing.assert_allclose(made.weight(), d * np.exp(-2 * 0.01 * 0.5 * omega * age), rtol=EXACT, atol=EXACT * d)


def test_without_boundaries_synaptic_intelligence_never_pulls():
    gradients = np.random.default_rng(9).standard_normal((40, 6, 5))
    found = descend("synaptic_intelligence", {"lr": 0.03, "c": 10.0}, gradients)
    np.testing.assert_array_equal(found.weight(), descend("sgd", {"lr": 0.03}, gradients).weight())


DENSITIES = {
    "hybrid": lambda f: f,
    "biased_flexible": lambda f: (f + f**2) / 2,
    "biased_stable": lambda f: (3 * f - f**2) / 2,
}


@pytest.mark.parametrize("title", DENSITIES)
def test_populations_of_flexibility(title):
    """Densities 1, 0.5 + f and 1.5 - f: a KS test at 1 % on 20,000 seeded synapses, and at 1e-6 against the others."""
    f = ReferenceSynapses(registry.get_rule(title), np.zeros((100, 200)), None, np.random.default_rng(1)).state["flexibility"]
    assert (f > 0).all()
    assert (f <= 1).all()
    assert stats.kstest(f.ravel(), DENSITIES[title]).pvalue > 0.01
    for other in DENSITIES.keys() - {title}:
        assert stats.kstest(f.ravel(), DENSITIES[other]).pvalue < 1e-6


@pytest.mark.parametrize(("title", "flexibility"), [("conventional", 1.0), ("stable", 0.3)])
def test_uniform_populations(title, flexibility):
    made = ReferenceSynapses(registry.get_rule(title), np.zeros((3, 4)), None, np.random.default_rng(1))
    assert (made.state["flexibility"] == flexibility).all()


@pytest.mark.parametrize("title", ["stable", "hybrid_per_event"])
def test_the_gate_closes_as_published(title):
    """1 - tanh^2(s (1 - f)/f (w - w0)); held, it is that of the last boundary; else that of the moment."""
    made = ReferenceSynapses(
        registry.get_rule(title),
        np.zeros((1, 3)),
        {"lr": 1.0, "sharpness": 2.0, "displacement": 0.5, "least": 0.3, "most": 0.3},
    )
    gate = lambda w: 1 - np.tanh(2.0 / 0.5 * 0.7 / 0.3 * w) ** 2  # noqa: E731
    moved = np.array([0.05, -0.1, 0.2])
    made.accumulate(0, -moved)
    made.boundary(1)
    np.testing.assert_allclose(made.weight()[0], moved, rtol=EXACT)
    made.accumulate(0, -moved)
    made.flush(2)
    second = moved + gate(moved) * moved
    np.testing.assert_allclose(made.weight()[0], second, rtol=EXACT)
    made.accumulate(0, -moved)
    made.flush(3)
    third = second + gate(moved if title == "stable" else second) * moved
    np.testing.assert_allclose(made.weight()[0], third, rtol=EXACT)


@pytest.mark.parametrize("halving", [np.inf, 4.0])
def test_sgd_follows_its_rate(halving):
    """The gradient of presentation k is weighted by lr/(1 + k/halving), whenever it is committed."""
    made = ReferenceSynapses(registry.get_rule("sgd"), np.zeros((1, 1)), {"lr": 0.1, "halving": halving})
    for age in (0, 3, 50):
        made.touch(0, age)
        made.accumulate(0, 1.0)
    made.flush(1000)
    np.testing.assert_allclose(made.weight(), -sum(0.1 / (1 + k / halving) for k in (0, 3, 50)), rtol=EXACT)


FORMS = {
    "(abs(rest) - x)/tau": lambda x, a, rest, tau: (abs(rest) - x) / tau,
    "(rest - x)/tau": lambda x, a, rest, tau: (rest - x) / tau,
    "-x/tau": lambda x, a, rest, tau: -x / tau,
    "a*(rest - x)/presentation": lambda x, a, rest, tau: a * (rest - x),
    "rest/tau - a*x/presentation": lambda x, a, rest, tau: rest / tau - a * x,
    "(a*rest - x)/tau - x/presentation": lambda x, a, rest, tau: (a * rest - x) / tau - x,
    "(sqrt(a) + tanh(rest) - x*exp(-a))/tau": lambda x, a, rest, tau: (np.sqrt(a) + np.tanh(rest) - x * np.exp(-a)) / tau,
}


@pytest.mark.parametrize("form", FORMS)
def test_decays_follow_their_equation(form):
    """A decay's closed form against SciPy's integration of the equation as written, whose tolerance sets ours."""
    rule = Rule(
        "decay",
        state=f"dx/dt = {form} : 1",
        weight="x",
        initial="x = w_init",
        on_gradient="x -= gradient",
        parameters={
            "a": Parameter(1.0, low=0),
            "rest": Parameter(0.0),
            "tau": Parameter(10.0, "presentation", low=0.01),
        },
    )

    @given(st.floats(-5, 5), st.floats(0.01, 3), st.floats(-5, 5), st.floats(0.2, 1000), st.floats(0.01, 30))
    def check(x, a, rest, tau, elapsed):
        made = ReferenceSynapses(rule, np.array([[x]]), {"a": a, "rest": rest, "tau": tau})
        made.flush(elapsed)
        solved = integrate.solve_ivp(
            lambda t, y: FORMS[form](y, a, rest, tau), (0, elapsed), [x], "LSODA", rtol=1e-10, atol=1e-12
        )
        np.testing.assert_allclose(made.weight().item(), solved.y[0, -1], rtol=1e-7, atol=1e-8)

    check()


def test_coupled_decays_follow_their_equation():
    """Three variables, one of them driven, over gaps of any length: the matrix exponential."""
    rule = Rule(
        "coupled",
        state="da/dt = (b - 2*a)/tau : 1\ndb/dt = 0.5*(a - b)/tau + 0.25*(c - b)/tau : 1\n"
        "dc/dt = (b + drive - 3*c)/(8*tau) : 1",
        weight="a",
        initial="a = w_init\nb = -w_init\nc = 2*w_init",
        on_gradient="a -= gradient",
        parameters={"tau": Parameter(10, "presentation", low=0.01), "drive": Parameter(0.5)},
    )
    assert rule.analysis.decays["a"].modes.names == ("a", "b", "c")
    matrix = np.array([[-2, 1, 0], [0.5, -0.75, 0.25], [0, 1 / 8, -3 / 8]])

    @given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.2, 1000), st.lists(st.floats(0.01, 3000), min_size=1, max_size=3))
    def check(x, drive, tau, gaps):
        made = ReferenceSynapses(rule, np.array([[x]]), {"drive": drive, "tau": tau})
        rest = np.linalg.solve(matrix, [0, 0, -drive / 8])
        for age in np.cumsum(gaps):
            made.flush(age)
            expected = rest + linalg.expm(matrix * age / tau) @ (np.array([x, -x, 2 * x]) - rest)
            found = [made.state[name].item() for name in "abc"]
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=EXACT * (10 + abs(x) + abs(drive)))

    check()
