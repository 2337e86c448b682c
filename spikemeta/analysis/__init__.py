"""Numbers from finished runs: metrics, tests over seeds, and what they mean; nothing is drawn or run here."""
