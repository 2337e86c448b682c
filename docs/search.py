"""The searches behind the constants of rules/ and networks/: validation images only. Prints the recorded commands.

    python docs/search.py                          # all of them, some four hours on two cores (estimated)
    python docs/search.py laplace-200 laplace-500
    python docs/search.py laplace-200 | bash       # run again, from the root of the repository

Set SPIKEMETA_DATA for MNIST. Every value found stands in ``docs/recorded/search/RULE.csv``.
"""

import sys

from tables import searches

if __name__ == "__main__":
    commands = {name: rows[0]["command"] for name, rows in searches().items()}
    unknown = [name for name in sys.argv[1:] if name not in commands]
    if unknown:
        sys.exit(f"no recorded search is called {', '.join(unknown)}; there are {', '.join(commands)}")
    for name in sys.argv[1:] or commands:
        print(commands[name])
