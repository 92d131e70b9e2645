"""Lazy evaluation: nodes with keys, and the walk that runs what is needed, once. Knows no operation by name."""
