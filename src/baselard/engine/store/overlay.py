"""What a layer's directory says to overlayfs, and small steps on directories that keep their looks.

Rules of the kernel's Documentation/filesystems/overlayfs.rst: a character device 0:0 hides what is below, a directory
with ``trusted.overlay.opaque=y`` hides what lower directories of its name hold.
"""

import os
import shutil
import stat
from pathlib import Path

ATTRIBUTES = ("trusted.overlay.", "user.overlay.")
"""What the names of overlayfs's own extended attributes begin with."""

_OPAQUE = "trusted.overlay.opaque"
_WHITEOUT = os.makedev(0, 0)


def is_whiteout(info: os.stat_result) -> bool:
    """Whether this entry of an upper directory says «deleted»."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == _WHITEOUT


def white_out(path: str | bytes, *, dir_fd: int | None = None) -> None:
    """Say «deleted» at ``path`` of an upper directory, where nothing is. Raises FileExistsError."""
    os.mknod(path, stat.S_IFCHR, _WHITEOUT, dir_fd=dir_fd)


def is_opaque(directory: Path | str | int) -> bool:
    """Whether this directory, or descriptor of one, of an upper directory replaces the one below instead of joining."""
    try:
        return os.getxattr(directory, _OPAQUE, follow_symlinks=isinstance(directory, int)) == b"y"
    except OSError:
        return False


def make_opaque(directory: str | int) -> None:
    """Have this directory of an upper directory replace the one below."""
    os.setxattr(directory, _OPAQUE, b"y")


def make_joined(directory: str) -> None:
    """Have this opaque directory of an upper directory join the one below."""
    os.removexattr(directory, _OPAQUE)


def copy_attributes(source: str, target: str) -> None:
    """Give the directory ``target`` the owner, mode, times and extended attributes of ``source``."""
    info = os.stat(source)
    os.chown(target, info.st_uid, info.st_gid)
    os.chmod(target, stat.S_IMODE(info.st_mode))
    for name in os.listxattr(source):
        if not name.startswith(ATTRIBUTES):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))


def remove(path: str) -> None:
    """Remove whatever is there, if anything."""
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        shutil.rmtree(path)
    elif mode:
        os.unlink(path)


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return 0
