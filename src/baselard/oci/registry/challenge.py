"""The demands of a server in WWW-Authenticate: the grammar of RFC 9110, sections 5.6 and 11.6.1, whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 -- the RFC's name for a word
_SCHEME = re.compile(rf"[ \t,]*({_TOKEN})(?= |\t|,|$)[ \t]*")
_TOKEN68 = re.compile(r"([0-9A-Za-z._~+/-]+=*)(?=[ \t]*(?:,|$))")
# An unquoted value should be a token; servers also send addresses so.
_PARAMETER = re.compile(rf'[ \t,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=[ \t]*(?:,|$))')


@dataclass(frozen=True)
class Challenge:
    """One scheme and its parameters, the names in lower case; ``token68`` is what a scheme has in their place."""

    scheme: str
    parameters: Mapping[str, str]
    token68: str = ""


def parse(fields: Sequence[str]) -> tuple[Challenge, ...]:
    """Every challenge of every field, in their order; of a malformed field those before the mistake."""
    return tuple(challenge for field in fields for challenge in _challenges(field.strip()))


def _challenges(field: str) -> Iterator[Challenge]:
    at = 0
    while scheme := _SCHEME.match(field, at):
        at = scheme.end()
        word = "" if scheme[0].rstrip() == scheme[0] else _token68(field, at)
        at += len(word)
        parameters: dict[str, str] = {}
        while not word and (match := _PARAMETER.match(field, at)):
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            parameters.setdefault(match[1].lower(), value)
            at = match.end()
        yield Challenge(scheme[1].lower(), parameters, word)


def _token68(field: str, at: int) -> str:
    match = _TOKEN68.match(field, at)
    return match[1] if match else ""
