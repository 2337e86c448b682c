"""``python -m spikemeta``, the same as the command ``spikemeta``."""

from spikemeta.cli import main

if __name__ == "__main__":
    main()
