"""Figures of the study of uncertainty, from its ``results.nc`` data."""

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.figures.style import INTERVAL, MARKERS, PALETTE, blank, curve, legend, legend_of_all, placed

SHARE = 0.01  # bins with fewer images are not shown


def _ways(results, rule):
    """Ways of drawing weights that a rule has, with their places in the palette."""
    have = np.isfinite(results.accuracy.sel(rule=rule).values).any(axis=1)
    return [(k, str(way)) for k, way in enumerate(results.way.values) if have[k]]


def _panels(results, rows, title, shown, height=2.3, **share):
    rules = [str(rule) for rule in results.rule.values]
    made = blank(max(7.5, 3.0 * len(rules) + 2.2), height * rows + 1.0, results, title, shown)
    axes = made.subplots(rows, len(rules), squeeze=False, **share)
    for panel, rule in zip(axes[0], rules, strict=True):
        panel.set_title(rule, fontsize=10)
    return made, axes, rules


def _points(panel, k, at, values, way, n_ways):
    """Mean, interval and a dot per seed of (n_seeds, n) values in per cent, beside those of other ways."""
    for j, column in enumerate(np.asarray(values, float).T):
        found, x = statistics.summarise(column), at[j] + (k - (n_ways - 1) / 2) * 0.15
        spread = [[found.mean - found.low], [found.high - found.mean]] if found.n > 1 else None
        panel.plot(np.full(len(column), x), column, ".", ms=3, color=PALETTE[k], alpha=0.5)
        panel.errorbar(
            x, found.mean, spread, fmt=MARKERS[k], ms=4.5, color=PALETTE[k], capsize=2, lw=1, label=way if j == 0 else None
        )


@placed
def strange_images(results):
    """Areas under the ROC curve, and silence, by kind of strange image: a column per rule."""
    made, axes, rules = _panels(
        results, 4, "Test images against strange ones", INTERVAL + ", small dots: seeds", sharex="row", sharey="row"
    )
    n_ways = results.sizes["way"]
    for column, rule in zip(axes.T, rules, strict=True):
        for k, way in _ways(results, rule):
            one = results.sel(rule=rule, way=way)
            for panel, measure in zip(column, results.measure.values, strict=False):
                kinds = [str(kind) for kind in results.kind.values]
                _points(panel, k, np.arange(len(kinds)), 100 * one.auroc.sel(measure=measure).values, way, n_ways)
            images = [str(kind) for kind in results.image.values]
            _points(column[3], k, np.arange(len(images)), 100 * one.silent.values, way, n_ways)
        for panel in column[:3]:
            panel.axhline(50, color="0.5", ls=":", lw=1, label="no information")
            panel.set_xticks(range(len(kinds)), kinds, fontsize=8, rotation=20)
            panel.set_ylim(0, 101)
        column[3].set_xticks(range(len(images)), images, fontsize=8, rotation=20)
        column[3].set_xlabel("kind of image")
    for panel, measure in zip(axes[:, 0], results.measure.values, strict=False):
        panel.set_ylabel(f"area under the ROC\ncurve, {measure} (%)", fontsize=9)
    axes[3, 0].set_ylabel("silent\npresentations (%)", fontsize=9)
    axes[3, 0].set_ylim(0, min(101, axes[3, 0].get_ylim()[1]))  # an interval of few seeds may reach further
    legend_of_all(made, axes.flat)
    return made


@placed
def calibration(results):
    """Reliability diagram on test images, a panel per rule: accuracy by confidence, with the share of images beneath."""
    made, axes, rules = _panels(
        results,
        2,
        "Calibration on test images",
        f"{INTERVAL}, bins of at least {SHARE:.0%} of the images",
        2.8,
        sharex=True,
        sharey="row",
        height_ratios=(3, 1),
    )
    for (panel, below), rule in zip(axes.T, rules, strict=True):
        panel.plot([0, 100], [0, 100], ":", color="0.5", lw=1, label="calibrated")
        for k, way in _ways(results, rule):
            found = results.reliability.sel(rule=rule, way=way)
            share, confidence, accuracy = (found.sel(of=name).values for name in ("share", "confidence", "accuracy"))
            used = np.flatnonzero((share >= SHARE).all(axis=0))
            if len(used):
                curve(panel, 100 * confidence[:, used].mean(axis=0), accuracy[:, used], k, way)
            below.plot(
                100 * (np.arange(share.shape[1]) + 0.5) / share.shape[1], 100 * share.mean(axis=0), color=PALETTE[k], lw=1.2
            )
        panel.set(xlim=(0, 100), ylim=(0, 101))
        below.set(xlabel="confidence (%)")
    axes[0, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_ylabel("images (%)")
    legend_of_all(made, axes.flat)
    return made


@placed
def widths(results):
    """What the width of the noise does to validation images, for the rules with a posterior; None without any."""
    have = [str(rule) for rule in results.rule.values if np.isfinite(results.validation.sel(rule=rule).values).any()]
    if not have:
        return None
    some = results.sel(rule=have)
    made, axes, rules = _panels(some, 2, "Width of the weight noise, on validation images", INTERVAL, sharex=True, sharey="row")
    for (upper, lower), rule in zip(axes.T, rules, strict=True):
        for k, (noise, way) in enumerate((("posterior", "posterior"), ("uniform", "uniform, own width"))):
            found = some.validation.sel(rule=rule, noise=noise)
            curve(upper, some.tried.values, found.sel(fit="nll").values, k, f"{noise} noise", scale=1)
            curve(lower, some.tried.values, found.sel(fit="accuracy").values, k, f"{noise} noise")
            chosen = np.unique(some.width.sel(rule=rule, way=way).values)
            for value, label in zip(chosen, [f"chosen by some seed ({noise})", *[None] * len(chosen)], strict=False):
                upper.axvline(value, color=PALETTE[k], ls=":" if k else "--", lw=1, label=label)
        lower.set(xscale="log", xlabel="width (1: the posterior)")
        lower.set_ylim(0, 101)
    axes[0, 0].set_ylabel("loss (nats)")
    axes[1, 0].set_ylabel("accuracy (%)")
    legend(made, axes[0, 0])
    return made


FIGURES = {"strange_images": strange_images, "calibration": calibration, "widths": widths}
