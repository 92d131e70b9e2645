"""Platforms: ``os/architecture[/variant]``, normalised as containerd's platforms package does."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from baselard.oci.errors import InvalidPlatformError

SYSTEMS = ("linux", "windows", "darwin", "freebsd", "wasi")
ARCHITECTURES = (
    "386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x",
)  # fmt: skip
"""Those of Go's names that Linux images exist for."""

_SPELLINGS = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "armv8l": ("arm64", ""),
}
_DEFAULT_VARIANT = {("arm", ""): "v7", ("arm64", "v8"): "", ("arm64", "8"): "", ("amd64", "v1"): ""}
_DEBIAN = {"386": "i386", "ppc64le": "ppc64el", "mips64le": "mips64el"}
_PART = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, order=True)
class Platform:
    """A platform in normal form; ``str()`` gives ``linux/amd64`` or ``linux/arm/v7``."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def to_json(self) -> dict[str, str]:
        """The OCI image index's ``platform`` object."""
        plain = {"architecture": self.architecture, "os": self.os}
        return {**plain, "variant": self.variant} if self.variant else plain

    @property
    def debian_architecture(self) -> str:
        """The name Debian gives this machine (``dpkg --print-architecture``)."""
        if self.architecture == "arm":
            return "armhf" if self.variant == "v7" else "armel"
        return _DEBIAN.get(self.architecture, self.architecture)


def normal(os_name: str, architecture: str, variant: str = "") -> Platform:
    """A Platform from any spelling of its parts; unknown spellings are kept, in lower case."""
    architecture, implied = _SPELLINGS.get(architecture.lower(), (architecture.lower(), ""))
    variant = variant.lower() or implied
    if variant.isdigit():
        variant = f"v{variant}"
    return Platform(os_name.lower(), architecture, _DEFAULT_VARIANT.get((architecture, variant), variant))


def this_machine() -> Platform:
    """The platform this machine runs natively."""
    # Python built for 32 bits on a 64-bit kernel is not served, so the kernel's word is enough.
    return normal(sys.platform, os.uname().machine)


def parse(text: str, own: Platform) -> Platform:
    """Read ``linux/amd64``, ``linux/arm64/v8``, ``amd64`` or ``linux``; what one word leaves open is ``own``'s.

    Two parts may name what nobody knows. Raises InvalidPlatformError for what is none, in containerd's words.
    """
    parts = text.lower().split("/")
    if len(parts) > 3 or not all(_PART.fullmatch(part) for part in parts):
        raise InvalidPlatformError(f'"{text}" is an invalid platform: must be os/arch[/variant]')
    if len(parts) > 1:
        return normal(*parts)
    if parts[0] in SYSTEMS:
        return Platform(parts[0], own.architecture, own.variant)
    found = normal("linux", parts[0])
    if found.architecture not in ARCHITECTURES:
        raise InvalidPlatformError(f'"{text}": unknown operating system or architecture')
    return found


def choose(wanted: Platform, offered: Iterable[Platform]) -> Platform | None:
    """The best of ``offered`` for ``wanted``: the same, or for 32-bit arm the next older variant; else None."""
    for variant in _acceptable_variants(wanted):
        for platform in offered:
            if (platform.os, platform.architecture, platform.variant) == (wanted.os, wanted.architecture, variant):
                return platform
    return None


def _acceptable_variants(wanted: Platform) -> list[str]:
    if wanted.architecture == "arm":
        return [variant for variant in ("v8", "v7", "v6", "v5") if variant <= wanted.variant]
    if wanted.architecture == "amd64":  # a newer level of the instruction set runs what was built for an older one
        return [level for level in ("v4", "v3", "v2") if level <= wanted.variant] + [""]
    return [wanted.variant]
