"""Record a result for the pages: what they show of a study's output folder, in short, and where it came from.

    python docs/record.py results/poisoning-mnist mnist
    python docs/record.py results/search-laplace-200 laplace-200

The first becomes ``docs/recorded/poisoning/mnist/`` with ``summary.json``, ``provenance.json`` and those figures that a page
shows (``![...](recorded/poisoning/mnist/deranged.png)``), so write the page first; a sweep is filed under the study that ran.
A search becomes rows of ``docs/recorded/search/RULE.csv`` and a line of ``provenance.json`` there. What was recorded under the
same name goes. ``python docs/pages.py`` then fills the page's tables.
"""

import csv
import hashlib
import io
import json
import re
import statistics
import sys
from pathlib import Path

from tables.recorded import KEYS, RECORDED, SEARCHES, searches

DOCS = Path(__file__).parent
#: What a row keeps beside its metrics and tests. Constants go into ``provenance.json``, where each set stands once.
ROW = (
    *("rule", "hardware", "scenario", "condition", "grid", "part", "x", "fits", "needs_boundary", "study", "metric", "against"),
    *("published", "tasks", "source", "images", "seeds", "energy", "energy_terms", "energy_leaves_out"),
)
#: What the head of a summary loses: the command says it, or no page does.
HEAD_WITHOUT = ("warnings", "grid", "load", "spikes", "clock")
#: Metrics that no page shows. Of ``accuracy_matrix`` and others with more than one value for each task, see `metric`.
WITHOUT = re.compile(r"(epistemic|aleatoric|predictive)_(?!test$)\w+|auroc_aleatoric\w*|auroc_predictive_\w+|backward_transfer")
#: Metrics of searches, in the order of their columns; which of them decides, by what was searched, see `search_rows`.
METRICS = (
    *("accuracy_before_attack", "final_accuracy", "retained", "just_learned_accuracy", "memorized_items"),
    *("items_before_attack", "items_after_attack"),
)
#: What a provenance keeps as it is.
KEPT = (
    *("command", "started", "finished", "seconds", "seeds", "commit", "cores", "processor", "load", "memory", "versions"),
    *("earlier_starts", "of"),
)


def depth(value):
    """Levels of lists: 0 for a number, 2 for a matrix."""
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def metric(found):
    """A metric in short: a number keeps mean, spread and the values of all seeds, a curve its mean and spread, a matrix goes.

    Parameters
    ----------
    found : dict

    Returns
    -------
    dict or None
    """
    levels = depth(found["mean"]) if "mean" in found else depth(found.get("values")) - 1
    if levels > 1:
        return None
    without = ("values",) if levels == 1 and "mean" in found else ()
    short = {key: value for key, value in found.items() if key not in without}
    if "values" in short:  # intervals follow from the values; quartiles over turns have no std beside them
        short = {key: value for key, value in short.items() if key not in ("low", "high") or "std" not in found}
    return short


def along(matrix, last=5):
    """Mean accuracy on the newest tasks after each task of a long stream, one seed; the pages tell its course.

    Parameters
    ----------
    matrix : list, (n_tasks, n_tasks)
        Accuracy after the task of a row on the task of a column.
    last : int

    Returns
    -------
    list of float
    """
    means = []
    for k, row in enumerate(matrix):
        newest = row[max(0, k + 1 - last) : k + 1]
        means.append(sum(newest) / len(newest))
    return means


def triangle(matrices):
    """Accuracy on every task after every task of a short stream, over seeds; above the diagonal nothing.

    Parameters
    ----------
    matrices : list, (n_seeds, n_tasks, n_tasks)

    Returns
    -------
    dict
        ``mean`` and ``std`` (None for a single seed): a list for each task, as long as there are tasks so far.
    """
    found = {"mean": [], "std": []}
    for k in range(len(matrices[0])):
        cells = [[matrix[k][j] for matrix in matrices] for j in range(k + 1)]
        found["mean"].append([statistics.fmean(cell) for cell in cells])
        found["std"].append([statistics.stdev(cell) if len(cell) > 1 else None for cell in cells])
    return found


