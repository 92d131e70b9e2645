"""Platforms as callers of the engine write them, and which of them this machine runs."""

from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.oci import platforms
from baselard.oci.errors import InvalidPlatformError
from baselard.oci.platforms import ARCHITECTURES, SYSTEMS, Platform

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_QEMU = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386", "loong64": "loongarch64", "mips64le": "mips64el"}


def parse(text: str) -> Platform:
    """Read ``linux/amd64``, ``amd64`` or ``linux``. Raises UserError for what is none, and for an unknown one."""
    try:
        found = platforms.parse(text.strip(), platforms.this_machine())
    except InvalidPlatformError:
        found = None
    if not found or found.os not in SYSTEMS or found.architecture not in ARCHITECTURES:
        raise UserError(
            f'"{text}": unknown operating system or architecture: write the platform like linux/amd64, linux/arm64 '
            "or linux/arm/v7"
        )
    return found


def wanted(text: str) -> Platform:
    """The platform that a caller wrote; this machine's own where it wrote none. Raises UserError."""
    return parse(text) if text else platforms.this_machine()


def require(platform: Platform) -> None:
    """Raise HostError if programs of ``platform`` do not run here, naming what to install."""
    own = platforms.this_machine()
    if platform.os != own.os:
        raise HostError(f"{platform} programs do not run on this machine ({own})")
    if not runs(platform):
        raise HostError(
            f"{platform} programs do not run on this machine ({own}): apt-get install qemu-user-static "
            f"binfmt-support registers the emulator {_emulator(platform)}"
        )


def runs(platform: Platform) -> bool:
    """Whether this machine, or an emulator that it starts inside containers too, runs programs of ``platform``."""
    own = platforms.this_machine()
    if platform.os != own.os:
        return False
    itself = (own.architecture, platform.architecture)
    return itself[0] == itself[1] or itself == ("amd64", "386") or _is_registered(_BINFMT / _emulator(platform))


def _emulator(platform: Platform) -> str:
    return f"qemu-{_QEMU.get(platform.architecture, platform.architecture)}"


def _is_registered(emulator: Path) -> bool:
    """Whether the kernel starts this emulator inside containers too: enabled, and opened beforehand (flag F)."""
    try:
        words = emulator.read_text().split()
    except OSError:
        return False
    return words[:1] == ["enabled"] and "F" in words[words.index("flags:") + 1]
