"""A network, a rule and a curriculum, run phase by phase on either engine, resumable at any time."""

from spikemeta.system import threads

threads.import_brian2()
