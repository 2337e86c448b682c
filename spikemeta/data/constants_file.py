"""Files of constants that a search found: what their blocks say, every mistake with its line, and how a block is written.

    [[tuned]]
    network = "feedforward"
    engine = "brian2"
    task = "split"
    dataset = "digits"      # or for all; likewise feedback and, of a rule, variant
    found = "spikemeta run search --rules laplace ..."
    [tuned.values]
    lr = 1e-3
    hidden.curvature = 3e-3

A block of a network may leave out the task: it is for every one. A block without values may say ``same_as = "mesu"``: what
rule mesu has there.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from spikemeta.data import curricula, datasets
from spikemeta.errors import suggest
from spikemeta.language import registry
from spikemeta.language.feedback import FEEDBACK

ENGINES = ("brian2", "torch")
_PLACE = ("network", "engine", "task", "dataset", "feedback", "variant")
_NEEDED = _PLACE[:2]
_HEAD = re.compile(r"\s*\[\[\s*tuned\s*\]\]")
_MEANT = re.compile(r"\s*\[+\s*tuned\b")


@dataclass(frozen=True)
class Block:
    """Constants for one place.

    Attributes
    ----------
    network, engine : str
    task, dataset, feedback, variant : str
        Empty: for every one.
    found : str
        The command that found them.
    same_as : str
        The rule whose constants they are, in place of values.
    values : dict of str to float
        ``{"lr": ...}``, or ``{"hidden.lr": ...}`` for one projection.
    line : int
        Where the block starts in its file.
    """

    network: str
    engine: str
    task: str = ""
    dataset: str = ""
    feedback: str = ""
    variant: str = ""
    found: str = ""
    same_as: str = ""
    values: dict = field(default_factory=dict)
    line: int = 0

    @property
    def place(self):
        """What it is for, by which it is chosen."""
        return tuple(getattr(self, name) for name in _PLACE)

    @property
    def title(self):
        """What it is for, in a few words."""
        more = f" ({', '.join(filter(None, self.place[4:]))})" if any(self.place[4:]) else ""
        what = self.task or "every task"
        return f"{what}{f'/{self.dataset}' if self.dataset else ''}, {self.network} on {self.engine}{more}"


def is_constants(path):
    """Whether a TOML file is meant for constants of a rule, rather than a chip."""
    path = Path(path)
    return path.suffix == ".toml" and any(map(_MEANT.match, path.read_text(errors="replace").splitlines()))


def read(path, data, value_problem, valid, of_rule=False):
    """Blocks of a file, and its problems.

    Parameters
    ----------
    path : str or Path
        For messages.
    data : bytes
        What the file holds.
    value_problem : callable
        ``value_problem(key, value)`` is what is wrong with a value, or None.
    valid : dict of str to collection
        What a key may say, where that is not the same for all files.
    of_rule : bool
        Whether it may name another rule whose constants are the same.

    Returns
    -------
    tuple of Block
    list of str
        Every problem, as ``file:line: message``.
    """
    if not data:
        return (), []
    try:
        text = data.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        return (), [f"{path}:1: not a text in UTF-8"]
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        return (), [f"{path}:{line[1] if line else len(data.splitlines())}: not TOML: {error}"]
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, 1) if _HEAD.match(line)]
    problems = [(1, suggest("key", key, ["tuned"]) + "; write blocks of [[tuned]]") for key in table if key != "tuned"]
    found = table.get("tuned", [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found) or len(starts) != len(found):
        return (), [f"{path}:1: write each block of constants as [[tuned]], with its values in [tuned.values]"]
    checker = _Checker(lines, starts, value_problem, valid, of_rule)
    blocks = [checker.block(number, entry) for number, entry in enumerate(found)]
    return tuple(blocks), [f"{path}:{line}: {message}" for line, message in [*problems, *checker.problems]]


class _Checker:
    """Makes blocks of a file's tables, and collects what is wrong with them, with its line."""

    def __init__(self, lines, starts, value_problem, valid, of_rule):
        self.lines, self.starts, self.value_problem, self.of_rule = lines, starts, value_problem, of_rule
        self.problems, self.places = [], {}
        known = {"network": registry.names("networks"), "engine": ENGINES, "feedback": [*FEEDBACK, *registry.signals()]}
        known |= {"task": [*curricula.names(), "items"], "dataset": datasets.names()}
        self.valid = known | valid

    def line_of(self, number, key):
        """The line of a block on which a key stands; its first where it is not found."""
        start, last = self.starts[number], [*self.starts[1:], len(self.lines) + 1][number] - 1
        quoted = re.compile(rf"[\s{{,]*[\"']?{re.escape(key)}[\"']?\s*[.=]")
        return next((n for n in range(start, last + 1) if quoted.match(self.lines[n - 1])), start)

    def block(self, number, entry):
        def wrong(key, message):
            self.problems.append((self.line_of(number, key), message))

        for key in entry:
            if key not in (*_PLACE, "found", "same_as", "values"):
                wrong(key, suggest("key of a block,", key, [*_PLACE, "found", "same_as", "values"]))
        texts = {key: entry[key] for key in (*_PLACE, "found", "same_as") if key in entry}
        for key in [key for key, value in texts.items() if not isinstance(value, str)]:
            wrong(key, f"{key} must be a text, not {texts.pop(key)!r}")
        needed = (*_NEEDED, *["task"] * self.of_rule)
        for key in needed:
            if key not in entry:
                self.problems.append((self.starts[number], f"{key} is missing: every block says {', '.join(needed)}"))
        for key in (key for key in _PLACE if texts.get(key)):
            own_data = key == "dataset" and any(sign in texts[key] for sign in "/.")
            if not own_data and texts[key] not in self.valid[key]:
                empty = f"{key} {texts[key]!r} chooses nothing here: leave it out"
                wrong(key, suggest(key, texts[key], self.valid[key]) if self.valid[key] else empty)
        if texts.get("engine") == "torch" and texts.get("feedback"):
            wrong("feedback", f"the feedback {texts['feedback']!r} with engine torch chooses nothing: leave it out")
        values = self.values(number, entry, wrong)
        made = Block(**{"network": "", "engine": "", "task": ""} | texts, values=values, line=self.starts[number])
        if made.place in self.places:
            wrong("", f"a second block for {made.title}: the first stands in line {self.places[made.place]}")
        self.places.setdefault(made.place, made.line)
        return made

    def values(self, number, entry, wrong):
        """The values of a block by flat keys, after what is wrong with them."""
        given, other = entry.get("values"), entry.get("same_as")
        if (given is None) == (other is None):
            self.problems.append((self.starts[number], "a block needs either [tuned.values] or same_as, the name of a rule"))
        if isinstance(other, str) and not self.of_rule:
            wrong("same_as", "same_as is for rules: a network has constants of its own")
        elif isinstance(other, str) and other not in registry.names("rules"):
            wrong("same_as", suggest("rule in same_as,", other, registry.names("rules")))
        if given is not None and not isinstance(given, dict):
            wrong("values", f"values must be a table, as in [tuned.values], not {given!r}")
            given = {}
        flat = {}
        for key, value in (given or {}).items():
            flat |= {f"{key}.{name}": v for name, v in value.items()} if isinstance(value, dict) else {key: value}
        for key, value in flat.items():
            if message := self.value_problem(key, value):
                wrong(key if self.line_of(number, key) != self.starts[number] else key.rpartition(".")[2], message)
        return flat


def written(block):
    """The lines of a block in its file."""
    texts = {key: getattr(block, key) for key in (*_PLACE, "found") if getattr(block, key)}
    lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in texts.items()]
    return ["[[tuned]]", *lines, "[tuned.values]", *(f"{key} = {value!r}" for key, value in block.values.items())]
