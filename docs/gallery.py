"""Draw the page `gallery.md` anew: every recorded figure that a page shows, with the command that drew it.

python docs/gallery.py
"""

import re
from pathlib import Path

import tables

DOCS = Path(__file__).parent
_IMAGE = re.compile(r"!\[([^\]]*)\]\(recorded/([^)]*)/([^/)]*)\.png\)")
_HEAD = """# Gallery

Every recorded figure, with the command that draws it and the page that explains it. Each study also writes the figure as a PDF.
"""


def drawn():
    """The page.

    Returns
    -------
    str
    """
    parts = [_HEAD]
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        found = _IMAGE.findall(text) if page.name != "gallery.md" else []
        if found:
            parts.append(f"## {text.split('# ', 1)[1].splitlines()[0]}\n\nExplained in [{page.stem}]({page.name}).\n")
        commands = dict.fromkeys(run for _, run, _ in found)
        for run in commands:
            parts.append(f"`{tables.command(run)}`\n")
            parts += [f"![{alt}](recorded/{run}/{name}.png)\n" for alt, where, name in found if where == run]
    return "\n".join(parts)


if __name__ == "__main__":
    (DOCS / "gallery.md").write_text(drawn(), encoding="utf-8")
