"""Networks: every file in this folder is one network, found by its name."""
