"""Someone who follows a page to the letter: its shell blocks and cells in their order, in a folder of their own.

Marks, each a comment directly above a block, say what is otherwise: ``<!-- not-followed: why -->``, and ``<!-- long: why -->``
for what is followed in the long form alone. A block of ``text`` below one that was followed is what that printed, ``...``
standing for anything.
"""

import doctest
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import launched

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"((?:^<!--.*-->\n)*)^```(\S+)(?: python)?\n((?:.*\n)*?)^```$", re.M)
_MARK = re.compile(r"<!-- (not-followed|long): (.+) -->")
_FOLLOWED = {"bash": "shell", "python": "cell", "{code-cell}": "cell", "text": "printed"}
#: What nobody follows: it is shown.
_SHOWN = ("toml", "{toctree}")
#: Whether a page shows what was printed, but for spaces.
_SAME, _LOOSELY = doctest.OutputChecker().check_output, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
#: What is no plain command and its words.
_SHELL = re.compile(r"[|<>;&$`*~]")
#: A file that a page names, and that its reader or the checkout must have in the end; capitals and "my" stand for any.
_NAMED = re.compile(r"`([\w./-]*\w\.(?:json|nc|csv|png|pdf|html|ipynb|py|toml|md))`")


class Block(NamedTuple):
    """A part of a page: ``kind`` is ``shell``, ``cell`` or ``printed``; ``mark`` is empty, ``not-followed`` or ``long``."""

    kind: str
    text: str
    line: int
    mark: str


class Stray(AssertionError):
    """Something on a page that is not as written."""


def blocks(page):
    """Those of a page's text, in order.

    Raises
    ------
    Stray
        For a block of a language that is neither followed nor known to be shown.
    """
    found = []
    for block in _BLOCK.finditer(page):
        marks, language, text = block.groups()
        mark, line = _MARK.search(marks), page.count("\n", 0, block.start(2)) + 1
        if language in _FOLLOWED:
            text = re.sub(r"\A(:.*\n)+", "", text)  # options of a cell
            found.append(Block(_FOLLOWED[language], text, line, mark[1] if mark else ""))
        elif language not in _SHOWN:
            raise Stray(f"line {line}: a block of {language} is neither followed nor known as shown alone")
    return found


def named(page):
    """Files that a page's text names as such."""
    return sorted(name for name in set(_NAMED.findall(page)) if not re.search(r"\b[A-Z]+\.|\bmy_", name))


class Reader:
    """Follows a page.

    Parameters
    ----------
    folder : Path
        Where everything happens, empty.
    long : bool
        Also what is marked as long, and every command as a process of its own, from the path.
    """

    def __init__(self, folder, long=False):
        self.folder, self.long = folder / "at_work", long
        self.folder.mkdir()
        self.python = launched.Python(folder / "python", self.folder)
        self.commands = 0

    def follow(self, page):
        """Follow the text of a page.

        Returns
        -------
        list of str
            What each block printed that was followed.

        Raises
        ------
        Stray
            Where a block fails, prints something else than the page shows, or where a file is missing in the end.
        """
        every, left = blocks(page), {"not-followed"} if self.long else {"not-followed", "long"}
        printed = {block: self._do(block) for block in every if block.kind != "printed" and block.mark not in left}
        for above, block in pairwise(every):
            if block.kind == "printed" and above in printed and not _SAME(block.text, printed[above], _LOOSELY):
                raise Stray(f"line {block.line}: the page shows\n{block.text}\nand this was printed\n{printed[above]}")
        missing = [name for name in named(page) if not self.has(name)]
        if missing and printed and not any(block.mark == "long" for block in every if block not in printed):
            raise Stray(f"named on the page, and not there in the end: {', '.join(missing)}")
        return list(printed.values())

    def has(self, name):
        """Whether a file is in the reader's folder, in one that a command wrote, or in the checkout."""
        return any(path.is_file() for path in (*self.folder.rglob(name), ROOT / name, ROOT / "docs" / name))

    def close(self):
        self.python.close()

    def _do(self, block):
        try:
            return (self._shell if block.kind == "shell" else self._cell)(block.text)
        except (Stray, RuntimeError, EOFError) as failure:
            raise Stray(f"line {block.line}: {failure}") from failure

    def _cell(self, text):
        """A cell as Jupyter takes it: a file, or Python with lines of commands in between."""
        if text.startswith("%%writefile "):
            name, _, text = text.removeprefix("%%writefile ").partition("\n")
            (self.folder / name).write_text(text, "utf-8")
            return ""
        parts = [part for part in re.split(r"^(!.*\n)", text, flags=re.M) if part.strip()]
        return "".join(self._shell(part[1:]) if part.startswith("!") else self.python.run(part) for part in parts)

    def _shell(self, text):
        if self.long:
            return self._bash(text)
        lines = re.sub(r"\\\n\s*", " ", text).splitlines(keepends=True)
        return "".join(self._line(line) for line in lines)

    def _line(self, line):
        """A line of the short form, a command forked if it is one of ours, and what it is piped into."""
        first, _, further = line.partition(" | ")
        words = shlex.split(first, comments=True)
        if words[:1] != ["spikemeta"] or _SHELL.search(re.sub(r"'.*?'|\".*?\"", "", first.partition(" #")[0])):
            return self._bash(line)
        if words[1] == "run":
            words[3:3] = ["--workers", "1"]
        self.commands += 1
        command = launched.Command(words[1:], self.folder.parent / f"command-{self.commands}", self.folder)
        printed, errors = command.communicate()
        self._end(first, command.returncode, printed, errors)
        return self._bash(further, printed) if further else printed

    def _bash(self, text, given=None):
        command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(command, cwd=self.folder, input=given, capture_output=True, text=True)
        self._end(text, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def _end(self, text, code, printed, errors):
        if code:
            raise Stray(f"{text.strip()}\nended with {code}\n{printed}{errors}")
