"""Versions of Python packages (PEP 440), read and written by `packaging`."""

from __future__ import annotations

from dataclasses import dataclass

import packaging.version


@dataclass(frozen=True)
class Version:
    """A parsed version; `raw` is what was written, `version` its normal form."""

    raw: str
    version: str
    major: int
    minor: int
    patch: int
    final: bool


def parse(text: str) -> Version | None:
    """The version, or None when the text is none."""
    try:
        found = packaging.version.Version(text)
    except packaging.version.InvalidVersion:
        return None
    final = not (found.is_prerelease or found.is_postrelease)
    return Version(text, str(found), found.major, found.minor, found.micro, final)
