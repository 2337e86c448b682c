"""Commands of the command line, one file each, found by its name: ``command`` and, for its help, ``EXAMPLES``."""