def test(found):
    """Tests in short: means, p-values and numbers of seeds, as deep as they lie."""
    if not isinstance(found, dict):
        return found
    return {key: test(value) for key, value in found.items() if key not in ("t", "kind") and not WITHOUT.fullmatch(key)}


def shortened(summary):
    """What the pages show of a ``summary.json``.

    Parameters
    ----------
    summary : dict

    Returns
    -------
    dict
    """
    short = {key: value for key, value in summary.items() if key not in (*HEAD_WITHOUT, "rows") and value != []}
    short["study"] = summary["study"].removeprefix("sweep ")
    if "curves" in short:
        short["curves"] = {key: curve for key, curve in short["curves"].items() if key == "shapes"}
    short["rows"] = []
    for row in summary["rows"]:
        own = {key: row[key] for key in ROW if row.get(key) is not None}
        found = {name: metric(value) for name, value in row["metrics"].items() if not WITHOUT.fullmatch(name)}
        matrices = row["metrics"].get("accuracy_matrix", {}).get("values", ())
        if summary["study"] == "published" and row.get("recent") and matrices:
            long = len(matrices[0]) > 20
            found |= {"recent_along": {"mean": along(matrices[0])}} if long else {"triangle": triangle(matrices)}
        own["metrics"] = {name: value for name, value in found.items() if value is not None}
        short["rows"].append(own | ({"tests": test(row["tests"])} if row.get("tests") else {}))
    return short


def origin(provenance, rows):
    """Where a result comes from, in short.

    Parameters
    ----------
    provenance : dict
        As the study wrote it.
    rows : list of dict
        Of its ``summary.json``, for the constants.

    Returns
    -------
    dict
        Digests are cut to 16 digits. ``rules`` has those of the rules' texts, ``runs`` the seconds that each run took,
        compilation left out, and ``constants`` each set of them with the rows that had it.
    """
    short = {key: provenance[key] for key in KEPT if key in provenance}
    if "sources" in provenance:
        short["sources"] = provenance["sources"][:16]
    short["data"] = {
        name: {file: digest[:16] for file, digest in files.items()} for name, files in provenance.get("data", {}).items()
    }
    texts = provenance.get("rules", {}).items()
    short["rules"] = {name: hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16] for name, text in texts}
    runs = {}
    for run in provenance.get("runs", ()):
        runs.setdefault(run["rule"], []).append(round(run["seconds"]))
    sets = {}
    for row in rows:
        if "constants" in row:
            labels = sets.setdefault(json.dumps(row["constants"], sort_keys=True), (row["constants"], []))[1]
            labels += [row["rule"]] if row["rule"] not in labels else []
    short |= {"runs": runs} if runs else {}
    return short | ({"constants": [{"rows": labels, **found} for found, labels in sets.values()]} if sets else {})


