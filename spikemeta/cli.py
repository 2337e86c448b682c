"""The command line. Bad input ends with one clear message on stderr and exit code 2, never a traceback."""

import dataclasses
import importlib
import inspect
import os
import pkgutil
import sys
import warnings
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from spikemeta import commands
from spikemeta.commands._words import completion_of
from spikemeta.errors import UserError
from spikemeta.system import health, stopping


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
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0].replace("dask", "distributed")
            if missing not in health.SPARED:
                raise
            message, code = f"error: this needs {missing}, which was left out: pip install {missing}", 2
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

        return command_of(registry.from_file("studies", name) if name.endswith(".py") else registry.load("studies", name))


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
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Metaplasticity in spiking networks: rules, networks and studies.",
)
studies = typer.Typer(
    cls=Studies,
    no_args_is_help=True,
    help="Run a study, or a study file of your own; 'spikemeta run STUDY --help' shows its options.",
)
studies.callback()(lambda: None)
app.add_typer(studies, name="run")
sweeps = typer.Typer(
    cls=Sweeps,
    no_args_is_help=True,
    help="Run a study at every point of a grid, on the workers of a Dask scheduler; 'spikemeta sweep STUDY --help'.",
)
sweeps.callback()(lambda: None)
app.add_typer(sweeps, name="sweep")


def examples(lines):
    """The end of a help text: commands to try, a line each."""
    return "Examples:\n\n" + "\n\n".join(lines) if lines else None


def command_of(study):
    """A command whose options are the fields of a study's options dataclass."""

    def run(as_json, quiet, **values):
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        values |= {k: int(values[k]) for k in several_layers if str(values[k]).isdigit()}
        options = study.options(**values)
        from spikemeta.runs import display
        from spikemeta.runs.study import check

        check(options)
        console = display.console_of(stderr=as_json, quiet=quiet)
        try:
            with display.collected() as folders:
                code = study.run(options, console)
            if as_json:
                typer.echo((folders[-1] / "summary.json").read_text(encoding="utf-8"))
        except KeyboardInterrupt as stop:
            if study.resumable:
                raise
            raise type(stop)("stopped; a measurement is one piece, and nothing is kept of this one: run it again") from None
        raise typer.Exit(code)

    several_layers = [item.name for item in dataclasses.fields(study.options) if item.type == int | str | None]
    parameters = []
    for item in dataclasses.fields(study.options):
        several = isinstance(item.default, tuple)
        kind = list[str] if several else str | None if item.name in several_layers else item.type
        choices = item.metadata["choices"]
        text = item.metadata["help"] + (f" One of: {', '.join(choices)}." if choices else "")
        shown, words = item.default not in (None, "", ()), completion_of(item.name, choices)
        declared = Annotated[kind, typer.Option(help=text, show_default=shown, autocompletion=words)]
        default = list(item.default) if several else item.default
        parameters.append(inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=declared))
    for name, word, text in (
        ("as_json", "--json", "Print summary.json at the end, and everything else on stderr."),
        ("quiet", "--quiet", "Print nothing but errors; with --json, only that."),
    ):
        declared = Annotated[bool, typer.Option(word, help=text)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=declared))
    run.__signature__ = inspect.Signature(parameters)
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    holder = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    lines = [line.strip() for line in (inspect.getmodule(study.body).__doc__ or "").splitlines()]
    shown = examples(study.examples or [line for line in lines if line.startswith("spikemeta ")])
    about = "\n\n".join(filter(None, (study.description, study.takes)))
    holder.command(study.name, cls=StudyCommand, help=about, epilog=shown)(run)
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


def _add_commands():
    """Every file of ``commands/`` as a command; its examples end its help."""
    for name in sorted(m.name for m in pkgutil.iter_modules(commands.__path__) if not m.name.startswith("_")):
        module = importlib.import_module(f"{commands.__name__}.{name}")
        app.command(name, epilog=examples(module.EXAMPLES))(module.command)


_add_commands()


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
