"""The papers' own settings and numbers, and ours, side by side.

    spikemeta run published
    spikemeta run published --dataset mnist --scale full --seeds 2
    spikemeta run published --dataset cifar10 --scale full

Perceptrons, trained by backpropagation with a rule as the optimizer, in the settings of the papers: MESU, BiMU and Synaptic
Intelligence on permuted MNIST, stable and flexible synapses on a sequence of items. The last had 4,096 units upon
the features of a pretrained network and published no numbers, only which items are kept; here a perceptron sees the pixels of
single digits, without biases, and the tests over ten trials are ours. Written to the output folder: ``summary.json``,
``results.nc``, ``provenance.json`` and figures. The quick scale runs everything small, to see that it works; only
``--dataset mnist --scale full`` may be compared.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from spikemeta.errors import UserError, suggest
from spikemeta.runs.study import Study, first_seed, option

#: Bonnet et al. 2025 and their code's configuration; initial weights: means within 4/sqrt(inputs), deviation 2/sqrt(inputs).
_MESU = {"rule": "mesu", "samples": 10, "standardised": True, "spread": 4.0, "sigma": 2.0, "summed": True}
_TEN = _MESU | {
    # the authors clip both gradients to 1/sigma; for sigma's relative step that is lr_sigma/2
    "constants": {"lr_mu": 0.46, "lr_sigma": 1.58, "sigma_prior": 0.02, "window": 5.8e6, "clamp": 1.0, "guard": 0.79},
    "hidden": (200, 200),
    "tasks": 10,
    "epochs": 10,
    "batch": 100,
    "source": "Bonnet et al. 2025, supplement: comparison with presynaptic consolidation",
    "published": (92.46, 0.58),
}
_SI = {
    "rule": "synaptic_intelligence",
    "hidden": (2000, 2000),
    "tasks": 10,
    "epochs": 20,
    "batch": 256,
    "shuffle": True,
    "adam": 1e-3,
    "first_plain": True,
    "biases": True,
    "bfloat16": True,
    "clip": 1e-7,  # the authors' code trains in Keras 2.0.5, whose cross-entropy clips probabilities so
}
#: Cho et al. 2025: 20 steps an item (5 epochs of 4 batches), no momentum, weights by Glorot; displacements as measured here.
_ITEMS = {
    "hidden": (200, 200),
    "tasks": 10,
    "epochs": 5,
    "batch": 1024,
    "shuffle": True,
    "items": True,
    "limit": 2000,
    "spread": "glorot_normal",
    "trials": 10,
    "source": "Cho et al. 2025, serial position (their author's page)",
    "constants": {},
}
_MOVED = (1.6e-4, 5.6e-4, 1.8e-3)  # median |w - w0| of each layer after one item, conventional synapses
_CLOSING = {"items-stable": 1.0, "items-hybrid": 1.4}  # that, over the displacement that halves the gate of f = 1/2

#: The network and protocol that Zenke et al. 2017 and Bonnet et al. 2025 share; theirs saw CIFAR-10 and then CIFAR-100.
_CIFAR = {
    "network": "convolution",
    "hidden": (32, 32, 64, 64, 512),
    "per_task": 2,
    "tasks": 5,
    "epochs": 60,
    "shuffle": True,
    "biases": True,
}
_CIFAR_SI = _CIFAR | {"rule": "synaptic_intelligence", "batch": 256, "adam": 1e-3, "fresh_base": True}
_CLIPPED = {"lr_mu": 5.0, "lr_sigma": 66.0, "window": 5e5, "sigma_prior": 1.0, "ratio": 0.02, "least": 1e-6, "most": 1.0}
#: Of a stream: every image once, alone, as stored; the last five tasks count.
_ONE_BY_ONE = {"epochs": 1, "batch": 1, "shuffle": False, "recent": 5}
_STREAM = (
    _ONE_BY_ONE
    | {
        "label": "mesu-stream",
        "source": "Bonnet et al. 2025, fig. 3: last five of 200 tasks",
        "published": (91.34, None),
        "constants": {"window": 300_000, "sigma_prior": 1.0, "guard": float("inf")},  # the authors bound nothing here
        "hidden": (50,),
        "tasks": 200,
    }
    | _MESU
)
#: Cottart et al. 2026 and their code's configuration, in which no image changes its place; beliefs begin within 1/sqrt(inputs).
_GATED = _ONE_BY_ONE | {
    "network": "gated_perceptron",
    "rule": "bimu",
    "hidden": (100,),
    "samples": 5,
    "spread": 1.0,
    "standardised": True,
    "binary": True,
}
_BINARY_STREAM = _GATED | {
    "label": "bimu-stream",
    "source": "Cottart et al. 2026, authors' notebook: last five of 1,000 tasks",
    "published": (90.30, 0.38),
    "constants": {"lr": 4.9, "likelihood": 161.3, "kl": 3.76, "lr_max": 0.0023, "window": 700},
    "tasks": 1000,
}
#: The constants of their study of N, whose configuration leaves pixels between 0 and 1; both notebooks print the same numbers.
_BINARY_HUNDRED = _GATED | {
    "label": "bimu-stream-100",
    "source": "Cottart et al. 2026, authors' notebook on N: last five of 100 tasks",
    "published": (90.29, 0.24),
    "constants": {"lr": 7.5, "likelihood": 64.0, "kl": 1.0, "lr_max": 0.005, "window": 700},
    "tasks": 100,
    "standardised": False,
}
_BINARY_ONE = _GATED | {
    "label": "bimu-one",
    "source": "Cottart et al. 2026, authors' notebook: one task",
    "published": (94.67, 0.11),
    "constants": {"lr": 81.76, "likelihood": 12.3, "kl": 4.72, "lr_max": 0.017, "window": 6100},
    "tasks": 1,
    "recent": 0,
}


def settings():
    """The published settings, by label."""
    from spikemeta.runs.published_setting import Setting

    made = [
        Setting(label="mesu-10", shuffle=False, **_TEN),
        Setting(label="mesu-10-shuffled", shuffle=True, **_TEN),
        Setting(**_STREAM),
        Setting(**_BINARY_STREAM),
        Setting(**_BINARY_HUNDRED),
        Setting(**_BINARY_ONE),
        Setting(
            label="synaptic_intelligence",
            source="Zenke et al. 2017, authors' stored results, c = 0.1",
            published=(96.94, None),
            constants={"c": 0.1, "damping": 0.1},
            **_SI,
        ),
        Setting(
            label="synaptic_intelligence-c0",
            source="Zenke et al. 2017, authors' stored results, c = 0",
            published=(57.41, None),
            constants={"c": 0.0, "damping": 0.1},
            trials=2,
            **_SI,
        ),
        Setting(
            label="cifar-mesu",
            source="Bonnet et al. 2025, fig. 5: CIFAR-10, then ten tasks of CIFAR-100",
            published="73.46, other tasks",
            rule=str(Path(__file__).with_name("_mesu_clipped.py")),  # their PyTorch rule; mesu is their JAX rule
            constants=_CLIPPED,
            batch=200,
            samples=8,
            summed=True,
            spread="fan_in",
            sigma=0.5,
            **_CIFAR,
        ),
        *(
            Setting(
                label=f"cifar-synaptic_intelligence-c{c:g}",
                source="Zenke et al. 2017, authors' stored results: CIFAR-10, then five tasks of CIFAR-100",
                published=f"{number}, other tasks",
                constants={"c": c, "damping": 1e-3},
                **_CIFAR_SI,
            )
            for c, number in ((0.01, 73.53), (0.1, 72.0), (0.0, 62.51))
        ),
        *(
            Setting(f"items-{rule}", rule=rule, published=found, **_ITEMS)
            for rule, found in (("conventional", "recency"), ("stable", "primacy"), ("hybrid", "recency and primacy"))
        ),
    ]
    return {setting.label: setting for setting in made}


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    only: str = option("", "Settings to run, separated by commas. Default: all for these images.", decides=False)
    dataset: str = option("digits", "Images: digits (comes along), mnist or fashion; cifar10 for the settings cifar-...")
    scale: str = option("quick", "quick (small, to look around) or full (as published).", choices=("quick", "full"))
    seeds: int = option(1, "Number of seeds, 0 to N-1: weights, permutations, order and noise.", low=1, decides=False)
    first_seed: int = first_seed()
    stream_tasks: int | None = option(None, "Tasks of a stream. Default: as published, 100 to 1000; 10 with quick.", low=5)
    float32: bool = option(False, "Matrix products of the 2 x 2000 network in float32, as published, not in bfloat16.")
    items_lr: float = option(0.15, "Learning rate of the settings of items.", low=0)
    items_closing: float | None = option(None, "How soon their gates close. Default: 1 for stable, 1.4 for hybrid.", low=0.01)
    validation: bool = option(False, "Test items on images cut from the training data, to choose these two.")
    workers: int = option(2, "Processes at work, at most one per core.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/published-DATASET.", decides=False)
    resume: bool = option(False, "Keep the finished runs of the output folder, and go on with unfinished ones.", decides=False)


def chosen(options):
    """The settings that the options stand for.

    Raises
    ------
    UserError
        For an unknown setting.
    """

    have = settings()
    coloured = options.dataset.startswith("cifar")
    shown = [name for name, setting in have.items() if bool(setting.per_task) == coloured]
    names = [name.strip() for name in options.only.split(",") if name.strip()] or shown
    unknown = [name for name in names if name not in have]
    if unknown:
        raise UserError("\n".join(suggest("published setting", name, have) for name in unknown))
    found = []
    for setting in (have[name] for name in names):
        if setting.bfloat16 and options.float32:
            setting = replace(setting, bfloat16=False)
        if options.scale == "quick":
            small = {"hidden": tuple(max(20, n // 10) for n in setting.hidden), "epochs": min(2, setting.epochs), "limit": 1000}
            if setting.per_task:
                small["hidden"] = tuple(max(4, n // 8) for n in setting.hidden)
            most = setting.tasks if setting.per_task else 10 if setting.recent else 5 if setting.items else 3
            tasks = min(most, setting.tasks)
            setting = replace(setting, tasks=tasks, trials=1, batch=min(setting.batch, 20), **small)
        if setting.recent and options.stream_tasks:
            setting = replace(setting, tasks=options.stream_tasks)
        if setting.items:
            closing = options.items_closing or _CLOSING.get(setting.label, 1.0)
            gates = {f"weight{k}": {"displacement": moved / closing} for k, moved in enumerate(_MOVED, 1)}
            setting = replace(setting, constants={"lr": options.items_lr}, constants_of=gates, validation=options.validation)
        found.append(setting)
    return found


def run(options, console):
    """Train every setting under every seed and compare."""
    from spikemeta.analysis import published
    from spikemeta.data import datasets
    from spikemeta.figures import published as figures
    from spikemeta.figures import style
    from spikemeta.language import registry
    from spikemeta.runs import display, experiment, pool, provenance, published_setting, study, training

    found = chosen(options)
    data = pool.dataset(options.dataset)
    lacking = [s.label for s in found if s.per_task * s.tasks > data.n_classes]
    if lacking:
        raise UserError(f"{options.dataset} has {data.n_classes} classes, too few for the tasks of {', '.join(lacking)}")
    rules = [registry.get_rule(name) for name in sorted({s.rule for s in found})]
    store, record = provenance.begin("published", options, data, rules)
    points = []
    trials = {s.label: study.seeds_of(options, s.trials) for s in found}
    for seed in sorted(set().union(*trials.values())):
        for s in (s for s in found if seed in trials[s.label]):
            point = published_setting.Point(
                s.label, seed, s, options.dataset, str(store.state_folder(s.label, seed)), options.resume
            )
            points.append(replace(point, fingerprint=published_setting.fingerprint(point)))
    totals = {(p.label, p.seed): p.total for p in points}
    runs, failures = experiment.run_missing(store, points, totals, console, study.n_workers(options), training.execute, "steps")
    rows = []
    for s in found:
        own = [runs[s.label, seed] for seed in trials[s.label] if (s.label, seed) in runs]
        rows.append(
            {
                "rule": s.label,
                "hardware": None,
                "source": s.source,
                "published": s.published,
                "tasks": s.tasks,
                "recent": s.recent,
                "seeds": [r.seed for r in own],
                "seconds": [r.info["seconds"] for r in own],
                "metrics": published.metrics_of(own, s.recent),
            }
            | ({"tests": published.tests_of(own)} if s.items and own else {})
        )
    evaluated = "test images" + ", of items validation images" * options.validation
    head = {
        "engine": "torch",
        "evaluated_on": evaluated,
        "dataset": options.dataset,
        "scale": options.scale,
        "seeds": options.seeds,
    }
    store.write_results(published.to_dataset(found, runs, head))
    store.write_summary(head | {"rows": rows, "failures": failures})
    record.finish(runs, failures)
    made = {name: getattr(figures, name)(rows, head) for name in ("published", "items", "course", "triangle")}
    drawn = style.save_all(made, store.folder / "figures")
    console.print(
        display.published(rows, f"Published settings, {datasets.label(options.dataset)} ({options.scale})", evaluated)
    )
    return display.end(console, store, drawn, failures)


study = Study(
    "published",
    "The papers' own settings and numbers, and ours, side by side.",
    Options,
    run,
    quick=33,
    compiling=1,
    vectors="AVX-512",
)
