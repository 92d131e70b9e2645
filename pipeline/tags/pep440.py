"""Versions of Python packages (PEP 440), read and written by `packaging`."""

from __future__ import annotations

from dataclasses import dataclass

import packaging.version


@dataclass(frozen=True)
class PythonVersion:
    """A parsed version; `raw` is what was written, `version` its normal form; a post-release is not `final` either."""

    raw: str
    version: str
    major: int
    minor: int
    patch: int
    final: bool
    prerelease: bool = False


def parse(text: str) -> PythonVersion | None:
    """The version, or None when the text is none. Unlike `packaging`, the action takes no space around it."""
    try:
        found = packaging.version.Version(text)
    except packaging.version.InvalidVersion:
        return None
    if text != text.strip():
        return None
    final = not (found.is_prerelease or found.is_postrelease)
    return PythonVersion(text, _joined(found), found.major, found.minor, found.micro, final, found.is_prerelease)


def _joined(version: packaging.version.Version) -> str:
    """The normal form, but for the local part, which the action joins otherwise."""
    public = str(version).partition("+")[0]
    return f"{public}+{version.local.replace('.', '-')}" if version.local else public
