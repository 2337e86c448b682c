"""``spikemeta show``."""

from pathlib import Path
from typing import Annotated

import typer

from spikemeta.commands._answers import AsJson, as_object, written
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
    as_json: AsJson = False,
):
    """Show a rule, a network or a signal: its text, the code made from it, its equations; or how a rule fits a chip."""
    if as_ not in FORMS:
        raise UserError(suggest("value of --as", as_, FORMS))
    from spikemeta.language import registry
    from spikemeta.language.network import Network

    found = registry.get_text(text)
    if isinstance(found, Network) and as_ == "diagram" and not hardware:
        written([_diagram(found, out)], as_json)
        return
    shown = _text(text, found, as_, hardware, out)
    if as_json:
        as_object(name=text, form=as_, text=shown)
    else:
        typer.echo(shown)


def _text(text, found, as_, hardware, out):
    """What is shown of a rule, a network or a signal, as one text."""
    from spikemeta.backends import rendering
    from spikemeta.backends.networks import rendering as networks
    from spikemeta.language import registry
    from spikemeta.language.network import Network
    from spikemeta.language.signal import Signal

    if isinstance(found, Signal):
        if hardware or out or as_ != "text":
            raise UserError(f"a learning signal is shown as text: leave out the options for {text!r}")
        return networks.signal(found)
    if isinstance(found, Network):
        if hardware:
            raise UserError("--hardware says how a rule fits a chip: name a rule, not a network")
        return networks.show(found, as_)
    if text in registry.names("networks"):
        raise UserError(f"network {text!r} is Python code, not a text: there is nothing to show; see its file in networks/")
    if as_ == "diagram" or out:
        raise UserError(f"a diagram is drawn of a network, not of rule {text!r}; --as text, brian2, torch or latex show a rule")
    if hardware:
        from spikemeta.hardware import fitting, profile, stored, visits

        chip = profile.get(hardware)
        if as_ != "text":
            return rendering.show(stored.on_chip(found, chip), as_)
        return f"{fitting.describe(found, chip)}\n\nA visit of a synapse, in words and operations: {visits.of_visit(found)}"
    return rendering.show(found, as_)


def _diagram(network, out):
    from spikemeta.figures import network_diagram

    file = out or Path(f"{network.name}.png")
    try:
        network_diagram.draw(network).savefig(file, dpi=200)
    except (OSError, ValueError) as error:
        text = f"cannot write the diagram {str(file)!r} ({error}): name a .png, .pdf or .svg file with --out"
        raise UserError(text) from None
    return file
