"""Studies at work: points on workers and clusters, their results on disk, what a reader sees meanwhile."""
