"""Add seeds to a recorded result: those of a part of the same command, maybe from another machine or a later version.

    python docs/more_seeds.py results/hardware-4 hardware/mnist-full

The part ran with ``--first-seed``. Data, rules, constants and settings must be those of the record, as far as both name them,
and no row may have a seed twice. ``provenance.json`` keeps where each part came from; figures that can be drawn from what is
recorded are drawn anew.
"""

import json
import math
import re
import statistics
import sys
import tempfile
from pathlib import Path

import record

#: What tells the rows of a result apart.
ROW = ("rule", "hardware", "scenario", "condition", "grid", "part", "x")
#: Of a part's provenance: the rest is that of the whole.
OWN = ("command", "started", "finished", "seconds", "seeds", "commit", "versions", "sources", "memory")


def pooled(old, new, sizes):
    """Mean and standard deviation over the seeds of both, of curves, of which a record keeps no more.

    Parameters
    ----------
    old, new : dict
        ``mean`` and ``std``: lists, or lists of lists; None for one seed.
    sizes : (int, int)
        Numbers of seeds.
    """
    if isinstance(old["mean"], list):
        entries = [
            pooled(*({"mean": f["mean"][k], "std": f["std"] and f["std"][k]} for f in (old, new)), sizes)
            for k in range(len(old["mean"]))
        ]
        return {key: [entry[key] for entry in entries] for key in ("mean", "std")}
    if None in (old["mean"], new["mean"]):
        return {"mean": None, "std": None}
    (m, n), total = sizes, sum(sizes)
    squares = (m - 1) * (old["std"] or 0) ** 2 + (n - 1) * (new["std"] or 0) ** 2
    squares += m * n / total * (old["mean"] - new["mean"]) ** 2
    return {"mean": (m * old["mean"] + n * new["mean"]) / total, "std": math.sqrt(squares / (total - 1))}


def joined(old, new):
    """A row with the seeds of both, and the metrics that both have.

    Raises
    ------
    SystemExit
        Where both have a seed, or tests that would have to be made anew from what is not recorded.
    """
    name = " ".join(str(old[key]) for key in ROW if key in old)
    if twice := set(old["seeds"]) & set(new["seeds"]):
        sys.exit(f"{name}: seed {min(twice)} is recorded already")
    if old.get("tests") or new.get("tests"):
        sys.exit(f"{name}: its tests need all seeds at once; record a run that has them all")
    found, sizes = {}, (len(old["seeds"]), len(new["seeds"]))
    for key in old["metrics"].keys() & new["metrics"].keys():
        a, b = old["metrics"][key], new["metrics"][key]
        if "values" in a and not isinstance(a["values"][0], list):
            values = a["values"] + b["values"]
            found[key] = {"mean": statistics.fmean(values), "std": statistics.stdev(values), "values": values}
        else:
            found[key] = pooled(a, b, sizes)
    metrics = {key: found[key] for key in old["metrics"] if key in found}
    return old | {"seeds": old["seeds"] + new["seeds"], "metrics": metrics}


def same(old, new, what):
    """Both must be the same where they have the same key.

    Raises
    ------
    SystemExit
    """
    for key in old.keys() & new.keys():
        if old[key] != new[key]:
            sys.exit(f"{what} {key}: recorded {json.dumps(old[key])[:200]}, the part has {json.dumps(new[key])[:200]}")


def flat(found, before=""):
    """A dict of dicts as one, with dotted keys."""
    if not isinstance(found, dict):
        return {before: found}
    return {k: v for key, value in found.items() for k, v in flat(value, f"{before}.{key}" if before else key).items()}


def constants(origin):
    """Constants by ``RULE: name``; those that are the same on every chip, as the ranges of what is stored follow from a run."""
    sets = {}
    for found in origin.get("constants", ()):
        for rule in found["rows"]:
            sets.setdefault(rule, []).append(flat({key: found[key] for key in found if key != "rows"}))
    return {
        f"{rule}: {key}": value
        for rule, (first, *others) in sets.items()
        for key, value in first.items()
        if all(key in other and other[key] == value for other in others)
    }


