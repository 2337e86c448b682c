"""What the commands share: words that the shell completes."""


def complete_rules(incomplete):
    """Rules and variants that begin like this."""
    from spikemeta.language import registry

    return [name for name in [*registry.names("rules"), *registry.variants()] if name.startswith(incomplete)]
