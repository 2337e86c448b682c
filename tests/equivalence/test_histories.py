"""Gradients from the history of a presentation: those of torch's autograd, of e-prop's published sum, in every execution."""

import subprocess

import drawn
import numpy as np
import pytest
import torch
from cases import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from taught import SHAPES, SIZES, learned, shown

from spikemeta.backends.networks import adjoint, brian_learning, lesson, plan, reference
from spikemeta.backends.networks.torch import NetworkModule
from spikemeta.language import registry
from spikemeta.networks.signals import eprop, surrogate
from spikemeta.simulation import devices

SGD = registry.get_rule("sgd")


def case(network, seed, step=1.0, signal=surrogate.signal, feedback="tied"):
    """A plan, its sweep, input spikes, and gradients by NumPy."""
    made = plan.make(network, **SIZES, constants=network.constants({"step": step}), seed=seed)
    spikes = np.random.default_rng(seed).random((made.steps, SIZES["n_input"])) < 0.2
    sweep = adjoint.Adjoint(lesson.make(made, signal, feedback, np.random.default_rng(seed)))
    fired, seen = reference.run(made, spikes)
    derivatives = {name: sweep.derivative(name, seen[name]) for name in made.layers}
    return made, sweep, spikes, sweep(fired, derivatives, made.weights, 1)


def by_autograd(made, spikes):
    """What torch gives for the same network and spikes, label 1, in float64."""
    module = NetworkModule(made, torch.float64)
    counts = module(torch.tensor(spikes, dtype=torch.float64)[:, None])
    torch.nn.functional.cross_entropy(0.25 * counts, torch.tensor([1])).backward()
    return {name: module.weights[name].grad.numpy() for name in made.plastic}


def apart(found, expected):
    """Relative distance in the Frobenius norm."""
    return np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-300)


@settings(max_examples=EXAMPLES or 5)
@given(drawn.networks(), st.integers(0, 2**20), st.sampled_from([1.0, 4.0]))
def test_the_gradient_is_that_of_autograd(network, seed, step):
    """One to three hidden layers, recurrent or not, delays, sparse or dense, pools: sums in another order, 1e-12 is ample."""
    made, _, spikes, found = case(network, seed, step)
    for name, expected in by_autograd(made, spikes).items():
        assert apart(found[name], expected) < 1e-12, name


def test_the_gradient_reaches_every_layer():
    """What the test above compares is not 0."""
    for shape in SHAPES.values():
        for found in case(shape, 3)[-1].values():
            assert np.abs(found).max() > 1e-3


def eligibility(made, layer, projection, derivative, spikes, fired):
    """Eligibility traces of every synapse, forwards and dense, as published: (steps, n_pre, n_post)."""
    step, k = made.layers[layer], made.variable(projection)
    p, size = made.projections[projection], len(made.layers[layer].variables)
    vector = np.zeros((size, made.sizes[p.source], made.sizes[layer]))
    out = np.zeros((len(spikes), *vector.shape[1:]))
    source = spikes if p.source == made.network.input else fired[p.source]
    felt = {i for i in range(size) if np.linalg.matrix_power(step.propagator, size)[i, k]}
    for now in range(len(spikes)):
        vector = np.tensordot(step.propagator, vector, 1)  # dh/dh of the step before, times what was
        out[now] = derivative[now] * np.tensordot(step.slope, vector, 1)
        sent = now - made.delays[projection] + 1
        if sent >= 0:
            vector[k] += source[sent][:, None]  # dh/dW
        there = fired[layer][now]
        vector[:, :, there] = np.tensordot(step.reset, vector[:, :, there], 1)
        for i in set(range(size)) - felt:
            vector[i] += step.jump[i] * out[now]  # a threshold that rises with the spike
    return out


