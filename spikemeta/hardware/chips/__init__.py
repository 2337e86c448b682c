"""Chips: every file in this folder is one `spikemeta.hardware.profile.Hardware`, found by its name."""