def whole(command, rows):
    """The command that has all seeds; as it was where rows differ in them."""
    seeds = {tuple(row["seeds"]) for row in rows}
    if len(seeds) > 1 or seeds != {tuple(range(len(rows[0]["seeds"])))}:
        return command
    return re.sub(r"--seeds \d+", f"--seeds {len(rows[0]['seeds'])}", command)


def figures(summary, attributes):
    """Figures that need no more than what is recorded and the attributes of ``results.nc``, by the names of their files."""
    import xarray

    from spikemeta.figures import hardware, published

    rows = summary["rows"]
    if summary["study"] == "published":
        return {"published": published.published(rows, summary)}
    if summary["study"] == "hardware":
        seeds = range(max(len(row["seeds"]) for row in rows))
        return {"chips": hardware.chips(rows, xarray.Dataset(coords={"seed": seeds}, attrs=attributes))}
    return {}


def add(folder, name):
    """Add a part to what is recorded.

    Parameters
    ----------
    folder : str or Path
        Of the part, with ``summary.json`` and ``provenance.json``.
    name : str
        Of the record: ``STUDY/NAME``.

    Returns
    -------
    Path
        The record's folder.
    """
    target, folder = record.RECORDED / name, Path(folder)
    summary, origin = (json.loads((target / f"{n}.json").read_text(encoding="utf-8")) for n in ("summary", "provenance"))
    found, came = (json.loads((folder / f"{n}.json").read_text(encoding="utf-8")) for n in ("summary", "provenance"))
    part, own = record.shortened(found), record.origin(came, found["rows"])
    heads = ({key: value for key, value in head.items() if key not in ("rows", "seeds")} for head in (summary, part))
    same(*heads, "of the summary,")
    same(origin["data"], own["data"], "data")
    same(origin["rules"], own["rules"], "the text of rule")
    same(constants(origin), constants(own), "constants,")
    new = {tuple(row.get(key) for key in ROW): row for row in part["rows"]}
    rows = [(row, new.pop(tuple(row.get(key) for key in ROW), None)) for row in summary["rows"]]
    if new:
        sys.exit("not recorded: " + "; ".join(" ".join(str(key) for key in row if key) for row in new))
    summary["rows"] = [joined(row, other) if other else row for row, other in rows]
    seeds = sorted({seed for row in summary["rows"] for seed in row["seeds"]})
    summary["seeds"] = len(seeds)
    parts = origin.get("parts") or [{key: origin[key] for key in OWN if key in origin}]
    origin |= {"parts": [*parts, {key: own[key] for key in OWN if key in own}], "seeds": seeds}
    origin["seconds"] = sum(part["seconds"] for part in origin["parts"])
    origin["command"] = whole(origin["command"], summary["rows"])
    if "runs" in origin:
        origin["runs"] = {rule: seconds + own["runs"].get(rule, []) for rule, seconds in origin["runs"].items()}
    (target / "summary.json").write_text(record.text(summary), encoding="utf-8")
    (target / "provenance.json").write_text(record.text(origin), encoding="utf-8")
    draw(summary, folder, target)
    return target


def draw(summary, folder, target):
    """Draw the figures that a page shows anew."""
    import xarray

    from spikemeta.figures import style

    results = folder / "results.nc"
    attributes = xarray.load_dataset(results, engine="scipy").attrs if results.is_file() else {}
    with tempfile.TemporaryDirectory() as work:
        for file, figure in figures(summary, attributes).items():
            if (target / f"{file}.png").is_file():
                record.picture(style.save(figure, work, file)[0], target / f"{file}.png")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python docs/more_seeds.py OUT STUDY/NAME\n\n{__doc__}")
    print(add(sys.argv[1], sys.argv[2]))
