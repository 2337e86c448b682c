"""The report in a browser, which is started once: it enlarges figures, sorts tables, fits a window and a phone, can be read."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from spikemeta.figures import style
from spikemeta.language import registry
from spikemeta.runs import report

#: What looks at the page, within it, and writes what it found into it.
PROBE = """
const wait = () => new Promise(done => setTimeout(done, 50));
const source = %s, found = {frames: {}};

// lowest contrast of a text with what is behind it, over what WCAG 2.1 AA asks of its size
function light(rgb) {
  const [r, g, b] = rgb.slice(0, 3).map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
function behind(element, view) {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(view.getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
}
function contrast(page) {
  const view = page.defaultView, texts = [...page.body.querySelectorAll("*")].filter(e =>
    e.tagName !== "SCRIPT" && e.getClientRects().length && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  const ratios = texts.map(e => {
    const look = view.getComputedStyle(e), [a, b] = [numbers(look.color), behind(e, view)].map(light);
    const size = parseFloat(look.fontSize), large = size >= 24 || size >= 18.66 && parseInt(look.fontWeight) >= 700;
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) / (large ? 3 : 4.5);
  });
  return [Math.min(...ratios), texts.length];
}

// the page in a frame of this width, under the rules for this medium or scheme alone
async function framed(name, width, medium) {
  const frame = Object.assign(document.createElement("iframe"), {width, height: 800, srcdoc: source});
  await new Promise(done => { frame.onload = done; document.body.append(frame) });
  const page = frame.contentDocument;
  for (const rule of page.styleSheets[0].cssRules)
    if (rule.media) rule.media.mediaText = rule.media.mediaText.includes(medium) ? "all" : "not all";
  page.querySelectorAll("details").forEach(details => { details.open = true });
  const root = page.documentElement, [ratio, texts] = contrast(page);
  const frames = [...page.querySelectorAll("img")].map(i => i.getBoundingClientRect().width);
  found.frames[name] = {sideways: root.scrollWidth - root.clientWidth, contrast: ratio, texts, widest: Math.max(...frames),
                        page: page.defaultView.getComputedStyle(page.body).backgroundColor};
  frame.remove();
}

async function look() {
  const picture = document.querySelector("figure img"), wide = () => Math.round(picture.getBoundingClientRect().width);
  found.width = [wide()];
  picture.closest("a").click(); await wait(); found.width.push(wide());
  document.querySelector("figure div:target .back").click(); await wait(); found.width.push(wide());
  const column = () => [...document.querySelectorAll("tbody tr")].map(row => row.cells[0].textContent).join(" ");
  const sorted = () => [...document.querySelectorAll("th")].map(head => head.getAttribute("aria-sort"));
  found.order = [column()];
  for (const k of [0, 0, 2, 2]) {
    document.querySelectorAll("th button")[k].click();
    found.order.push(column());
    found.sorted = sorted();
  }
  found.alternatives = [...document.images].map(image => image.alt);
  found.loaded = [...document.images].map(image => image.naturalWidth > 0);
  for (const width of [1300, 390]) for (const scheme of ["light", "dark"]) await framed(scheme + " " + width, width, scheme);
  await framed("paper", 680, "print");
  found.addresses = [...document.querySelectorAll("[src],[href]")].map(e => e.getAttribute("src") || e.getAttribute("href"));
  found.requests = performance.getEntriesByType("resource").map(entry => entry.name);
}

function tell(what) {
  const shown = Object.assign(document.createElement("pre"), {id: "findings", textContent: JSON.stringify(what)});
  document.body.replaceChildren(shown);
}
look().then(() => tell(found), error => tell(String(error)));
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the browser says of a report of a recorded run, with two figures, one rule's text and a failure."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        pytest.skip("no Chromium here; CONTRIBUTING.md says how to get it")
    folder = tmp_path_factory.mktemp("report")
    recorded = Path(__file__).parents[1] / "docs" / "recorded" / "forgetting" / "200"
    summary, provenance = (json.loads((recorded / f"{name}.json").read_text("utf-8")) for name in ("summary", "provenance"))
    rule = registry.get_rule("laplace")
    provenance["rules"] = {"laplace": {"state": rule.state, "on_gradient": rule.on_gradient}}
    (folder / "summary.json").write_text(json.dumps(summary | {"failures": ["sgd, seed 9: unstable"]}), "utf-8")
    (folder / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    for name in ("first", "second"):
        figure = Figure(figsize=(2, 1))
        figure.add_subplot().set(xlabel="tasks", ylabel="accuracy (%)", title=f"The {name} figure")
        style.save(figure, folder / "figures", name)
    page = report.write(folder).read_text("utf-8")
    script = PROBE % json.dumps(page).replace("</", "<\\/")
    probed = folder / "probed.html"
    probed.write_text(page.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    options += (
        " --disable-component-update --disable-sync --disable-extensions --window-size=1300,900 --virtual-time-budget=100000"
    )
    command = [browser, *options.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom", probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    told = re.search(r'<pre id="findings">(.*?)</pre>', done.stdout, re.S)
    assert told, done.stdout[-2000:] + done.stderr[-2000:]
    made = json.loads(html.unescape(told[1]))
    assert isinstance(made, dict), made
    return made


def test_a_figure_fills_the_window_when_it_is_clicked(found):
    before, enlarged, after = found["width"]
    assert before == after == 400  # two inches of 200 dots
    assert enlarged > 1200


def test_tables_sort_by_a_click_on_a_head(found):
    before, up, down, *by_accuracy = (order.split() for order in found["order"])
    assert up == sorted(before)
    assert down == up[::-1]
    assert by_accuracy[0][:2] == ["hebb_repetition", "laplace"]
    assert by_accuracy[1] == by_accuracy[0][::-1]
    assert found["sorted"] == [None, None, "ascending", None, None, None]


@pytest.mark.parametrize("frame", ["light 1300", "light 390", "dark 1300", "dark 390", "paper"])
def test_it_fits_and_can_be_read(found, frame):
    seen = found["frames"][frame]
    assert seen["sideways"] == 0
    assert seen["contrast"] >= 1, "of WCAG 2.1 AA"
    assert seen["texts"] > 50
    assert seen["page"] == ("rgb(22, 22, 22)" if "dark" in frame else "rgb(255, 255, 255)")
    assert seen["widest"] <= 400


def test_it_needs_nothing_from_elsewhere(found):
    assert all(address.startswith(("#", "data:")) for address in found["addresses"])
    assert [name for name in found["requests"] if not name.startswith("data:")] == []
    assert found["loaded"] == [True, True]


def test_every_picture_says_what_it_shows(found):
    assert found["alternatives"] == [f"The {k} figure: accuracy (%) against tasks" for k in ("first", "second")]
