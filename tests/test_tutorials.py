"""The pages that lead to a first own result, followed to the letter.

In a short form: commands are forked from a process that has imported everything, studies have one worker, which changes no
number, and what the pages mark as long is left out. ``SPIKEMETA_TUTORIALS=1 pytest -n 0 tests/test_tutorials.py`` leaves
out nothing.
"""

import os
import re

import pytest
import reader

DOCS = reader.ROOT / "docs"
LONG = bool(os.environ.get("SPIKEMETA_TUTORIALS"))
#: How-to pages that explain, and are executed when the documentation is built: followed here in the long form.
EXPLAINED = ("rules", "torch", "interchange")


def pages():
    """The README, and the parts of the documentation that say how something is done."""
    index = (DOCS / "index.md").read_text("utf-8")
    parts = [re.search(rf":caption: {part}\n\n((?:\w+\n)+)", index)[1].split() for part in ("Tutorial", "How to")]
    return [reader.ROOT / "README.md", *(DOCS / f"{name}.md" for part in parts for name in part)]


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Follows the text of a page; gives what its blocks printed."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    someone = reader.Reader(tmp_path, LONG)
    yield someone.follow
    someone.close()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_page_can_be_followed(path, follow):
    text = path.read_text("utf-8")
    if not LONG and (path.stem in EXPLAINED or all(block.mark for block in reader.blocks(text))):
        pytest.skip("in the long form: SPIKEMETA_TUTORIALS=1")
    follow(text)


def test_the_front_pages_begin_with_the_same_lines():
    first, other = (next(b.text for b in reader.blocks(path.read_text("utf-8"))) for path in (pages()[0], DOCS / "index.md"))
    assert first == other
    assert len(first.splitlines()) == 10


#: A page as ours are, short.
PAGE = (
    (DOCS / "own_rule.md").read_text("utf-8").partition("## Constants")[0]
    + """
```bash
spikemeta example rule another  # a comment
ls another.py | sort
```

```text
written: ...
another.py
```

The file `another.py` is there now.

<!-- not-followed: needs a cluster -->
```bash
no_such_command
```
"""
)


def test_a_page_that_is_as_written(follow):
    printed = follow(PAGE)
    assert printed[1].startswith("ok\nanchored: A synapse that has moved far")  # a cell of two commands
    assert printed[-1] == "written: another.py\nanother.py\n"


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("!spikemeta check anchored.py", "!spikemeta chek anchored.py", "chek anchored.py\nended with 2\n.*No such command"),
        ("on_gradient=", "on_gradiant=", "check anchored.py\nended with 2\n.*on_gradiant"),
        ("%%writefile anchored.py", "%%writefile other.py", "no rule file 'anchored.py'"),
        ('get_rule("anchored.py")', 'get_rule("other.py")', "Traceback.*no rule file 'other.py'"),
        ("axes.legend(", 'Image("drawn.png")\naxes.legend(', "NameError"),
        ("axes.legend(", 'from IPython.display import Image\nImage("drawn.png")\naxes.legend(', "No such file.*drawn.png"),
        ("ls another.py | sort", "ls one_more.py | sort", "line .*ls one_more.py .*ended with 2"),
        ("```text\nwritten: ...", "```text\nmade: ...", "the page shows\nmade: .*this was printed\nwritten: another.py"),
        ("`another.py`", "`another.csv`", "named on the page, and not there in the end: another.csv"),
        ("<!-- not-followed: needs a cluster -->\n", "", "no_such_command: command not found"),
        ("<!-- not-followed: needs a cluster -->", "<!-- not-followed -->", "no_such_command: command not found"),
        ("```bash\nspikemeta example", "```console\nspikemeta example", "a block of console is neither followed nor known"),
    ],
)
def test_a_page_that_goes_wrong(written, instead, message, follow):
    assert PAGE.count(written) == 1
    with pytest.raises(reader.Stray) as found:
        follow(PAGE.replace(written, instead))
    assert re.search(message, str(found.value), re.S), found.value
