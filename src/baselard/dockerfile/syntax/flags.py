"""The `--name=value` flags in front of an instruction's arguments.

Rules and wording: BuildKit frontend/dockerfile/instructions/bflag.go.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STRING, BOOL, LIST = "string", "bool", "list"
TRUE_WORDS = ("1", "t", "T", "TRUE", "true", "True")
FALSE_WORDS = ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True)
class Flags:
    """The flags that were given; a flag may come twice only when it is a list."""

    values: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        return self.values.get(name, ("",))[-1]

    def all(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())

    def on(self, name: str) -> bool:
        return self.text(name) == "true"

    def maybe(self, name: str) -> bool | None:
        return self.on(name) if name in self.values else None


def suggestion(word: str, known: Sequence[str]) -> str:
    """BuildKit's closing question when a known word is near the unknown one."""
    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def parse_flags(words: Sequence[str], known: Mapping[str, str]) -> Flags:
    """Read `--name[=value]` words against `known` (name → kind).

    Raises ValueError, in BuildKit's words, for a flag that is unknown, repeated, or lacks its value.
    """
    values: dict[str, tuple[str, ...]] = {}
    for word in words:
        name, has_value, value = word.removeprefix("--").partition("=")
        if name not in known:
            raise ValueError(f"unknown flag: --{name}{suggestion(name, list(known))}")
        if name in values and known[name] != LIST:
            raise ValueError(f"duplicate flag specified: {name}")
        values[name] = (*values.get(name, ()), _value(name, known[name], value, bool(has_value)))
    return Flags(values)


def _value(name: str, kind: str, value: str, has_value: bool) -> str:
    if kind != BOOL:
        if not has_value:
            raise ValueError(f"missing a value on flag: --{name}")
        return value
    lowered = value.lower() if has_value else "true"
    if lowered not in ("true", "false"):
        raise ValueError(f"expecting boolean value for flag --{name}, not: {value}")
    return lowered


def truth(key: str, value: str) -> bool:
    """Go's ParseBool: the spellings that a mount's field accepts."""
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise ValueError(f"invalid value for {key}: {value}")


def split_fields(text: str) -> tuple[tuple[str, str | None], ...]:
    """The comma separated fields of a `--mount`: (lower-case key, value or None)."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ValueError(f"failed to parse csv mounts: {error}") from None
    fields = rows[0] if rows else []
    if not fields:
        raise ValueError("failed to parse csv mounts: EOF")
    return tuple(_field(word) for word in fields)


def _field(word: str) -> tuple[str, str | None]:
    key, has_value, value = word.partition("=")
    return key.lower(), value if has_value else None
