"""Semantic versions (https://semver.org) as npm's `semver` reads them: strictly, but for a leading `v`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(0|[1-9]\d*)"
_PART = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD = r"[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?(?:\+({_BUILD}(?:\.{_BUILD})*))?", re.ASCII
)
_LONGEST, _LARGEST = 256, 2**53 - 1


@dataclass(frozen=True)
class SemanticVersion:
    """A parsed version; `raw` is what was written."""

    raw: str
    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""

    @property
    def version(self) -> str:
        """Without leading v and build metadata."""
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{self.prerelease}" if self.prerelease else core

    @property
    def rank(self) -> tuple[int, int, int]:
        """The order of releases; of no use for pre-releases."""
        return self.major, self.minor, self.patch


def parse(text: str) -> SemanticVersion | None:
    """The version, or None when the text is none."""
    match = _VERSION.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if not match or any(int(number) > _LARGEST for number in match.groups()[:3]):
        return None
    major, minor, patch, prerelease, build = match.groups()
    return SemanticVersion(text, int(major), int(minor), int(patch), prerelease or "", build or "")
