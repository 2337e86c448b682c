"""Put the recorded tables into the pages: each stands below a comment that names its maker and what the maker is given.

    python docs/pages.py            # rewrite them
    python docs/pages.py --check    # name the pages that would change

``<!-- deranged poisoning/mnist -->`` is replaced, as far as the table goes, by ``tables.deranged("poisoning/mnist")``.
"""

import re
import sys
from pathlib import Path

import tables

DOCS = Path(__file__).parent
_MARK = re.compile(r"^<!-- ([a-z_]+)((?: \S+)*) -->\n((?:\|.*\n)*)(\n(?:\|.*\n)+)?", re.MULTILINE)


def _drawn(match):
    maker, arguments, first, second = match.groups()
    table = getattr(tables, maker)(*arguments.split()) + "\n"
    two = "\n\n" in table  # a maker of two tables
    return f"<!-- {maker}{arguments} -->\n{table}{'' if two else second or ''}"


def drawn(text):
    """A page with its tables as recorded.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return _MARK.sub(_drawn, text)


def marks(text):
    """Makers that a page names, with what they are given: list of (str, list of str)."""
    return [(match[1], match[2].split()) for match in _MARK.finditer(text)]


if __name__ == "__main__":
    for page in [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]:
        before = page.read_text(encoding="utf-8")
        after = drawn(before)
        if after != before:
            print(page)
            if "--check" not in sys.argv:
                page.write_text(after, encoding="utf-8")
