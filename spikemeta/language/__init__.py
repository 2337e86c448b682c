"""The rule language: texts, checks, analysis, and what exists by name or in a user's file; knows no data set or task."""

from spikemeta.system import threads

threads.import_brian2()
