"""A user's Python files: read as Python reads them, with the modules beside them, faults with file and line."""

import codecs
import sys

import pytest
from typer.testing import CliRunner

from spikemeta.cli import app
from spikemeta.errors import UserError
from spikemeta.hardware import profile
from spikemeta.language import entries
from spikemeta.language.user_files import check_file, load_file

RULE = """\
from spikemeta.language.rule import Rule
rule = Rule("mine", description="é", state="w : 1", weight="w", initial="w = w_init", on_gradient="{step}")
"""
SOUND = RULE.format(step="w -= gradient")
#: Bytes of a file, and the line and message of its fault; None if it is sound.
FILES = {
    "utf-8": (SOUND.encode(), None),
    "latin-1, named": (("# -*- coding: latin-1 -*-\n" + SOUND).encode("latin-1"), None),
    "named in the second line": (("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n" + SOUND).encode("cp1252"), None),
    "with a BOM": (codecs.BOM_UTF8 + SOUND.encode(), None),
    "latin-1, not named": (SOUND.encode("latin-1"), (2, "not text in utf-8: byte 0xe9; save the file as UTF-8, or name its")),
    "late latin-1": (b"\n\n\n" + SOUND.encode("latin-1"), (5, "not text in utf-8: byte 0xe9")),
    "named wrongly": (("# coding: ascii\n" + SOUND).encode(), (3, "not text in ascii: byte 0xc3")),
    "unknown name": (("# coding: latin-0\n" + SOUND).encode(), (1, "unknown encoding: latin-0; write '# -*- coding: utf-8")),
    "a BOM beside another name": (
        codecs.BOM_UTF8 + b"# coding: latin-1\n" + SOUND.encode(),
        (1, "encoding problem: utf-8; write"),
    ),
    "a null byte": (SOUND.replace("é", "\0").encode(), (2, "not Python: the file holds a null byte")),
    "not Python": (SOUND.replace("rule =", "rule = =").encode(), (2, "not Python: invalid syntax")),
    "a fault in latin-1": (
        ("# coding: latin-1\n" + RULE.format(step="w -= slope")).encode("latin-1"),
        (3, "undefined name 'slope'"),
    ),
    "a fault after a BOM": (codecs.BOM_UTF8 + RULE.format(step="w -= slope").encode(), (2, "undefined name 'slope'")),
}


@pytest.mark.parametrize("case", FILES)
def test_files_are_read_as_python_reads_them(case, tmp_path):
    content, fault = FILES[case]
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    found = check_file(path)
    if fault is None:
        assert found == []
        assert load_file(path).description == "é"
        return
    line, message = fault
    (problem,) = found
    assert problem.startswith(f"{path}:{line}: "), problem
    assert message in problem
    with pytest.raises(UserError) as error:
        load_file(path)
    assert str(error.value) == problem


@pytest.mark.parametrize("case", [c for c in FILES if not c.startswith("a fault")])
def test_so_are_chips(case, tmp_path):
    """The same bytes in front of a chip."""
    content, fault = FILES[case]
    path = tmp_path / "chip.py"
    end = b"\nfrom spikemeta.hardware.profile import Hardware\nhardware = Hardware('mine')\n"
    path.write_bytes(content + end)
    result = CliRunner().invoke(app, ["check", str(path)])
    if fault is None:
        assert result.output == "ok\n"
        return
    assert isinstance(result.exception, (UserError, SystemExit)), result.exception
    line, message = fault
    told = str(result.exception) if isinstance(result.exception, UserError) else result.output
    assert f"{path}:{line}: " in told
    assert message in told


def folder_with(folder, step):
    folder.mkdir()
    (folder / "mine.py").write_text(
        "from helper import step\nfrom spikemeta.language.rule import Rule\n"
        "rule = Rule('mine', state='w : 1', weight='w', initial='w = w_init', on_gradient=step)\n"
        "def later():\n    import helper\n    from parts import more\n    return helper.step, more.word\n"
    )
    (folder / "helper.py").write_text(f"from parts.more import word\nstep = {step!r}\n")
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "more.py").write_text(f"word = {step!r}\n")
    return folder / "mine.py"


def test_each_file_gets_the_modules_beside_it(tmp_path):
    """Two folders with helpers of the same names, a package among them, in both orders; nothing stays behind."""
    from spikemeta.language.python_files import run

    one, two = folder_with(tmp_path / "one", "w -= gradient"), folder_with(tmp_path / "two", "w -= 2*gradient")
    before, path = set(sys.modules), list(sys.path)
    assert [load_file(p).on_gradient for p in (one, two, one)] == ["w -= gradient", "w -= 2*gradient", "w -= gradient"]
    first, second = run(one), run(two)
    assert second["later"]() == ("w -= 2*gradient",) * 2
    assert first["later"]() == ("w -= gradient",) * 2
    assert not {"helper", "parts", "parts.more"} & (set(sys.modules) - before)
    assert sys.path == path


def test_what_a_helper_imports_in_its_functions_is_found_later(tmp_path):
    """From the folder of its own file, also where two folders hold helpers of the same names; relative imports too."""
    from spikemeta.language.python_files import run

    spaces, before, finders = [], set(sys.modules), list(sys.meta_path)
    for name in ("one", "two"):
        path = folder_with(tmp_path / name, "w -= gradient")
        (path.parent / "parts" / "last.py").write_text(f"word = {name!r}\n")
        (path.parent / "very_last.py").write_text(f"word = {name!r}\n")
        (path.parent / "parts" / "late.py").write_text("def word():\n    from . import last\n    return last.word\n")
        text = "from parts import late\ndef later():\n    import very_last\n    return late.word(), very_last.word\n"
        (path.parent / "helper.py").write_text(text)
        path.write_text("import helper\n")
        spaces.append(run(path))
    assert [space["helper"].later() for space in spaces] == [("one", "one"), ("two", "two")]
    assert not {"helper", "parts", "parts.late", "parts.last", "very_last"} & (set(sys.modules) - before)
    assert sys.meta_path == finders


def test_a_chip_gets_the_modules_beside_it(tmp_path):
    (tmp_path / "helper.py").write_text("name = 'found'\n")
    (tmp_path / "chip.py").write_text(
        "from helper import name\nfrom spikemeta.hardware.profile import Hardware\nhardware = Hardware(name)\n"
    )
    assert profile.get(tmp_path / "chip.py").name == "found"


def test_so_does_a_study(tmp_path):
    (tmp_path / "helper.py").write_text("name = 'found'\n")
    (tmp_path / "mine.py").write_text("from helper import name\nstudy = name\n")
    assert entries.from_file("studies", tmp_path / "mine.py") == "found"
    (tmp_path / "mine.py").write_text("\n\nstudy = nothing\n")
    with pytest.raises(UserError, match=r"mine.py:3: NameError: name 'nothing' is not defined"):
        entries.from_file("studies", tmp_path / "mine.py")


def test_a_fault_beside_a_file_is_told_where_it_is_imported(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("\nimport helper\n")
    assert check_file(path) == [f"{path}:2: ModuleNotFoundError: No module named 'helper'"]
    (tmp_path / "helper.py").write_text("1/0\n")
    assert check_file(path) == [f"{path}:2: ZeroDivisionError: division by zero"]
    (tmp_path / "helper.py").write_text("x = = 1\n")
    (problem,) = check_file(path)
    assert problem.startswith(f"{path}:2: SyntaxError: invalid syntax (helper.py, line 1)")
