"""A network drawn: a box for each layer, an arrow for each projection."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from spikemeta.figures.style import canvas, placed

_PLASTIC, _FIXED = "#0072B2", "#777777"
_WIDTH, _HEIGHT = 1.5, 0.8


def ranks(network):
    """How many projections lead to each layer from the input at least, by layer."""
    projections, out = network.structure.projections.values(), {network.input: 0}
    while True:
        found = {p.target: out[p.source] + 1 for p in projections if p.source in out and p.target not in out}
        if not found:
            return out
        out |= found


@placed
def draw(network):
    """Draw layers and projections, input at the left.

    Parameters
    ----------
    network : Network

    Returns
    -------
    matplotlib.figure.Figure
        Plastic projections in blue, fixed ones in grey; delays beyond one step, sparseness, limits of weights and a variable
        other than the current are written on the arrow.
    """
    rank = ranks(network)
    columns = {r: [name for name in rank if rank[name] == r] for r in sorted(set(rank.values()))}
    place = {
        name: (2.9 * r, 1.9 * (number - (len(names) - 1) / 2))
        for r, names in columns.items()
        for number, name in enumerate(names)
    }
    tall = max(map(len, columns.values()))
    figure = canvas(2.6 * len(columns), 1.6 + 1.7 * tall)
    axes = figure.add_subplot()
    for name, (x, y) in place.items():
        layer = network.structure.layers[name]
        colour = "#f2f2f2" if layer.is_input else "white"
        corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
        axes.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle="round,pad=0.05", fc=colour, ec="black", zorder=2))
        axes.text(x, y + 0.12, name, ha="center", va="center", fontsize=10, zorder=3)
        axes.text(x, y - 0.2, f"{layer.kind}, {layer.size}", ha="center", va="center", fontsize=8, color="#444444", zorder=3)
    drawn = {}
    for p in network.structure.projections.values():
        number = drawn[p.source, p.target] = drawn.get((p.source, p.target), -1) + 1
        _arrow(axes, p, place, number, rank[p.target] - rank[p.source])
    axes.set_xlim(-1.2, 2.9 * max(columns) + 1.2)
    axes.set_ylim(-0.95 * tall - 0.35, 0.95 * tall + 0.35)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(f"{network.name}    answer: {network.answer.strip()}", fontsize=10)
    return figure


def label(projection):
    """What stands on a projection's arrow."""
    p = projection
    notes = [p.name] + ([f"delay {p.delay}"] if p.delay != "1" else [])
    notes += [f"p = {p.probability}"] if p.probability else []
    notes += [note for note in (p.where, p.pairs) if note]
    notes += [f"total {p.total}"] if p.total else [f"at least {p.least}"] if p.least else []
    notes += [f"into {p.into}"] if p.into != "current" else []
    return "\n".join([notes[0], ", ".join(notes[1:])]) if notes[1:] else notes[0]


def _arrow(axes, p, place, number, ahead):
    colour, style = (_PLASTIC, "-") if p.plastic else (_FIXED, "--")
    (x0, y0), (x1, y1) = place[p.source], place[p.target]
    common = {"arrowstyle": "-|>", "mutation_scale": 12, "color": colour, "linestyle": style, "linewidth": 1.4, "zorder": 1}
    if p.source == p.target:
        side = -1 if number % 2 else 1  # above, below, above again and wider
        edge, wide = y0 + side * (_HEIGHT / 2 + 0.05), 0.35 + 0.25 * (number // 2)
        common["connectionstyle"] = f"arc3,rad={side * 0.9}"
        axes.add_patch(FancyArrowPatch((x0 + wide, edge), (x0 - wide, edge), **common))
        where = {"ha": "center", "va": "bottom" if side > 0 else "top"}
        axes.text(x0, edge + side * (0.95 * wide + 0.05), label(p), fontsize=7, color=colour, **where)
        return
    bend = 0.25 * number + (0.3 if ahead != 1 else 0)
    side = 1 if ahead > 0 else -1
    ends = (x0 + side * (_WIDTH / 2 + 0.05), y0), (x1 - side * (_WIDTH / 2 + 0.05), y1)
    axes.add_patch(FancyArrowPatch(*ends, connectionstyle=f"arc3,rad={bend}", **common))
    middle = (ends[0][0] + ends[1][0]) / 2, (y0 + y1) / 2 - 0.5 * bend * abs(ends[1][0] - ends[0][0])
    axes.text(*middle, label(p), ha="center", va="bottom", fontsize=7, color=colour)