@pytest.mark.parametrize("feedback", ["tied", "random"])
@pytest.mark.parametrize("shape", SHAPES)
def test_eprop_is_the_published_sum(shape, feedback):
    """Learning signal times eligibility trace, summed over time for each synapse: another order of sums, 1e-9 is ample."""
    made, sweep, spikes, found = case(SHAPES[shape], 4, signal=eprop.signal, feedback=feedback)
    fired, seen = reference.run(made, spikes)
    distance = {n: np.tensordot(x, made.layers[n].slope, (1, 0)) + made.layers[n].offset for n, x in seen.items()}
    slopes = {n: 0.3 * np.clip(1 - abs(x), 0, 1) for n, x in distance.items()}
    chance = np.exp(0.25 * fired["readout"].sum(0))
    error = 0.25 * (chance / chance.sum() - (np.arange(SIZES["n_classes"]) == 1))
    for name in made.plastic:
        layer, late = made.projections[name].target, made.delays["readout"] - 1
        if layer == "readout":
            worth = np.broadcast_to(error, fired["readout"].shape)
        else:  # what a spike is worth by its arrival at the readout's current alone
            steps, current = len(spikes), made.variable("readout")
            step, kept = made.layers["readout"], np.zeros((len(spikes), SIZES["n_classes"]))
            for k in range(SIZES["n_classes"]):  # forwards again: a unit of current, and all that follows of it
                for t in range(steps):
                    x = np.eye(len(step.variables))[current]
                    if fired["readout"][t, k]:
                        x = step.reset @ x
                    for later in range(t + 1, steps):
                        x = step.propagator @ x
                        kept[t, k] += error[k] * slopes["readout"][later, k] * (step.slope @ x)
                        if fired["readout"][later, k]:
                            x = step.reset @ x
            tied = feedback == "tied" and layer in sweep.lesson.tied
            matrix = made.dense("readout").T if tied else sweep.lesson.random[layer]
            late = late if tied else 0
            worth = np.zeros((steps, made.sizes[layer]))
            worth[: steps - late] = kept[late:] @ matrix
        trace = eligibility(made, layer, name, slopes[layer], spikes, fired)
        expected = np.einsum("tj,tij->ij", worth, trace)
        pairs = made.connections[name]
        assert np.abs(expected).max() > 1e-6
        assert apart(found[name], expected if pairs is None else expected[pairs]) < 1e-9, name


