"""Look at the built pages in Chromium, at the width of a phone and of a window, light and dark.

    python docs/look.py docs/_build                     # says what is wrong
    python docs/look.py docs/_build --shots shots       # and pictures of every page

A page must not scroll sideways, its text must have the contrast that WCAG 2.1 AA asks, its pictures an alternative text, and
its links to other pages and places on them must lead there.
"""

import argparse
import functools
import html
import http.server
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

WIDTHS, THEMES = (390, 1300), ("light", "dark")
OPTIONS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
OPTIONS += " --disable-component-update --disable-extensions --hide-scrollbars --virtual-time-budget=3600000"
#: What looks at the pages, each in a frame.
PROBE = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const SEEN = {opacityProperty: true, visibilityProperty: true};
const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, k) => a * c + (1 - a) * below[k]);
function behind(element, view) {  // every background up to the first that is opaque
  const colour = element ? numbers(view.getComputedStyle(element).backgroundColor) : [255, 255, 255];
  return colour.length < 4 ? colour : over(colour, behind(element.parentElement, view));
}
function light(rgb) {
  const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function pale(page) {  // texts with less contrast than their size asks
  const view = page.defaultView, found = {};
  for (const e of page.body.querySelectorAll("*")) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join(" ").trim();
    if (!text || e.closest("script, style, noscript, svg") || !e.checkVisibility(SEEN)) continue;
    const look = view.getComputedStyle(e), size = parseFloat(look.fontSize), bold = parseInt(look.fontWeight) >= 700;
    const ground = behind(e, view), [a, b] = [over(numbers(look.color), ground), ground].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), least = size >= 24 || size >= 18.66 && bold ? 3 : 4.5;
    const where = `${e.tagName.toLowerCase()}.${e.className}: ${look.color} on ${ground}`;
    if (ratio < least) found[where] ||= `${ratio.toFixed(2)}, ${text.slice(0, 40)}`;
  }
  return Object.entries(found).map(([which, how]) => `pale (${how}): ${which}`);
}
function wide(page) {  // the page, or the part of it that holds the heading; tables and code may scroll within
  const rolls = e => e === page.documentElement || page.defaultView.getComputedStyle(e).overflowX !== "visible";
  for (let at = page.querySelector("h1"); at; at = at.parentElement) {
    if (at.scrollWidth <= at.clientWidth || !rolls(at)) continue;
    const edge = at.getBoundingClientRect().left + at.clientWidth;
    const within = e => e === at || !rolls(e) && within(e.parentElement);
    const beyond = e => e.getBoundingClientRect().right > edge + 1 && within(e.parentElement);
    const guilty = [...at.querySelectorAll("*")].find(beyond);
    return [`scrolls sideways by ${at.scrollWidth - at.clientWidth}: ${guilty ? guilty.outerHTML.slice(0, 120) : ""}`];
  }
  return [];
}
async function look(name, width, theme) {
  const frame = Object.assign(document.createElement("iframe"), {width, height: 900, src: name});
  await new Promise(done => { frame.onload = done; document.body.append(frame) });
  const page = frame.contentDocument, found = [];
  page.body.dataset.theme = theme;
  page.querySelectorAll("details").forEach(details => { details.open = true });
  await new Promise(done => setTimeout(done, 300));  // colours change slowly
  found.push(...wide(page), ...pale(page));
  for (const picture of page.images)
    if (!picture.alt.trim() || !picture.naturalWidth)
      found.push(`picture ${picture.getAttribute("src")}: "${picture.alt}", ${picture.naturalWidth} wide`);
  frame.remove();
  return found;
}
(async () => {
  const found = {};
  for (const name of PAGES) for (const width of WIDTHS) for (const theme of THEMES)
    for (const problem of await look(name, width, theme)) (found[`${name}: ${problem}`] ||= []).push(`${width} ${theme}`);
  const told = Object.assign(document.createElement("pre"), {id: "found", textContent: JSON.stringify(found)});
  document.body.replaceChildren(told);
})();
"""


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder, and beside it a few pages that exist here alone."""

    def __init__(self, folder, pages):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                if (text := pages.get(self.path.lstrip("/"))) is None:
                    return super().do_GET()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        threading.Thread(target=self.serve_forever, daemon=True).start()


def chromium(*more):
    """Run it, with a profile of its own; what it printed."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        sys.exit("no Chromium here: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *OPTIONS.split(), f"--user-data-dir={profile}", *more]
        return subprocess.run(command, capture_output=True, text=True, timeout=3600).stdout


def broken(folder, names):
    """Links from these pages to pages and places that are not there."""
    places = {name: set(re.findall(r'\bid="([^"]+)"', (folder / name).read_text("utf-8"))) for name in names}
    for name in names:
        for link in set(re.findall(r'<a [^>]*href="([^":]+)"', (folder / name).read_text("utf-8"))):
            path, _, place = html.unescape(link).partition("#")
            target = path or name
            if not (folder / target).is_file() or place and place not in places.get(target, {place}):
                yield f"{name}: a link to {link}, which is not there"


def main():
    """Print what is wrong; the exit code says whether anything is."""
    given = argparse.ArgumentParser()
    given.add_argument("folder", type=Path)
    given.add_argument("--shots", type=Path)
    given = given.parse_args()
    names = sorted(path.name for path in given.folder.glob("*.html") if path.name not in ("search.html", "genindex.html"))
    head = f"const PAGES = {json.dumps(names)}, WIDTHS = {json.dumps(WIDTHS)}, THEMES = {json.dumps(THEMES)};\n"
    pages = {"look": f"<!doctype html><body><script>{head}{PROBE}</script>"}
    server = Server(given.folder, pages)
    address = f"http://127.0.0.1:{server.server_port}/"
    told = re.search(r'<pre id="found">(.*?)</pre>', chromium("--dump-dom", address + "look"), re.S)
    found = [f"{problem} [{', '.join(where)}]" for problem, where in json.loads(html.unescape(told[1])).items()]
    found += broken(given.folder, names)
    print(*found, f"{len(names)} pages, {len(found)} problems", sep="\n")
    for name in names if given.shots else ():
        for width, theme in itertools.product(WIDTHS, THEMES):
            dress = f"this.contentDocument.body.dataset.theme = '{theme}'"
            frame = f'<iframe width={width} height=1800 frameborder=0 src="{name}" onload="{dress}"></iframe>'
            pages["shot"] = f'<!doctype html><body style="margin:0">{frame}'
            given.shots.mkdir(exist_ok=True)
            path = given.shots / f"{name.removesuffix('.html')}-{width}-{theme}.png"
            chromium(f"--screenshot={path.absolute()}", f"--window-size={max(width, 500)},1800", address + "shot")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
