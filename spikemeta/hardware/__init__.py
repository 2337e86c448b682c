"""Chips: what a profile is, whether a rule fits it, and the rule as the chip stores it."""
