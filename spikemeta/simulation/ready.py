"""A network's text made ready for torch, as a simulation runs it."""


class Ready:
    """A network of given sizes, constants and connections; its plastic weights come with each call.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan):
        from spikemeta.backends.networks.torch import NetworkModule

        self.plan, self.module = plan, NetworkModule(plan)
        self.projections = plan.plastic
        self.answer = plan.network.structure.answer
        self.hidden = [name for name in plan.layers if name != self.answer[1]]
        self.n_hidden = sum(plan.sizes[name] for name in self.hidden) or 1

    def draw(self, images, parameters, generator):
        """Input spikes of images (batch, n_input), brightness 0 to 1: (steps, batch, n_input), 0 or 1."""
        from spikemeta.backends.networks import coding

        return coding.draw(self.plan, images, generator)

    def respond(self, weights, spikes, parameters):
        """Number of spikes of all hidden neurons, and what the answer layer adds to its evidence, (steps, batch, n_classes)."""
        fired, _ = self.module.respond(spikes, weights)
        out = fired[self.answer[1]]
        if self.answer[0] == "first":
            out = out.cummax(0).values
        return sum(fired[name].detach().sum() for name in self.hidden) if self.hidden else out.new_zeros(()), out

    def loss(self, counts, labels, parameters, allowed=None):
        """Cross-entropy of the softmax of the evidence, mean over the batch.

        Parameters
        ----------
        counts : Tensor, (batch, n_classes)
        labels : Tensor, (batch,) int64
        parameters : Constants
        allowed : sequence of int or None
            Answers in the softmax; no gradient reaches the others. None: all of them.

        Returns
        -------
        Tensor, nats
        """
        import torch

        logits = parameters.logit * counts
        if allowed is not None:
            others = torch.ones(logits.shape[1], dtype=torch.bool)
            others[list(allowed)] = False
            logits = logits.masked_fill(others, -torch.inf)
        return torch.nn.functional.cross_entropy(logits, labels)
