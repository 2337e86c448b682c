"""A network's text as a float64 NumPy reference, as Brian2 objects and as a torch module."""
