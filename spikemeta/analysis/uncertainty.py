"""What a network knows about its own answers: the metrics, tests and data set of the study ``uncertainty``.

A trained network saw the same images several times, its weights drawn anew each time (`spikemeta.runs.probing`). What the
predictions say, apart and together, is measured by `spikemeta.analysis.calibration`.
"""

import functools
from dataclasses import asdict

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.analysis.calibration import BINS, auroc, calibration_error, reliability
from spikemeta.analysis.rows import SEPARATOR
from spikemeta.analysis.rows import Analysis as Measured

MEASURES = ("epistemic", "aleatoric", "predictive")
#: Where the weights of a showing come from; width 1 is the rule's own posterior.
WAYS = {
    "posterior": "each synapse's posterior, width chosen on validation images",
    "width 1": "each synapse's posterior as it is",
    "uniform": "the same noise on all synapses of a projection, of the posterior's mean variance",
    "uniform, own width": "the same noise on all synapses, width chosen on validation images for itself",
    "spikes alone": "no weight noise, only fresh input spikes",
}


def of_way(way, run, chance):
    """Metrics of one way of drawing weights, of a finished run.

    Parameters
    ----------
    way : str
    run : spikemeta.analysis.rows.FinishedRun
    chance : float
        Unused.

    Returns
    -------
    dict of str to float
        ``accuracy``, ``nll`` and ``calibration_error`` on test images; ``auroc_MEASURE_KIND`` for each measure and kind of
        strange images, and ``auroc_MEASURE``, its mean over kinds; ``MEASURE_KIND`` in nats; ``silent_KIND``; ``width`` and
        ``temperature``.
    """
    a = run.arrays
    k, kinds = list(a["ways"]).index(way), [str(kind) for kind in a["kinds"]]
    out = {
        "accuracy": float(a["right"][k].mean()),
        "nll": float(a["loss"][k].mean()),
        "calibration_error": calibration_error(a["confidence"][k], a["right"][k]),
        "width": float(a["width"][k]),
        "temperature": float(a["temperature"][k]),
    }
    for measure, scores in zip(MEASURES, a["scores"][k], strict=True):
        areas = {kind: auroc(scores[0], other) for kind, other in zip(kinds[1:], scores[1:], strict=True)}
        out[f"auroc_{measure}"] = float(np.mean(list(areas.values())))
        out |= {f"auroc_{measure}_{kind}": area for kind, area in areas.items()}
        out |= {f"{measure}_{kind}": float(values.mean()) for kind, values in zip(kinds, scores, strict=True)}
    return out | {f"silent_{kind}": float(value) for kind, value in zip(kinds, a["silent"][k], strict=True)}


class Analysis:
    """One row per rule and way of drawing weights; its methods are those of `spikemeta.analysis.items.Analysis`."""

    compared = ("accuracy", "nll", "calibration_error", *(f"auroc_{measure}" for measure in MEASURES))

    def metrics_of(self, runs, chance):
        """Metrics of all ways, by way."""
        return {
            str(way): Measured(functools.partial(of_way, way)).metrics_of(runs, chance)
            for way in (runs[0].arrays["ways"] if runs else ())
        }

    def add_tests(self, rows):
        """Replace each row by one per way, compared, seed by seed, with uniform noise of the same variance."""
        made = []
        for row in rows:
            for way, found in row["metrics"].items():
                label = f"{row['rule']}{SEPARATOR}{way}"
                made.append(row | {"rule": label, "condition": way, "metrics": found, "tests": {}})
                control = row["metrics"].get("uniform")
                if control and way != "uniform":
                    names = [n for n in found if n.startswith(self.compared)]
                    tests = {n: asdict(statistics.paired(found[n]["values"], control[n]["values"])) for n in names}
                    made[-1]["tests"]["against"] = {"rule": f"{row['rule']}{SEPARATOR}uniform"} | tests
            if not row["metrics"]:
                made.append(row)
        rows[:] = made

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """All runs as one xarray.Dataset; parameters as in `spikemeta.analysis.tasks.Analysis.to_dataset`.

        Returns
        -------
        xarray.Dataset
            Every number of `of_way` that has no measure (rule, way, seed); ``auroc`` (rule, way, seed, measure, kind);
            ``uncertainty`` (rule, way, seed, measure, image), nats, mean over images; ``silent`` (rule, way, seed, image);
            ``reliability`` (rule, way, seed, of, bin), of ``share``, ``confidence`` and ``accuracy``; ``validation``
            (rule, noise, seed, of, width). Ways and noises that a rule does not have are nan.
        """
        import xarray

        first = next(iter(runs.values())).arrays
        rules, ways, kinds = [label for label, _ in entries], list(WAYS), [str(kind) for kind in first["kinds"]]
        numbers = ("accuracy", "nll", "calibration_error", "width", "temperature")
        shapes = {
            "auroc": (("measure", "kind"), (len(MEASURES), len(kinds) - 1), "1"),
            "uncertainty": (("measure", "image"), (len(MEASURES), len(kinds)), "nat"),
            "silent": (("image",), (len(kinds),), "1"),
            "reliability": (("of", "bin"), (3, BINS), "1"),
        }
        shapes |= {name: ((), (), {"nll": "nat", "temperature": "spike"}.get(name, "1")) for name in numbers}
        made = {name: np.full((len(rules), len(ways), len(seeds), *shape), np.nan) for name, (_, shape, _) in shapes.items()}
        fits = np.full((len(rules), 2, len(seeds), 3, len(first["widths"])), np.nan)
        for (label, seed), run in runs.items():
            r, s, a = rules.index(label), seeds.index(seed), run.arrays
            for noise, table in enumerate(a["validation"]):
                fits[r, noise, s] = table
            for k, way in enumerate(a["ways"]):
                at, found = (r, ways.index(way), s), of_way(way, run, chance)
                for name in numbers:
                    made[name][at] = found[name]
                made["auroc"][at] = [[found[f"auroc_{m}_{kind}"] for kind in kinds[1:]] for m in MEASURES]
                made["uncertainty"][at] = [[found[f"{m}_{kind}"] for kind in kinds] for m in MEASURES]
                made["silent"][at] = a["silent"][k]
                made["reliability"][at] = reliability(a["confidence"][k], a["right"][k])
        data = {n: (("rule", "way", "seed", *shapes[n][0]), values, {"units": shapes[n][2]}) for n, values in made.items()}
        data["validation"] = (("rule", "noise", "seed", "fit", "tried"), fits)
        coords = {
            "rule": rules,
            "way": ways,
            "seed": np.array(seeds, np.int32),
            "measure": list(MEASURES),
            "kind": kinds[1:],
            "image": kinds,
            "of": ["share", "confidence", "accuracy"],
            "noise": ["posterior", "uniform"],
            "fit": ["nll", "accuracy", "temperature"],
            "tried": first["widths"],
            "needs_boundary": ("rule", np.array([told for _, told in entries], np.int8)),
        }
        return xarray.Dataset(data, coords, {"chance": chance} | attributes)
