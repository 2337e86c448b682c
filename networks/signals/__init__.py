"""Learning signals: where the gradient of a plastic projection comes from; one file each."""
