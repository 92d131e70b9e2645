"""Durations as Go writes them (time.ParseDuration, Duration.String), in HEALTHCHECK and in Dagger's arguments."""

from __future__ import annotations

import re
from fractions import Fraction

from baselard.oci.errors import InvalidDurationError

_UNITS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse(text: str) -> int:
    """Nanoseconds of a text like ``1m30s`` or ``1.5h``. Raises InvalidDurationError for anything else."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest or _PART.sub("", rest):
        raise InvalidDurationError(f'time: invalid duration "{text}"')
    return sign * int(sum(Fraction(number.rstrip(".")) * _UNITS[unit] for number, unit in _PART.findall(rest)))


def show(nanoseconds: int) -> str:
    """The duration as Go prints it: ``1m30s``, ``1.5s``, ``500ms``, ``0s``."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if 0 < rest < _UNITS["s"]:
        return sign + _decimal(rest, next(unit for unit in ("ms", "µs", "ns") if rest >= _UNITS[unit]))
    minutes, rest = divmod(rest, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return sign + head + _decimal(rest, "s")


def _decimal(nanoseconds: int, unit: str) -> str:
    whole, part = divmod(nanoseconds, _UNITS[unit])
    digits = len(str(_UNITS[unit])) - 1
    return (f"{whole}.{part:0{digits}}".rstrip("0") if part else str(whole)) + unit
