"""One self-contained HTML page of a study: its table, its figures and where the numbers come from."""

import base64
import html
import json
from pathlib import Path

from spikemeta import metrics
from spikemeta.display import number, percent
from spikemeta.errors import UserError
from spikemeta.results import atomic, read_json

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th,td{padding:.25rem .8rem;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}img{max-width:100%;margin:1rem 0}
pre{background:#f5f5f5;padding:1rem;overflow:auto;font-size:12px}.failed{color:#a00}"""
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
        sorted((folder / "figures").glob("*.png")),
    )
    try:
        with atomic(folder / "report.html") as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder} ({error.strerror}); change its permissions") from None
    return folder / "report.html"


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
    shown = [m for m in _COLUMNS if any(m in row["metrics"] for row in summary["rows"])]
    body = [
        f"<h1>{e(summary['study'])}: {e(summary['task'])} {e(summary['dataset'])}</h1>",
        f"<p>Scale {e(summary['scale'])}, {summary['seeds']} seed(s), {e(summary['feedback'])} feedback, "
        f"engine {e(summary['engine'])}, "
        f"measured on {e(summary['evaluated_on'])}; mean ± sd over seeds; "
        f"chance {summary['chance']:.0%}.</p>",
        f"<pre>{e(provenance['command'])}</pre>",
        "<table><tr><th>rule</th><th>told of boundaries</th>",
        *[f"<th>{_COLUMNS[m]}</th>" for m in shown],
        "</tr>",
    ]
    for row in summary["rows"]:
        found = [metrics.summarise([v for v in row["metrics"].get(m, {}).get("values", []) if v is not None]) for m in shown]
        cells = [
            percent(cell, signed=_COLUMNS[m].startswith(_SIGNED)) if _COLUMNS[m].endswith("%") else number(cell)
            for m, cell in zip(shown, found, strict=True)
        ]
        body += [
            "<tr>",
            *[f"<td>{e(c)}</td>" for c in [row["rule"], "yes" if row["needs_boundary"] else "no", *cells]],
            "</tr>",
        ]
    body.append("</table>")
    body += [f'<p class="failed">failed: {e(message)}</p>' for message in summary["failures"]]
    for path in figures:
        data = base64.b64encode(path.read_bytes()).decode()
        body.append(f'<p><img alt="{e(path.stem)}" src="data:image/png;base64,{data}"></p>')
    body.append(f"<h2>Provenance</h2><pre>{e(json.dumps(provenance, indent=2))}</pre>")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{e(summary["study"])}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )
