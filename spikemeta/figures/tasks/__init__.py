"""Figures of a comparison of rules on tasks, one file each, found by its name; ``figure(results)`` may give None: not drawn."""
