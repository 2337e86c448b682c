"""One self-contained HTML page of a study: its table, its figures and where the numbers come from."""

import base64
import html
import json
import textwrap
from pathlib import Path

from spikemeta.analysis import statistics
from spikemeta.errors import UserError
from spikemeta.figures import style
from spikemeta.runs.display import percent
from spikemeta.runs.report_page import SCRIPT, STYLE
from spikemeta.system.files import atomic, read_json

_COLUMNS = {
    "final_accuracy": "final accuracy, %",
    "just_learned_accuracy": "just learned, %",
    "forgetting": "forgetting, %",
    "backward_transfer": "backward transfer, %",
    "forward_transfer": "forward transfer, %",
    "minimum_recall": "worst item, %",
    "primacy": "primacy, %",
    "recency": "recency, %",
    "repetition_gain": "gain by repetition, %",
    "hidden_advantage": "over fillers, %",
    "accuracy_before_attack": "before the attack, %",
    "accuracy_after_attack": "after the attack, %",
    "attack_success": "answered as attacked, %",
    "memorized_items": "memorized items",
    "frequency_correlation": "correlation with frequency",
    "recency_correlation": "correlation with recency",
}
_SIGNED = ("forgetting", "backward", "forward", "primacy", "recency", "gain", "over")


def write(folder):
    """Write ``report.html`` into the output folder of a study.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path

    Raises
    ------
    UserError
        If the folder does not hold a finished study, or cannot be written.
    """
    folder = Path(folder)
    if not (folder / "summary.json").is_file():
        raise UserError(
            f"{folder} holds no finished study (no summary.json); run one with "
            f"'spikemeta run STUDY --out {folder}', or finish it with --resume"
        )
    page = render(
        read_json(folder / "summary.json"),
        read_json(folder / "provenance.json"),
        sorted((folder / "figures").glob("[!.]*.png")),
    )
    try:
        with atomic(folder / "report.html") as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder} ({error.strerror}); change its permissions") from None
    return folder / "report.html"


def _cell(name, found):
    if "values" in found:
        cell = statistics.summarise([v for v in found["values"] if v is not None])
        in_percent = _COLUMNS.get(name, "").endswith("%")
        return percent(cell, signed=_COLUMNS[name].startswith(_SIGNED)) if in_percent else _figures(cell.mean, cell.std, cell.n)
    return _figures(found.get("mean"), None, int("mean" in found))


def _figures(mean, std, n):
    if not n or mean is None:
        return "-"
    return f"{mean:.3g} ± {std:.2g}" if n > 1 else f"{mean:.3g}"


def render(summary, provenance, figures):
    """The page as text.

    Parameters
    ----------
    summary, provenance : dict
        As in the files of the same names.
    figures : list of Path
        PNG files to embed.

    Returns
    -------
    str
    """
    e = html.escape
    rows = summary["rows"]
    told = any("needs_boundary" in row for row in rows)
    have = dict.fromkeys(m for row in rows for m, found in row["metrics"].items() if "mean" in found)
    shown = [m for m in (_COLUMNS if told else have) if m in have]  # without rules to compare, every number
    facts = {name: summary.get(name) for name in ("scale", "seeds", "feedback", "signal", "engine", "evaluated_on")}
    facts |= {"chance": f"{summary['chance']:.0%}"} if "chance" in summary else {}
    about = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value)
    title = " ".join(str(summary[name]) for name in ("task", "dataset") if summary.get(name))
    body = [
        f"<h1>{e(': '.join(filter(None, [summary['study'], title])))}</h1>",
        f"<p>{e(about)}; mean ± sd.</p>",
        f"<pre>{e(provenance['command'])}</pre>",
        '<div class="wide"><table><thead><tr><th>rule</th>' + "<th>told of boundaries</th>" * told,
        *[f"<th>{e(_COLUMNS.get(m, m.replace('_', ' ')))}</th>" for m in shown],
        "</tr></thead><tbody>",
    ]
    for row in rows:
        cells = [_cell(m, row["metrics"].get(m, {})) for m in shown]
        if told:
            cells.insert(0, "yes" if row.get("needs_boundary") else "no")
        body += ["<tr>", *[f"<td>{e(c)}</td>" for c in [row.get("label", row["rule"]), *cells]], "</tr>"]
    body.append("</tbody></table></div>")
    body += [f'<p class="failed">failed: {e(message)}</p>' for message in summary.get("failures", ())]
    body += [_figure(path) for path in figures]
    body += _rules(provenance.get("rules", {}))
    body.append(f"<h2>Provenance</h2><pre>{e(json.dumps(provenance, indent=2))}</pre>")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{e(summary["study"])}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(body)}<script>{SCRIPT}</script></body></html>\n"
    )


def _figure(path):
    """A figure that fills the window when it is clicked, by its address alone; a click anywhere goes back."""
    name, shown = html.escape(path.stem), html.escape(style.read_words(path))
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure id="at-{name}"><div id="{name}"><a class="back" href="#at-{name}">close</a><a href="#{name}" title="enlarge">'
        f'<img alt="{shown}" src="data:image/png;base64,{data}"></a></div></figure>'
    )


def _rules(rules):
    """The equations of the rules used, block by block, where they are kept as texts."""
    rules = {name: texts for name, texts in rules.items() if isinstance(texts, dict)}
    out = ["<h2>Rules</h2>"] if rules else []
    for name, texts in rules.items():
        blocks = {block: textwrap.dedent(str(text)).strip() for block, text in texts.items() if isinstance(text, str)}
        shown = "\n\n".join(f"{block}:\n{textwrap.indent(text, '    ')}" for block, text in blocks.items() if text)
        out.append(f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(shown)}</pre></details>")
    return out
