"""The rule language: texts, checks, analysis, and what exists by name or in a user's file; knows no data set or task."""
