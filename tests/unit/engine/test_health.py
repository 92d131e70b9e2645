"""Health as docker judges it: when a check that goes on failing makes unhealthy, and how soon a good one is noticed.

Judge: the rules of https://docs.docker.com/reference/dockerfile/#healthcheck, and what Docker 26.1.5 did with the cases
marked so, each run once with `docker run --health-…` and its status polled.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from baselard.engine.run.services import health
from baselard.oci.image_config import Healthcheck

S = 10**9


@dataclass
class Clock:
    """A clock that is moved by waiting alone; the service ends at ``end``."""

    time: float = 1000.0
    end: float = 10_000.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.time += seconds
        return self.time >= self.end


def judged(
    check: Healthcheck, succeeds: Callable[[float], bool], takes: float = 0.0
) -> tuple[bool, float, list[float]]:
    """Whether it becomes healthy, after how many seconds, and when it was checked."""
    clock, times = Clock(), []

    def is_healthy() -> bool:
        times.append(round(clock.time - 1000, 3))
        clock.time += takes
        return succeeds(times[-1])

    result = health.until_healthy(health.Schedule.of(check), is_healthy, clock)
    return result, round(clock.time - 1000, 3), times


def never(_time: float) -> bool:
    return False


@pytest.mark.parametrize(
    ("settings", "takes", "seconds", "docker"),
    [
        ({"interval": S, "retries": 2}, 0, 2, "2 checks, 2.8 s"),
        ({"interval": S // 2}, 0, 1.5, "3 checks, 2.3 s"),
        ({"interval": S // 2, "retries": 1}, 0, 0.5, "1 check, 0.8 s"),
        ({"interval": S // 2, "retries": 2, "timeout": S * 3 // 10}, 0.3, 1.6, "2 checks, 2.1 s"),
        ({"interval": S, "retries": 2, "start_period": 3 * S, "start_interval": S}, 0, 4, "4 checks, 5.2 s"),
        ({"interval": S, "retries": 1, "start_period": 3 * S, "start_interval": 2 * S}, 0, 4, "2 checks, 4.8 s"),
        ({"interval": S, "retries": 1, "start_period": 4 * S}, 0, 5, "not as documented: 4 checks, 5.0 s"),
        ({}, 0, 90, "by the documentation: interval 30 s, 3 retries"),
        ({"retries": 1}, 0, 30, "by the documentation"),
        ({"retries": -1, "interval": -5, "timeout": -1, "start_period": -1}, 0, 90, "a negative number is none"),
        ({"start_period": 100 * S}, 0, 160, "by the documentation: start interval 5 s, then 30 s"),
        ({"interval": 10 * S, "start_interval": S, "retries": 2}, 0, 20, "there is no start period to use it in"),
    ],
)
def test_a_check_that_always_fails_makes_unhealthy(
    settings: dict[str, int], takes: float, seconds: float, docker: str
) -> None:
    result, after, _ = judged(Healthcheck(("CMD", "false"), **settings), never, takes)
    assert (result, after) == (False, pytest.approx(seconds, abs=0.11)), docker  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("settings", [{}, {"interval": 60 * S}, {"start_period": 60 * S, "start_interval": 9 * S}])
def test_what_is_healthy_at_once_is_up_at_once(settings: dict[str, int]) -> None:
    assert judged(Healthcheck(("CMD", "true"), **settings), lambda _: True) == (True, 0, [0])


def test_an_interval_that_was_set_is_kept() -> None:
    """But for the check at once, which docker does not make."""
    check = Healthcheck(("CMD", "x"), interval=2 * S, retries=9)
    assert judged(check, lambda time: time >= 5) == (True, 6, [0, 2, 4, 6])


def test_start_intervals_are_kept_within_the_start_period() -> None:
    check = Healthcheck(("CMD", "x"), interval=10 * S, start_period=3 * S, start_interval=S)
    assert judged(check, lambda time: time >= 20) == (True, 23, [0, 1, 2, 3, 13, 23])


def test_without_an_interval_it_is_soon_noticed() -> None:
    """Docker would look after 30 s, and then after 60."""
    result, after, times = judged(Healthcheck(("CMD", "x")), lambda time: time >= 0.4)
    assert result
    assert after < 1
    assert len(times) > 3


def test_failures_in_between_do_not_count() -> None:
    """Some hundred failures before the second minute are three for docker; success at the third check is health."""
    assert judged(Healthcheck(("CMD", "x")), lambda time: time >= 89)[0]


def test_the_first_check_does_not_count() -> None:
    """A service that needs a second is healthy for docker, whose first look is after one."""
    check = Healthcheck(("CMD", "x"), interval=S, retries=1)
    assert judged(check, lambda time: time >= 1) == (True, 1, [0, 1])


def test_a_long_check_is_followed_by_a_whole_interval() -> None:
    check = Healthcheck(("CMD", "x"), interval=S, retries=3)
    assert judged(check, never, takes=5)[2] == [0, 5, 11, 17]


def test_a_service_that_ends_is_waited_for_no_longer() -> None:
    clock = Clock(end=1003.0)
    assert not health.until_healthy(
        health.Schedule.of(Healthcheck(("CMD", "x"), interval=S, retries=99)), lambda: False, clock
    )
    assert clock.time == 1003.0
