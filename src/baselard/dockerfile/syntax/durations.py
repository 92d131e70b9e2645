"""Go's duration syntax (time.ParseDuration), which HEALTHCHECK options use."""

from __future__ import annotations

import re
from fractions import Fraction

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
# Docker's limit (container.MinimumDuration): a shorter check would only burn the processor.
MINIMUM = 1_000_000


def parse_duration(text: str) -> int:
    """Nanoseconds of a text like `1m30s` or `1.5h`; ValueError in Go's words."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest or PART.sub("", rest):
        raise ValueError(f'time: invalid duration "{text}"')
    total = sum(Fraction(number) * NANOSECONDS[unit] for number, unit in PART.findall(rest))
    return sign * int(total)


def format_duration(nanoseconds: int) -> str:
    """A text that `parse_duration` reads back as the same number."""
    return f"{nanoseconds}ns"


def go_duration(nanoseconds: int) -> str:
    """The text that Go prints for a duration, such as 1m30s."""
    if nanoseconds < NANOSECONDS["s"]:
        unit = next((unit for unit in ("ms", "µs", "ns") if nanoseconds >= NANOSECONDS[unit]), "s")
        return _number(nanoseconds, unit)
    minutes, rest = divmod(nanoseconds, NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return head + _number(rest, "s")


def _number(nanoseconds: int, unit: str) -> str:
    whole, part = divmod(nanoseconds, NANOSECONDS[unit])
    digits = len(str(NANOSECONDS[unit])) - 1
    return (f"{whole}.{part:0{digits}}".rstrip("0") if part else str(whole)) + unit


def check_interval(name: str, text: str) -> int:
    """A HEALTHCHECK interval: 0 when not given, else at least one millisecond."""
    if not text:
        return 0
    duration = parse_duration(text)
    if duration and duration < MINIMUM:
        raise ValueError(f'Interval "{name}" cannot be less than 1ms')
    return duration
