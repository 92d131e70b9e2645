"""The resident engine: a process that has all imported, and of which each call is a fork."""
