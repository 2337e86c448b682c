"""Drawings of results; each function gives a matplotlib figure and computes nothing new."""
