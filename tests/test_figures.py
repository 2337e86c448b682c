"""Figure functions draw in a figure of their own, or in the place of a subplot of the caller's."""

import importlib
import inspect
import pkgutil
import re

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure, SubFigure

from spikemeta import figures
from spikemeta.errors import UserError
from spikemeta.figures import network_diagram, style
from spikemeta.language import registry


def functions():
    """Of every module of figures, what makes a canvas, itself or by others of its module."""
    found = {}
    for info in pkgutil.walk_packages(figures.__path__, f"{figures.__name__}."):
        module = importlib.import_module(info.name)
        own = {n: f for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == info.name}
        texts = {name: inspect.getsource(f) for name, f in own.items()}
        drawing, before = {"canvas", "blank"}, None
        while drawing != before:
            before = set(drawing)
            drawing |= {n for n, text in texts.items() if re.search(rf"\b({'|'.join(before)})\(", text.split(":\n", 1)[1])}
        found |= {f"{info.name}.{n}": own[n] for n in drawing & set(own) if not n.startswith("_") and module is not style}
    return found


def test_every_figure_function_takes_a_place():
    found = functions()
    without = {name for name, made in found.items() if "ax" not in inspect.signature(made).parameters}
    several = {"figures_of", "panels_of"}  # more than one figure, and panels for the functions beside it
    assert {name.rpartition(".")[2] for name in without} <= several, without
    assert len(found) > 30


def test_a_figure_takes_the_place_of_a_subplot():
    network = registry.get_network("recurrent")
    alone = network_diagram.draw(network)
    assert isinstance(alone, Figure)
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([0, 1])
    made = network_diagram.draw(network, ax=right)
    assert isinstance(made, SubFigure)
    assert figure.axes == [left, *made.axes]
    assert len(made.axes) == len(alone.axes)
    figure.canvas.draw()
    box = made.axes[0].get_position().transformed(made.transSubfigure)
    assert box.x0 > figure.bbox.width / 2 - 1
    with pytest.raises(UserError, match="one of a figure's subplots"):
        network_diagram.draw(network, ax=figure.add_axes((0, 0, 1, 1)))
    assert isinstance(network_diagram.draw(network), Figure)  # the place was for that one alone
    plt.close(figure)


def test_no_two_of_many_lines_look_alike():
    looks = [tuple(style.look(k).values()) for k in range(2 * len(style.PALETTE) + 4)]
    assert len(set(looks)) == len(looks)
    assert len({(color, marker) for color, marker, _ in looks}) == len(looks), "also where a marker is small"
