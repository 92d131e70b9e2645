"""The job itself, in every way that users have: from the built base to the verdicts of all examples."""

from bench.job.scenarios import SCENARIOS

__all__ = ["SCENARIOS"]
