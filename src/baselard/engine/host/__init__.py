"""This machine: its programs, its user, its git, and what it lends the engine."""
