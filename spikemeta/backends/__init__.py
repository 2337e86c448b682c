"""Executions of a rule's text."""
