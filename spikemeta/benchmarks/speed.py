"""What the study ``speed`` times: programs that train on presentations, in turn, and what one presentation costs in each.

Costs are processor time of one thread, user and system, from which the cost of starting is taken off: the difference between a
long and a short run, over the difference of their presentations. On an idle core that is wall-clock time; on a shared machine
it leaves out the time that others had. Every turn runs all programs once, so ratios are formed within a turn.
"""

import contextlib
import resource
import tempfile
import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from spikemeta.benchmarks import handwritten_brian, handwritten_floor
from spikemeta.data import curricula
from spikemeta.language.rule import Parameter, Rule
from spikemeta.simulation import devices, execution, standalone
from spikemeta.simulation.simulation import Simulation

SIZE = 28  # pixels along the side of an image: smaller ones are enlarged and framed
INK = 20  # the most that is enlarged to, which is what a digit of MNIST has of its 28: as many inputs are silent
SPIKES = 1030  # of the input in a presentation of workload W
WINDOW = 300_000.0
#: Constants under which the rules are timed: those of one task of all classes, with a memory window.
CONSTANTS = {
    "sgd": {"hidden.lr": 4e-4, "readout.lr": 3e-4},
    "laplace": {"hidden.lr": 8e-4, "readout.lr": 3e-4, "curvature": 1e-4, "window": WINDOW},
    "mesu": {"sigma_prior": 0.02, "sigma_init": 0.02, "lr_sigma": 1.0, "window": WINDOW, "guard": 0.2},
    "synaptic_intelligence": {"lr": 3e-4, "c": 2.0, "damping": 3.0},
}
#: Presentations of a long run, by kind of program.
COUNTS = {
    "ours": 800,
    "ours, float32": 800,
    "surrogate": 800,
    "surrogate, float32": 800,
    "brian2": 300,
    "brian2, immediate": 200,
    "floor": 3000,
}
#: Kinds of program, and rules, of the quick size.
QUICK = ("ours", "ours, float32", "surrogate", "brian2", "floor")
QUICK_RULES = ("sgd", "laplace", "mesu")
#: What the cost of each is called in ``summary.json``.
METRICS = {
    "ours": "ms_per_presentation",
    "ours, float32": "ms_float32",
    "surrogate": "ms_surrogate",
    "surrogate, float32": "ms_surrogate_float32",
    "brian2": "ms_brian2",
    "brian2, immediate": "ms_brian2_immediate",
    "floor": "ms_floor",
}


@dataclass(frozen=True)
class Work:
    """Stimuli of a workload.

    Attributes
    ----------
    images : (n, SIZE*SIZE) uint8
    labels : (n,) int32
    rate : float
        Hz, at full brightness.
    dataset : spikemeta.data.datasets.Dataset
        The same images as its training images.
    source : spikemeta.data.datasets.Dataset
        What they were made from.
    """

    images: np.ndarray
    labels: np.ndarray
    rate: float
    dataset: object
    source: object

    @property
    def spikes(self):
        """Mean number of input spikes in a presentation of 100 ms."""
        return float(self.images.mean(0).sum() / 255 * self.rate * 0.1)

    def dimmed(self, spikes):
        """The same with darker images, so that a presentation has fewer input spikes; nothing is compiled anew."""
        factor = spikes / self.spikes
        images = np.floor(self.images * factor + np.random.default_rng(1).random(self.images.shape)).astype(np.uint8)
        return replace(self, images=images, dataset=replace(self.dataset, train_images=images))


