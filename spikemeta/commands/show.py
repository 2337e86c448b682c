"""``spikemeta show``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._words import complete_rules
from spikemeta.errors import UserError, suggest

FORMS = ("text", "brian2", "torch", "latex", "diagram")
EXAMPLES = (
    "spikemeta show laplace --as latex",
    "spikemeta show mesu --hardware loihi1",
    "spikemeta show eprop",
    "spikemeta show recurrent --as diagram --out recurrent.pdf",
)


def command(
    text: Annotated[
        str,
        typer.Argument(
            metavar="RULE|NETWORK|SIGNAL",
            help="A rule, a variant, a network, a learning signal, or a file of your own.",
            autocompletion=complete_rules,
        ),
    ],
    as_: Annotated[str, typer.Option("--as", help=f"One of: {', '.join(FORMS)}; diagram draws a network.")] = "text",
    hardware: Annotated[str, typer.Option(help="A chip, or a profile file: whether the rule fits, and what is missing.")] = "",
    out: Annotated[Path | None, typer.Option(help="File of the diagram, .png, .pdf or .svg. Default: NETWORK.png.")] = None,
):
    """Show a rule, a network or a signal: its text, the code made from it, its equations; or how a rule fits a chip."""
    if as_ not in FORMS:
        raise UserError(suggest("value of --as", as_, FORMS))
    from spikemeta.backends import rendering
    from spikemeta.language import registry
    from spikemeta.language.network import Network
    from spikemeta.language.signal import Signal

    found = registry.get_text(text)
    if isinstance(found, Signal):
        if hardware or out or as_ != "text":
            raise UserError(f"a learning signal is shown as text: leave out the options for {text!r}")
        from spikemeta.backends.networks import rendering as networks

        typer.echo(networks.signal(found))
        return
    if isinstance(found, Network):
        if hardware:
            raise UserError("--hardware says how a rule fits a chip: name a rule, not a network")
        _network(found, as_, out)
        return
    if text in registry.names("networks"):
        raise UserError(f"network {text!r} is Python code, not a text: there is nothing to show; see its file in networks/")
    if as_ == "diagram" or out:
        raise UserError(f"a diagram is drawn of a network, not of rule {text!r}; --as text, brian2, torch or latex show a rule")
    if hardware:
        from spikemeta.hardware import fitting, profile, stored

        chip = profile.get(hardware)
        typer.echo(fitting.describe(found, chip) if as_ == "text" else rendering.show(stored.on_chip(found, chip), as_))
        return
    typer.echo(rendering.show(found, as_))


def _network(network, as_, out):
    if as_ != "diagram":
        from spikemeta.backends.networks import rendering

        typer.echo(rendering.show(network, as_))
        return
    from spikemeta.figures import network_diagram

    file = out or Path(f"{network.name}.png")
    try:
        network_diagram.draw(network).savefig(file, dpi=200)
    except (OSError, ValueError) as error:
        text = f"cannot write the diagram {str(file)!r} ({error}): name a .png, .pdf or .svg file with --out"
        raise UserError(text) from None
    typer.echo(f"written: {file}")
