"""The expressions that rules may hold: `{{branch}}`, `{{date 'YYYYMMDD' tz='Europe/Berlin'}}` and the like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.errors import UsageError
from pipeline.tags.event import Event

_EXPRESSION = re.compile(r"\{\{\s*(\w+)(?:\s+'([^']*)')?(?:\s+tz='([^']*)')?\s*\}\}")

# https://momentjs.com/docs/#/displaying/format/
_MOMENT = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "DDDD": "%j",
    "DD": "%d",
    "dddd": "%A",
    "ddd": "%a",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "ZZ": "%z",
    "A": "%p",
    "M": "%-m",
    "D": "%-d",
    "H": "%-H",
    "h": "%-I",
    "m": "%-M",
    "s": "%-S",
}
# What strftime has no letter for.
_OWN: Mapping[str, Callable[[datetime], str]] = {
    "X": lambda when: str(int(when.timestamp())),
    "Do": lambda when: _ordinal(when.day),
    "SSS": lambda when: f"{when.microsecond // 1000:03}",
    "a": lambda when: when.strftime("%p").lower(),
}
_TOKEN = re.compile(r"\[([^\]]*)\]|" + "|".join(sorted({**_MOMENT, **_OWN}, key=len, reverse=True)))


def render(text: str, event: Event, more: Mapping[str, str] | None = None) -> str:
    """The text with its expressions replaced; UsageError for one that is not known."""

    def value(match: re.Match[str]) -> str:
        name, argument, zone = match.groups()
        if name in {"date", "commit_date"}:
            when = event.now if name == "date" else event.commit_time or event.now
            return moment(when, argument or "YYYY-MM-DDTHH:mm:ssZ", zone or "UTC")
        values = {**_globals(event), **(more or {})}
        if name not in values:
            raise UsageError(f"{text!r}: there is no expression {match[0]}; there are {', '.join(sorted(values))}")
        return values[name]

    return _EXPRESSION.sub(value, text)


def _globals(event: Event) -> dict[str, str]:
    return {
        "branch": slashless(event.branch),
        "tag": slashless(event.tag),
        "sha": event.sha[:7],
        "base_ref": slashless(event.base_ref),
        "is_default_branch": str(event.on_default_branch).lower(),
        "is_not_default_branch": str(not event.on_default_branch).lower(),
    }


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    last = 0 if number // 10 == 1 else number % 10
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def slashless(name: str) -> str:
    """A git name as a tag may hold it."""
    return name.replace("/", "-")


def moment(when: datetime, pattern: str, zone: str = "UTC") -> str:
    """A time in moment.js's format, in a time zone by its IANA name."""
    try:
        local = when.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"there is no time zone {zone!r}") from error

    def token(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        own = _OWN.get(match[0])
        return own(local) if own else local.strftime(_MOMENT[match[0]])

    return _TOKEN.sub(token, pattern)
