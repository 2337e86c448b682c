"""What a presentation costs: ours, the same network by hand in Brian2, a floor in C++, and other simulators.

    spikemeta run speed
    spikemeta run speed --dataset mnist --scale full

Workload W: one image at a time, 784-200-10, 100 steps of 1 ms, 1,030 input spikes, both layers plastic, on one thread. All
programs take turns in one run; a cost is processor time without that of starting, a ratio is formed within a turn, and
medians and quartiles are over turns. The baseline is hand-written Brian2 in C++ standalone mode with the same results
(`spikemeta.benchmarks.handwritten_brian`); for a rule without one it is the rule's text as Brian2 translates it. The floor
(`spikemeta.benchmarks.handwritten_floor`) is one C++ program in single precision. NEST, BindsNET and SpikingJelly are
measured where they are installed (``pip install spikemeta[peers]``).

Written to the output folder: ``summary.json``, ``provenance.json`` and figures.
"""

from dataclasses import dataclass

from spikemeta.runs.study import Study, option


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    rules: str = option("", "Rules. Default: sgd,laplace,mesu; with --scale full all.", decides=False)
    dataset: str = option("digits", "Images: digits (comes along, enlarged), mnist or fashion.")
    scale: str = option("quick", "quick (few turns and kinds of program, short curves) or full.", choices=("quick", "full"))
    hidden: int = option(200, "Hidden neurons of the workload.", low=1)
    spikes: float = option(1030.0, "Input spikes in a presentation.", low=1)
    repeats: int | None = option(None, "Turns. Default: 3 (quick), 15 (full).", low=3)
    curves: bool = option(True, "Measure costs against size, input and state too.", decides=False)
    peers: bool = option(True, "Measure other simulators too.", decides=False)
    out: str = option("", "Output folder. Default: results/speed-DATASET.", decides=False)
    resume: bool = option(False, "Measure again, into the same folder.", decides=False)


def run(options, console):
    """Time everything and compare."""
    import os

    from spikemeta.benchmarks import comparison, curves, machine, speed
    from spikemeta.data import datasets
    from spikemeta.figures import speed as figures
    from spikemeta.figures import style
    from spikemeta.runs import display, provenance, study

    full = options.scale == "full"
    names = options.rules or ("" if full else ",".join(speed.QUICK_RULES))
    rules = list(study.resolve_rules(names).values())
    data = datasets.load(options.dataset)
    here = machine.describe()
    store, record = provenance.begin("speed", options, data, rules, **here)
    work = speed.workload(data, spikes=options.spikes)
    load = [os.getloadavg()[0]]
    say = lambda text: console.print(text, highlight=False, markup=False)  # noqa: E731
    say(f"{work.spikes:.0f} input spikes, {options.hidden} hidden neurons; load of the machine {load[0]:.1f}")
    repeats = options.repeats or (15 if full else 3)
    rows = comparison.rows_of(rules, work, options.hidden, repeats, say, quick=not full)
    if options.peers:
        rows += comparison.peer_rows(work, options.hidden, 5 if full else 3, say, rows)
    measured = curves.measure(rules, work, full, say) if options.curves else {}
    load.append(os.getloadavg()[0])
    head = {"engine": "brian2", "dataset": options.dataset, "scale": options.scale, "seeds": 0, "hidden": options.hidden}
    head |= {"spikes": work.spikes, "clock": "processor time of one thread, start taken off", "load": load, "machine": here}
    store.write_summary(head | {"rows": rows, "curves": measured})
    record.finish(load=load)
    made = {"speed": figures.comparison(rows, head, speed.METRICS)} | figures.figures_of(measured, curves.RULE)
    drawn = style.save_all(made, store.folder / "figures")
    console.print(curves.table(rows, head))
    return display.end(console, store, drawn)


study = Study(
    "speed",
    "What a presentation costs, against Brian2 by hand, a floor in C++ and other simulators.",
    Options,
    run,
    resumable=False,
    quick=47,
    compiling=49,
    cores=1,
    vectors="AVX-512",
)
