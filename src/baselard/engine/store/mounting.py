"""System calls that Python has no function for: what is mounted, and two names that change places."""

import ctypes
import os
from pathlib import Path

_MNT_DETACH = 2
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str, flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError."""
    code = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(kind),
        ctypes.c_ulong(flags),
        os.fsencode(options),
    )
    if code:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {kind or source}: {os.strerror(number)}", str(target))


def unmount(target: Path) -> None:
    """umount2(2), at once even if something still looks at it. Raises OSError."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH):
        number = ctypes.get_errno()
        raise OSError(number, f"umount: {os.strerror(number)}", str(target))


def exchange(path: Path, other: Path) -> None:
    """Have two names change places at once (renameat2(2)). Raises OSError."""
    if _libc.renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, f"exchange: {os.strerror(number)}", str(other))
