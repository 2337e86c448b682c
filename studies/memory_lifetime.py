"""How long synapses keep one pattern among many later ones: signal over noise against age, and lifetimes.

    spikemeta run memory_lifetime
    spikemeta run memory_lifetime --scale full --rules sgd,mesu,hebb_repetition

No network: a population of synapses under each rule stores random patterns of +1 and -1, one presentation each; an ideal
observer reads some of them as they age (`spikemeta.analysis.lifetime`). With one time of forgetting a memory fades
exponentially, and its lifetime grows as the logarithm of the number of synapses; a cascade (Fusi, Drew & Abbott 2005, Neuron
45, 599) about as 1/age, a chain (Benna & Fusi 2016, Nat. Neurosci. 19, 1697) as 1/sqrt(age). Memory that is parted among
synapses of different plasticity lives longer (Roxin & Fusi 2013, PLoS Comput. Biol. 9, e1003146). Where steps are never
bounded and nothing fades, as under sgd, noise grows with all that was ever stored: how much that was is ``--before``.

Rules run with their default constants; every time of forgetting is ``--window`` memories. Written to the output folder:
``summary.json``, ``results.nc``, ``provenance.json`` and two figures. A lifetime is read from the curve that never rises and is
nearest to the measured one; ``earliest_N`` and ``latest_N`` are where it crosses 1 plus and minus its noise.
``first_passage_N`` is a lower bound where ``censored_N``, the share that outlived what was looked at, is not zero; a lifetime
beyond it counts as infinite and is left out of the mean.
"""

from dataclasses import dataclass

from spikemeta.runs.study import Study, option

#: Synapses, ages looked at, tracked patterns.
QUICK, FULL = (20_000, 300, 8), (1_000_000, 3000, 16)


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    rules: str = option("", "Rules, variants or files of your own, separated by commas. Default: every rule.", decides=False)
    scale: str = option("quick", "quick (20,000 synapses, 300 ages) or full (1,000,000; 3,000).", choices=("quick", "full"))
    synapses: int | None = option(None, "Synapses, in thousands. Default: 20 (quick), 1000 (full).", low=1)
    ages: int | None = option(None, "Memories after a tracked one. Default: 300 (quick), 3000 (full).", low=10)
    tracked: int | None = option(None, "Tracked patterns. Default: 8 (quick), 16 (full).", low=1)
    spacing: int | None = option(None, "Memories from one tracked pattern to the next. Default: one after another.", low=1)
    before: int | None = option(None, "Memories before the first tracked one. Default: five windows.", low=0)
    window: float = option(100.0, "Times of forgetting, in memories.", low=1)
    size: float = option(1.0, "Of a memory's gradient.", low=0)
    seeds: int = option(2, "Number of seeds, 0 to N-1: patterns and draws.", low=1, decides=False)
    out: str = option("", "Output folder. Default: results/memory_lifetime.", decides=False)
    resume: bool = option(False, "Simulate again, into the same folder.", decides=False)


def run(options, console):
    """Simulate every rule under every seed, and compare."""
    import numpy as np

    from spikemeta.analysis import lifetime as analysis
    from spikemeta.analysis import rows as tables
    from spikemeta.figures import lifetime as figures
    from spikemeta.figures import style
    from spikemeta.runs import display, lifetime, provenance, study

    synapses, ages, tracked = FULL if options.scale == "full" else QUICK
    synapses = lifetime.GROUP * options.synapses if options.synapses else synapses
    ages, tracked = options.ages or ages, options.tracked or tracked
    before = int(5 * options.window) if options.before is None else options.before
    rules = study.resolve_rules(options.rules)
    store, record = provenance.begin("memory_lifetime", options, rules=rules.values())
    measured, signals = {label: [] for label in rules}, {}
    points = [(label, seed) for seed in range(options.seeds) for label in rules]
    for label, seed in display.tracked(points, "storing", console):
        rule = lifetime.forgetting_at(rules[label], options.window)
        readouts, power = lifetime.remember(rule, synapses, ages, tracked, before, seed, options.size, spacing=options.spacing)
        measured[label].append(analysis.metrics_of(readouts, power, lifetime.GROUP))
        signals[label, seed] = analysis.snr(readouts, power, 1)
    rows = [
        {
            "rule": rules[label].title,
            "hardware": None,
            "needs_boundary": rules[label].needs_boundary,
            "metrics": tables.table_of([{k: v if np.isfinite(v) else np.nan for k, v in one.items()} for one in runs]),
        }
        for label, runs in measured.items()
    ]
    numbers = analysis.sizes(synapses, tracked, lifetime.GROUP)
    results = _results(rules, measured, signals, numbers, options.seeds)
    results.attrs = {"window": options.window, "before": before, "tracked": tracked, "largest": numbers[-1]}
    store.write_results(results)
    head = {"engine": "torch", "dataset": None, "scale": options.scale, "seeds": options.seeds, "synapses": numbers}
    store.write_summary(head | {"window": options.window, "before": before, "ages": ages, "rows": rows})
    record.finish()
    made = {"snr": figures.curves(results), "lifetimes": figures.lifetimes(results)}
    drawn = style.save_all(made, store.folder / "figures")
    console.print(_table(rows, numbers, ages))
    return display.end(console, store, drawn)


