"""Constants that a search found, by network, engine, task, data set, feedback and variant: chosen, and written.

Ours lie in the folder ``tuned`` of ``rules`` and ``networks``, a file each; those of your own ``my_rule.py`` in
``my_rule.toml`` beside it. `spikemeta.data.constants_file` says what is in them.
"""

import re
from dataclasses import replace
from pathlib import Path

from spikemeta.data import constants_file, datasets
from spikemeta.errors import UserError, suggest
from spikemeta.language import registry
from spikemeta.language.feedback import FEEDBACK
from spikemeta.language.user_files import check_file as check_rule
from spikemeta.language.user_files import load_file
from spikemeta.system import files


def of_rule(rule):
    """The blocks of a rule's file; none where there is no file.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    tuple of Block

    Raises
    ------
    UserError
        With every problem of the file, each with its line.
    """
    return _sound(*_of_rule(rule, _text(rule.constants_file)))


def problems_of(rule):
    """Every problem of a rule's file of constants, as ``file:line: message``."""
    blocks, problems = _of_rule(rule, _text(rule.constants_file))
    for block in blocks if not problems else ():
        try:
            _chosen(rule, block)
        except UserError as error:
            problems = [*problems, str(error)]
    return problems


def check_file(path):
    """Every problem of a rule's file and of its file of constants, given either, as ``file:line: message``."""
    path = Path(path)
    if path.suffix == ".toml" and not path.with_suffix(".py").is_file():
        return [f"{path}:1: constants lie beside the file of their rule, and there is no {path.with_suffix('.py').name} here"]
    problems = check_rule(path.with_suffix(".py") if path.suffix == ".toml" else path)
    return problems or problems_of(load_file(path.with_suffix(".py")))


def network_constants(name, engine, known, task="", dataset=""):
    """What was found for a network, by ``networks/tuned/NAME.toml``: for all tasks, for one, then for a task and a data set.

    Parameters
    ----------
    name, engine : str
    known : collection of str
        Every constant of the network and its learning signal.
    task, dataset : str

    Returns
    -------
    dict of str to float

    Raises
    ------
    UserError
        With every problem of the file, each with its line.
    """
    path = registry.constants_file("networks", name)

    def problem(key, value):
        if key not in known:
            return suggest(f"parameter of network {name!r}", key, known)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if number else f"{key} must be a number, not {value!r}"

    valid = {"network": [name], "feedback": (), "variant": ()}
    blocks = _sound(*_remembered((path, *known), _text(path), lambda data: constants_file.read(path, data, problem, valid)))
    here = [b for b in blocks if b.engine == engine and b.task in ("", task) and b.dataset in _same(dataset)]
    in_order = sorted(here, key=lambda b: (bool(b.task), bool(b.dataset)))
    return {key: float(value) for b in in_order for key, value in b.values.items()}


def _sound(blocks, problems):
    if problems:
        raise UserError("\n".join(problems))
    return blocks


def _text(path):
    """A file's bytes; empty where there is none."""
    try:
        return Path(path).read_bytes() if path else b""
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise UserError(f"cannot read the constants in {path} ({error.strerror})") from None


_known = {}  # by what a file is for: its bytes and what they hold


def _remembered(key, data, read):
    if _known.get(key, (None,))[0] != data:
        _known[key] = data, read(data)
    return _known[key][1]


def _of_rule(rule, data):
    """Blocks and problems of a rule's file with this content."""
    path, valid = rule.constants_file, {"variant": rule.variants}
    key = path, rule.name, tuple(rule.parameters.items()), tuple(rule.variants)
    return _remembered(key, data, lambda data: constants_file.read(path, data, rule.setting_problem, valid, of_rule=True))


def _chosen(rule, block):
    """The values of a block: its own, or those of another rule at the same place.

    Raises
    ------
    UserError
        If the other rule has none there.
    """
    if not block.same_as:
        return block.values
    other = next((b for b in of_rule(registry.load("rules", block.same_as)) if b.place == block.place), None)
    if other is None or other.same_as:
        raise UserError(
            f"{rule.constants_file}:{block.line}: rule {block.same_as!r} has no constants of its own for {block.title}: "
            "write [tuned.values] in place of same_as"
        )
    for key, value in other.values.items():
        if message := rule.setting_problem(key, value):
            raise UserError(f"{rule.constants_file}:{block.line}: same_as {block.same_as!r}: {message}")
    return other.values


def layers(rule, network, engine, task, dataset="", feedback=""):
    """What was found for a rule, the more particular later: before its variant's settings, and after them.

    Parameters
    ----------
    rule : Rule
    network, engine : str
        ``"torch"`` or ``"brian2"``.
    task : str
        Where a rule has nothing for it on torch, what was found for ``"split"`` counts: gradients have another scale there,
        which no default knows.
    dataset : str
        A name, or the path of your own.
    feedback : str

    Returns
    -------
    list of dict, list of dict
        By ``parameter`` or ``projection.parameter``: for all variants, and for this one alone.
    """
    here = [b for b in of_rule(rule) if (b.network, b.engine) == (network, engine)]
    here = [b for b in here if b.dataset in _same(dataset) and b.feedback in _like(feedback)]
    if engine == "torch":
        found = (t for t in (task, "split") if task and any(b.task == t and not b.variant for b in here))
        task = next(found, None)
    here = sorted((b for b in here if b.task == task), key=lambda b: (bool(b.feedback), bool(b.dataset)))
    own = [b for b in here if b.variant and b.variant == rule.variant]
    return [_chosen(rule, b) for b in here if not b.variant], [_chosen(rule, b) for b in own]


