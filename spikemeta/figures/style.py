"""The style that all figures share: size, colours, titles, panels, lines with their bands; and how they are saved.

Figures are made without pyplot, so nothing of them stays behind in a caller's session; each is saved as PNG (200 dpi) and PDF.
Accuracies are fractions in the data and per cent in the figures; bands and error bars are 95 % t-intervals over seeds.
"""

import functools
import inspect
import re
import textwrap
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from spikemeta.analysis import statistics
from spikemeta.data import datasets
from spikemeta.errors import UserError
from spikemeta.system.files import atomic

#: Okabe and Ito, "Color Universal Design" (2008): told apart with every common colour vision; grey in place of their yellow,
#: which a line on white paper loses.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vPX*"
HATCH = "///"
#: More rules than colours no longer fit beside each other, or in one panel.
MANY = len(PALETTE)
INTERVAL = "mean, 95 % interval"
#: Accuracy in per cent up to which a number on its colour is read better in white, above in black.
BRIGHT = {"cividis": 46, "viridis": 43}


#: The subplot that the figure under way takes the place of.
_PLACE = ContextVar("place", default=None)


def placed(draw):
    """A figure function that also takes ``ax``: a subplot of a figure of the caller's.

    The subplot is replaced by a part of its figure, `matplotlib.figure.SubFigure`, with all panels, titles and the legend of
    the drawing; the part is returned, and ``part.axes`` are its panels. The other subplots stay as they are. A figure without a
    layout gets the constrained one.
    """

    @functools.wraps(draw)
    def drawn(*arguments, ax=None, **named):
        token = _PLACE.set(ax)
        try:
            return draw(*arguments, **named)
        finally:
            _PLACE.reset(token)

    signature = inspect.signature(draw)
    ax = inspect.Parameter("ax", inspect.Parameter.KEYWORD_ONLY, default=None)
    drawn.__signature__ = signature.replace(parameters=[*signature.parameters.values(), ax])
    return drawn


def _part(ax):
    """The part of its figure that a subplot has, which is removed."""
    place = ax.get_subplotspec()
    if place is None:
        raise UserError(
            "ax must be one of a figure's subplots, as plt.subplots() gives them: other axes have no place to share"
        )
    around = ax.figure
    if around.figure.get_layout_engine() is None:
        around.figure.set_layout_engine("constrained")
    ax.remove()
    return around.add_subfigure(place)


def canvas(width, height):
    """An empty figure of this size, in inches; or the part of one that `placed` was given."""
    if _PLACE.get() is not None:
        return _part(_PLACE.get())
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
    if _PLACE.get() is not None:
        width, height = figure.bbox.transformed(figure.dpi_scale_trans.inverted()).size
    n = n or results.sizes["seed"]
    figure.suptitle(title + "\n", fontsize=12, x=0.012, ha="left", linespacing=1.5)
    beneath = f"{describe(results, images)}; {n} seed{'s' * (n > 1)}" + (f": {shown}" if n > 1 else "")
    size = min(8.5, 130 * width / len(beneath))  # points, 72 an inch; a letter is about 0.54 as wide: a long line fits
    figure.text(0.012, 1 - 0.32 / height, beneath, va="top", fontsize=size, color="0.35")
    return figure


def describe(results, images=None):
    """Data set, task, scale (or images per task), feedback or learning signal, and engine of a results dataset in a phrase."""
    a = results.attrs
    how = f"signal {a['signal']}" if "signal" in a else f"{a['feedback']} feedback"
    how = "surrogate gradients (torch)" if a.get("engine") == "torch" else how
    how += ", single precision" if a.get("dtype") == "float32" else ""
    own = f" of network {a['network']}" if "network" in a else ""
    return f"{tasks_in_words(a, images)}, {a['hidden']} hidden neurons{own}, {how}"


def tasks_in_words(head, images=None):
    """Tasks, scenario, data set and scale, or images per task, of a results dataset or a summary, as far as it has them."""
    images = images or head.get("images")
    size = f"{images} images per task" if images else head.get("scale")
    kind = f", {head['scenario']}-incremental," if head.get("scenario") else ""
    parts = (
        f"{head.get('task', '')}{kind}",
        datasets.label(head["dataset"]) if head.get("dataset") else "",
        f"({size})" * bool(size),
    )
    return " ".join(part for part in parts if part)


