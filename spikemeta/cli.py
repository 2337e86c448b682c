"""The command line. Bad input ends with one clear message on stderr and exit code 2, never a traceback."""

import dataclasses
import inspect
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from spikemeta.errors import UserError, suggest
from spikemeta.system import stopping

KINDS = ("rules", "networks", "studies", "hardware", "datasets")
FORMS = ("text", "brian2", "torch", "latex")


class Commands(TyperGroup):
    """The root group: reports errors of the user's making, and Ctrl-C."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except UserError as error:
            message, code = f"error: {error}", 2
        except UnicodeDecodeError as error:
            if not _raised_within("matplotlib", error):
                raise
            message, code = f"error: matplotlib cannot read its file of settings ({error}): repair the file matplotlibrc", 2
        except KeyboardInterrupt as stop:
            message = str(stop) or "stopped; everything up to here is saved: repeat the command with --resume to go on"
            code = 143 if isinstance(stop, stopping.Terminated) else 130
        typer.echo(message, err=True)
        raise typer.Exit(code)


class Studies(TyperGroup):
    """``spikemeta run``: a command per study, with the options that the study declares."""

    def list_commands(self, ctx):
        from spikemeta.language import registry

        return registry.names("studies")

    def get_command(self, ctx, name):
        from spikemeta.language import registry

        return command_of(registry.load("studies", name))


class Sweeps(TyperGroup):
    """``spikemeta sweep``: the studies that can be run at every point of a grid."""

    def list_commands(self, ctx):
        from spikemeta.runs import sweep

        return sweep.names()

    def get_command(self, ctx, name):
        from spikemeta.runs import sweep

        return command_of(sweep.study_of(name))


class StudyCommand(TyperCommand):
    """Lets one option take several values: ``--grid A=1,2 B=3`` is ``--grid A=1,2 --grid B=3``."""

    def parse_args(self, ctx, args):
        several = {o for p in self.params if getattr(p, "multiple", False) for o in p.opts}
        flags = {o for p in self.params if getattr(p, "is_flag", False) for o in (*p.opts, *p.secondary_opts)}
        spread, current, given = [], None, True
        for word in args:
            if word.startswith("--"):
                name, equals, _ = word.partition("=")
                current, given = name, bool(equals) or name in flags
            elif current in several and given:
                spread.append(current)
            else:
                given = True
            spread.append(word)
        return super().parse_args(ctx, spread)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Metaplasticity in spiking networks: rules, networks and studies.",
)
studies = typer.Typer(cls=Studies, no_args_is_help=True, help="Run a study; 'spikemeta run STUDY --help' shows its options.")
studies.callback()(lambda: None)
app.add_typer(studies, name="run")
sweeps = typer.Typer(
    cls=Sweeps,
    no_args_is_help=True,
    help="Run a study at every point of a grid, on the workers of a Dask scheduler; 'spikemeta sweep STUDY --help'.",
)
sweeps.callback()(lambda: None)
app.add_typer(sweeps, name="sweep")


def command_of(study):
    """A command whose options are the fields of a study's options dataclass."""

    def run(**values):
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        options = study.options(**values)
        from rich.console import Console

        from spikemeta.runs.study import check

        check(options)
        console = Console()
        try:
            code = study.run(options, console)
        except KeyboardInterrupt as stop:
            if study.resumable:
                raise
            raise type(stop)("stopped; a measurement is one piece, and nothing is kept of this one: run it again") from None
        raise typer.Exit(code)

    parameters = []
    for item in dataclasses.fields(study.options):
        several = isinstance(item.default, tuple)
        kind = list[str] if several else item.type
        choices = item.metadata["choices"]
        text = item.metadata["help"] + (f" One of: {', '.join(choices)}." if choices else "")
        declared = Annotated[kind, typer.Option(help=text, show_default=item.default not in (None, "", ()))]
        default = list(item.default) if several else item.default
        parameters.append(inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=declared))
    run.__signature__ = inspect.Signature(parameters)
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    holder = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    holder.command(study.name, cls=StudyCommand, help=study.description)(run)
    return typer.main.get_command(holder)


