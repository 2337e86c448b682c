"""What `layered`, the text of `feedforward` and `surrogate`, gives beside these, from the same weights, and what it takes.

    python docs/twins.py torch sgd --limit 2000
    python docs/twins.py brian2 sgd
    python docs/twins.py brian2 sgd --onset 14.5

Split MNIST, two tasks, seed 0. Time is the processor's, of this process and the programs that it starts, without compilation.
"""

import argparse
import resource

import numpy as np

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation import written
from spikemeta.simulation.simulation import Simulation

NAMES = {"torch": "surrogate", "brian2": "feedforward"}


def simulations(engine, rule, hidden, onset):
    """The network as code and as a text, with the same constants."""
    how = {"network_parameters": {"onset": onset}} if onset is not None else {}
    code, text = (Simulation(registry.get_rule(rule), NAMES[engine], hidden, engine=engine, **how) for _ in range(2))
    text.network = written.as_text(code.network, NAMES[engine], engine)
    return {"code": code, "text": text}


def seconds():
    """Processor time so far."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=NAMES)
    parser.add_argument("rule")
    parser.add_argument("--limit", type=int, default=1000, help="training images of a task")
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--onset", type=float, help="ms; on brian2 only")
    parser.add_argument("--repeats", type=int, default=4)
    given = parser.parse_args()
    made = simulations(given.engine, given.rule, given.hidden, given.onset)
    tasks = curricula.build("split", datasets.load("mnist"), n_tasks=2, limit=given.limit, test_limit=20)
    start, _ = made["code"].begin(tasks, (784, given.hidden, tasks.n_classes), 0)
    weights = {name: start[name] for name in ("hidden", "readout")}
    shown, runs, took = sum(len(phase.indices) for phase in tasks.phases), {}, {"code": [], "text": []}
    for repeat in range(given.repeats + 1):
        for which in sorted(made, reverse=repeat % 2 == 1):
            before = seconds()
            runs[which] = made[which].run(tasks, seed=0, weights=weights)
            took[which] += [1000 * (seconds() - before) / shown] * (repeat > 0)  # the first one compiles
    pairs = list(zip(*(runs[which].phases for which in ("code", "text")), strict=True))
    apart = sum(int((one.counts != other.counts).any(1).sum()) for one, other in pairs)
    print(f"{given.engine}, {given.rule}: {apart} of {shown} presentations have other counts")
    for name, found in runs["text"].weights.items():
        there = runs["code"].weights[name]
        moved = np.abs(there - weights[name]).max()
        print(f"  {name}: weights differ by at most {np.abs(found - there).max():.3g}, and moved by up to {moved:.3g}")
    ratios = np.array(took["text"]) / took["code"]
    print(
        f"  ms a presentation: code {np.median(took['code']):.3f}, text {np.median(took['text']):.3f}; ratios {ratios.round(2)}"
    )


if __name__ == "__main__":
    main()
