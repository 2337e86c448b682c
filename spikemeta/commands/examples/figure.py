"""NAME: final accuracy of each rule, mean over seeds."""

from spikemeta.figures.style import blank, chance_line

# In the folder spikemeta/figures/tasks/ of a checkout it is drawn by 'spikemeta run forgetting'.


def figure(results):
    """A point for each rule, from the xarray.Dataset of ``results.nc``; None instead of a figure draws nothing."""
    made = blank(5, 3.5, results, "Final accuracy", "mean")
    panel = made.add_subplot()
    panel.plot(results.rule.values, 100 * results.final_accuracy.mean("seed"), "o")
    chance_line(panel, results.chance)
    panel.set_ylabel("test accuracy (%)")
    return made
