"""Figure functions draw in a figure of their own, or in the place of a subplot of the caller's."""

import importlib
import inspect
import itertools
import pkgutil
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure, SubFigure

from spikemeta import figures
from spikemeta.errors import UserError
from spikemeta.figures import network_diagram, search, style, sweep
from spikemeta.figures.tasks import accuracy, all_tasks, buffers, cost, first_task
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


def results_of(rules):
    """Three seeds of two tasks under rules, each a little better than the one before; the first is told of boundaries."""
    final = 0.5 + np.arange(len(rules))[:, None] / 100 + np.arange(3) / 200
    tests = np.stack([final + 0.2, final, final], axis=-1)
    told = np.arange(len(rules)) == 0
    return xarray.Dataset(
        {
            "final_accuracy": (("rule", "seed"), final),
            "just_learned_accuracy": (("rule", "seed"), final + 0.1),
            "test_accuracy": (("rule", "seed", "test"), tests),
            "test_presentations": ("test", [100, 200, 200]),
            "needs_boundary": ("rule", told),
            "chance": 0.5,
        },
        {"rule": rules, "seed": [0, 1, 2], "task": [1, 2], "test_task": ("test", [1, 1, 2]), "test_after": ("test", [1, 2, 2])},
        {"task": "split", "dataset": "digits", "scale": "quick", "hidden": 10, "feedback": "tied"},
    )


def test_many_rules_lie_below_each_other():
    few, many = (results_of([f"rule {k}" for k in range(n)]) for n in (style.MANY, 14))
    (upright,), (lying,) = accuracy.figure(few).axes, accuracy.figure(many).axes
    assert [text.get_text() for text in upright.get_xticklabels()] == list(few.rule.values)
    assert [text.get_text() for text in lying.get_yticklabels()] == list(many.rule.values)
    assert [bar.get_height() for bar in upright.patches] == pytest.approx([bar.get_width() for bar in bars_of(lying, 8)])
    assert lying.get_ylim()[0] > lying.get_ylim()[1], "the first rule is at the top"
    assert len(lying.patches) == 2 * 14
    assert [bar.get_hatch() for bar in lying.patches].count(style.HATCH) == 2
    assert accuracy.figure(many).get_figwidth() == accuracy.figure(many.isel(rule=slice(9))).get_figwidth() < 10


def bars_of(panel, n):
    """The bars of the first rules of 14, of either accuracy."""
    return [*panel.patches[:n], *panel.patches[14 : 14 + n]]


def test_each_of_many_rules_has_a_panel():
    few, many = (results_of([f"rule {k}" for k in range(n)]) for n in (style.MANY, 14))
    assert len(first_task.figure(few).axes) == 1
    panels = first_task.figure(many).axes
    assert [panel.get_title() for panel in panels] == ["rule 0 (told of\nboundaries)", *(f"rule {k}" for k in range(1, 14))]
    for k, panel in enumerate(panels):
        (own,) = (container.lines[0] for container in panel.containers)
        assert own.get_ydata() == pytest.approx(100 * many.test_accuracy.values[k, :, :2].mean(0))
        assert own.get_linestyle() == ("--" if k == 0 else "-")
        assert sum(line.get_color() == "0.8" for line in panel.lines) == 13


@pytest.mark.filterwarnings("error")
def test_long_names_of_many_settings_leave_room():
    long = [f"sgd hidden.lr=1e-05 readout.lr=0.0001 network.readout_spread=0.15 network.hidden_spread=0.{k}" for k in range(12)]
    for module in (accuracy, first_task):
        made = module.figure(results_of(long))
        made.canvas.draw()  # warns where no room is left for panels
        assert made.get_figwidth() < 10
    titles = [panel.get_title().splitlines() for panel in made.axes]
    assert titles[1][0] == "sgd hidden.lr=1e-05", "no word is broken"
    constants = " ".join(f"network.constant_{n}=0.123" for n in range(12))
    made = search.settings(results_of([f"sgd hidden.lr=0.{k} {constants}" for k in range(8)]))
    made.canvas.draw()
    labels = [label.get_window_extent() for label in made.axes[0].get_yticklabels()]
    assert min(label.x0 for label in labels) >= 0, "a name begins within the figure"
    assert all(low.y1 <= high.y0 for high, low in zip(labels, labels[1:], strict=False)), "none lies on another"


@pytest.mark.filterwarnings("error")
def swept(axes, rules, metric="final_accuracy"):
    """Rows of a sweep: the value of each is the number of the row, under two seeds a hundredth apart."""
    rows = []
    for rule, values in itertools.product(rules, itertools.product(*axes.values())):
        place = dict(zip(axes, values, strict=True))
        label = " ".join([rule, *(f"{key}={value}" for key, value in place.items())])
        at = 0.01 * len(rows)
        rows.append({"rule": label, "grid": place, "metrics": {metric: {"values": [at, at + 0.01]}}})
    return rows


def test_a_sweep_over_numbers_is_a_line_for_each_rule_and_a_panel_for_the_rest_of_the_grid():
    axes = {"hidden": (10, 100), "feedback": ("tied", "random")}
    rows = swept(axes, ["sgd", "laplace lr=0.1"])
    drawn = sweep.figures_of(rows, axes, "split digits", 0.5)
    assert drawn["forgetting"] is None
    panels = drawn["final_accuracy"].axes
    assert [panel.get_title() for panel in panels] == ["feedback = tied", "feedback = random"]
    lines = {line.get_label(): line for line in panels[1].lines}
    assert set(lines) == {"sgd", "laplace lr=0.1", "chance"}
    np.testing.assert_allclose(lines["laplace lr=0.1"].get_xydata(), [(10, 5.5), (100, 7.5)])
    assert panels[1].get_xscale() == "log"
    assert sweep.figures_of(rows, axes | {"a": range(13)}, "", None)["final_accuracy"] is None, "too many panels"


