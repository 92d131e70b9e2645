"""openat2(2), which Python does not offer: the kernel resolves a path by rules that no exchange of names gets round."""

import ctypes
import errno
import os
import struct

HERE = -100
"""AT_FDCWD: no directory but the working one, for absolute paths."""

IN_ROOT = 0x10 | 0x02
"""RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: the directory is the root, links lead inside it."""

NO_LINKS = 0x04
"""RESOLVE_NO_SYMLINKS: no part of the path is a link."""

_NUMBER = 437  # on every architecture
_NOT_HERE = (errno.ENOSYS, errno.EPERM)  # before Linux 5.6; refused by a filter that knows it not
_libc = ctypes.CDLL(None, use_errno=True)


def opened(directory: int, path: str | bytes, flags: int, resolve: int) -> int | None:
    """A descriptor of ``path`` below ``directory``; None where the kernel does not tell.

    That is where it has no such call, and where names were exchanged too quickly. Raises OSError.
    """
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve)
    descriptor = int(_libc.syscall(_NUMBER, directory, os.fsencode(path), how, len(how)))
    if descriptor >= 0:
        return descriptor
    if (number := ctypes.get_errno()) in (*_NOT_HERE, errno.EAGAIN):
        return None
    raise OSError(number, os.strerror(number), os.fsdecode(path))