def _like(feedback):
    """What was found with tied feedback counts for random, too, but not for another learning signal."""
    return ("", feedback) if feedback in ("", *FEEDBACK, "backpropagated") else (feedback,)


def _same(dataset):
    return ("", dataset, datasets.label(dataset)) if dataset else ("",)


def constants(rule, projections, network, engine, task="", dataset="", feedback="", overrides=None):
    """Values of all parameters of a rule, for every projection of a network.

    Parameters
    ----------
    rule : Rule
    projections : iterable of str, or dict of str to str
        A dict says of each whose constants it takes where it has none of its own.
    network, engine, task, dataset, feedback : str
        As for `layers`.
    overrides : dict of str to float or None
        As for `Rule.constants`.

    Returns
    -------
    dict of str to dict
        By projection.

    Raises
    ------
    UserError
        For a file that cannot be used, or a projection that the network lacks; for a bad override.
    """
    if hasattr(rule, "rules"):  # one for each projection
        rule.constants(overrides=overrides)
        place = projections, network, engine, task, dataset, feedback
        return {p: constants(rule.of(p), *place, rule.own(overrides, p))[p] for p in projections}
    for block in of_rule(rule):
        if block.network == network:
            for owner in {key.rpartition(".")[0] for key in block.values} - {"", *projections}:
                of = suggest(f"projection of network {network!r},", owner, projections)
                raise UserError(f"{rule.constants_file}:{block.line}: {of}")
    before, after = layers(rule, network, engine, task, dataset, feedback)
    bases, out = projections if isinstance(projections, dict) else {p: p for p in projections}, {}
    for p, base in bases.items():
        own = lambda layer, p=p, base=base: {_moved(key, base, p): v for key, v in layer.items()} | layer  # noqa: E731
        out[p] = rule.constants(p, own(overrides or {}), [own(v) for v in before], [own(v) for v in after])
    return out


def _moved(key, base, projection):
    """A constant of one projection as that of another."""
    owner, dot, name = key.rpartition(".")
    return f"{projection}{dot}{name}" if owner == base else key


def exist(rule, network, engine, task, dataset, feedback):
    """Whether something was found for a rule at this place; what was found with tied feedback says nothing of others."""
    if hasattr(rule, "rules"):
        return all(exist(one, network, engine, task, dataset, feedback) for one in rule.each)
    return any(_covers(b, rule, network, engine, task, dataset, feedback) for b in of_rule(rule))


def scenarios(rule, network, engine, task, dataset, feedback):
    """Scenarios of split tasks in which the constants for a place were searched, as the commands that found them say.

    Returns
    -------
    set of str
        ``"domain"`` where a command names none; empty where nothing was found.
    """
    if hasattr(rule, "rules"):
        return set().union(*(scenarios(one, network, engine, task, dataset, feedback) for one in rule.each))
    place = network, engine, task, dataset, feedback
    named = [re.search(r"--scenario[ =](\w+)", b.found) for b in of_rule(rule) if _covers(b, rule, *place)]
    return {match[1] if match else "domain" for match in named}


def _covers(b, rule, network, engine, task, dataset, feedback):
    here = (b.network, b.engine, b.task) == (network, engine, task) and b.variant in ("", rule.variant)
    return here and b.dataset in _same(dataset) and (feedback == "tied" or b.feedback == feedback)


def write(rule, path, block):
    """Put a block into a rule's file, in place of that for the same place; all others stay as they are, comments too.

    What the old block said of constants that the new one does not name stays. The file is replaced as a whole.

    Parameters
    ----------
    rule : Rule
    path : str or Path
        A file of blocks; made where there is none.
    block : Block

    Raises
    ------
    UserError
        If the file cannot be used as it is, or does not fit the rule, or cannot be written.
    """
    path = Path(path)
    rule = rule.with_constants(path)
    try:
        with files.exclusive(path.parent):
            data = _text(path)
            blocks = _sound(*_of_rule(rule, data))
            lines = data.decode().splitlines()
            old = next((b for b in blocks if b.place == block.place), None)
            if old:
                named = block.values.keys()  # a constant for all projections replaces those of each
                kept = {k: v for k, v in _chosen(rule, old).items() if not {k, k.rpartition(".")[2]} & named}
                block = replace(block, values=kept | block.values)
                start, end = old.line - 1, next((b.line - 1 for b in blocks if b.line > old.line), len(lines))
                while lines[end - 1].strip()[:1] in ("", "#"):  # what comments the next block
                    end -= 1
                lines[start:end] = constants_file.written(block)
            else:
                lines += [""] * bool(lines) + constants_file.written(block)
            text = "\n".join(lines) + "\n"
            _sound(*_of_rule(rule, text.encode()))
            with files.atomic(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write the constants to {path} ({error.strerror})") from None