def test_a_sweep_over_names_is_a_row_for_each_rule():
    axes = {"feedback": ("tied", "random", "surrogate")}
    rows = swept(axes, ["sgd", "laplace"], "forgetting")[:-1]  # one point failed
    (panel,) = sweep.figures_of(rows, axes, "", None)["forgetting"].axes
    assert [tick.get_text() for tick in panel.get_yticklabels()] == ["sgd", "laplace"]
    found = {bar.get_label(): bar.lines[0].get_xydata() for bar in panel.containers}
    np.testing.assert_allclose(found["tied"], [(0.5, -0.7 / 3), (3.5, 1 - 0.7 / 3)])
    np.testing.assert_allclose(found["surrogate"], [(2.5, 0.7 / 3)])


def test_what_rules_cost_stands_beside_what_they_kept():
    """A row for each rule, the best first, however many and however alike their costs are."""
    results = results_of([f"rule {k}" for k in range(14)])
    assert cost.figure(results) is None, "nothing was counted"
    results["footprint"] = results.final_accuracy * 0 + 1e6 * (1 + np.arange(14))[:, None]
    results["plastic_events"] = results.final_accuracy * 0 + 5e6
    made = cost.figure(results)
    made.canvas.draw()
    kept, memory, updates = made.axes
    assert [label.get_text().splitlines()[0] for label in kept.get_yticklabels()] == [f"rule {k}" for k in range(13, -1, -1)]
    assert kept.get_yticklabels()[-1].get_text() == "rule 0\n(told of boundaries)"
    assert kept.get_ylim()[0] > kept.get_ylim()[1], "the first row is at the top"
    assert kept.lines[0].get_xdata() == pytest.approx(100 * results.final_accuracy.mean("seed").values[::-1])
    assert [bar.get_width() for bar in memory.patches] == pytest.approx(range(14, 0, -1))
    assert {text.get_text() for text in updates.texts} == {"5"}
    boxes = [label.get_window_extent() for label in kept.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in zip(boxes, boxes[1:], strict=False)), "no label lies on another"


@pytest.mark.filterwarnings("error")
def test_a_task_that_is_tested_once_is_a_point():
    (panel,) = all_tasks.figure(results_of(["sgd"])).axes
    first, last = panel.lines[0], panel.containers[0]
    assert list(first.get_xdata()) == [100, 200]
    assert list(last.lines[0].get_xdata()) == [200]
    assert last.has_yerr


@pytest.mark.filterwarnings("error")
def test_stored_images_are_a_line_for_each_rule():
    """Each rule's line goes through its means, none first where the rule alone is a row; without two buffers no figure."""
    labels = ["replay 20 (laplace)", "sgd", "mesu", "joint (sgd)", "replay 20 (mesu)", "replay 100 (sgd)"]
    results = results_of([*labels, "replay 20 (sgd)", "replay 100 (laplace)"])
    made = buffers.figure(results)
    made.canvas.draw()
    (panel,) = made.axes
    means = dict(zip(results.rule.values, 100 * results.final_accuracy.mean("seed").values, strict=True))
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in panel.lines}
    own = [means[label] for label in ("sgd", "replay 20 (sgd)", "replay 100 (sgd)")]
    assert lines["sgd"] == ([0, 1, 2], pytest.approx(own))
    own = [means[label] for label in ("replay 20 (laplace)", "replay 100 (laplace)")]
    assert lines["laplace (told of boundaries)"] == ([1, 2], pytest.approx(own))
    assert "mesu" not in lines, "one buffer is no line"
    assert lines["all tasks at once"][1] == pytest.approx([means["joint (sgd)"]] * 2)
    assert [text.get_text() for text in panel.get_xticklabels()] == ["none", "20", "100"]
    assert buffers.figure(results.isel(rule=slice(6))) is None


@pytest.mark.filterwarnings("error")
def test_many_rules_with_stored_images_have_a_panel_each():
    rules = [f"rule{k}" for k in range(buffers.MOST + 1)]
    results = results_of([f"replay {size} ({rule})" for rule in rules for size in (20, 100)] + ["joint (sgd)"])
    made = buffers.figure(results)
    made.canvas.draw()
    means_of = dict(zip(results.rule.values, 100 * results.final_accuracy.mean("seed").values, strict=True))
    assert [panel.get_title() for panel in made.axes if panel.get_title()] == ["rule0 (told of\nboundaries)", *rules[1:]]
    for k, panel in enumerate(made.axes[: len(rules)]):
        line, ceiling, _ = panel.lines
        means = [means_of[f"replay {size} (rule{k})"] for size in (20, 100)]
        assert list(line.get_ydata()) == pytest.approx(means)
        assert ceiling.get_ydata()[0] == pytest.approx(means_of["joint (sgd)"])


@pytest.mark.parametrize("name", style.BRIGHT)
def test_numbers_on_colours_can_be_read(name):
    """With the contrast that WCAG 2.1 AA asks of text, black above the bright accuracy and white below."""
    per_cent = np.arange(101)
    colours = matplotlib.colormaps[name](per_cent / 100)[:, :3]
    linear = np.where(colours <= 0.03928, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722] + 0.05
    contrast = np.where(per_cent > style.BRIGHT[name], light / 0.05, 1.05 / light)
    assert contrast.min() >= 4.5