def shape_of(n, most):
    """Rows and columns of `n` panels, at most `most` side by side."""
    columns = min(most, n)
    return -(-n // columns), columns


def grid(figure, n, most, **share):
    """The axes of `n` panels, row by row, at most `most` side by side; ``share`` as for ``Figure.subplots``."""
    panels = figure.subplots(*shape_of(n, most), squeeze=False, **share)
    for panel in panels.flat[n:]:
        panel.remove()
    return list(panels.flat[:n])


def look(k):
    """Colour and marker of the k-th line; colours come again after eight, with another marker, and hollow every other time."""
    again, k = divmod(k, len(PALETTE))
    face = "white" if again % 2 else PALETTE[k]
    return {"color": PALETTE[k], "marker": MARKERS[(k + again) % len(MARKERS)], "markerfacecolor": face}


def interval_of(columns, scale=100):
    """Lower end, mean and upper end over seeds.

    Parameters
    ----------
    columns : iterable of (n_seeds,)
    scale : float
        100 shows fractions in per cent.

    Returns
    -------
    low, mean, high : (n,)
    """
    return scale * np.array([[s.low, s.mean, s.high] for s in map(statistics.summarise, columns)], float).T


def error_bars(low, mean, high):
    """Lengths of error bars in %, (2, n), cut off at 0 and 100; None without intervals."""
    if not np.isfinite(low).any():
        return None
    return np.array([mean - np.clip(low, 0, 100), np.clip(high, 0, 100) - mean])


def curve(panel, x, values, k, label, told=False, scale=100):
    """A line with its band over seeds.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
    x : (n,) numbers
    values : (n_seeds, n) numbers
    k : int
        Which colour and marker.
    label : str
    told : bool
        Whether the rule is told of boundaries; its line is broken.
    scale : float
        100 shows fractions in per cent.
    """
    low, mean, high = interval_of(np.asarray(values, float).T, scale)
    shown = look(k)
    panel.plot(x, mean, "--" if told else "-", ms=4, lw=1.4, label=label, **shown)
    band(panel, x, low, high, shown["color"], cut=scale == 100)


def band(panel, x, low, high, colour, alpha=0.15, cut=True):
    """The interval around a line, cut off at 0 and 100 if it is one of percentages."""
    if cut:
        low, high = np.clip(low, 0, 100), np.clip(high, 0, 100)
    panel.fill_between(x, low, high, color=colour, alpha=alpha, lw=0)


def rule_label(results, rule):
    """A rule's name, marked where it is told of boundaries."""
    return f"{rule} (told of boundaries)" if is_told(results, rule) else str(rule)


def wrapped(name, letters):
    """A name of several words on lines of about so many letters: the settings of a search have long names."""
    return "\n".join(textwrap.wrap(str(name), letters, break_long_words=False, break_on_hyphens=False))


def is_told(results, rule):
    """Whether the rule of a row is told of boundaries."""
    return bool(results.needs_boundary.sel(rule=rule))


def chance_line(panel, chance, label="chance", lying=False):
    """The accuracy of guessing, given as a fraction, as a dotted line; upright where accuracies go from left to right."""
    line = panel.axvline if lying else panel.axhline
    line(100 * chance, color="0.5", ls=":", lw=1, label=label)


def legend(figure, panel=None, loc="outside right center", **more):
    """One legend beside the panels: of one panel's lines, or of all."""
    shown = panel.get_legend_handles_labels() if panel else ()
    figure.legend(*shown, loc=loc, fontsize=8, frameon=False, **more)


def legend_of_all(figure, panels):
    """One legend beside the panels, of all that any of them shows, each once."""
    found = {label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found.keys(), loc="outside right center", fontsize=8, frameon=False)


def words(figure):
    """What a figure shows, in words, for those who do not see it: its title, what stands at its axes, what its legends name.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
    """
    panels = [panel for panel in figure.axes if not hasattr(panel, "_colorbar")]
    title = figure.get_suptitle() or next((panel.get_title() for panel in panels if panel.get_title()), "")
    along = [(p.get_ylabel() or figure.get_supylabel(), p.get_xlabel() or figure.get_supxlabel()) for p in panels]
    bars = [panel.get_ylabel() for panel in figure.axes if hasattr(panel, "_colorbar")]
    legends = [*figure.legends, *(panel.get_legend() for panel in panels if panel.get_legend())]
    parts = [
        title,
        ", ".join(dict.fromkeys(" against ".join(filter(None, pair)) for pair in along if any(pair))),
        ", ".join(dict.fromkeys(f"colour: {bar}" for bar in bars if bar)),
        ", ".join(dict.fromkeys(panel.get_title() for panel in panels if panel.get_title() and panel.get_title() != title)),
        ", ".join(dict.fromkeys(name for panel in panels for axis in (panel.xaxis, panel.yaxis) for name in _names(axis))),
        ", ".join(dict.fromkeys(text.get_text() for legend in legends for text in legend.get_texts())),
    ]
    parts = [" ".join(part.split()) for part in parts]
    return ": ".join(filter(None, [parts[0], "; ".join(filter(None, parts[1:]))]))


def _names(axis):
    """The words at the ticks of an axis that has words there, as one of rules has."""
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    if not isinstance(axis.get_major_formatter(), (FixedFormatter, FuncFormatter)):
        return []
    return [label.get_text() for label in axis.get_ticklabels() if not re.fullmatch(r"[\d.,−$-].*|", label.get_text())]


def read_words(path):
    """What a PNG of `save` shows, in words; the name of any other file."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()  # the text may stand behind the pixels
            return image.info.get("Description") or path.stem.replace("_", " ")
    except OSError:
        return path.stem.replace("_", " ")


def save(figure, folder, name):
    """Write ``name.png`` and ``name.pdf`` atomically, each with what it shows in words; returns the two paths."""
    paths = [Path(folder) / f"{name}.{kind}" for kind in ("png", "pdf")]
    layout, shown = figure.get_layout_engine(), words(figure)
    try:
        for path in paths:
            with atomic(path) as temporary:
                metadata = {"Software": None, "Description": shown}
                metadata = {"CreationDate": None, "Subject": shown} if path.suffix == ".pdf" else metadata
                figure.savefig(temporary, dpi=200, metadata=metadata)
            figure.set_layout_engine(None)  # what has its place keeps it: a layout takes longer than a drawing
    finally:
        figure.set_layout_engine(layout)
    return paths


def save_all(figures, folder):
    """Write figures by the names of their files, those that are None left out; returns all paths."""
    return [path for name, figure in figures.items() if figure for path in save(figure, folder, name)]
