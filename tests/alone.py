"""What is the machine's root's alone, and no user's namespace's: why a test is left out, or what stands in for it."""

import os
import stat
from pathlib import Path

import pytest

from baselard.engine.store import ids

DEVICES = pytest.mark.root("it makes devices")
MACHINES = pytest.mark.root("it makes whole machines")
USERS = pytest.mark.root("it makes a user")
ATTRIBUTES = pytest.mark.root("it sets attributes that are the machine's root's")
LIMITS = pytest.mark.root("it limits control groups")
NETWORK = pytest.mark.root("it looks into the machine's own network")
SUDO = pytest.mark.root("the user behind sudo is nobody else's to name")
DAEMONS = pytest.mark.root("it starts Docker's daemons beside")
OWNERS = pytest.mark.root("it gives files to owners beyond 65535")
EMULATOR = pytest.mark.root("it registers an emulator")


def device(path: Path, mode: int, major: int, minor: int) -> None:
    """A character device at ``path``; a pipe, where none may be made."""
    os.mknod(path, (stat.S_IFCHR if ids.are_all() else stat.S_IFIFO) | mode, os.makedev(major, minor))


def opaque(path: Path) -> str:
    """Say of a directory of a layer that it hides what is below; the attribute's name (overlayfs.rst, userxattr)."""
    name = f"{'trusted' if ids.are_all() else 'user'}.overlay.opaque"
    os.setxattr(path, name, b"y")
    return name


def owner(number: int) -> int:
    """The number, or the largest that there is for sure where it is larger."""
    return number if ids.are_all() else min(number, 65535)
