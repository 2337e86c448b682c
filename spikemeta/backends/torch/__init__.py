"""A rule as a torch optimizer: the optimizer, its compiled pass, and the source text of both."""
