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
        version = packaging.version.Version(text)
    except packaging.version.InvalidVersion:
        return None
    if text != text.strip():
        return None
    final = not (version.is_prerelease or version.is_postrelease)
    return PythonVersion(
        text, _joined(version), version.major, version.minor, version.micro, final, version.is_prerelease
    )


def _joined(version: packaging.version.Version) -> str:
    """The normal form, but for the local part, which the action joins otherwise."""
    public = str(version).partition("+")[0]
    return f"{public}+{version.local.replace('.', '-')}" if version.local else public