def workload(dataset, count=4000, spikes=SPIKES):
    """The first images of a data set, enlarged where they are small, and the rate at which they give so many input spikes."""
    rows, columns = dataset.shape
    images = dataset.train_images[:count].reshape(-1, rows, columns)
    fold = max(1, INK // max(rows, columns))
    images = np.kron(images, np.ones((1, fold, fold), np.uint8))
    pad = [(0, 0), *((-(n - SIZE) // 2, SIZE - n + (n - SIZE) // 2) for n in images.shape[1:])]
    images = np.ascontiguousarray(np.pad(images, pad).reshape(len(images), -1))
    labels = dataset.train_labels[:count].astype(np.int32)
    made = replace(dataset, train_images=images, train_labels=labels, shape=(SIZE, SIZE))
    unit = Work(images, labels, 1.0, made, dataset)
    return replace(unit, rate=spikes / unit.spikes)


def of_states(n):
    """A rule with so many state variables, each of them fading, for the cost against their number."""
    names = [f"x{k}" for k in range(1, n + 1)]
    return Rule(
        f"states_{n}",
        state="\n".join(f"d{x}/dt = -{x}/window : 1" for x in names),
        weight="x1",
        initial="x1 = w_init\n" + "\n".join(f"{x} = 0" for x in names[1:]),
        on_gradient="x1 -= lr*gradient\n"
        + "\n".join(f"{x} += lr*gradient*{y}" for y, x in zip(names, names[1:], strict=False)),
        parameters={"lr": Parameter(1e-4, low=0), "window": Parameter(WINDOW, "presentation", low=1)},
    )


def _begin(rule, work, n_hidden, constants=None, **how):
    """Simulation, constants and state that all programs of a rule share; ``constants`` are the network's."""
    sizes = (work.images.shape[1], n_hidden, work.dataset.n_classes)
    network = {"input_rate": work.rate} | (constants or {})
    simulation = Simulation(rule, n_hidden=n_hidden, parameters=CONSTANTS.get(rule.name), network_parameters=network, **how)
    curriculum = curricula.build("joint", work.dataset, n_tasks=1, test_limit=10)
    constants = simulation.constants(curriculum)
    for own in constants["rule"].values():
        if "halving" in own:
            own["halving"] = float("inf")
    start, state = simulation.begin(curriculum, sizes, 0)
    return simulation, sizes, constants, start, state, curriculum.phases[0]


def _thinned(sizes, state, density):
    """Synapses of the first layer that remain at a density, as arguments of ``connect``, and their state; None for all."""
    if density == 1:
        return None, state
    pre, post = np.nonzero(np.random.default_rng(2).random(sizes[:2]) < density)
    kept = {name: values[pre, post] for name, values in state.items() if name.startswith("hidden.")}
    return {"i": pre, "j": post}, state | kept


@contextlib.contextmanager
def ours(rule, work, n_hidden, density=1.0, **how):
    """``run(count)``, which gives readout spikes (count, n_classes), of our network.

    ``how`` are arguments of `spikemeta.simulation.simulation.Simulation`.
    """
    simulation, sizes, constants, start, state, phase = _begin(rule, work, n_hidden, **how)
    n, (connect, state) = len(work.images), _thinned(sizes, state, density)
    with execution.open_executor(simulation, sizes, constants, start, {"hidden": connect} if connect else None) as execute:

        def run(count):
            chosen = np.arange(count, dtype=np.int32) % n
            shown = replace(phase, indices=chosen, labels=work.labels[chosen])
            return execute(shown, replace(work.dataset, train_images=work.images), state, 0, 1, lambda _: None)[0]

        yield run


@contextlib.contextmanager
def by_hand(rule, work, n_hidden, density=1.0, form="deferred"):
    """``run(count)``, as of `ours`, of the network by hand in plain Brian2."""
    _, sizes, constants, _, state, _ = _begin(rule, work, n_hidden)
    own, (connect, state) = constants["rule"], _thinned(sizes, state, density)
    with devices.standalone() as device:
        given = rule.name, sizes, parameters_of(constants), own, work.images, work.labels
        network = handwritten_brian.build(*given, form, connect=connect)
        program = standalone.compile_network(network, device, usual=True)
    start = handwritten_brian.start_of(rule.name, state) if form == "deferred" else _immediate(rule.name, state)
    with tempfile.TemporaryDirectory(prefix="spikemeta-") as folder:

        def run(count):
            settings = {f"{owner}.count": count for owner in ("input", "hidden", "readout")} | start
            read, _ = program.run(Path(folder), settings, 100, count, 1)
            counts = np.zeros((count, sizes[2]), np.int32)
            shown, neuron = ((read("readout_spikes.t") + 0.5e-3) / 0.1).astype(int), read("readout_spikes.i")
            np.add.at(counts, (shown[shown < count], neuron[shown < count]), 1)
            return counts

        yield run


def _immediate(rule, state):
    names = ("w",) if rule == "sgd" else ("precision", "information")
    return {f"to_{p}.{s}": state[f"{p}.{s}"].ravel() for p in ("hidden", "readout") for s in names}


@contextlib.contextmanager
def floor(rule, work, n_hidden):
    """``run(count)``, as of `ours`, of the program by hand in C++."""
    _, sizes, constants, _, state, _ = _begin(rule, work, n_hidden)
    program = handwritten_floor.compile_floor(rule.name)
    with tempfile.TemporaryDirectory(prefix="spikemeta-") as folder:
        folder = Path(folder)
        own = [parameters_of(constants), constants["rule"], state, work.images, work.labels]
        handwritten_floor.prepare(folder, rule.name, sizes, *own)
        yield lambda count: handwritten_floor.run(program, folder, count)


def parameters_of(constants):
    """The network's constants as the programs by hand take them."""
    return SimpleNamespace(**constants["network"])


def open_programs(stack, rules, work, n_hidden, kinds, **how):
    """``run(count)`` by (kind, rule), compiled; ``how`` may be a ``density`` of the first layer, for kinds that know it."""
    makers = {
        "ours": ours,
        "ours, float32": partial(ours, dtype="float32"),
        "surrogate": partial(ours, feedback="surrogate", constants={"step": 1.0}),
        "surrogate, float32": partial(ours, feedback="surrogate", constants={"step": 1.0}, dtype="float32"),
        "brian2": by_hand,
        "brian2, immediate": partial(by_hand, form="immediate"),
        "floor": floor,
    }
    found = {}
    for rule in rules:
        for kind in kinds:
            known = {"brian2, immediate": handwritten_brian.IMMEDIATE, "floor": handwritten_floor.COMMITS}.get(kind)
            if known is not None and rule.name not in known:
                continue
            maker = makers[kind]
            if kind == "brian2" and not handwritten_brian.written(rule):
                maker = partial(ours, dense=False)  # the rule's text as Brian2 itself translates it
            found[kind, rule.title] = stack.enter_context(maker(rule, work, n_hidden, **how))
    return found


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(run, count, clock=_children, step=1):
    """Processor seconds of one presentation: a long run less a short one, each of whole batches of ``step``."""
    short = max(1, count // 10 // step) * step
    begun = spent(run, short, clock)
    return (spent(run, count, clock) - begun) / (count - short)


def spent(run, count, clock=_children):
    """Seconds of the clock that a run of so many presentations takes."""
    began = clock()
    run(count)
    return clock() - began


def in_turns(programs, counts, repeats, **how):
    """Costs of all programs, each once in every turn: ms per presentation, (repeats,), by program."""
    found = {key: [] for key in programs}
    for _ in range(repeats):
        for key, run in programs.items():
            found[key].append(1e3 * measure(run, counts[key], **how))
    return {key: np.array(values) for key, values in found.items()}


def quartiles(values):
    """Median and quartiles, as in ``summary.json``."""
    low, middle, high = (float(q) for q in np.percentile(values, (25, 50, 75)))
    return {"mean": middle, "low": low, "high": high, "values": [float(v) for v in values]}


def resident(run, count):
    """Resident memory of the program that ``run`` starts, in bytes, while it simulates; nan where there is no /proc.

    The median of readings in the second half of the run: what is held at the start, while synapses are made, is not counted.
    """
    readings, over = [], threading.Event()
    me = threading.get_native_id()

    def watch():
        while not over.wait(0.005):
            with contextlib.suppress(OSError, ValueError, IndexError):
                for child in Path(f"/proc/self/task/{me}/children").read_text().split():
                    if not Path(f"/proc/{child}/comm").read_text().startswith("python"):  # on its way to become the program
                        readings.append(int(Path(f"/proc/{child}/statm").read_text().split()[1]) * resource.getpagesize())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        run(count)
    finally:
        over.set()
        thread.join()
    return float(np.median(readings[len(readings) // 2 :])) if readings else float("nan")


def expected_bytes(rule, dtype="float64"):
    """Bytes of a synapse of the first layer: its state, and the transmitted weight unless that is one of it."""
    return (len(rule.analysis.states) + (rule.weight.strip() not in rule.analysis.states)) * np.dtype(dtype).itemsize
