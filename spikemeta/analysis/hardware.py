"""What rules cost and lose on chips: metrics of the studies ``hardware`` and ``memristor``."""

from spikemeta.analysis import statistics, tasks
from spikemeta.analysis.rows import table_of
from spikemeta.hardware import counters

ENERGY = "energy_per_presentation_pj"


class Analysis(tasks.Analysis):
    """What `spikemeta.runs.experiment` measures of each row: accuracy and forgetting, counts, energy.

    Parameters
    ----------
    entries : list of Entry
    """

    def __init__(self, entries):
        self.chips = {entry.label: entry.hardware for entry in entries}

    def metrics_of(self, runs, chance):
        """Metrics of finished runs, with those of `spikemeta.hardware.counters.metrics_of_run`; unknown ones are left out."""
        found = [counters.metrics_of_run(run.arrays, self.chips[run.label], len(run.arrays["accuracy_matrix"])) for run in runs]
        return super().metrics_of(runs, chance) | table_of(found)

    def add_tests(self, rows):
        """Name each row by its label, and say which terms its energy consists of."""
        for row in rows:
            chip = self.chips[row.get("label", row["rule"])]
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
