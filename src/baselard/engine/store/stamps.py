"""Times of modification for what the engine itself writes: never the hour at which it happens to do so.

A build made anew is the same image then, in whatever store. FIXED is the first day that zip archives can hold in every
time zone. Files are told apart by their content: Python, for one, trusts compiled code when its source has the time and
the size that it had.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from baselard.engine.store import deep

FIXED = 315_619_200 * 10**9
"""1980-01-02T00:00:00Z, in nanoseconds."""
_RANGE = 2**24 * 10**9  # about half a year


def of(content: bytes) -> int:
    """The time of a file that holds ``content``: within half a year from FIXED on."""
    return FIXED + int.from_bytes(hashlib.sha256(content).digest()[:3]) * 10**9


def is_fixed(time: int) -> bool:
    """Whether a time is one of those given here, and tells nobody anything; others came with their files."""
    return FIXED <= time < FIXED + _RANGE


def began(upper: Path) -> int:
    """Now, by the clock of the file system that has a new directory ``upper``."""
    return os.stat(upper).st_ctime_ns


def put(path: Path | str, time: int) -> None:
    """Set the time of an entry, of a link itself."""
    os.utime(path, ns=(time, time), follow_symlinks=False)


def put_all(root: Path, time: int) -> None:
    """Set the time of a directory and of everything in it."""
    for path in _bottom_up(root):
        put(path, time)


def settle(upper: Path, since: int, below: Path | None = None) -> None:
    """Give what was written in ``upper`` from ``since`` on a time of its own, or that of its directory ``below``."""
    for path in _bottom_up(upper):
        info = os.lstat(path)
        if info.st_mtime_ns >= since:
            put(path, _time(path, info, below / os.path.relpath(path, upper) if below else None))


def settle_directories(upper: Path, since: int) -> None:
    """The same for directories alone, where files came with times of their own."""
    for path in _bottom_up(upper):
        info = os.lstat(path)
        if stat.S_ISDIR(info.st_mode) and info.st_mtime_ns >= since:
            put(path, FIXED)


def _bottom_up(root: Path) -> Iterator[str]:
    for directory, directories, files in deep.walk(root, topdown=False):
        yield from (os.path.join(directory, name) for name in files)
        yield from (link for name in directories if os.path.islink(link := os.path.join(directory, name)))
        yield directory


def _time(path: str, info: os.stat_result, below: Path | None) -> int:
    if stat.S_ISREG(info.st_mode):
        return of(Path(path).read_bytes())
    if below and stat.S_ISDIR(info.st_mode) and below.is_dir():
        return below.stat().st_mtime_ns
    return FIXED
