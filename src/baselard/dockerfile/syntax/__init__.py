"""Dockerfile text as values: words, flags, directives, instructions, and errors with their line."""
