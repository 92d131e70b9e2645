"""When a service with a HEALTHCHECK counts as healthy or as unhealthy: docker's rules, and checks in between.

docker looks first an interval after the start and then an interval after each check has ended; within the start period
at start intervals, and failures do not count there. As many failures in a row as there are retries make unhealthy
(https://docs.docker.com/reference/dockerfile/#healthcheck). Whoever waits for a service wants to know sooner: there is
a check at once, and where no interval is set more of them, in growing steps. Failures of those do not count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from baselard.oci.image_config import Healthcheck

INTERVAL, TIMEOUT, START_INTERVAL, RETRIES = 30.0, 30.0, 5.0, 3  # docker's defaults, in seconds
_FIRST_STEP, _LONGEST_STEP = 0.01, 10.0


class HealthClock(Protocol):
    """The time, and how to let some pass."""

    def now(self) -> float:
        """Seconds; only differences mean anything."""

    def wait(self, seconds: float) -> bool:
        """Wait; true at once when there is nothing left to wait for."""


@dataclass(frozen=True)
class Schedule:
    """A health check's settings in seconds, defaults filled in; ``patient`` says that an interval was set."""

    interval: float
    timeout: float
    start_period: float
    start_interval: float
    retries: int
    patient: bool

    @classmethod
    def of(cls, check: Healthcheck) -> "Schedule":
        return cls(
            interval=_seconds(check.interval) or INTERVAL,
            timeout=_seconds(check.timeout) or TIMEOUT,
            start_period=_seconds(check.start_period),
            start_interval=_seconds(check.start_interval) or START_INTERVAL,
            retries=max(check.retries, 0) or RETRIES,
            patient=check.interval > 0 or check.start_interval > 0,
        )

    def pause(self, age: float) -> float:
        """How long docker waits for the next check of something that was started ``age`` seconds ago."""
        return self.start_interval if age < self.start_period else self.interval


def _seconds(nanoseconds: int) -> float:
    return max(nanoseconds, 0) / 1e9


def until_healthy(plan: Schedule, is_healthy: Callable[[], bool], clock: HealthClock) -> bool:
    """Check until it is healthy (True) or unhealthy (False); also False when there is nothing left to wait for."""
    started = clock.now()
    due, step, streak = started + plan.pause(0), _FIRST_STEP, 0
    while True:
        began = clock.now()
        if is_healthy():
            return True
        if began >= due:
            streak += began - started >= plan.start_period
            if streak >= plan.retries:
                return False
            due = clock.now() + plan.pause(clock.now() - started)
        left = due - clock.now()
        if clock.wait(max(0.0, left if plan.patient else min(left, step))):
            return False
        step = min(step * 1.5, _LONGEST_STEP)
