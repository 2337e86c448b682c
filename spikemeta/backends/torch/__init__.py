"""A rule as a torch optimizer: the optimizer, its compiled pass, and the source text of both."""


def execution(*args, **kwargs):
    """A rule's execution by torch, `spikemeta.backends.torch.optimizer.RuleOptimizer`; see `Rule.optimizer`."""
    from spikemeta.backends.torch.optimizer import RuleOptimizer  # torch takes a second to load

    return RuleOptimizer(*args, **kwargs)