@pytest.mark.parametrize(
    ("shape", "signal", "feedback"),
    [
        ("deep", surrogate.signal, "tied"),
        ("adaptive", eprop.signal, "random"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_brian2_learns_as_the_reference_does(shape, signal, feedback):
    """Presentations with decays between them, in runtime mode: 1e-9 of the largest value, as of other signals."""
    made = plan.make(SHAPES[shape], **SIZES, seed=2)
    taught = lesson.make(made, signal, feedback, np.random.default_rng(1))
    rules = {p: registry.get_rule("laplace" if p == "readout" else "sgd") for p in made.plastic}
    parameters = {p: {"lr": 0.1} for p in rules}
    for projection, (ours, theirs) in learned(made, shown(2, 4), signal, rules, parameters, taught, [2, 0]).items():
        for variable, expected in ours.items():
            found, scale = theirs[variable].reshape(expected.shape), np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=f"{projection}.{variable}")
        assert np.abs(ours[next(iter(ours))].ravel() - made.weights[projection].ravel()).max() > 1e-3


def compiled(made, signal, feedback, seed, spikes, folder):
    """Gradients by the compiled sweep alone, without the network around it, which would take half a minute to compile."""
    taught = lesson.make(made, signal, feedback, np.random.default_rng(seed))
    with devices.standalone():
        rules = dict.fromkeys(made.plastic, SGD)
        built = brian_learning.build(made, [spikes], signal, rules, lesson=taught, labels=[1], dense=False)
        (history,) = [item for item in built.network.objects if item.name == "history"]
        numbers, template = history.template_kwds["sweep"], history.codeobj_class.templater.env.get_template("history.cpp")
        blocks = [template.blocks[name](template.new_context({"sweep": numbers})) for name in ("extra_headers", "maincode")]
        headers, body = map("".join, blocks)
    fired, seen = reference.run(made, spikes)
    sweep = adjoint.Adjoint(taught)
    every, order = {}, []

    def array(name, kind, values):
        if name not in every:
            every[name] = f"std::vector<{kind}> all_{name}({max(len(values), 1)}); {kind}* {name} = all_{name}.data();"
            if name.startswith("_dynamic"):
                every[name] = f"std::vector<{kind}> {name}({len(values)}); std::vector<{kind}>& all_{name} = {name};"
            order.append((name, np.asarray(values, {"double": float, "int32_t": np.int32}[kind]), kind))

    layers = {layer["name"]: layer for layer in numbers["layers"]}
    steps = []
    for layer in numbers["layers"]:
        array(numbers["answer"]["right"], "double", np.arange(SIZES["n_classes"]) == 1)
        derivative = sweep.derivative(layer["name"], seen[layer["name"]])
        array(f"given_{layer['name']}", "double", derivative.ravel())
        array(layer["derivative"], "double", np.zeros(layer["n"]))
        steps.append(f"std::copy_n(given_{layer['name']} + t*{layer['n']}, {layer['n']}, {layer['derivative']});")
        for way in layer["ways"]:
            name = way["name"].removeprefix(f"{layer['name']}_")
            values = taught.random[layer["name"]].ravel() if way["random"] else made.weights[name].ravel()
            array(way["weights"], "double", values)
            for end in (0, 1) if way["pairs"] else ():
                array(way["pairs"][end], "int32_t", made.connections[name][end])
    for source in [*numbers["sources"], *layers.values()]:
        rows = fired[source["name"]]
        events = np.zeros((made.steps, source["n"] + 1), np.int32)
        for now, there in enumerate(rows):
            events[now, : there.sum()], events[now, -1] = there.nonzero()[0], there.sum()
        array(f"events_{source['name']}", "int32_t", events.ravel())
        array(source["events"], "int32_t", events[0])
        copy = f"std::copy_n(events_{source['name']} + t*{source['n'] + 1}, {source['n'] + 1}, {source['events']});"
        steps.append(copy)
    out = []
    for source in numbers["sources"]:
        for p in source["plastic"]:
            (name,) = [n for n, item in built.projections.items() if f"_{item.name}_gradient" in p["gradient"]]
            array(p["gradient"], "double", np.zeros(made.weights[name].size))
            for end in (0, 1) if p["pairs"] else ():
                array(p["pairs"][end], "int32_t", made.connections[name][end])
            out.append((name, p["gradient"]))
    text = "\n".join(
        [
            *[f"#include <{name}>" for name in ("algorithm", "cmath", "cstdint", "cstdio", "cstring", "vector")],
            headers,
            *every.values(),
            f"double {numbers['teaching']}[1] = {{1}}; int32_t {numbers['index']}[1]; int64_t {numbers['timestep']}[1];",
            "void sweep() {", body, "}",
            "int main(int, char** argv) {", 'FILE* file = std::fopen(argv[1], "rb");',
            *[f"if (std::fread(all_{n}.data(), sizeof({kind}), {len(v)}, file) != {len(v)}) return 1;" for n, v, kind in order],
            f"for (int64_t t = 0; t < {made.steps}; t++) {{ {numbers['timestep']}[0] = t;", *dict.fromkeys(steps), "sweep(); }",
            *[f"std::fwrite({name}.data(), 8, {name}.size(), stdout);" for _, name in out],
            "return 0; }",
        ]
    )  # fmt: skip
    (folder / "sweep.cpp").write_text(text)
    (folder / "arrays").write_bytes(b"".join(values.tobytes() for _, values, _ in order))
    subprocess.run(["g++", "-O1", "-w", "-o", folder / "sweep", folder / "sweep.cpp"], check=True)
    found = np.frombuffer(subprocess.run([folder / "sweep", folder / "arrays"], check=True, capture_output=True).stdout)
    ends = np.cumsum([made.weights[name].size for name, _ in out])[:-1]
    return {n: part.reshape(made.weights[n].shape) for (n, _), part in zip(out, np.split(found, ends), strict=True)}


@settings(max_examples=EXAMPLES or 3, deadline=None)
@given(drawn.networks(), st.integers(0, 2**20), st.sampled_from([1.0, 4.0]))
def test_the_compiled_gradient_is_that_of_autograd(tmp_path_factory, network, seed, step):
    """The template's own sums, for drawn networks, in float64."""
    made, _, spikes, _ = case(network, seed, step)
    found = compiled(made, surrogate.signal, "tied", seed, spikes, tmp_path_factory.mktemp("sweep"))
    for name, expected in by_autograd(made, spikes).items():
        assert apart(found[name], expected) < 1e-12, name


@pytest.mark.parametrize(("shape", "feedback"), [("adaptive", "tied"), ("deep", "random")])
def test_compiled_eprop_is_the_reference(shape, feedback, tmp_path):
    made, _, spikes, expected = case(SHAPES[shape], 4, signal=eprop.signal, feedback=feedback)
    found = compiled(made, eprop.signal, feedback, 4, spikes, tmp_path)
    for name, values in expected.items():
        assert apart(found[name], values) < 1e-12, name
