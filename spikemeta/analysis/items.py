"""The rows and the data set of a study of items, from what `spikemeta.analysis.recall` measures of each run."""

from dataclasses import asdict, dataclass, field

import numpy as np

from spikemeta.analysis import recall, rows, statistics
from spikemeta.analysis.rows import over_seeds


@dataclass(frozen=True)
class Analysis(rows.Analysis):
    """What a study of items measures of a run and tests over seeds, see `spikemeta.analysis.rows.Analysis`."""

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """All runs as one xarray.Dataset; parameters as in `spikemeta.analysis.tasks.Analysis.to_dataset`.

        Returns
        -------
        xarray.Dataset
            ``recall`` (rule, seed, test, item), fraction; ``answers`` (rule, seed, test, item, answer); ``after``
            (rule, test), presentations of items before each test, nan in rows with fewer tests; every number of
            `measure` (rule, seed), and every array with dimensions of its own.
        """
        import xarray

        found = {key: recall.recall_of(run) for key, run in runs.items()}
        measured = {key: self.measure(run, chance) for key, run in runs.items()}
        labels = [label for label, _ in entries]

        def stack(of, shape):
            out = np.full((len(labels), len(seeds), *shape), np.nan)
            for (label, seed), one in of.items():
                one = np.asarray(one, float)
                out[(labels.index(label), seeds.index(seed), *map(slice, one.shape))] = one
            return out

        def widest(of):
            return tuple(np.max([np.shape(one) for one in of.values()], axis=0, initial=0).astype(int))

        def stacked(of):
            return stack(of, widest(of))

        data = {
            "recall": (("rule", "seed", "test", "item"), stacked({k: f.recall for k, f in found.items()}), {"units": "1"}),
            "answers": (("rule", "seed", "test", "item", "answer"), stacked({k: f.answers for k, f in found.items()})),
            "after": (("rule", "seed", "test"), stacked({k: f.after for k, f in found.items()})),
        }
        for name in next(iter(measured.values())):
            of = {key: one[name] for key, one in measured.items() if name in one}
            shape = widest(of)
            data[name] = (("rule", "seed", *[f"{name}_{k}" for k in range(len(shape))]), stack(of, shape))
        coords = {
            "rule": labels,
            "seed": np.array(seeds, np.int32),
            "item": np.arange(1, data["recall"][1].shape[-1] + 1, dtype=np.int32),
            "needs_boundary": ("rule", np.array([told for _, told in entries], np.int8)),
        }
        return xarray.Dataset(data, coords, {"chance": chance} | attributes)


@dataclass(frozen=True)
class AttackAnalysis(Analysis):
    """Also measures at which fraction of wrong labels each rule breaks.

    Attributes
    ----------
    mixed : dict of float to str
        Conditions of a stream with wrong labels, by their fraction, rising from 0.
    """

    mixed: dict = field(default_factory=dict)

    def add_tests(self, rows):
        """As `Analysis.add_tests`; the row without wrong labels of each rule gets its ``breaking_fraction``."""
        super().add_tests(rows)
        found = {(row["rule"].removesuffix(row["condition"]), row["condition"]): row for row in rows}
        for (rule, condition), row in found.items():
            own = [found[rule, name] for name in self.mixed.values()] if condition == self.mixed[0.0] else []
            if not own or any(one["seeds"] != row["seeds"] or not one["metrics"] for one in own):
                continue
            recalls = np.transpose([one["metrics"]["final_accuracy"]["values"] for one in own])
            values = recall.breaking_fraction(list(self.mixed), recalls)
            row["metrics"]["breaking_fraction"] = over_seeds(values.tolist(), interval=True)


@dataclass(frozen=True)
class SpacingAnalysis(Analysis):
    """Also compares a list whose repetitions are spaced with the same list massed, under the same rule and seeds.

    Attributes
    ----------
    spaced, massed : str
        The two conditions.
    """

    spaced: str = "spaced"
    massed: str = "massed"

    def add_tests(self, rows):
        """As `Analysis.add_tests`; the spaced row of each rule gets its ``spacing_effect``, tested above zero."""
        super().add_tests(rows)
        found = {(row["rule"].removesuffix(row["condition"]), row["condition"]): row for row in rows}
        for (rule, condition), row in found.items():
            other = found.get((rule, self.massed), row)
            if condition != self.spaced or other["seeds"] != row["seeds"] or not (row["metrics"] and other["metrics"]):
                continue
            pair = (np.array(one["metrics"]["repeated_recall"]["values"]) for one in (row, other))
            effect = np.subtract(*pair).tolist()
            row["metrics"]["spacing_effect"] = over_seeds(effect, interval=True)
            row["tests"]["spacing_effect"] = asdict(statistics.above(effect))


#: For a search of constants: no figures of its own.
SEARCH = Analysis(recall.overall)