def _results(rules, measured, signals, numbers, seeds):
    """Everything measured as an xarray.Dataset."""
    import numpy as np
    import xarray

    labels = list(rules)
    curves = np.array([[signals[label, seed] for seed in range(seeds)] for label in labels]) * np.sqrt(numbers[-1])
    made = {"snr": (("rule", "seed", "age"), curves, {"units": "1"})}
    for name in ("lifetime", "earliest", "latest", "first_passage", "censored"):
        values = [[[one[f"{name}_{n}"] for n in numbers] for one in measured[label]] for label in labels]
        made[name] = (("rule", "seed", "synapses"), np.array(values), {"units": "1" if name == "censored" else "memory"})
    made["needs_boundary"] = ("rule", [rules[label].needs_boundary for label in labels])
    coordinates = {"rule": [rules[label].title for label in labels], "seed": np.arange(seeds, dtype=np.int32)}
    coordinates |= {"age": np.arange(curves.shape[2], dtype=np.int32), "synapses": np.array(numbers, np.int32)}
    return xarray.Dataset(made, coordinates)


def _law(metrics):
    """The law that fits a curve better, written out: a power of the age t, or an exponential."""
    if "power_residual" not in metrics:
        return "-"
    if metrics["power_residual"]["mean"] < metrics["exponential_residual"]["mean"]:
        return f"t^{metrics['power_slope']['mean']:.2f}"
    return f"e^-t/{metrics['time_constant']['mean']:.0f}" if "time_constant" in metrics else "flat"


def _table(rows, numbers, ages):
    """What is printed, in 80 columns: lifetimes of the smallest and the largest population, and the law that fits better."""
    from rich import box
    from rich.table import Table

    ends = sorted({numbers[0], numbers[-1]})
    table = Table(
        title=f"Lifetime of a memory, in later memories (looked at: {ages})",
        caption="*: told of boundaries. lives: signal/noise > 1; passage: mean first age of one readout below its noise; "
        "law: fit of signal/noise above 3, t the age",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0),
    )
    heads = [f"10^{len(str(n)) - 1}\n{what}" for n in ends for what in ("lives", "passage")]
    for k, name in enumerate(["synapses:\nrule", *heads, "S/N\nat 0", "\nlaw"]):
        table.add_column(name, justify="right" if k else "left", overflow="fold", no_wrap=k > 0)
    for row in rows:
        m, cells = row["metrics"], []
        for n in ends:
            if "initial_snr" not in m:
                cells += ["diverges", "-"]
                continue
            bound = "> " if m[f"censored_{n}"]["mean"] > 0 else ""
            found = m.get(f"lifetime_{n}")
            cells += [f"{found['mean']:.0f}" if found else f"> {ages}", f"{bound}{m[f'first_passage_{n}']['mean']:.0f}"]
        first = f"{m['initial_snr']['mean']:.1f}" if "initial_snr" in m else "-"
        table.add_row(row["rule"] + "*" * row["needs_boundary"], *cells, first, _law(m))
    return table


study = Study(
    "memory_lifetime",
    "How long synapses keep one pattern among many later ones: signal over noise.",
    Options,
    run,
    resumable=False,
    quick=49,
)
