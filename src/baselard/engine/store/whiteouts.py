"""Whiteouts that delete nothing. overlayfs hides one only in a directory that it joins with one below; anywhere else a
listing shows the device that it is, though nothing is there for who asks by name."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from baselard.engine.store import overlay

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def drop_idle(lower: int, upper: int, names: Sequence[bytes]) -> None:
    """Remove the whiteout ``names``, a path's components, of the open directory ``upper`` when it hides nothing.

    ``lower`` is the open root of all that lies below.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _directory(upper, names[:-1]) as here:
        is_whiteout = overlay.is_whiteout(os.lstat(names[-1], dir_fd=here))
        if is_whiteout and not _hides(lower, upper, names):
            info = os.fstat(here)
            os.unlink(names[-1], dir_fd=here)
            os.utime(here, ns=(info.st_atime_ns, info.st_mtime_ns))


def _hides(lower: int, upper: int, names: Sequence[bytes]) -> bool:
    """Whether something would show without the whiteout: every directory on the way is joined, and it is below."""
    for depth in range(1, len(names)):
        with _directory(upper, names[:depth]) as directory:
            if overlay.is_opaque(directory):
                return False
    try:
        with _directory(lower, names[:-1]) as below:
            os.lstat(names[-1], dir_fd=below)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextlib.contextmanager
def _directory(root: int, names: Sequence[bytes]) -> Iterator[int]:
    """The directory ``names``, no link followed. Raises FileNotFoundError, NotADirectoryError when it is none."""
    directory = os.dup(root)
    try:
        for name in names:
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        yield directory
    finally:
        os.close(directory)
