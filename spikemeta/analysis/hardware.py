"""What rules cost and lose on chips: metrics of the studies ``hardware`` and ``memristor``."""

from dataclasses import asdict

import numpy as np

from spikemeta.analysis import statistics, tasks
from spikemeta.analysis.rows import table_of
from spikemeta.hardware import counters, visits

ENERGY = "energy_per_presentation_pj"


class Analysis(tasks.Analysis):
    """What `spikemeta.runs.experiment` measures of each row: accuracy and forgetting, counts, energy.

    Parameters
    ----------
    entries : list of Entry
    """

    def __init__(self, entries):
        self.chips = {entry.label: entry.hardware for entry in entries}
        self.visits = {entry.label: visits.of_visit(entry.rule) for entry in entries}
        self.bits = {entry.label: visits.bits_of(entry.rule, entry.hardware) for entry in entries}

    def metrics_of(self, runs, chance):
        """Metrics of finished runs, with those of `counters.metrics_of_run` and `demands`; unknown ones are left out."""
        found = [
            counters.metrics_of_run(run.arrays, self.chips[run.label], len(run.arrays["accuracy_matrix"])) | self.demands(run)
            for run in runs
        ]
        return super().metrics_of(runs, chance) | table_of(found)

    def demands(self, run):
        """``operations`` of the rule's text and ``words_moved``, read or written, of all visits of a presentation."""
        counted = counters.named(run.arrays["counts_train"])
        visited, visit = counted["synapse_visits"] / counted["presentations"], self.visits[run.label]
        moved = visit.words_read + visit.words_written
        return {"operations": float(visited * visit.operations), "words_moved": float(visited * moved)}

    def to_dataset(self, entries, seeds, runs, chance, **attributes):
        """As `spikemeta.analysis.tasks.Analysis.to_dataset`; with `demands` (rule, seed) and ``state_bits`` (rule)."""
        data = super().to_dataset(entries, seeds, runs, chance, **attributes)
        labels = [label for label, _ in entries]
        found = {key: self.demands(run) for key, run in runs.items()}
        for name in ("operations", "words_moved"):
            cells = [[found[r, s][name] if (r, s) in found else np.nan for s in seeds] for r in labels]
            data[name] = (
                ("rule", "seed"),
                np.array(cells, float),
                {"units": "1"},
            )
        bits = [np.nan if self.bits[label] is None else self.bits[label] for label in labels]
        data["state_bits"] = "rule", np.array(bits, float), {"units": "bit"}
        return data

    def add_tests(self, rows):
        """Say of each row what a visit does, what state takes, and which terms its energy consists of."""
        for row in rows:
            label = row.get("label", row["rule"])
            chip = self.chips[label]
            row["visit"], row["state_bits"] = asdict(self.visits[label]), self.bits[label]
            unpriced = [n for n in counters.PRICES if (p := chip.prices.get(n)) is None or p.value is None]
            row["energy_leaves_out"] = unpriced
            got = row["metrics"]
            priced = {n: p.value * counters.ENERGY[p.unit] for n, p in chip.prices.items() if p.value is not None}
            times = {
                "synaptic_operation": "synaptic_operations",
                "neuron_update": "neuron_updates",
                "weight_update": "weight_writes",
                "spike": "spikes",
            }
            if ENERGY in got and got[ENERGY]["mean"]:
                parts = {n: price * got[times[n]]["mean"] / got[ENERGY]["mean"] for n, price in priced.items()}
                row["energy_terms"] = dict(sorted(parts.items(), key=lambda item: -item[1]))


def of_chips(rows):
    """Rules and chips in order, and the rows of the comparison by (rule, chip)."""
    cells = {(row["rule"], row["hardware"]): row for row in rows if row["part"] == "chips" and row["metrics"]}
    return list(dict.fromkeys(r for r, _ in cells)), list(dict.fromkeys(c for _, c in cells)), cells


def images_of(rows):
    """Images per task of the first row, None where the scale says it."""
    return rows[0].get("images") if rows else None


def loss(cells, rule, chip):
    """Final accuracy lost from ideal to a chip, seed by seed: a `statistics.Summary` of fractions, or None."""
    if (rule, chip) not in cells or (rule, "ideal") not in cells:
        return None
    ideal, there = cells[rule, "ideal"], cells[rule, chip]
    by_seed = dict(zip(ideal["seeds"], ideal["metrics"]["final_accuracy"]["values"], strict=True))
    values = zip(there["seeds"], there["metrics"]["final_accuracy"]["values"], strict=True)
    return statistics.summarise([by_seed[seed] - value for seed, value in values if seed in by_seed])
