"""Semantic versions (https://semver.org), with the leading `v` that git tags have."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(0|[1-9]\d*)"
_VERSION = re.compile(rf"[v=]*{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class Version:
    """A parsed version; `raw` is what was written."""

    raw: str
    major: int
    minor: int
    patch: int
    prerelease: str = ""

    @property
    def version(self) -> str:
        """Without leading v and build metadata."""
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{self.prerelease}" if self.prerelease else core

    @property
    def rank(self) -> tuple[int, int, int]:
        """The order of releases; of no use for pre-releases."""
        return self.major, self.minor, self.patch


def parse(text: str) -> Version | None:
    """The version, or None when the text is none."""
    match = _VERSION.fullmatch(text.strip())
    if not match:
        return None
    major, minor, patch, prerelease = match.groups()
    return Version(text.strip(), int(major), int(minor), int(patch), prerelease or "")
