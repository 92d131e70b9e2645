"""Times in the format of moment.js: every token of its English locale.

https://momentjs.com/docs/#/displaying/format/ and, for the zones, https://momentjs.com/timezone/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pipeline.errors import UsageError

# Tokens that stand for a whole format, and the same in short.
_LONG = {
    "LTS": "h:mm:ss A",
    "LT": "h:mm A",
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}
_LONG_TOKEN = re.compile(r"\[[^\[]*\]|\\?(?:LTS|LT|L{1,4}|l{1,4})")


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = ["January", "February", "March", "April", "May", "June", "July"]
_MONTHS += ["August", "September", "October", "November", "December"]


def _week(when: datetime) -> tuple[int, int]:
    """Year and number of the week as the locale counts: weeks begin on Sunday, the first has 1 January."""
    saturday = when.toordinal() + 6 - when.isoweekday() % 7
    year = datetime.fromordinal(saturday).year
    return year, (saturday - datetime(year, 1, 1).toordinal()) // 7 + 1


def _millisecond(when: datetime) -> int:
    return when.microsecond // 1000


def _offset(when: datetime, colon: str) -> str:
    minutes = int((when.utcoffset() or timedelta()) / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    last = 0 if number // 10 % 10 == 1 else number % 10
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def _twelve(when: datetime) -> int:
    return when.hour % 12 or 12


_NUMBERS: Mapping[str, Callable[[datetime], int]] = {
    "M": lambda when: when.month,
    "Q": lambda when: (when.month + 2) // 3,
    "D": lambda when: when.day,
    "DDD": lambda when: when.timetuple().tm_yday,
    "d": lambda when: when.isoweekday() % 7,
    "e": lambda when: when.isoweekday() % 7,
    "E": lambda when: when.isoweekday(),
    "w": lambda when: _week(when)[1],
    "W": lambda when: when.isocalendar().week,
    "H": lambda when: when.hour,
    "h": _twelve,
    "k": lambda when: when.hour or 24,
    "m": lambda when: when.minute,
    "s": lambda when: when.second,
    "y": lambda when: when.year,
    "X": lambda when: int(when.timestamp()),
    "x": lambda when: int(when.timestamp()) * 1000 + _millisecond(when),
}
_PADDED = {"MM": ("M", 2), "DD": ("D", 2), "DDDD": ("DDD", 3), "ww": ("w", 2), "WW": ("W", 2), "HH": ("H", 2)}
_PADDED |= {"hh": ("h", 2), "kk": ("k", 2), "mm": ("m", 2), "ss": ("s", 2)}
_PADDED |= {"yy": ("y", 2), "yyy": ("y", 3), "yyyy": ("y", 4)}

_WORDS: Mapping[str, Callable[[datetime], str]] = {
    "Y": lambda when: f"{when.year:04}",
    "YY": lambda when: f"{when.year % 100:02}",
    "YYYY": lambda when: f"{when.year:04}",
    "YYYYY": lambda when: f"{when.year:05}",
    "YYYYYY": lambda when: f"+{when.year:06}",
    "MMM": lambda when: _MONTHS[when.month - 1][:3],
    "MMMM": lambda when: _MONTHS[when.month - 1],
    "dd": lambda when: _DAYS[when.isoweekday() % 7][:2],
    "ddd": lambda when: _DAYS[when.isoweekday() % 7][:3],
    "dddd": lambda when: _DAYS[when.isoweekday() % 7],
    "gg": lambda when: f"{_week(when)[0] % 100:02}",
    "gggg": lambda when: f"{_week(when)[0]:04}",
    "ggggg": lambda when: f"{_week(when)[0]:05}",
    "GG": lambda when: f"{when.isocalendar().year % 100:02}",
    "GGGG": lambda when: f"{when.isocalendar().year:04}",
    "GGGGG": lambda when: f"{when.isocalendar().year:05}",
    "hmm": lambda when: f"{_twelve(when)}{when:%M}",
    "hmmss": lambda when: f"{_twelve(when)}{when:%M%S}",
    "Hmm": lambda when: f"{when.hour}{when:%M}",
    "Hmmss": lambda when: f"{when.hour}{when:%M%S}",
    "A": lambda when: "AM" if when.hour < 12 else "PM",
    "a": lambda when: "am" if when.hour < 12 else "pm",
    "Z": lambda when: _offset(when, ":"),
    "ZZ": lambda when: _offset(when, ""),
    "z": lambda when: when.tzname() or "",
    "zz": lambda when: when.tzname() or "",
    "N": lambda _: "AD",
    "NN": lambda _: "AD",
    "NNN": lambda _: "AD",
    "NNNN": lambda _: "Anno Domini",
    "NNNNN": lambda _: "AD",
}
_ORDINALS = ("M", "Q", "D", "DDD", "d", "w", "W", "y")


def _tokens() -> dict[str, Callable[[datetime], str]]:
    """The meaning of each token."""
    numbers = {name: lambda when, of=of: str(of(when)) for name, of in _NUMBERS.items()}
    padded = {name: lambda when, of=of, n=n: f"{_NUMBERS[of](when):0{n}}" for name, (of, n) in _PADDED.items()}
    ordinals = {f"{name}o": lambda when, of=name: _ordinal(_NUMBERS[of](when)) for name in _ORDINALS}
    seconds = {"S" * n: lambda when, n=n: f"{_millisecond(when):03}000000"[:n] for n in range(1, 10)}
    return {**numbers, **padded, **ordinals, **seconds, **_WORDS}


_TOKENS = _tokens()
_TOKEN = re.compile(rf"\[[^\[]*\]|\\?(?:{'|'.join(sorted(_TOKENS, key=len, reverse=True))}|.)", re.DOTALL)


def moment(when: datetime, pattern: str, zone: str = "UTC") -> str:
    """A time in moment.js's format, in a time zone by its IANA name. UsageError when there is no such zone."""
    local = when.astimezone(_zone(zone))
    utc = not local.utcoffset()
    pattern = _LONG_TOKEN.sub(lambda match: _LONG.get(match[0], match[0]), pattern or _default(utc=utc))
    return "".join(_piece(match[0], local) for match in _TOKEN.finditer(pattern))


def _default(*, utc: bool) -> str:
    return "YYYY-MM-DDTHH:mm:ss[Z]" if utc else "YYYY-MM-DDTHH:mm:ssZ"


def _piece(token: str, when: datetime) -> str:
    if token in _TOKENS:
        return _TOKENS[token](when)
    return token[1:-1] if token.startswith("[") and len(token) > 1 else token.replace("\\", "")


def _zone(name: str) -> tzinfo:
    """The zone of a name in any case, `_` as good as `/`, as moment-timezone has it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(_zones().get(_folded(name), name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        reason = f"there is no time zone {name!r} here; write a place, such as Europe/Berlin"
        raise UsageError(f"{reason}; older names need Debian's and Ubuntu's package tzdata-legacy") from error


@cache
def _zones() -> dict[str, str]:
    return {_folded(name): name for name in available_timezones()}


def _folded(name: str) -> str:
    return name.lower().replace("/", "_")
