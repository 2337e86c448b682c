"""Metaplasticity rules: every file in this folder is one rule, found by its name."""