def text(found):
    """JSON with an entry a line, one level down too where it is a list of objects or an object of objects."""
    lines = []
    for key, value in found.items():
        inner = list(value) if isinstance(value, (list, dict)) else []
        if isinstance(value, list) and inner and isinstance(inner[0], dict):
            body = ",\n  ".join(_compact(entry) for entry in value)
            lines.append(f"{json.dumps(key)}: [\n  {body}\n ]")
        elif isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            body = ",\n  ".join(f"{json.dumps(k)}: {_compact(v)}" for k, v in value.items())
            lines.append(f"{json.dumps(key)}: {{\n  {body}\n }}")
        else:
            lines.append(f"{json.dumps(key)}: {_compact(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shown(study, name):
    """File names below ``recorded/STUDY/NAME/`` that a page shows or links to."""
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    return sorted(set(re.findall(rf"recorded/{re.escape(f'{study}/{name}')}/([\w.-]+)\)", pages)))


def picture(source, target):
    """A figure with at most 256 colours: a third of the bytes."""
    from PIL import Image

    with Image.open(source) as image:
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
        flat = flat.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
        flat.save(target, optimize=True)


def record(folder, name):
    """Record a study's output folder.

    Parameters
    ----------
    folder : str or Path
        With ``summary.json``, ``provenance.json`` and figures, there or in ``figures/``.
    name : str
        Of the run, for the folder below the study's.

    Returns
    -------
    Path
        The new folder, or the table of searches.
    """
    folder = Path(folder)
    summary, provenance = (json.loads((folder / f"{n}.json").read_text(encoding="utf-8")) for n in ("summary", "provenance"))
    if summary["study"] == "search":
        return record_search(summary, provenance, name)
    short = shortened(summary)
    target = RECORDED / short["study"] / name
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    (target / "summary.json").write_text(text(short), encoding="utf-8")
    (target / "provenance.json").write_text(text(origin(provenance, summary["rows"])), encoding="utf-8")
    for file in shown(short["study"], name):
        source = folder / "figures" / file if (folder / "figures" / file).is_file() else folder / file
        if file.endswith(".png"):
            picture(source, target / file)
        else:
            (target / file).write_bytes(source.read_bytes())
    return target


def search_rows(summary, name, command):
    """Rows of a table of searches: one for each setting and seed that ended, with the metrics that decided.

    Parameters
    ----------
    summary : dict
    name, command : str

    Returns
    -------
    list of dict
    """
    rows = []
    for row in summary["rows"]:
        decided = (
            {"just_learned_accuracy", "final_accuracy"} if summary["task"] != "items" else {"final_accuracy", "memorized_items"}
        )
        if "retained" in row["metrics"]:
            decided = set(METRICS) - {"just_learned_accuracy", "memorized_items"}
        head = {"search": name, **{key: summary[key] for key in ("dataset", "task", "engine")}}
        head["constants"] = row["rule"].partition(" ")[2]
        for k, seed in enumerate(row["seeds"]):
            values = {m: repr(float(row["metrics"][m]["values"][k])) for m in METRICS if m in decided}
            rows.append(head | {"seed": seed} | values | {"command": command})
    return rows


def record_search(summary, provenance, name):
    """Put a search into its rule's table, and its origin beside it.

    Parameters
    ----------
    summary, provenance : dict
        As the search wrote them.
    name : str
        Of the search.

    Returns
    -------
    Path
        The table.
    """
    rule = summary["rows"][0]["rule"].split()[0]
    rows = search_rows(summary, name, provenance["command"])
    for other, old in searches().items():
        if old[0]["rule"] == rule and other != name:
            rows += [{**{key: row[key] for key in KEYS}, **{m: repr(v) for m, v in row["metrics"].items()}} for row in old]
    rows.sort(key=lambda row: row["search"])  # stable: settings stay in the order in which they were tried
    used = [m for m in METRICS if any(m in row for row in rows)]
    table = io.StringIO()
    writer = csv.DictWriter(table, [*KEYS[:-1], *used, KEYS[-1]], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    SEARCHES.mkdir(parents=True, exist_ok=True)
    (SEARCHES / f"{rule}.csv").write_text(table.getvalue(), encoding="utf-8")

    path = SEARCHES / "provenance.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    short = origin(provenance, [])
    del short["command"]
    known[name] = short | {"constants": common([row["constants"] for row in summary["rows"] if row["seeds"]])}
    body = ",\n ".join(f"{json.dumps(key)}: {_compact(known[key])}" for key in sorted(known))
    path.write_text("{\n " + body + "\n}\n", encoding="utf-8")
    return SEARCHES / f"{rule}.csv"


def common(sets):
    """Constants that all settings of a search share: those that the grid left alone."""
    first = sets[0]
    if not isinstance(first, dict):
        return first
    same = {key: common([found[key] for found in sets]) for key in first if len({json.dumps(f[key]) for f in sets}) == 1}
    parts = {key: common([found[key] for found in sets]) for key in first if key not in same and isinstance(first[key], dict)}
    return same | parts


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python docs/record.py OUT NAME\n\n{__doc__}")
    print(record(sys.argv[1], sys.argv[2]))
