"""The figures of a study, drawn from its ``results.nc`` data, each as PNG (200 dpi) and PDF.

Figures are made without pyplot, so nothing of them stays behind in a caller's session. Accuracies are
fractions in the data and per cent in the figures; bands and error bars are 95 % t-intervals over seeds.
"""

from pathlib import Path

import numpy as np

from spikemeta.analysis import metrics
from spikemeta.system.files import atomic

#: Okabe and Ito, "Color Universal Design" (2008): told apart with every common colour vision; grey in place of their yellow,
#: which a line on white paper loses.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vPX*"
HATCH = "///"


def canvas(width, height):
    """An empty figure of this size, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def blank(width, height, results, title, shown, n=None, images=None):
    """An empty figure with title and, beneath it, what the numbers were made with and what of them is shown.

    ``n`` seeds and ``images`` per task, where they are not those of the results and of the scale.
    """
    figure = canvas(width, height)
    n = n or results.sizes["seed"]
    figure.suptitle(title + "\n", fontsize=12, x=0.012, ha="left", linespacing=1.5)
    beneath = f"{describe(results, images)}; {n} seed{'s' * (n > 1)}" + (f": {shown}" if n > 1 else "")
    size = min(8.5, 130 * width / len(beneath))  # points, 72 an inch; a letter is about 0.54 as wide: a long line fits
    figure.text(0.012, 0.985 - 0.26 / height, beneath, va="top", fontsize=size, color="0.35")
    return figure


def describe(results, images=None):
    """Data set, task, scale (or images per task), feedback and engine of a results dataset in a phrase."""
    a = results.attrs
    images = images or a.get("images")
    how = "surrogate gradients (torch)" if a.get("engine") == "torch" else f"{a['feedback']} feedback"
    size = f"{images} images per task" if images else a["scale"]
    how += ", single precision" if a.get("dtype") == "float32" else ""
    kind = f", {a['scenario']}-incremental," if a.get("scenario") else ""
    return f"{a['task']}{kind} {a['dataset']} ({size}), {a['hidden']} hidden neurons, {how}"


def save(figure, folder, name):
    """Write ``name.png`` and ``name.pdf`` atomically; returns the two paths."""
    paths = [Path(folder) / f"{name}.{kind}" for kind in ("png", "pdf")]
    for path in paths:
        with atomic(path) as temporary:
            metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
            figure.savefig(temporary, dpi=200, metadata=metadata)
    return paths


def rule_label(results, rule):
    """A rule's name, marked where it is told of boundaries."""
    told = bool(results.needs_boundary.sel(rule=rule))
    return f"{rule} (told of boundaries)" if told else str(rule)


def accuracy_matrices(results):
    """Heat maps of the accuracy matrix, a panel per rule, mean over seeds.

    Parameters
    ----------
    results : xarray.Dataset
        As from `spikemeta.runs.results.to_dataset`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rules, n_tasks = list(results.rule.values), results.sizes["task"]
    columns = min(3, len(rules))
    rows = -(-len(rules) // columns)
    side = max(2.3, 0.42 * n_tasks + 0.6)
    figure = blank(columns * side + 1.6, rows * (side + 0.35) + 0.9, results, "Accuracy on each task after each task", "mean")
    panels = figure.subplots(rows, columns, squeeze=False)
    mean = 100 * results.accuracy.mean("seed")
    for panel, rule in zip(panels.flat, rules, strict=False):
        values = mean.sel(rule=rule).values
        image = panel.imshow(values, vmin=0, vmax=100, cmap="cividis")
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                panel.text(
                    j,
                    i,
                    f"{value:.0f}",
                    ha="center",
                    va="center",
                    fontsize=8 if n_tasks < 8 else 6,
                    color="black" if value > 60 else "white",
                )
        panel.set_title(rule_label(results, rule), fontsize=9)
        ticks = np.arange(n_tasks)
        panel.set_xticks(ticks, ticks + 1)
        panel.set_yticks(ticks, ticks + 1)
        panel.set_xlabel("tested task", fontsize=8)
        panel.set_ylabel("after task", fontsize=8)
    for panel in panels.flat[len(rules) :]:
        panel.remove()
    figure.colorbar(image, ax=panels[:, :].ravel().tolist()[: len(rules)], label="accuracy (%)", shrink=0.8)
    return figure


def first_task(results):
    """Accuracy of the first task over training, a line per rule with its band over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    tests = results.isel(test=np.flatnonzero(results.test_task.values == 1))
    several = results.sizes["task"] > 1
    figure = blank(
        8.2, 4.4, results, "Accuracy on the first task" if several else "Accuracy over training", "mean, 95 % interval"
    )
    panel = figure.add_subplot()
    shown = tests.test_presentations.values
    apart = 0.006 * shown.max()  # bars beside each other, where bands would hide each other
    for k, rule in enumerate(results.rule.values):
        values = [metrics.summarise(v) for v in tests.test_accuracy.sel(rule=rule).values.T]
        low, mean, high = 100 * np.array([[s.low, s.mean, s.high] for s in values], float).T
        told = bool(results.needs_boundary.sel(rule=rule))
        panel.errorbar(
            shown + apart * (k - (results.sizes["rule"] - 1) / 2),
            mean,
            yerr=bars(low, mean, high),
            fmt="--" if told else "-",
            color=PALETTE[k % len(PALETTE)],
            marker=MARKERS[k % len(MARKERS)],
            ms=4,
            elinewidth=0.9,
            capsize=2,
            label=rule_label(results, rule),
        )
    _chance(panel, results)
    if several:
        for end in sorted({int(tests.test_presentations[tests.test_after == k].max()) for k in tests.test_after.values})[:-1]:
            panel.axvline(end, color="0.85", lw=0.8, zorder=0)
    panel.set(
        xlabel="training presentations" + (" (vertical lines: the next task begins)" if several else ""),
        ylabel="test accuracy (%)",
        ylim=(0, 101),
        xlim=(0, None),
    )
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    return figure


