"""Platforms: ``os/architecture[/variant]`` in the OCI form, normalised as containerd's platforms package does."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from baselard.engine.errors import UserError

_ARCHITECTURES = {
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
_SYSTEMS = {"linux", "windows", "darwin", "freebsd"}
_KNOWN = {"amd64", "arm64", "arm", "386", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le", "mips64", "loong64"}
_DEFAULT_VARIANT = {("arm", ""): "v7", ("arm64", "v8"): "", ("arm64", "8"): "", ("amd64", "v1"): ""}
_DEBIAN = {"386": "i386", "ppc64le": "ppc64el", "mips64le": "mips64el"}


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
    architecture, implied = _ARCHITECTURES.get(architecture.lower(), (architecture.lower(), ""))
    variant = variant.lower() or implied
    if variant.isdigit():
        variant = f"v{variant}"
    return Platform(os_name.lower(), architecture, _DEFAULT_VARIANT.get((architecture, variant), variant))


def parse(text: str) -> Platform:
    """Read ``linux/amd64``, ``linux/arm64/v8``, ``amd64`` or ``linux``. Raises UserError for anything else."""
    parts = text.strip().lower().split("/")
    if len(parts) == 1 and parts[0] == "linux":
        return default()
    if len(parts) == 1:
        parts = ["linux", *parts]
    wrong = len(parts) > 3 or not all(part.replace("_", "").replace("-", "").isalnum() for part in parts)
    if wrong or parts[0] not in _SYSTEMS or normal(*parts).architecture not in _KNOWN:
        raise UserError(
            f'"{text}": unknown operating system or architecture: write the platform like linux/amd64, linux/arm64 '
            "or linux/arm/v7"
        )
    return normal(*parts)


def default() -> Platform:
    """The platform this machine runs natively."""
    # Python built for 32 bits on a 64-bit kernel is not served, so the kernel's word is enough.
    return normal(sys.platform, os.uname().machine)


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
