"""A user's rule file: the rule that it defines, or every problem of it, with file and line."""

import ast
from pathlib import Path

from spikemeta.errors import RuleError
from spikemeta.language.python_files import read_source, run, the_one, told
from spikemeta.language.rule import Rule


def load_file(path):
    """Run a user's rule file and return the `Rule` it defines. The file is code: it is executed.

    Constants found for the rule are read from the file of the same name that ends in ``.toml``.

    Raises
    ------
    UserError
        If there is no such file, it fails, or it does not define exactly one rule.
    """
    rule = the_one(path, "rule", _load)
    return rule if rule.constants_file else rule.with_constants(Path(path).resolve().with_suffix(".toml"))


def check_file(path):
    """Every problem of a rule file, each as ``file:line: message``; an empty list if it is sound."""
    return _load(Path(path))[0]


def _load(path):
    try:
        space = run(path)
    except RuleError as error:
        lines = _field_lines(path)
        first = lines.get("", 1)
        where = [lines.get(f, lines.get(f.partition(".")[0], first)) + line for f, line, _ in error.problems]
        return [f"{path}:{line}: {text}" for line, (*_, text) in zip(where, error.problems, strict=True)], None
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        return [told(path, error)], None
    rules = [value for value in space.values() if isinstance(value, Rule)]
    if len({id(r) for r in rules}) != 1:
        text = f"{path}:1: the file must define exactly one Rule, as in 'rule = Rule(...)'; it defines {len(rules)}"
        return [text + f". A study is tried, not checked: spikemeta run {path}" * ("study" in space)], None
    return [], rules[0]


def _field_lines(path):
    """Line of the file on which the text of each field of ``Rule(...)`` starts."""
    for node in ast.walk(ast.parse(read_source(path))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Rule":
            lines = {"": node.lineno} | {k.arg: k.value.lineno for k in node.keywords if k.arg}
            for field in node.keywords:  # and of each entry of a dict
                if isinstance(field.value, ast.Dict):
                    named = [key for key in field.value.keys if isinstance(key, ast.Constant)]
                    lines |= {f"{field.arg}.{key.value}": key.lineno for key in named}
            return lines
    return {}
