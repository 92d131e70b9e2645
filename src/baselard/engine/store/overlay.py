"""Marks in a layer's directory for overlayfs, and small steps on directories that keep their looks.

Rules of the kernel's Documentation/filesystems/overlayfs.rst: a character device 0:0 hides what is below, a directory
with ``trusted.overlay.opaque=y`` hides what lower directories of its name hold. In a user namespace nobody may
set that: overlays are mounted with ``userxattr``, and the attribute is ``user.overlay.opaque``.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselard.engine.store import deep, ids

ATTRIBUTES = ("trusted.overlay.", "user.overlay.")
"""What the names of overlayfs's own extended attributes begin with."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WHITEOUT = os.makedev(0, 0)


def options() -> str:
    """The mount options by which overlayfs heeds these marks and sets no others.

    ``userxattr`` has no redirects and no metacopies, and does not bear ``redirect_dir=off`` beside it where the kernel
    follows redirects by default.
    """
    return "index=off," + ("metacopy=off,redirect_dir=off" if ids.are_all() else "userxattr")


def _opaque() -> str:
    return "trusted.overlay.opaque" if ids.are_all() else "user.overlay.opaque"


def is_whiteout(info: os.stat_result) -> bool:
    """Whether this entry of an upper directory says «deleted»."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == _WHITEOUT


def white_out(path: str | bytes, *, dir_fd: int | None = None) -> None:
    """Say «deleted» at ``path`` of an upper directory, where nothing is. Raises FileExistsError."""
    os.mknod(path, stat.S_IFCHR, _WHITEOUT, dir_fd=dir_fd)


def is_opaque(directory: Path | str | int) -> bool:
    """Whether this directory, or descriptor of one, of an upper directory replaces the one below instead of joining."""
    try:
        return os.getxattr(directory, _opaque(), follow_symlinks=isinstance(directory, int)) == b"y"
    except OSError:
        return False


def make_opaque(directory: str | int) -> None:
    """Have this directory of an upper directory replace the one below."""
    os.setxattr(directory, _opaque(), b"y")


def make_joined(directory: str) -> None:
    """Have this opaque directory of an upper directory join the one below."""
    os.removexattr(directory, _opaque())


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
        deep.remove(path)
    elif mode:
        os.unlink(path)


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return 0


def drop_idle(lower: int, upper: int, names: Sequence[bytes]) -> None:
    """Remove the whiteout ``names``, a path's components, of the open directory ``upper`` when it hides nothing.

    overlayfs hides one only in a directory that it joins with one below; anywhere else a listing shows the device that
    it is, though nothing is there for who asks by name. ``lower`` is the open root of all that lies below.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _directory(upper, names[:-1]) as here:
        if is_whiteout(os.lstat(names[-1], dir_fd=here)) and not _hides(lower, upper, names):
            info = os.fstat(here)
            os.unlink(names[-1], dir_fd=here)
            os.utime(here, ns=(info.st_atime_ns, info.st_mtime_ns))


def _hides(lower: int, upper: int, names: Sequence[bytes]) -> bool:
    """Whether something would show without the whiteout: every directory on the way is joined, and it is below."""
    for depth in range(1, len(names)):
        with _directory(upper, names[:depth]) as directory:
            if is_opaque(directory):
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
