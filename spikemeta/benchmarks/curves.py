"""Costs against the size of the network, its input and a rule's state, with the table and figures of the study ``speed``."""

import contextlib

import numpy as np

from spikemeta.benchmarks import machine, speed
from spikemeta.figures.speed import shape_name
from spikemeta.language.registry import get_rule

#: Hidden neurons, input spikes, state variables, and shapes: hidden neurons and density of the first layer.
QUICK = {"hidden": (100, 400), "spikes": (250, 1030), "states": (1, 4), "shapes": ((400, 0.1),)}
FULL = {
    "hidden": (100, 200, 500, 1000, 2000, 4000),
    "spikes": (250, 1030, 4000),
    "states": (1, 2, 4, 8),
    "shapes": ((100, 1.0), (1000, 1.0), (2000, 0.1)),
}
RULE = "laplace"  # of the curves over size and input
KINDS = ("ours", "ours, float32", "brian2", "floor")


def _count(kind, n_hidden):
    """Presentations of a long run: fewer in a large network."""
    return max(30, round(speed.COUNTS[kind] * min(1.0, 200 / n_hidden)))


def _shapes(rules, shapes, work, repeats, say):
    """What every rule costs in networks of other shapes, against Brian2 by hand: medians of turns, by rule and shape."""
    found = {"hidden": [n for n, _ in shapes], "density": [density for _, density in shapes], "rules": {}}
    for n, density in shapes:
        say(f"all rules, {shape_name(n, density)}")
        for rule in rules:
            with contextlib.ExitStack() as stack:
                programs = speed.open_programs(stack, [rule], work, n, ("ours", "brian2"), density=density)
                ms = speed.in_turns(programs, {key: speed.COUNTS[key[0]] // 2 for key in programs}, repeats)
            ours, usual = ms["ours", rule.title], ms["brian2", rule.title]
            row = found["rules"].setdefault(rule.title, {"ms": [], "ms_brian2": [], "ratio_to_brian2": []})
            for name, values in zip(row, (ours, usual, ours / usual), strict=True):
                row[name].append({k: v for k, v in speed.quartiles(values).items() if k != "values"})
    return found


def measure(rules, work, full, say):
    """All curves.

    Parameters
    ----------
    rules : list of Rule
        Those that are tried in every shape.
    work : spikemeta.benchmarks.speed.Work
    full : bool
    say : callable

    Returns
    -------
    dict
        ``hidden``, ``spikes`` and ``states``: ``x`` and, by kind of program, ``ms`` (median of turns), with quartiles, and
        ``resident`` memory in bytes. By hidden neurons also ``ns_per_event``, per synapse and spike of the first layer, and
        ``bytes_per_synapse``, the slope of resident memory, with what is ``expected`` of ours; by states ``bytes_per_state``.
        ``shapes``: ``hidden``, ``density`` and, by rule, ``ms``, ``ms_brian2`` and ``ratio_to_brian2`` of each.
    """
    points, repeats, rule = (FULL if full else QUICK), (7 if full else 3), get_rule(RULE)
    curves = {"hidden": _curve(points["hidden"]), "spikes": _curve(points["spikes"]), "states": _curve(points["states"])}
    for n in points["hidden"]:
        say(f"{n} hidden neurons")
        with contextlib.ExitStack() as stack:
            programs = speed.open_programs(stack, [rule], work, n, KINDS)
            found = speed.in_turns(programs, {key: _count(key[0], n) for key in programs}, repeats)
            for (kind, name), ms in found.items():
                _add(curves["hidden"], kind, ms, speed.resident(programs[kind, name], _count(kind, n)))
                per_event = 1e6 * np.median(ms) / (work.spikes * n)
                curves["hidden"].setdefault("ns_per_event", {}).setdefault(kind, []).append(per_event)
    inputs = work.images.shape[1] + work.dataset.n_classes
    synapses = inputs * np.array(points["hidden"])
    slopes = {kind: _slope(synapses, used) for kind, used in curves["hidden"]["resident"].items()}
    wide = {"ours": "float64", "ours, float32": "float32"}
    expected = {kind: speed.expected_bytes(rule, dtype) for kind, dtype in wide.items()}
    curves["hidden"] |= {"bytes_per_synapse": slopes, "expected": expected}
    made = speed.workload(work.source, spikes=max(points["spikes"]))
    for n in points["spikes"]:
        say(f"{n} input spikes")
        with contextlib.ExitStack() as stack:
            programs = speed.open_programs(stack, [rule], made.dimmed(n), 200, KINDS)
            found = speed.in_turns(programs, {key: speed.COUNTS[key[0]] // 2 for key in programs}, repeats)
            for (kind, _), ms in found.items():
                _add(curves["spikes"], kind, ms)
    for n in points["states"]:
        say(f"{n} state variables")
        with contextlib.ExitStack() as stack:
            for kind, dtype in wide.items():
                run = stack.enter_context(speed.ours(speed.of_states(n), work, 200, dtype=dtype))
                ms = speed.in_turns({kind: run}, {kind: 400}, repeats)[kind]
                _add(curves["states"], kind, ms, speed.resident(run, 400))
    used = curves["states"]["resident"]
    curves["states"]["bytes_per_state"] = {
        kind: _slope(200 * inputs * np.array(points["states"]), values) for kind, values in used.items()
    }
    return curves | {"shapes": _shapes(rules, points["shapes"], work, repeats, say)}


def _slope(x, y):
    """Of least squares through all points."""
    return float(np.polyfit(np.asarray(x, float), np.asarray(y, float), 1)[0])


def _curve(x):
    return {"x": list(x), "ms": {}}


def _add(curve, kind, ms, resident=None):
    curve["ms"].setdefault(kind, []).append({k: v for k, v in speed.quartiles(ms).items() if k != "values"})
    if resident is not None:
        curve.setdefault("resident", {}).setdefault(kind, []).append(resident)


def table(rows, head):
    """The table that the study prints."""
    from rich.table import Table

    made = Table(
        title=f"Speed: {head['hidden']} hidden neurons, {head['spikes']:.0f} input spikes, {head['dataset']} ({head['scale']})",
        caption=f"{head['clock']}; medians over turns\n{machine.sentence(head['machine'])}",
    )
    for name in ("", "ms per\npresentation", "Brian2\nby hand", "floor", "ratio to\nBrian2", "ratio to\nfloor", "float32\nms"):
        made.add_column(name, justify="right" if name else "left")
    names = ("ms_per_presentation", "ms_brian2", "ms_floor", "ratio_to_brian2", "ratio_to_floor", "ms_float32")
    for row in rows:
        cells = [f"{row['metrics'][n]['mean']:.3g}" if n in row["metrics"] else "" for n in names]
        made.add_row(row["rule"], *cells)
    return made
