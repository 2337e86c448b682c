"""Executions of a rule's text."""

from spikemeta.system import threads

threads.import_brian2()
