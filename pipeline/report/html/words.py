"""States and quantities as the page calls them."""

from __future__ import annotations

from pipeline.model import Suite, Verdict
from pipeline.report import text

STATES = {
    "failed": "failed",
    "unsteady": "flaky or quarantined",
    "passed": "passed",
    "skipped": "skipped",
}
"""What a reader filters by, the worst first."""
SIGNS = {"failed": "✗", "unsteady": "~", "passed": "✓", "skipped": "·"}


def state(suite: Suite) -> str:
    """Which of the states a suite is in."""
    if suite.blocks:
        return "failed"
    if suite.failures or suite.flaky:
        return "unsteady"
    return "skipped" if suite.verdict is Verdict.SKIPPED else "passed"


def verdict(suite: Suite) -> str:
    """The word for a suite; notes are told beside it."""
    return "passed" if suite.verdict is Verdict.NOTED else text.label(suite).lower()


def lasted(seconds: float) -> str:
    """A length of time in the units that people would use."""
    if seconds < 59.95:  # what would be rounded to a minute is one
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
