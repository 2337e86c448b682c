"""Chips: every file in this folder is one `spikemeta.profile.Hardware`, found by its name."""
