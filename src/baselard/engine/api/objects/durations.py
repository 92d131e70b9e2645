"""Durations as Go writes them (time.ParseDuration, Duration.String), which Dagger's arguments use."""

import re
from fractions import Fraction

from baselard.engine.errors import UserError

_UNITS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse(text: str) -> int:
    """Nanoseconds of ``1h2m3.5s``. Raises UserError for anything else."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    parts = _PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise UserError(f"{text!r} is not a duration; write it like 30s, 1m30s or 500ms")
    return sign * int(sum(Fraction(number.rstrip(".") or "0") * _UNITS[unit] for number, unit in parts))


def show(nanoseconds: int) -> str:
    """The duration as Go prints it: ``1m30s``, ``1.5s``, ``500ms``, ``0s``."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit in ("ns", "µs", "ms"):
        if rest and rest < _UNITS[unit] * 1000:
            return f"{sign}{_decimal(Fraction(rest, _UNITS[unit]))}{unit}"
    hours, rest = divmod(rest, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_decimal(Fraction(rest, _UNITS['s']))}s"


def _decimal(value: Fraction) -> str:
    text = f"{value.numerator // value.denominator}"
    fraction = f"{float(value % 1):.9f}".rstrip("0").removeprefix("0.")
    return f"{text}.{fraction}" if fraction else text
