"""Copies the bytes of one file: shared with the original where the file system can, holes kept as holes."""

import errno
import os
import stat
from collections.abc import Callable, Iterable

_NO_COPY_RANGE = (errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ETXTBSY)
_CHUNK = 1 << 20


def copy_bytes(source: str, target: str, opener: Callable[[str], int] | None = None) -> None:
    """Make ``target`` a new file with the bytes of ``source``: a reflink where possible, holes stay holes.

    ``opener`` gives the source's descriptor, in the place of ``opened``.
    """
    reading = (opener or opened)(source)
    try:
        copy_opened(reading, target)
    finally:
        os.close(reading)


def copy_opened(reading: int, target: str) -> None:
    """Make ``target`` a new file with the bytes of the file that is open as ``reading``."""
    writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _copy_data(reading, writing, os.fstat(reading))
    finally:
        os.close(writing)


def opened(path: str) -> int:
    """A descriptor to read a regular file. Raises OSError, ESTALE for what has become something else meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)


def _copy_data(reading: int, writing: int, info: os.stat_result) -> None:
    if info.st_blocks * 512 >= info.st_size:
        copy_range(reading, writing, 0, info.st_size)
        return
    os.ftruncate(writing, info.st_size)
    for start, end in _data(reading, info.st_size):
        copy_range(reading, writing, start, end - start)


def _data(descriptor: int, size: int) -> Iterable[tuple[int, int]]:
    """The ranges of a sparse file that hold data."""
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, position


def copy_range(reading: int, writing: int, position: int, left: int, *, shift: int = 0) -> None:
    """Copy ``left`` bytes from ``position`` to ``shift`` bytes further on; fewer if the file has become shorter."""
    while left > 0:
        try:
            copied = os.copy_file_range(reading, writing, left, position, position + shift)
        except OSError as error:
            if error.errno not in _NO_COPY_RANGE:
                raise
            copied = 0
        if not copied:  # some file systems report 0 where there is more to read, such as FUSE
            _copy_through_memory(reading, writing, position, left, shift)
            return
        position += copied
        left -= copied


def _copy_through_memory(reading: int, writing: int, position: int, left: int, shift: int) -> None:
    while left > 0:
        chunk = os.pread(reading, min(left, _CHUNK), position)
        if not chunk:
            return
        written = os.pwrite(writing, chunk, position + shift)
        position, left = position + written, left - written
