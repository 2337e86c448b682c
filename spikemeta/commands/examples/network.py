"""NAME: the network for surrogate gradients, with weaker weights at the start."""

# Put this file into the folder networks/ of a checkout of spikemeta, where it is found by its name:
#     spikemeta list networks
#     Simulation(get_rule("sgd"), network="NAME", engine="torch")
from spikemeta.networks import surrogate


class Network(surrogate.Surrogate):
    """As `spikemeta.networks.surrogate`, from which everything that is not written here is taken."""

    def start(self, sizes, parameters, rng):
        """Initial weights by projection, (n_pre, n_post); see `spikemeta.networks.surrogate.Surrogate.start`."""
        return {name: 0.5 * weights for name, weights in super().start(sizes, parameters, rng).items()}


network = Network()
