"""Reads a small file whole: a regular one alone, and no more of it than may be had.

A file that others made may be a pipe, a device or a link to one, which would block or never end. Nothing but a regular
file is opened at all, since opening a device can do something by itself.
"""

import os
import stat
from pathlib import Path

from baselard.engine.errors import UserError

SMALL = 16 << 20
"""Bytes that a file with settings, or a table of names, may have."""


def opened(path: str | bytes | Path, shown: str = "", *, within: int | None = None) -> int:
    """A descriptor to read the regular file at ``path``; below the directory ``within``, no link is followed.

    Raises OSError when it cannot be opened, UserError, which calls it ``shown``, when it is something else.
    """
    link = 0 if within is None else os.O_NOFOLLOW
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC | link, dir_fd=within)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UserError(f"{shown or os.fsdecode(path)}: not a regular file")
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(handle)


def read(path: str | bytes | Path, shown: str = "", *, most: int = SMALL, within: int | None = None) -> bytes:
    """The bytes of what ``opened`` opens. Raises as that does, and UserError when there are more than ``most``."""
    with open(opened(path, shown, within=within), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UserError(f"{shown or os.fsdecode(path)}: has more than {most >> 20} MiB, too much to be read")
    return data
