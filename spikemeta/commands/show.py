"""``spikemeta show``."""

from typing import Annotated

import typer

from spikemeta.commands._words import complete_rules
from spikemeta.errors import UserError, suggest

FORMS = ("text", "brian2", "torch", "latex")
EXAMPLES = ("spikemeta show laplace --as latex", "spikemeta show mesu --hardware loihi1")


def command(
    rule: Annotated[str, typer.Argument(help="A rule, a variant, or a rule file of your own.", autocompletion=complete_rules)],
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