def all_tasks(results):
    """Accuracy of every task over training, a panel per rule, a line per task with its band over seeds.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import colormaps

    rules, n_tasks = list(results.rule.values), results.sizes["task"]
    columns = min(3, len(rules))
    rows = -(-len(rules) // columns)
    figure = blank(3.4 * columns + 1.2, 2.5 * rows + 0.9, results, "Accuracy on each task over training", "mean, 95 % interval")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    colours = colormaps["viridis"](np.linspace(0, 0.9, n_tasks))
    for panel, rule in zip(panels.flat, rules, strict=False):
        for task in range(1, n_tasks + 1):
            learned = (results.test_task.values == task) & (results.test_after.values >= task)
            tests = results.isel(test=np.flatnonzero(learned))
            values = [metrics.summarise(v) for v in tests.test_accuracy.sel(rule=rule).values.T]
            low, mean, high = 100 * np.array([[s.low, s.mean, s.high] for s in values], float).T
            shown, colour, marker = tests.test_presentations.values, colours[task - 1], MARKERS[(task - 1) % len(MARKERS)]
            panel.plot(shown, mean, color=colour, marker=marker, ms=3.5, label=f"task {task}")
            if len(shown) > 1:
                panel.fill_between(shown, np.clip(low, 0, 100), np.clip(high, 0, 100), color=colour, alpha=0.15, lw=0)
            else:
                panel.errorbar(shown, mean, yerr=bars(low, mean, high), color=colour, elinewidth=0.9, capsize=2)
        _chance(panel, results)
        panel.set_title(rule_label(results, rule), fontsize=9)
        panel.set(ylim=(0, 101), xlim=(0, None))
    for k, panel in enumerate(panels.flat):
        if k >= len(rules):
            panel.remove()
        elif k + columns >= len(rules):
            panel.tick_params(labelbottom=True)
    figure.supxlabel("training presentations", fontsize=10)
    figure.supylabel("test accuracy (%)", fontsize=10)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    return figure


def bars(low, mean, high):
    """Lengths of error bars in %, cut off at 0 and 100; None without intervals."""
    if not np.isfinite(low).any():
        return None
    return [mean - np.clip(low, 0, 100), np.clip(high, 0, 100) - mean]


def _chance(panel, results):
    panel.axhline(100 * results.attrs["chance"], color="0.5", ls=":", lw=1, label="chance")


def accuracy_bars(results):
    """Bars of final and just-learned accuracy per rule, with intervals and a dot per seed.

    Parameters
    ----------
    results : xarray.Dataset

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.patches import Patch

    rules = list(results.rule.values)
    names = {"final_accuracy": "after the last task", "just_learned_accuracy": "right after learning each"}
    if results.sizes["task"] == 1:
        names = {"final_accuracy": "at the end"}
    figure = blank(
        max(7.0, 1.3 * len(rules) + 2.6), 4.4, results, "Accuracy, mean over tasks", "mean, 95 % interval, dots: seeds"
    )
    panel = figure.add_subplot()
    width = 0.8 / len(names)
    for b, (name, _) in enumerate(names.items()):
        for k, rule in enumerate(rules):
            values, x = results[name].sel(rule=rule).values, k + (b - (len(names) - 1) / 2) * width
            summary = metrics.summarise(values)
            told = bool(results.needs_boundary.sel(rule=rule))
            panel.bar(
                x,
                100 * summary.mean,
                0.92 * width,
                color=PALETTE[b],
                edgecolor="white" if told else PALETTE[b],
                hatch=HATCH if told else "",
                lw=0,
            )
            if summary.n > 1:
                panel.errorbar(x, 100 * summary.mean, 100 * (summary.high - summary.mean), color="black", capsize=3, lw=1)
            spread = np.linspace(-0.2, 0.2, len(values)) * width if len(values) > 1 else [0.0]
            panel.plot(x + np.asarray(spread), 100 * values, "o", ms=3.5, mfc="white", mec="black", mew=0.7, zorder=3)
    _chance(panel, results)
    panel.set_xticks(
        range(len(rules)),
        rules,
        rotation=20 if len(rules) > 4 else 0,
        ha="right" if len(rules) > 4 else "center",
    )
    panel.set(ylabel="test accuracy (%)", ylim=(0, 101))
    handles = [Patch(color=PALETTE[b], label=text) for b, text in enumerate(names.values())]
    if results.needs_boundary.any():
        handles.append(Patch(facecolor="0.6", edgecolor="white", hatch=HATCH, label="rule is told of boundaries"))
    handles += [h for h in panel.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside right center", fontsize=8, frameon=False)
    return figure


def settings(results, most=30):
    """Final accuracy of the best settings of a search, best on top.

    Parameters
    ----------
    results : xarray.Dataset
        One ``rule`` entry per setting.
    most : int
        Settings shown.

    Returns
    -------
    matplotlib.figure.Figure
    """
    mean = results.final_accuracy.mean("seed").values
    order = [k for k in np.argsort(-mean, kind="stable") if np.isfinite(mean[k])][:most]
    figure = blank(
        9.0, 0.28 * len(order) + 1.6, results, "Accuracy on validation data, after the last task", "mean, dots: seeds"
    )
    panel = figure.add_subplot()
    for y, k in enumerate(order):
        panel.plot(
            100 * results.final_accuracy.values[k],
            np.full(results.sizes["seed"], y),
            "o",
            ms=4,
            mfc="white",
            mec=PALETTE[0],
        )
        panel.plot(100 * mean[k], y, "|", ms=14, mew=2, color=PALETTE[1])
    panel.set_yticks(range(len(order)), results.rule.values[order], fontsize=8)
    panel.invert_yaxis()
    panel.set(xlabel="validation accuracy (%); dots: seeds, bar: mean")
    panel.grid(axis="x", color="0.9")
    return figure


def ratios(rows, title):
    """Times relative to what each row names as ``against``, on a logarithmic axis, with quartiles."""
    figure = canvas(8.6, 0.3 * len(rows) + 1.4)
    panel = figure.add_subplot()
    groups = list(dict.fromkeys(row["against"] for row in rows))
    for y, row in enumerate(rows):
        times, ratio = row["metrics"]["milliseconds"], row["metrics"]["ratio"]["mean"]
        low, high = (abs(times[end] - times["mean"]) / times["mean"] * ratio for end in ("low", "high"))
        colour = PALETTE[groups.index(row["against"])]
        label = f"relative to {row['against']}" if row["rule"] == row["against"] else None
        panel.errorbar(ratio, y, xerr=[[low], [high]], fmt="o", color=colour, capsize=3, label=label)
        panel.annotate(f"{ratio:.2f}", (ratio, y), (8, 4), textcoords="offset points", fontsize=8)
    panel.axvline(1, color="0.6", lw=0.8)
    panel.set_yticks(range(len(rows)), [row["rule"] for row in rows], fontsize=8)
    panel.invert_yaxis()
    panel.set(xscale="log", xlabel="time (ratio of medians; bars: quartiles)")
    figure.suptitle(title, fontsize=12)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def memory(trace):
    """Resident memory over time, of a trace from `spikemeta.system.memory.read`; None if it is shorter than two minutes."""
    if trace is None or trace["seconds"][-1] < 120:
        return None
    figure = canvas(7, 3.4)
    panel = figure.subplots()
    lines = {"total": "all but compilers", "own": "the study", "workers": "workers", "programs": "compiled networks"}
    for k, (name, label) in enumerate(lines.items()):
        panel.plot(trace["seconds"] / 60, trace[name], color=PALETTE[k], label=label, lw=2 if name == "total" else 1)
    panel.axvline(10, color="0.5", ls=":", lw=1)
    panel.set(xlabel="time (min); dotted: the first ten minutes", ylabel="resident memory (MiB)", ylim=(0, None))
    panel.set_title("Memory of all processes of the study", fontsize=11)
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    return figure


def draw(results, folder):
    """Draw and save every figure of a comparison of rules.

    Returns
    -------
    list of Path
    """
    made = {"first_task": first_task, "accuracy": accuracy_bars}
    if results.sizes["task"] > 1:
        made |= {"all_tasks": all_tasks, "accuracy_matrices": accuracy_matrices}
    return [path for name, make in made.items() for path in save(make(results), folder, name)]
