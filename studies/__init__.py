"""Studies: every file in this folder is one study, found by its name."""