def _version(wanted):
    if wanted:
        import importlib.metadata

        typer.echo(f"spikemeta {importlib.metadata.version('spikemeta')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
):
    pass


def _names(kind):
    if kind == "datasets":
        from spikemeta.data import datasets

        return datasets.names()
    from spikemeta.language import registry

    return registry.names(kind)


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(KINDS)}. Default: all.")] = None,
):
    """List what exists."""
    if kind is not None and kind not in KINDS:
        raise UserError(suggest("kind", kind, KINDS))
    for each in [kind] if kind else KINDS:
        indent = "" if kind else "  "
        if not kind:
            typer.echo(each)
        for name in _names(each):
            typer.echo(indent + name)
            if kind == "hardware":
                from spikemeta.language import registry

                typer.echo(f"{indent}  {registry.load('hardware', name).description}")
            if kind == "rules":  # the rules themselves must be loaded for this
                from spikemeta.language import registry

                named = [variant for variant, rule in registry.variants().items() if rule == name]
                if named:
                    typer.echo(f"{indent}  variants: {', '.join(named)}")


@app.command()
def show(
    rule: Annotated[str, typer.Argument(help="A rule, a variant, or a rule file of your own.")],
    as_: Annotated[str, typer.Option("--as", help=f"One of: {', '.join(FORMS)}.")] = "text",
    hardware: Annotated[str, typer.Option(help="A chip, or a profile file: whether the rule fits, and what is missing.")] = "",
):
    """Show a rule: its text, the Brian2 or torch code made from it, or its equations; or how it fits a chip."""
    if as_ not in FORMS:
        raise UserError(suggest("value of --as", as_, FORMS))
    from spikemeta.backends.rendering import show as rendered
    from spikemeta.language import registry

    found = registry.get_rule(rule)
    if hardware:
        from spikemeta.hardware import fitting, profile, stored

        chip = profile.get(hardware)
        typer.echo(fitting.describe(found, chip) if as_ == "text" else rendered(stored.on_chip(found, chip), as_))
        return
    typer.echo(rendered(found, as_))


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="A Python file that defines a rule or a chip, or TOML with constants or a chip.")
    ],
):
    """Check a rule, with the constants beside it, or a hardware file of your own: every problem at once, or "ok"."""
    if not file.is_file():
        raise UserError(f"there is no rule file {str(file)!r}; name a Python file with 'rule = Rule(...)' in it")
    from spikemeta.data import constants_file, tuned
    from spikemeta.hardware import profile

    chip = profile.is_profile(file) and not constants_file.is_constants(file)
    problems = profile.read(file)[0] if chip else tuned.check_file(file)
    if not problems:
        typer.echo("ok")
        return
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(2)


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder of a study.")]):
    """Write one self-contained HTML page of a study: figures, table and provenance."""
    from spikemeta.runs.report import write

    typer.echo(f"written: {write(folder)}")


def _raised_within(package, error):
    """Whether an exception comes from a module of this package."""
    trace, names = error.__traceback__, set()
    while trace:
        names.add(trace.tb_frame.f_globals.get("__name__", "").partition(".")[0])
        trace = trace.tb_next
    return package in names


def _ignore_surroundings():
    """Take from the environment what would end every command: of this process, and of those that it starts.

    A notebook sets ``MPLBACKEND`` to a module of its own environment; the command line draws files, for which there is one
    answer. Where warnings are errors, those about the age of other packages' code are not: they are for their authors.
    A terminal without columns would show nothing.
    """
    os.environ["MPLBACKEND"] = "agg"
    if not os.environ.get("COLUMNS", "1").strip("0"):
        del os.environ["COLUMNS"]
    for kind in (DeprecationWarning, PendingDeprecationWarning) if sys.warnoptions else ():
        sys.warnoptions.append(f"ignore::{kind.__name__}")  # handed to worker processes
        warnings.simplefilter("ignore", kind)


def main():
    """Entry point of the ``spikemeta`` command."""
    _ignore_surroundings()
    stopping.listen()
    app()
