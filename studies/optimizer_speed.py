"""What one step of each rule's optimizer costs, against torch's own, and what weight samples cost, stacked and one by one.

    spikemeta run optimizer_speed
    spikemeta run optimizer_speed --synapses 1000000 --threads 1

Everything is timed in turn, again and again, in one process, and compared by medians; so a slow moment meets all alike.
Written to the output folder: ``summary.json``, ``provenance.json`` and a figure.
"""

import os
import time
from dataclasses import dataclass

from spikemeta.runs.study import Study, option


@dataclass(frozen=True)
class Options:
    """Options of this study."""

    rules: str = option("", "Rules, variants or files of your own, separated by commas. Default: every rule.", decides=False)
    synapses: int = option(1_000_000, "Parameters of the optimizer, float32, in one tensor.", low=1)
    repeats: int = option(200, "Times that everything is timed.", low=3)
    threads: int = option(1, "Threads of torch.", low=1)
    out: str = option("", "Output folder. Default: results/optimizer_speed.", decides=False)
    resume: bool = option(False, "Measure again, into the same folder.", decides=False)


def _steps(options, rules):
    """What is timed, by label: a function without arguments."""
    import torch

    def parameter():
        made = torch.nn.Parameter(0.1 * torch.randn(options.synapses))
        made.grad = 0.01 * torch.randn(options.synapses)
        return made

    timed = {}
    for name, keywords in {"SGD with momentum": {"momentum": 0.9}, "Adam": {}}.items():
        optimizer = getattr(torch.optim, name.split()[0])([parameter()], lr=1e-3, foreach=True, **keywords)
        timed[f"torch: {name}"] = optimizer.step
    for label, rule in rules.items():
        for fused in (True, False):
            p = parameter()
            gradient, optimizer = p.grad, rule.optimizer([p], fused=fused)

            def closure(p=p, gradient=gradient):
                p.grad = gradient

            step = optimizer.step if not rule.analysis.noisy else lambda o=optimizer, c=closure: o.step(c)
            timed[f"{label}{'' if fused else ', whole tensors'}"] = step
    return timed


def _samples(hidden, batch):
    """Ten weight samples of a perceptron on a batch of images: stacked, and one by one; and ten passes without a rule."""
    import torch

    from spikemeta.language import registry

    network, mesu = registry.load("networks", "perceptron"), registry.get_rule("mesu")
    start = network.start((784, *hidden, 10), torch.Generator().manual_seed(0))
    x, y = torch.rand(batch, 784), torch.arange(batch) % 10

    def loss_of(weights):
        logits = network(weights, x).flatten(0, -2)
        losses = torch.nn.functional.cross_entropy(logits, y.repeat(len(logits) // batch), reduction="none")
        return losses.view(-1, batch).mean(1)

    def parameters():
        return {name: torch.nn.Parameter(w.clone()) for name, w in start.items()}

    def once(weights):
        for w in weights.values():
            w.grad = None
        loss = loss_of(weights).sum()
        loss.backward()
        return loss

    what = f", batch of {batch}, 784-{'-'.join(map(str, hidden))}-10"
    plain, timed = parameters(), {}
    timed["ten passes forward and backward" + what] = lambda: [once(plain) for _ in range(10)]
    for label, stacked in (("ten weight samples, stacked", True), ("ten weight samples, one by one", False)):
        own = parameters()
        optimizer = mesu.optimizer(own.items(), lr_mu=1e-3, lr_sigma=1e-3)
        objective = loss_of if stacked else lambda own=own: once(own)
        timed[label + what] = lambda o=optimizer, f=objective, s=stacked: o.step(f, samples=10, stacked=s)
    return timed


def run(options, console):
    """Time everything and compare."""
    import numpy as np
    import torch
    from rich.table import Table

    from spikemeta.figures import speed, style
    from spikemeta.runs import display, provenance, study

    rules = study.resolve_rules(options.rules)
    store, record = provenance.begin("optimizer_speed", options, rules=rules.values(), cores=os.cpu_count())
    kept = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    groups = [_steps(options, rules), _samples((50,), 1), _samples((200, 200), 100)]
    seconds = {label: [] for timed in groups for label in timed}
    try:
        for turn in display.tracked(range(options.repeats + 5), "timing", console):
            for timed in groups:
                for label, step in timed.items():
                    start = time.perf_counter()
                    step()
                    if turn >= 5:  # first the caches fill
                        seconds[label].append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(kept)
    rows, table = (
        [],
        Table(title=f"{options.synapses:,} synapses, float32, {options.threads} threads, {options.repeats} repeats"),
    )
    for name in ("", "ms (median)", "quartiles", "ratio"):
        table.add_column(name, justify="right" if name else "left")
    for timed in groups:
        base = np.median(seconds[next(iter(timed))])
        for label in timed:
            low, median, high = (float(q) for q in np.percentile(seconds[label], (25, 50, 75)))
            metrics = {
                "milliseconds": {"mean": 1e3 * median, "low": 1e3 * low, "high": 1e3 * high},
                "ratio": {"mean": median / base},
            }
            rows.append({"rule": label, "hardware": None, "against": next(iter(timed)), "metrics": metrics})
            table.add_row(label, f"{1e3 * median:.3f}", f"{1e3 * low:.3f} to {1e3 * high:.3f}", f"{median / base:.2f}")
    store.write_summary({"engine": "torch", "dataset": None, "scale": "full", "seeds": 0, "rows": rows})
    record.finish()
    drawn = style.save(speed.ratios(rows, "Cost of an optimizer's step"), store.folder / "figures", "ratios")
    console.print(table)
    return display.end(console, store, drawn)


study = Study(
    "optimizer_speed",
    "What one step of each rule's optimizer costs, against torch's own.",
    Options,
    run,
    resumable=False,
    quick=57,
    compiling=5,
    cores=1,
    vectors="AVX-512",
)
